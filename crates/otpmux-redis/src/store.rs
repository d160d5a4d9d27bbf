use std::fmt;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use otpmux_core::{Error, Verdict};
use otpmux_engine::{
    AcceptedAttempt, AttemptStarted, AttemptState, Create, Created, DeliveryMark, DueEvents,
    EndpointName, EndpointState, EndpointStatus, EventEnd, EventId, Guess, GuessEnd, Guessed,
    HealthUpdate, KeyCheck, KeyId, LimitKey, LimitScope, Lost, NewEvent, QueuedEvent, ReceiptOf,
    Received, RecipientHash, Record, RecordOutcome, Reschedule, SendAttempt, StartAttempt, State,
    StoreState, VerificationId, VerificationStore, Wanted, Which, longest,
};

use crate::codec;
use crate::connection::RedisConnection;
use crate::encoder::Encode;
use crate::error::CallError;
use crate::key_names::{Key, KeyNames};
use crate::options::{Options, OptionsError, Time};
use crate::outbox;
use crate::reply::Reply;
use crate::script::Operation;
use crate::script_call::{ScriptCall, is_long, push_decimal};

/// The place of a hit that is not there.
const NO_HIT: u8 = u8::MAX;

/// The most accepted send attempts that one script records: a longer one would hold up the other
/// calls.
const AT_ONCE: usize = 128;

/// Store on Redis, for any number of processes.
///
/// Every operation is one script: one atomic step and one round trip. If Redis cannot be reached,
/// does not answer in time, refuses or gives an unreadable answer, the operation fails with
/// [`ErrorKind::Store`](otpmux_core::ErrorKind::Store), whose text says what to do; it never
/// approves a code. An operation whose answer was lost may have been carried out, and then the
/// error says so.
pub struct RedisStore {
    link: RedisConnection,
    names: KeyNames,
    namespace: String,
    time: Time,
}

impl RedisStore {
    /// Creates a store on the server of this URL, or on the cluster of which these are some nodes;
    /// user, password and TLS of the first URL apply to all nodes.
    ///
    /// Connects at the first call, and again after a lost connection: a process can start without
    /// Redis, and returns errors until Redis can be reached. [`health`] reports whether it can.
    ///
    /// # Errors
    ///
    /// The URLs or options are invalid.
    ///
    /// [`health`]: VerificationStore::health
    pub fn connect<Url: AsRef<str>>(
        urls: impl IntoIterator<Item = Url>,
        options: Options,
    ) -> Result<Self, OptionsError> {
        let servers = options.check(urls)?;
        // A program may contain several crypto libraries, so rustls needs a choice. An earlier
        // choice remains.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        Ok(Self {
            link: RedisConnection::new(servers, &options),
            names: KeyNames::new(&options.namespace),
            namespace: options.namespace,
            time: options.time,
        })
    }

    async fn run<T>(
        &self,
        call: ScriptCall<'_>,
        read: impl FnOnce(Reply) -> Result<T, CallError>,
    ) -> Result<T, Error> {
        let answer = self.ask(&call).await.and_then(read);
        answer.map_err(|error| error.into_error(call.operation))
    }

    async fn ask(&self, call: &ScriptCall<'_>) -> Result<Reply, CallError> {
        self.link.call(call).await.and_then(Reply::of)
    }

    fn call(&self, operation: Operation, now: SystemTime) -> ScriptCall<'_> {
        ScriptCall::new(operation, &self.names, now)
    }

    fn on_record(
        &self,
        operation: Operation,
        id: VerificationId,
        now: SystemTime,
    ) -> ScriptCall<'_> {
        self.call(operation, now).key(&Key::record(id))
    }

    /// Adds the key of the guess's name, if it has one.
    fn on_guess(
        &self,
        operation: Operation,
        id: VerificationId,
        guess: &Guess,
        now: SystemTime,
    ) -> ScriptCall<'_> {
        named(self.on_record(operation, id, now), guess)
    }

    /// Returns a call with the keys of the verification that a guess selects, and the number by
    /// which the script knows the selection.
    fn select(&self, guess: &Guess, now: SystemTime) -> (ScriptCall<'_>, u8) {
        let call = self.call(Operation::CheckGuess, now);
        let (call, how) = match guess.which() {
            Which::Id(id) => (call.key(&Key::record(*id)), 1),
            Which::Recipient { hashes, .. } => {
                (hashes.iter().fold(call, |call, hash| call.key(&Key::Recipient(hash))), 2)
            }
            Which::External(tags) => {
                (tags.iter().fold(call, |call, tag| call.key(&Key::External(tag))), 3)
            }
        };
        (named(call, guess), how)
    }
}

fn named<'a>(call: ScriptCall<'a>, guess: &Guess) -> ScriptCall<'a> {
    match guess.name() {
        Some(name) => call.key(&Key::Guess(name.name)),
        None => call,
    }
}

/// Appends what a verification must be for the script to find it: its purpose, and its recipient in
/// every form. Nothing if nothing is expected.
fn expected(bytes: &mut Vec<u8>, guess: &Guess) {
    let (selected, of) = match guess.which() {
        Which::Recipient { hashes, purpose } => (Some(&hashes[..]), Some(purpose)),
        Which::Id(_) | Which::External(_) => (None, None),
    };
    let (purpose, recipients) = (guess.purpose().or(of), selected.or(guess.recipients()));
    if purpose.is_none() && recipients.is_none() {
        return;
    }
    bytes.extend([u8::from(purpose.is_some()), u8::from(recipients.is_some())]);
    bytes.maybe(purpose.map(codec::purpose));
    let of_both = |hash: &&RecipientHash| guess.recipients().is_none_or(|all| all.contains(*hash));
    for hash in recipients.unwrap_or_default().iter().filter(of_both) {
        bytes.extend_from_slice(&hash.0);
    }
}

/// Appends whose windows count a guess: the guesser's own, and those of all.
fn who(bytes: &mut Vec<u8>, guess: &Guess) {
    bytes.extend_from_slice(&guess.own().who);
    bytes.extend_from_slice(&guess.total().who);
}

/// Appends what is guessed, if the guess has a name.
fn content(bytes: &mut Vec<u8>, guess: &Guess) {
    if let Some(name) = guess.name() {
        bytes.extend_from_slice(&name.content);
    }
}

#[async_trait]
impl VerificationStore for RedisStore {
    async fn create(&self, create: Create, now: SystemTime) -> Result<Created, Error> {
        let Create { record, external, limit_hits, repeat } = create;
        let request = record.request.as_deref();
        let kept = record.kept_until().duration_since(now).unwrap_or_default();
        let mut call = self
            .on_record(Operation::Create, record.id, now)
            .key(&Key::Recipient(&record.recipient))
            .key(&Key::Health);
        if let Some(request) = request {
            call = call.key(&Key::Request(&request.name));
        }
        for tag in &external {
            call = call.key(&Key::External(tag));
        }
        let mode = match (record.id.is_delivery(), repeat) {
            (true, _) => b'd',
            (false, true) => b'r',
            (false, false) => b'-',
        };
        // The recipient's own hit is in the recipient's key, so it is none of the others.
        let own = LimitKey::of_recipient(LimitScope::Recipient, &record.recipient);
        let own = limit_hits.iter().position(|limit_hit| limit_hit.key == own);
        let windows = own.map_or(&[][..], |place| &limit_hits[place].windows);
        let others = limit_hits.iter().enumerate();
        let others = others.filter_map(|(place, hit)| (Some(place) != own).then_some(hit));
        let long = u8::from(others.clone().any(is_long));
        // A client has far fewer server keys and limits.
        let byte = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
        let (externals, own) = (byte(external.len()), own.map_or(NO_HIT, byte));
        let kept = at_least_a_moment(kept);
        let call = call
            .time_to_live(kept)
            .argument(|bytes| codec::write(bytes, &record))
            .text([mode, u8::from(request.is_some()), externals, long, own])
            .argument(|bytes| {
                if !record.id.is_delivery() {
                    bytes.seconds(record.kept_until());
                    bytes.field(codec::purpose(&record.purpose));
                }
            })
            .windows(windows)
            .time_to_live(kept.max(longest(windows)))
            .limit_hits(others);
        self.run(call, |mut reply| match &*reply.word {
            "new" => {
                let updates = reply.maybe_updates()?;
                reply.end(Created::New(updates))
            }
            "before" => {
                let id = reply.id()?;
                let record = reply.record(id)?;
                reply.end(Created::Replayed(Box::new(record)))
            }
            "key_reused" => reply.end(Created::KeyReused),
            "live" => {
                let id = reply.id()?;
                let record = reply.record(id)?;
                reply.end(Created::Live(Box::new(record)))
            }
            "external_id_taken" => reply.end(Created::ExternalIdTaken),
            "given_up" => reply.end(Created::GivenUp),
            "limited" => {
                let limited = reply.limited(&limit_hits)?;
                reply.end(Created::LimitExceeded(limited))
            }
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    async fn start_attempt(
        &self,
        id: VerificationId,
        begin: StartAttempt,
        now: SystemTime,
    ) -> Result<AttemptStarted, Error> {
        let StartAttempt {
            ends,
            skips,
            health_updates,
            attempt,
            resend,
            escalation,
            limit_hits,
            facts,
        } = begin;
        let call = self
            .on_record(Operation::StartAttempt, id, now)
            .key(&Key::Health)
            .argument(|bytes| codec::ends(bytes, &ends))
            .argument(|bytes| codec::skips(bytes, &skips))
            .argument(|bytes| codec::new_attempt(bytes, &attempt))
            .argument(|bytes| {
                if let Some(terms) = resend {
                    bytes.number(terms.max_resends);
                    bytes.time(terms.next_after);
                }
                if let Some(terms) = escalation {
                    bytes.push(terms.step);
                    codec::maybe_time(bytes, terms.next_due_at);
                }
            })
            .health_updates(&health_updates)
            .text(facts.as_deref().unwrap_or_default())
            .limit_hits(&limit_hits);
        self.run(call, |mut reply| match &*reply.word {
            "attempt" => {
                let place = reply.number()?;
                reply.end(AttemptStarted::Started(place))
            }
            "over" => reply.nested().map(AttemptStarted::Over),
            "too_soon" => {
                let wait = reply.millis()?;
                reply.end(AttemptStarted::TooSoon(wait))
            }
            "too_many" => reply.end(AttemptStarted::TooMany),
            "not_due" => reply.end(AttemptStarted::NotDue),
            "limited" => {
                let limited = reply.limited(&limit_hits)?;
                reply.end(AttemptStarted::LimitExceeded(limited))
            }
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    async fn record_outcome(
        &self,
        id: VerificationId,
        record_outcome: RecordOutcome,
        now: SystemTime,
    ) -> Result<State, Error> {
        let RecordOutcome { ends, skips, health_updates, close, refunds, lost, unconfirmed } =
            record_outcome;
        let call = self.on_record(Operation::RecordOutcome, id, now).key(&Key::Health);
        let call = refunds
            .iter()
            .fold(call, |call, refund| call.key(&Key::Limit(refund.key)))
            .argument(|bytes| codec::ends(bytes, &ends))
            .argument(|bytes| codec::skips(bytes, &skips))
            .argument(|bytes| {
                bytes.push(u8::from(close));
                for refund in &refunds {
                    bytes.time(refund.at);
                }
            })
            .health_updates(&health_updates)
            .argument(|bytes| match lost {
                None => {}
                Some(Lost::Creation(until)) => {
                    bytes.push(b'c');
                    let kept = until.duration_since(now).unwrap_or_default();
                    push_decimal(bytes, at_least_a_moment(kept));
                }
                Some(Lost::SendAttempt(attempt)) => {
                    bytes.push(b'a');
                    let attempt = SendAttempt { state: AttemptState::NotSent, ..attempt };
                    codec::new_attempt(bytes, &attempt);
                }
            })
            .argument(|bytes| {
                if let Some(unconfirmed) = unconfirmed {
                    bytes.place(usize::from(unconfirmed.place));
                    bytes.extend_from_slice(unconfirmed.reason.as_str().as_bytes());
                }
            });
        self.run(call, |reply| {
            let state = match reply.word.as_bytes() {
                [letter] => codec::read_state(*letter),
                _ => None,
            };
            let state = state.ok_or(CallError::Unreadable)?;
            reply.end(state)
        })
        .await
    }

    async fn record_accepted(
        &self,
        accepted: Vec<AcceptedAttempt>,
        now: SystemTime,
    ) -> Result<(), Error> {
        for some in accepted.chunks(AT_ONCE) {
            let call = self.call(Operation::RecordAccepted, now);
            let call = some
                .iter()
                .fold(call, |call, accepted| call.key(&Key::record(accepted.id)))
                .argument(|bytes| {
                    for accepted in some {
                        codec::accepted(bytes, accepted);
                    }
                });
            self.run(call, |reply| match &*reply.word {
                "done" => reply.end(()),
                _ => Err(CallError::Unreadable),
            })
            .await?;
        }
        Ok(())
    }

    fn batches_outcomes(&self) -> bool {
        true
    }

    async fn check_guess(&self, guess: &Guess, now: SystemTime) -> Result<Guessed, Error> {
        if matches!(guess.which(), Which::Id(id) if id.is_delivery()) {
            return Ok(Guessed::NONE);
        }
        let (call, how) = self.select(guess, now);
        let call = call
            .argument(|bytes| expected(bytes, guess))
            .windows(&guess.own().windows)
            .windows(&guess.total().windows)
            .argument(|bytes| {
                bytes.extend([how, u8::from(guess.name().is_some())]);
                who(bytes, guess);
                content(bytes, guess);
                if let Which::Recipient { purpose, .. } = guess.which() {
                    bytes.field(codec::purpose(purpose));
                }
            });
        let call = guess.forms().iter().fold(call, |call, form| {
            call.argument(|bytes| {
                bytes.extend_from_slice(&form.mac);
                bytes.extend_from_slice(form.key.as_bytes());
            })
        });
        self.run(call, |mut reply| match &*reply.word {
            "ask_vendors" => {
                let id = reply.id()?;
                let record = reply.record(id)?;
                reply.end(Guessed::AskVendors(Box::new(record)))
            }
            "key_reused" => reply.end(Guessed::KeyReused),
            _ => {
                let id = reply.maybe_id()?;
                reply.verdict().map(|verdict| Guessed::Verdict { verdict, id })
            }
        })
        .await
    }

    async fn approve(
        &self,
        id: VerificationId,
        guess: &Guess,
        now: SystemTime,
    ) -> Result<Verdict, Error> {
        if id.is_delivery() {
            return Ok(Verdict::NotFound);
        }
        let call = self
            .on_guess(Operation::Approve, id, guess, now)
            .argument(|bytes| who(bytes, guess))
            .maybe_time(guess.was_counted_at())
            .argument(|bytes| content(bytes, guess));
        self.run(call, Reply::verdict).await
    }

    async fn end_guess(
        &self,
        id: VerificationId,
        guess: &Guess,
        end: GuessEnd,
        now: SystemTime,
    ) -> Result<(), Error> {
        if id.is_delivery() {
            return Ok(());
        }
        let left = match end {
            GuessEnd::Wrong(left) => Some(left),
            GuessEnd::NotCompared => None,
        };
        let call = self
            .on_guess(Operation::EndGuess, id, guess, now)
            .argument(|bytes| who(bytes, guess))
            .maybe_time(guess.was_counted_at())
            .argument(|bytes| {
                if let Some(left) = left {
                    bytes.number(left);
                }
            })
            .argument(|bytes| content(bytes, guess));
        self.run(call, |reply| match &*reply.word {
            "done" => reply.end(()),
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    async fn receive(
        &self,
        attempt: ReceiptOf,
        mark: DeliveryMark,
        now: SystemTime,
    ) -> Result<Received, Error> {
        let (key, place) = match attempt {
            ReceiptOf::Attempt { id, place } => (Key::record(id), Some(place)),
            ReceiptOf::Reference(tag) => (Key::Reference(tag), None),
        };
        let call = self
            .call(Operation::Receive, now)
            .key(&key)
            .argument(|bytes| bytes.long_number(mark.number()))
            .argument(|bytes| {
                if let Some(place) = place {
                    bytes.place(usize::from(place));
                }
            });
        self.run(call, |mut reply| match &*reply.word {
            "changed" => {
                let id = reply.id()?;
                let place = reply.number()?;
                let before = reply.mark()?;
                let record = Box::new(reply.record(id)?);
                reply.end(Received::Changed { record, place, before })
            }
            "same" => reply.end(Received::Same),
            "gone" => reply.end(Received::Gone),
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    async fn cancel(&self, id: VerificationId, now: SystemTime) -> Result<bool, Error> {
        self.run(self.on_record(Operation::Cancel, id, now), |reply| match &*reply.word {
            "cancelled" => reply.end(true),
            "over" => reply.end(false),
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    async fn due(
        &self,
        now: SystemTime,
        lease: Duration,
        most: usize,
    ) -> Result<Vec<VerificationId>, Error> {
        let call = self
            .call(Operation::Due, now)
            .key(&Key::Due)
            .argument(|bytes| bytes.time(now + lease))
            .text(most.to_string());
        self.run(call, |mut reply| match &*reply.word {
            "due" => {
                let mut ids = Vec::new();
                while let Some(id) = reply.maybe_id()? {
                    ids.push(id);
                }
                reply.end(ids)
            }
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    async fn reschedule(
        &self,
        id: VerificationId,
        reschedule: Reschedule,
        now: SystemTime,
    ) -> Result<(), Error> {
        let Reschedule { step, next_step, due_at, skips } = reschedule;
        let call = self
            .on_record(Operation::Reschedule, id, now)
            .argument(|bytes| {
                bytes.extend([step, next_step]);
                codec::maybe_time(bytes, due_at);
            })
            .argument(|bytes| codec::skips(bytes, &skips));
        self.run(call, |reply| match &*reply.word {
            "done" => reply.end(()),
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    fn keeps_events(&self) -> bool {
        true
    }

    async fn put_event(&self, event: NewEvent, now: SystemTime) -> Result<bool, Error> {
        let NewEvent { endpoints, id, facts, reason, once } = event;
        let call = self.call(Operation::PutEvent, now).key(&Key::Endpoints);
        let call = match &once {
            Some(once) => {
                let call = call.key(&Key::Event(&once.key));
                once.releases.iter().fold(call, |call, key| call.key(&Key::Event(key)))
            }
            None => call,
        };
        let until = once.map(|once| once.until);
        let kept = until.map(|until| until.duration_since(now).unwrap_or_default());
        let call = call
            .text(id.to_string())
            .text(&*facts)
            .text(reason.as_deref().unwrap_or_default())
            .maybe_time(until)
            .time_to_live(at_least_a_moment(kept.unwrap_or_default()));
        let call = endpoints.iter().fold(call, |call, endpoint| call.text(endpoint.as_str()));
        self.run(call, |reply| match &*reply.word {
            "written" => reply.end(true),
            "held" => reply.end(false),
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    async fn events_due(
        &self,
        wanted: &[Wanted],
        lease: Duration,
        now: SystemTime,
    ) -> Result<DueEvents, Error> {
        let call = self
            .call(Operation::EventsDue, now)
            .key(&Key::Endpoints)
            .argument(|bytes| bytes.time(now + lease));
        let call = wanted
            .iter()
            .fold(call, |call, it| call.text(it.endpoint.as_str()).text(it.most.to_string()));
        self.run(call, |mut reply| match &*reply.word {
            "events" => {
                let dropped = reply.number()?;
                let events = outbox::events(&mut reply)?;
                reply.end(DueEvents { events, dropped })
            }
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    async fn end_event(
        &self,
        endpoint: &EndpointName,
        id: EventId,
        end: EventEnd,
        now: SystemTime,
    ) -> Result<Option<SystemTime>, Error> {
        let (became, due_at) = outbox::end(end);
        let call = self
            .call(Operation::EndEvent, now)
            .key(&Key::Endpoints)
            .text(endpoint.as_str())
            .text(id.to_string())
            .text(became)
            .maybe_time(due_at);
        self.run(call, |mut reply| match &*reply.word {
            "done" => {
                let since = reply.maybe_number()?.map(Duration::from_millis);
                reply.end(since.map(|since| SystemTime::UNIX_EPOCH + since))
            }
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    async fn events_waiting(
        &self,
        endpoint: &EndpointName,
        most: usize,
    ) -> Result<Vec<QueuedEvent>, Error> {
        let call = self
            .call(Operation::EventsWaiting, SystemTime::UNIX_EPOCH)
            .key(&Key::Endpoints)
            .text(endpoint.as_str())
            .text(most.to_string());
        self.run(call, |mut reply| match &*reply.word {
            "events" => {
                let events = outbox::events(&mut reply)?;
                reply.end(events)
            }
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    async fn endpoints(&self) -> Result<Vec<EndpointStatus>, Error> {
        let call = self.call(Operation::Endpoints, SystemTime::UNIX_EPOCH).key(&Key::Endpoints);
        self.run(call, |mut reply| match &*reply.word {
            "endpoints" => {
                let endpoints = outbox::endpoints(&mut reply)?;
                reply.end(endpoints)
            }
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    async fn set_endpoint(
        &self,
        endpoint: &EndpointName,
        state: EndpointState,
    ) -> Result<(), Error> {
        let call = self
            .call(Operation::SetEndpoint, SystemTime::UNIX_EPOCH)
            .key(&Key::Endpoints)
            .text(endpoint.as_str())
            .text(outbox::letter(state));
        self.run(call, |reply| match &*reply.word {
            "done" => reply.end(()),
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    async fn load(&self, id: VerificationId, now: SystemTime) -> Result<Option<Record>, Error> {
        self.run(self.on_record(Operation::Load, id, now), |mut reply| match &*reply.word {
            "record" => {
                let record = reply.record(id)?;
                reply.end(Some(record))
            }
            "none" => reply.end(None),
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    async fn health(&self, now: SystemTime) -> Result<Vec<HealthUpdate>, Error> {
        let call = self.call(Operation::Health, now).key(&Key::Health);
        self.run(call, |mut reply| match &*reply.word {
            "updates" => {
                let updates = reply.updates()?;
                reply.end(updates)
            }
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    async fn check_keys(&self, keys: &[KeyCheck]) -> Result<Vec<KeyId>, Error> {
        // This operation does not depend on the time.
        let call = self.call(Operation::CheckKeys, SystemTime::UNIX_EPOCH).key(&Key::Keys);
        let call = keys.iter().fold(call, |call, key| call.text(key.id.as_bytes()).text(key.value));
        self.run(call, |mut reply| {
            let mut differ = Vec::new();
            while let Some(place) = reply.maybe_number::<usize>()? {
                differ.push(KeyId::clone(&keys.get(place).ok_or(CallError::Unreadable)?.id));
            }
            reply.end(differ)
        })
        .await
    }

    async fn probe(&self, now: SystemTime) -> Result<StoreState, Error> {
        let probe = |operation| self.call(operation, now).key(&Key::Probe);
        match self.ask(&probe(Operation::Probe)).await {
            // From version 7 on, a full Redis still accepts the writes that check a code.
            Err(error) if error.is_out_of_memory() => {
                self.run(probe(Operation::ProbeWhenFull), |reply| reply.end(StoreState::Full)).await
            }
            reply => reply
                .and_then(|reply| reply.end(StoreState::Ok))
                .map_err(|error| error.into_error(Operation::Probe)),
        }
    }

    async fn time(&self) -> Result<Option<SystemTime>, Error> {
        if self.time == Time::Caller {
            return Ok(None);
        }
        let call = self.call(Operation::Time, SystemTime::UNIX_EPOCH).key(&Key::Probe);
        self.run(call, |mut reply| {
            let since = reply.millis()?;
            let time = SystemTime::UNIX_EPOCH.checked_add(since).ok_or(CallError::Unreadable)?;
            reply.end(Some(time))
        })
        .await
    }
}

/// Redis refuses a time to live of zero.
fn at_least_a_moment(time: Duration) -> Duration {
    time.max(Duration::from_millis(1))
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("namespace", &self.namespace)
            .field("link", &self.link)
            .finish_non_exhaustive()
    }
}
