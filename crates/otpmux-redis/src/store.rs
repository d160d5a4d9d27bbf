use std::fmt;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use otpmux_core::{Error, Verdict};
use otpmux_engine::{
    AcceptedAttempt, AttemptStarted, Create, Created, DeliveryMark, Guess, GuessEnd, Guessed,
    HealthUpdate, KeyCheck, KeyId, Outbox, ReceiptOf, Received, Record, RecordOutcome, Reschedule,
    StartAttempt, State, StoreState, VerificationId, VerificationStore, Which,
};

use crate::connection::RedisConnection;
use crate::decoder::Read;
use crate::error::CallError;
use crate::key_names::KeyNames;
use crate::options::{Options, OptionsError, Time};
use crate::reply::Reply;
use crate::script::Operation;
use crate::script_call::ScriptCall;
use crate::steps::send_attempts::MOST_ACCEPTED;
use crate::steps::{self, creation, due_set, guesses, receipts, send_attempts, standing};

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

    pub(crate) fn names(&self) -> &KeyNames {
        &self.names
    }

    pub(crate) async fn run<T>(
        &self,
        call: ScriptCall<'_>,
        read: impl FnOnce(Reply) -> Read<T>,
    ) -> Result<T, Error> {
        let answer = self.ask(&call).await.and_then(read);
        answer.map_err(|error| error.into_error(call.operation))
    }

    async fn ask(&self, call: &ScriptCall<'_>) -> Result<Reply, CallError> {
        self.link.call(call).await.and_then(Reply::of)
    }
}

#[async_trait]
impl VerificationStore for RedisStore {
    async fn create(&self, create: Create, now: SystemTime) -> Result<Created, Error> {
        let call = creation::create(&self.names, &create, now);
        self.run(call, |reply| creation::created(reply, &create.limit_hits)).await
    }

    async fn start_attempt(
        &self,
        id: VerificationId,
        begin: StartAttempt,
        now: SystemTime,
    ) -> Result<AttemptStarted, Error> {
        let call = send_attempts::start(&self.names, id, &begin, now);
        self.run(call, |reply| send_attempts::started(reply, &begin.limit_hits)).await
    }

    async fn record_outcome(
        &self,
        id: VerificationId,
        record_outcome: RecordOutcome,
        now: SystemTime,
    ) -> Result<State, Error> {
        let call = send_attempts::record_outcome(&self.names, id, record_outcome, now);
        self.run(call, send_attempts::recorded).await
    }

    async fn record_accepted(
        &self,
        accepted: Vec<AcceptedAttempt>,
        now: SystemTime,
    ) -> Result<(), Error> {
        for some in accepted.chunks(MOST_ACCEPTED) {
            let call = send_attempts::record_accepted(&self.names, some, now);
            self.run(call, Reply::done).await?;
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
        self.run(guesses::check(&self.names, guess, now), guesses::checked).await
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
        self.run(guesses::approve(&self.names, id, guess, now), Reply::verdict).await
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
        self.run(guesses::end(&self.names, id, guess, end, now), Reply::done).await
    }

    async fn receive(
        &self,
        attempt: ReceiptOf,
        mark: DeliveryMark,
        now: SystemTime,
    ) -> Result<Received, Error> {
        self.run(receipts::receive(&self.names, attempt, mark, now), receipts::received).await
    }

    async fn due(
        &self,
        now: SystemTime,
        lease: Duration,
        most: usize,
    ) -> Result<Vec<VerificationId>, Error> {
        self.run(due_set::due(&self.names, now, lease, most), due_set::ids).await
    }

    async fn reschedule(
        &self,
        id: VerificationId,
        reschedule: Reschedule,
        now: SystemTime,
    ) -> Result<(), Error> {
        self.run(due_set::reschedule(&self.names, id, &reschedule, now), Reply::done).await
    }

    async fn cancel(&self, id: VerificationId, now: SystemTime) -> Result<bool, Error> {
        self.run(steps::cancel(&self.names, id, now), steps::cancelled).await
    }

    async fn load(&self, id: VerificationId, now: SystemTime) -> Result<Option<Record>, Error> {
        self.run(steps::load(&self.names, id, now), |reply| steps::loaded(reply, id)).await
    }

    async fn health(&self, now: SystemTime) -> Result<Vec<HealthUpdate>, Error> {
        self.run(standing::health(&self.names, now), standing::updates).await
    }

    async fn check_keys(&self, keys: &[KeyCheck]) -> Result<Vec<KeyId>, Error> {
        let call = standing::check_keys(&self.names, keys);
        self.run(call, |reply| standing::differing(reply, keys)).await
    }

    async fn probe(&self, now: SystemTime) -> Result<StoreState, Error> {
        let probe = |operation| standing::probe(&self.names, operation, now);
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
        match self.time {
            Time::Caller => Ok(None),
            Time::Server => {
                self.run(standing::time(&self.names), standing::time_of_clock).await.map(Some)
            }
        }
    }

    fn outbox(&self) -> Option<&dyn Outbox> {
        Some(self)
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
