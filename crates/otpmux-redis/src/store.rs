use std::fmt;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use otpmux_core::{Error, Purpose, Verdict};
use otpmux_engine::{
    AttemptStarted, AttemptState, Create, Created, DeliveryMark, Guess, GuessEnd, Guessed,
    HealthUpdate, KeyCheck, KeyId, Lost, ReceiptOf, Received, RecipientHash, Record, RecordOutcome,
    Reschedule, SendAttempt, StartAttempt, State, StoreState, VerificationId, VerificationStore,
    Which,
};

use crate::codec;
use crate::connection::RedisConnection;
use crate::encoder::Encoder;
use crate::error::CallError;
use crate::hex::hex;
use crate::key_names::KeyNames;
use crate::options::{Options, OptionsError, Time};
use crate::reply::Reply;
use crate::script::Operation;
use crate::script_call::ScriptCall;

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
        call: ScriptCall,
        read: impl FnOnce(Reply) -> Result<T, CallError>,
    ) -> Result<T, Error> {
        let answer = self.ask(&call).await.and_then(read);
        answer.map_err(|error| error.into_error(call.operation))
    }

    async fn ask(&self, call: &ScriptCall) -> Result<Reply, CallError> {
        self.link.call(call).await.and_then(Reply::of)
    }

    fn on_record(&self, operation: Operation, id: VerificationId, now: SystemTime) -> ScriptCall {
        ScriptCall::new(operation, self.names.record(id), now)
    }

    /// Adds the key of the guess's name, if it has one.
    fn on_guess(
        &self,
        operation: Operation,
        id: VerificationId,
        guess: &Guess,
        now: SystemTime,
    ) -> ScriptCall {
        self.named(self.on_record(operation, id, now), guess)
    }

    fn named(&self, call: ScriptCall, guess: &Guess) -> ScriptCall {
        match guess.name() {
            Some(name) => call.key(self.names.guess(&name.name)),
            None => call,
        }
    }

    /// Returns a call with the keys of the verification that a guess selects, and the number by
    /// which the script knows the selection.
    fn select(&self, guess: &Guess, now: SystemTime) -> (ScriptCall, u64) {
        let names = &self.names;
        let (keys, how): (Vec<_>, _) = match guess.which() {
            Which::Id(id) => (vec![names.record(*id)], 1),
            Which::Recipient { hashes, purpose } => {
                (hashes.iter().map(|hash| names.live(hash, purpose)).collect(), 2)
            }
            Which::External(tags) => (tags.iter().map(|tag| names.external(tag)).collect(), 3),
        };
        (self.named(ScriptCall::on(Operation::CheckGuess, keys, now), guess), how)
    }
}

/// Returns what a verification must be for the script to find it: its purpose, and its recipient in
/// every form.
fn expected(guess: &Guess) -> Encoder {
    let (selected, of) = match guess.which() {
        Which::Recipient { hashes, purpose } => (Some(&hashes[..]), Some(purpose)),
        Which::Id(_) | Which::External(_) => (None, None),
    };
    let purpose = guess.purpose().or(of).map(Purpose::as_str);
    let words = Encoder::default().maybe(purpose, Encoder::text);
    let of_both = |hash: &&RecipientHash| guess.recipients().is_none_or(|all| all.contains(*hash));
    match selected.or(guess.recipients()) {
        // A space at the end also without any: then no recipient is the expected one.
        Some(all) => {
            all.iter().filter(of_both).fold(words, |words, hash| words.hex(&hash.0)).raw(" ")
        }
        None => words,
    }
}

/// Returns whose windows count a guess: the guesser's own, and those of all.
fn who(guess: &Guess) -> Encoder {
    Encoder::default().raw(hex(&guess.own().who)).raw(hex(&guess.total().who))
}

/// Adds what is guessed, if the guess has a name, as the last argument.
fn content(call: ScriptCall, guess: &Guess) -> ScriptCall {
    match guess.name() {
        Some(name) => call.words(Encoder::default().hex(&name.content)),
        None => call,
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
            .key(self.names.live(&record.recipient, &record.purpose))
            .key(self.names.health());
        if let Some(request) = request {
            call = call.key(self.names.request(&request.name));
        }
        for tag in &external {
            call = call.key(self.names.external(tag));
        }
        let mode = match (record.id.is_delivery(), repeat) {
            (true, _) => "d",
            (false, true) => "r",
            (false, false) => "-",
        };
        let call = call
            // Redis refuses a time to live of zero.
            .time(kept.max(Duration::from_millis(1)))
            .text(codec::write(&record))
            .text(match external.len() {
                0 => mode.to_owned(),
                keys => format!("{mode}{keys}"),
            })
            .limit_hits(&limit_hits, &self.names);
        self.run(call, |mut reply| match &*reply.word {
            "new" => {
                let updates = reply.updates()?;
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
        let StartAttempt { ends, skips, health_updates, attempt, resend, limit_hits, .. } = begin;
        let call = self
            .on_record(Operation::StartAttempt, id, now)
            .key(self.names.health())
            .ends(&ends)
            .text(codec::lines(&skips))
            .text(codec::attempt(&attempt))
            .maybe(resend, |words, terms| words.number(terms.max_resends).time(terms.next_after))
            .limit_hits(&limit_hits, &self.names)
            .health_updates(&health_updates);
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
        let RecordOutcome { ends, skips, health_updates, close, refunds, lost } = record_outcome;
        let mut call = self.on_record(Operation::RecordOutcome, id, now);
        if !health_updates.is_empty() {
            call = call.key(self.names.health());
        }
        let flags = u64::from(close) + 2 * u64::from(lost.is_some());
        let mut closing = Encoder::default().number(flags);
        for refund in &refunds {
            call = call.key(self.names.limit(&refund.key));
            closing = closing.time(refund.at);
        }
        let call = call.ends(&ends).text(codec::lines(&skips)).words(closing);
        let call = match lost {
            None => call,
            // Redis refuses a time to live of zero.
            Some(Lost::Creation(until)) => {
                let kept = until.duration_since(now).unwrap_or_default();
                call.time(kept.max(Duration::from_millis(1)))
            }
            Some(Lost::SendAttempt(attempt)) => {
                call.text(codec::attempt(&SendAttempt { state: AttemptState::NotSent, ..attempt }))
            }
        };
        let call = call.health_updates(&health_updates);
        self.run(call, |reply| {
            let state = codec::read_state(&reply.word).ok_or(CallError::Unreadable)?;
            reply.end(state)
        })
        .await
    }

    async fn check_guess(&self, guess: &Guess, now: SystemTime) -> Result<Guessed, Error> {
        if matches!(guess.which(), Which::Id(id) if id.is_delivery()) {
            return Ok(Guessed::NONE);
        }
        let (call, how) = self.select(guess, now);
        let how = Encoder::default().number(how);
        let call = call
            .words(expected(guess))
            .windows(&guess.own().windows)
            .windows(&guess.total().windows)
            .words(who(guess))
            .words(match guess.name() {
                Some(name) => how.hex(&name.content),
                None => how,
            });
        let call = guess
            .forms()
            .iter()
            .fold(call, |call, form| call.words(Encoder::default().text(&form.key).hex(&form.mac)));
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
            .words(who(guess))
            .maybe(guess.was_counted_at(), Encoder::time);
        self.run(content(call, guess), Reply::verdict).await
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
            .words(who(guess))
            .maybe(guess.was_counted_at(), Encoder::time)
            .maybe(left, Encoder::number);
        self.run(content(call, guess), |reply| match &*reply.word {
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
            ReceiptOf::Attempt { id, place } => (self.names.record(id), Some(place)),
            ReceiptOf::Reference(tag) => (self.names.reference(&tag), None),
        };
        let call = ScriptCall::new(Operation::Receive, key, now)
            .maybe(place, Encoder::number)
            .number(mark.number());
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
        _: SystemTime,
        _: Duration,
        _: usize,
    ) -> Result<Vec<VerificationId>, Error> {
        Ok(Vec::new())
    }

    async fn reschedule(
        &self,
        _: VerificationId,
        _: Reschedule,
        _: SystemTime,
    ) -> Result<(), Error> {
        Ok(())
    }

    /// A due set would be a sorted set beside the records.
    fn has_due_set(&self) -> bool {
        false
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
        let call = ScriptCall::new(Operation::Health, self.names.health(), now);
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
        let call = ScriptCall::new(Operation::CheckKeys, self.names.keys(), SystemTime::UNIX_EPOCH);
        let call = keys
            .iter()
            .fold(call, |call, key| call.words(Encoder::default().word(&key.id).hex(&key.value)));
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
        let probe = |operation| ScriptCall::new(operation, self.names.probe(), now);
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
        let call = ScriptCall::new(Operation::Time, self.names.probe(), SystemTime::UNIX_EPOCH);
        self.run(call, |mut reply| {
            let since = reply.millis()?;
            let time = SystemTime::UNIX_EPOCH.checked_add(since).ok_or(CallError::Unreadable)?;
            reply.end(Some(time))
        })
        .await
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("namespace", &self.namespace)
            .field("link", &self.link)
            .finish_non_exhaustive()
    }
}
