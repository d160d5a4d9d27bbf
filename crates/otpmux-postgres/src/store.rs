use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use otpmux_core::{Error, Purpose, RateLimit, Verdict};
use otpmux_engine::{
    AcceptedAttempt, AttemptStarted, AttemptState, Create, Created, DeliveryMark, DueEvents,
    EndpointName, EndpointState, EndpointStatus, EventEnd, EventId, Guess, GuessEnd, GuessWindows,
    Guessed, HealthUpdate, KeyCheck, KeyId, Lost, NewEvent, QueuedEvent, ReceiptOf, Received,
    RecipientHash, Record, RecordOutcome, Reschedule, SendAttempt, StartAttempt, State, StoreState,
    VerificationId, VerificationStore, Wanted, Which,
};

use crate::answer::Answer;
use crate::call::{Call, limit_key, live_key, span, stamp};
use crate::codec;
use crate::error::CallError;
use crate::options::{Options, OptionsError, Time};
use crate::outbox;
use crate::pool::Pool;

/// After so many new verifications, a store removes what is over.
const CREATIONS: u32 = 32;

/// The most verifications whose accepted sends one step records: it takes a lock for each.
const ACCEPTED: usize = 64;
/// The most verifications, and the most limits, that one sweep removes. Each takes some locks, and a
/// server has some thousands for all of its sessions.
const SWEEP: i64 = 64;
/// The most sweeps at one time: they remove some times as much as comes in between.
const SWEEPS: u32 = 32;

/// Store on PostgreSQL, for any number of processes.
///
/// Every operation is one function of the database, called by one statement: one transaction and one
/// round trip. If PostgreSQL cannot be reached, does not answer in time, refuses or gives an
/// unreadable answer, the operation fails with
/// [`ErrorKind::Store`](otpmux_core::ErrorKind::Store), whose text says what to do; it never approves
/// a code. An operation whose answer was lost may have been carried out, and then the error says so.
pub struct PostgresStore {
    pool: Arc<Pool>,
    time: Time,
    created: AtomicU32,
    sweeping: Arc<AtomicBool>,
}

impl PostgresStore {
    /// Creates a store on the server of this URL. It may name several hosts, separated by commas: the
    /// first that takes writes is used.
    ///
    /// Connects at the first call, and again after a lost connection: a process can start without
    /// PostgreSQL, and returns errors until it can be reached. [`health`] reports whether it can. The
    /// first connection creates the schema, its tables and its functions, unless
    /// [`migrate`](Options::migrate) is off. Calls must run within a tokio runtime.
    ///
    /// # Errors
    ///
    /// The URL or options are invalid.
    ///
    /// [`health`]: VerificationStore::health
    #[expect(clippy::needless_pass_by_value, reason = "options to come may be used up")]
    pub fn connect(url: impl AsRef<str>, options: Options) -> Result<Self, OptionsError> {
        Ok(Self {
            pool: Arc::new(Pool::new(url.as_ref(), &options)?),
            time: options.time,
            created: AtomicU32::new(0),
            sweeping: Arc::default(),
        })
    }

    async fn run<T>(
        &self,
        call: Call,
        read: impl FnOnce(Answer) -> Result<T, CallError>,
    ) -> Result<T, Error> {
        let answer = self.pool.call(&call).await.and_then(read);
        answer.map_err(|error| error.into_error(call.step, call.only_reads()))
    }

    /// Removes what is over, beside the calls: a task, at most one at a time. What it leaves goes
    /// with a later one, of any process.
    fn sweep(&self, now: SystemTime) {
        if self.sweeping.swap(true, Ordering::Relaxed) {
            return;
        }
        let (pool, sweeping) = (Arc::clone(&self.pool), Arc::clone(&self.sweeping));
        tokio::spawn(async move {
            for _ in 0..SWEEPS {
                let call = Call::new("sweep").time(now).number(SWEEP);
                let swept = pool.call(&call).await.and_then(|mut answer| answer.number::<i64>());
                if !swept.is_ok_and(|rows| rows >= SWEEP) {
                    break;
                }
            }
            sweeping.store(false, Ordering::Relaxed);
        });
    }
}

/// Adds how a guess selects its verification: its id, or keys of the table `live`, or external ids.
fn select(call: Call, guess: &Guess) -> Call {
    match guess.which() {
        Which::Id(id) => call.bytes(id.to_bytes()).maybe_many_bytes(None).maybe_many_bytes(None),
        Which::Recipient { hashes, purpose } => {
            let key = |hash: &RecipientHash| live_key(hash, purpose);
            call.maybe_bytes(None)
                .maybe_many_bytes(Some(hashes.iter().map(key).collect()))
                .maybe_many_bytes(None)
        }
        Which::External(tags) => call
            .maybe_bytes(None)
            .maybe_many_bytes(None)
            .maybe_many_bytes(Some(tags.iter().map(|tag| tag.to_vec()).collect())),
    }
}

/// Adds what a verification must be for the step to find it: its purpose, and its recipient in every
/// form.
fn expected(call: Call, guess: &Guess) -> Call {
    let (selected, of) = match guess.which() {
        // Another spelling has the same key, and may be another mailbox.
        Which::Recipient { hashes, purpose } => (Some(&hashes[..]), Some(purpose)),
        Which::Id(_) | Which::External(_) => (None, None),
    };
    let purpose = guess.purpose().or(of).map(Purpose::as_str);
    let of_both = |hash: &&RecipientHash| guess.recipients().is_none_or(|all| all.contains(*hash));
    let recipients = selected
        .or(guess.recipients())
        .map(|all| all.iter().filter(of_both).map(|hash| hash.0.to_vec()).collect());
    call.maybe_bytes(purpose.map(|it| it.as_bytes().to_vec())).maybe_many_bytes(recipients)
}

/// Adds whose windows count a guess: the guesser's own, and those of all.
fn who(call: Call, guess: &Guess) -> Call {
    call.bytes(guess.own().who).bytes(guess.total().who)
}

/// Adds a guesser, with the counts and the lengths of the windows.
fn windows(call: Call, windows: &GuessWindows) -> Call {
    let all: &[RateLimit] = &windows.windows;
    call.bytes(windows.who)
        .numbers(all.iter().map(|it| i64::from(it.count)).collect())
        .numbers(all.iter().map(|it| span(it.per)).collect())
}

/// Adds the name and content of a guess, if it has them.
fn named(call: Call, guess: &Guess) -> Call {
    let name = guess.name();
    call.maybe_bytes(name.map(|it| it.name.to_vec()))
        .maybe_bytes(name.map(|it| it.content.to_vec()))
}

#[async_trait]
impl VerificationStore for PostgresStore {
    async fn create(&self, create: Create, now: SystemTime) -> Result<Created, Error> {
        let Create { record, external, limit_hits, repeat } = create;
        let call = codec::add_record(Call::new("create"), &record)
            .many_bytes(external.iter().map(|tag| tag.to_vec()).collect())
            .flag(record.id.is_delivery())
            .flag(repeat)
            .limit_hits(&limit_hits)
            .time(now);
        let created = self
            .run(call, |mut answer| match &*answer.word {
                "new" => {
                    let updates = answer.health_updates()?;
                    answer.end(Created::New(updates))
                }
                "before" => {
                    let record = answer.record()?;
                    answer.end(Created::Replayed(Box::new(record)))
                }
                "live" => {
                    let record = answer.record()?;
                    answer.end(Created::Live(Box::new(record)))
                }
                "key_reused" => answer.end(Created::KeyReused),
                "external_id_taken" => answer.end(Created::ExternalIdTaken),
                "given_up" => answer.end(Created::GivenUp),
                "limited" => {
                    let limited = answer.limited(&limit_hits)?;
                    answer.end(Created::LimitExceeded(limited))
                }
                _ => Err(CallError::Unreadable),
            })
            .await;
        if self.created.fetch_add(1, Ordering::Relaxed) % CREATIONS == CREATIONS - 1 {
            self.sweep(now);
        }
        created
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
        let call = Call::new("start_attempt")
            .bytes(id.to_bytes())
            .ends(&ends)
            .bytes(codec::lines(&skips))
            .attempt(Some(&attempt))
            .maybe_number(resend.map(|terms| i64::from(terms.max_resends)))
            .maybe_number(resend.map(|terms| stamp(terms.next_after)))
            .maybe_number(escalation.map(|terms| i64::from(terms.step)))
            .maybe_number(escalation.and_then(|terms| terms.next_due_at).map(stamp))
            .maybe_text(facts.as_deref().map(str::to_owned))
            .limit_hits(&limit_hits)
            .health_updates(&health_updates)
            .time(now);
        self.run(call, |mut answer| match &*answer.word {
            "attempt" => {
                let place = answer.number()?;
                answer.end(AttemptStarted::Started(place))
            }
            "too_soon" => {
                let wait = answer.wait()?;
                answer.end(AttemptStarted::TooSoon(wait))
            }
            "too_many" => answer.end(AttemptStarted::TooMany),
            "not_due" => answer.end(AttemptStarted::NotDue),
            "limited" => {
                let limited = answer.limited(&limit_hits)?;
                answer.end(AttemptStarted::LimitExceeded(limited))
            }
            "already_used" | "not_found" | "expired" | "too_many_guesses" => {
                answer.verdict().map(AttemptStarted::Over)
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
        let (until, attempt) = match lost {
            None => (None, None),
            Some(Lost::Creation(until)) => (Some(stamp(until)), None),
            Some(Lost::SendAttempt(attempt)) => {
                (None, Some(SendAttempt { state: AttemptState::NotSent, ..attempt }))
            }
        };
        let call = Call::new("record_outcome")
            .bytes(id.to_bytes())
            .ends(&ends)
            .bytes(codec::lines(&skips))
            .flag(close)
            .many_bytes(refunds.iter().map(|refund| limit_key(&refund.key)).collect())
            .numbers(refunds.iter().map(|refund| stamp(refund.at)).collect())
            .maybe_number(until)
            .attempt(attempt.as_ref())
            .maybe_number(unconfirmed.map(|it| i64::from(it.place)))
            .maybe_text(unconfirmed.map(|it| it.reason.as_str().to_owned()))
            .health_updates(&health_updates)
            .time(now);
        self.run(call, |answer| {
            let state = codec::read_state(&answer.word).ok_or(CallError::Unreadable)?;
            answer.end(state)
        })
        .await
    }

    async fn record_accepted(
        &self,
        accepted: Vec<AcceptedAttempt>,
        now: SystemTime,
    ) -> Result<(), Error> {
        for some in accepted.chunks(ACCEPTED) {
            let call = Call::new("record_accepted")
                .many_bytes(some.iter().map(|it| it.id.to_bytes().to_vec()).collect())
                .places(some.iter().map(|it| it.attempt))
                .many_maybe_bytes(
                    some.iter().map(|it| codec::reference(it.reference.as_ref())).collect(),
                )
                .time(now);
            self.run(call, |answer| match &*answer.word {
                "done" => answer.end(()),
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
        let call = expected(select(Call::new("check_guess"), guess), guess);
        let call = windows(windows(call, guess.own()), guess.total())
            .many_bytes(guess.forms().iter().map(|it| it.key.as_bytes().to_vec()).collect())
            .many_bytes(guess.forms().iter().map(|it| it.mac.to_vec()).collect());
        self.run(named(call, guess).time(now), |mut answer| match &*answer.word {
            "ask_vendors" => {
                let record = answer.record()?;
                answer.end(Guessed::AskVendors(Box::new(record)))
            }
            "key_reused" => answer.end(Guessed::KeyReused),
            _ => {
                let id = answer.id()?;
                answer.verdict().map(|verdict| Guessed::Verdict { verdict, id })
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
        let call = who(Call::new("approve").bytes(id.to_bytes()), guess)
            .maybe_number(guess.was_counted_at().map(stamp));
        self.run(named(call, guess).time(now), Answer::verdict).await
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
            GuessEnd::Wrong(left) => Some(i64::from(left)),
            GuessEnd::NotCompared => None,
        };
        let call = who(Call::new("end_guess").bytes(id.to_bytes()), guess)
            .maybe_number(guess.was_counted_at().map(stamp))
            .maybe_number(left);
        self.run(named(call, guess).time(now), |answer| match &*answer.word {
            "done" => answer.end(()),
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
        let (id, place, tag) = match attempt {
            ReceiptOf::Attempt { id, place } => (Some(id), Some(i32::from(place)), None),
            ReceiptOf::Reference(tag) => (None, None, Some(tag.to_vec())),
        };
        let call = Call::new("receive")
            .maybe_bytes(id.map(|id| id.to_bytes().to_vec()))
            .maybe_place(place)
            .maybe_bytes(tag)
            .number(codec::mark(mark))
            .time(now);
        self.run(call, |mut answer| match &*answer.word {
            "changed" => {
                let place = answer.number()?;
                let before = answer.mark()?;
                let record = Box::new(answer.record()?);
                answer.end(Received::Changed { record, place, before })
            }
            "same" => answer.end(Received::Same),
            "gone" => answer.end(Received::Gone),
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    async fn cancel(&self, id: VerificationId, now: SystemTime) -> Result<bool, Error> {
        let call = Call::new("cancel").bytes(id.to_bytes()).time(now);
        self.run(call, |answer| match &*answer.word {
            "cancelled" => answer.end(true),
            "over" => answer.end(false),
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
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let call = Call::new("due").time(now).time(now + lease).number(most);
        self.run(call, |mut answer| match &*answer.word {
            "due" => {
                let id = |bytes: Vec<u8>| Some(VerificationId::from_bytes(bytes.try_into().ok()?));
                let ids = answer.ids()?.into_iter().map(id).collect::<Option<_>>();
                answer.end(ids.ok_or(CallError::Unreadable)?)
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
        let call = Call::new("reschedule")
            .bytes(id.to_bytes())
            .number(step)
            .number(next_step)
            .maybe_number(due_at.map(stamp))
            .bytes(codec::lines(&skips))
            .time(now);
        self.run(call, |answer| match &*answer.word {
            "done" => answer.end(()),
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    async fn load(&self, id: VerificationId, now: SystemTime) -> Result<Option<Record>, Error> {
        let call = Call::new("load").bytes(id.to_bytes()).time(now);
        self.run(call, |mut answer| match &*answer.word {
            "record" => {
                let record = answer.record()?;
                answer.end(Some(record))
            }
            "none" => answer.end(None),
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    async fn health(&self, now: SystemTime) -> Result<Vec<HealthUpdate>, Error> {
        self.run(Call::new("health").time(now), |mut answer| match &*answer.word {
            "updates" => {
                let updates = answer.health_updates()?;
                answer.end(updates)
            }
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    async fn check_keys(&self, keys: &[KeyCheck]) -> Result<Vec<KeyId>, Error> {
        let call = Call::new("check_keys")
            .many_bytes(keys.iter().map(|key| key.id.as_bytes().to_vec()).collect())
            .many_bytes(keys.iter().map(|key| key.value.to_vec()).collect());
        self.run(call, |mut answer| match &*answer.word {
            "keys" => {
                let differ = answer.ids()?;
                let ids = keys.iter().map(|key| &key.id);
                let ids = ids.filter(|id| differ.iter().any(|it| it == id.as_bytes()));
                answer.end(ids.map(KeyId::clone).collect())
            }
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    async fn probe(&self, now: SystemTime) -> Result<StoreState, Error> {
        let probed = self
            .run(Call::new("probe").time(now), |answer| match &*answer.word {
                "written" => answer.end(StoreState::Ok),
                _ => Err(CallError::Unreadable),
            })
            .await;
        if probed.is_ok() {
            self.sweep(now);
        }
        probed
    }

    fn keeps_events(&self) -> bool {
        true
    }

    async fn put_event(&self, event: NewEvent, now: SystemTime) -> Result<bool, Error> {
        let once = event.once;
        let call = Call::new("put_event")
            .many_texts(event.endpoints.iter().map(|it| it.as_str().to_owned()).collect())
            .text(event.id.to_string())
            .text(&*event.facts)
            .maybe_text(event.reason.map(Into::into))
            .maybe_bytes(once.map(|once| once.key.to_vec()))
            .maybe_number(once.map(|once| stamp(once.until)))
            .maybe_bytes(once.and_then(|once| once.releases).map(|key| key.to_vec()))
            .time(now);
        self.run(call, |answer| match &*answer.word {
            "written" => answer.end(true),
            "held" => answer.end(false),
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
        let most = |it: &Wanted| i64::try_from(it.most).unwrap_or(i64::MAX);
        let call = Call::new("events_due")
            .many_texts(wanted.iter().map(|it| it.endpoint.as_str().to_owned()).collect())
            .numbers(wanted.iter().map(most).collect())
            .time(now + lease)
            .time(now);
        self.run(call, |mut answer| match &*answer.word {
            "events" => {
                let dropped = answer.number()?;
                let events = outbox::entries(&answer.ids()?)?;
                answer.end(DueEvents { events, dropped })
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
        let (letter, at) = outbox::end(end);
        let call = Call::new("end_event")
            .text(endpoint.as_str())
            .text(id.to_string())
            .text(letter)
            .maybe_number(at)
            .time(now);
        self.run(call, |mut answer| match &*answer.word {
            "done" => {
                let since = answer.maybe_time()?;
                answer.end(since)
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
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let call = Call::new("events_waiting").text(endpoint.as_str()).number(most);
        self.run(call, |mut answer| match &*answer.word {
            "events" => {
                let events = outbox::entries(&answer.ids()?)?;
                answer.end(events)
            }
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    async fn endpoints(&self) -> Result<Vec<EndpointStatus>, Error> {
        self.run(Call::new("endpoints"), |mut answer| match &*answer.word {
            "endpoints" => {
                let statuses = outbox::statuses(&answer.ids()?)?;
                answer.end(statuses)
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
        let call = Call::new("set_endpoint").text(endpoint.as_str()).text(state.as_str());
        self.run(call, |answer| match &*answer.word {
            "done" => answer.end(()),
            _ => Err(CallError::Unreadable),
        })
        .await
    }

    async fn time(&self) -> Result<Option<SystemTime>, Error> {
        if self.time == Time::Caller {
            return Ok(None);
        }
        self.run(Call::new("time"), |mut answer| match &*answer.word {
            "time" => {
                let since = Duration::from_millis(answer.number()?);
                let time =
                    SystemTime::UNIX_EPOCH.checked_add(since).ok_or(CallError::Unreadable)?;
                answer.end(Some(time))
            }
            _ => Err(CallError::Unreadable),
        })
        .await
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").field("pool", &self.pool).finish_non_exhaustive()
    }
}
