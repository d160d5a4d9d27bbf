//! The store: its contract, the record of a verification and the steps on it, limits, health, and
//! the memory store.

pub(crate) mod delivery;
pub(crate) mod health;
pub(crate) mod limits;
pub(crate) mod memory;
pub(crate) mod operations;
pub(crate) mod record;
pub(crate) mod steps;

use std::fmt;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use otpmux_core::{Error, Verdict};

use self::delivery::{DeliveryMark, ReceiptOf, Received};
use self::operations::{
    AcceptedAttempt, AttemptStarted, Create, Created, GuessEnd, Guessed, RecordOutcome, Reschedule,
    StartAttempt,
};
use crate::{Guess, HealthUpdate, KeyCheck, KeyId, Outbox, Record, State, VerificationId};

/// How long a record outlives its TTL, so that a late user gets "expired" and not "not found".
pub const RETENTION: Duration = Duration::from_mins(10);

/// How long the mark of a receipt is kept whose reference no send attempt has yet: a vendor may
/// report on a message before its answer to the send is recorded.
pub const EARLY_RECEIPT: Duration = Duration::from_mins(1);

/// Stores verifications, and the rate-limit hits and health updates that processes share.
///
/// # Contract
///
/// - Every operation is atomic, over all processes that share the store.
/// - A record is kept until it expires and [`RETENTION`] longer, so that its user gets the verdict
///   expired; then it disappears by itself ([`Record::kept_until`]), and so does everything else
///   that is written here, except the check values of server keys. A full store refuses new records and never drops live
///   ones.
/// - A store that cannot be reached, or whose answer cannot be trusted, returns an error of kind
///   [`ErrorKind::Store`](otpmux_core::ErrorKind::Store); in doubt, nothing is approved or sent.
///   The error's certainty is that of the step: not sent when it was not carried out, unknown when
///   it may have been or may still be.
/// - The record of a [delivery](VerificationId::is_delivery) is a record like any other, with three
///   exceptions: it supersedes none, is superseded by none and is repeated by none; no guess finds
///   it; and it disappears when it expires.
/// - `now` comes from the caller, who uses the store's [`time`](Self::time). Expiry is exact, to
///   the millisecond: at `expires_at` a record is invalid.
///
/// # Stability
///
/// The trait and the types that it uses change whenever a verification gets a new fact, also in
/// minor versions. A store of your own must pin the exact version of this crate and pass
/// `otpmux_testkit::stores`.
#[async_trait]
pub trait VerificationStore: Send + Sync + fmt::Debug {
    /// Writes a new verification with its first send attempt. It takes the place of the newest one
    /// of the same recipient and purpose: that one is [superseded](State::Superseded), if it was
    /// live, and the new one's [`supersedes`](Record::supersedes). In this order, all or nothing:
    ///
    /// 1. A request with the same [name](crate::IdempotencyRecord::name) exists: nothing is
    ///    written, and [`Created::Replayed`] or [`Created::KeyReused`] is returned. One that was
    ///    closed without having sent anything does not count.
    /// 2. [`repeat`](Create::repeat) is set, and the newest one of the same recipient and purpose is
    ///    [repeatable](Record::is_repeatable): [`Created::Live`], and nothing is counted or written.
    /// 3. A verification with the same [external id](Create::external), under any key, is known and
    ///    was not closed without having sent anything: [`Created::ExternalIdTaken`], and nothing is
    ///    counted.
    /// 4. A limit has no room: [`Created::LimitExceeded`], and nothing is counted.
    /// 5. It was [given up](operations::Lost::Creation) before it arrived: [`Created::GivenUp`],
    ///    and nothing is counted or written.
    /// 6. Every limit counts one hit, and the record is written.
    async fn create(&self, create: Create, now: SystemTime) -> Result<Created, Error>;

    /// Writes a further send attempt, after recording the outcomes of earlier ones.
    ///
    /// Refuses when the verification is not [pending](State::Pending) or has expired, when a resend
    /// or a step of escalation breaks its terms, when a limit has no room, or when it was [given
    /// up](operations::Lost::SendAttempt) before it arrived, so that nothing is sent for it; limits
    /// count only attempts that start. The outcomes, the skips and the health updates are written
    /// in any case.
    async fn start_attempt(
        &self,
        id: VerificationId,
        begin: StartAttempt,
        now: SystemTime,
    ) -> Result<AttemptStarted, Error>;

    /// Records attempt outcomes and returns the verification's new state: closed, when its record
    /// is gone.
    ///
    /// When the outcome [closes](RecordOutcome::close) it because nothing was sent, the newest
    /// verification of its recipient and purpose is determined again: each failed one returns its
    /// place to the one that it [supersedes](Record::supersedes), and the first that has not failed
    /// is [pending](State::Pending) again if it was [superseded](State::Superseded). So a code is
    /// valid until a message of a newer verification may have been sent, and two are never valid at
    /// once.
    async fn record_outcome(
        &self,
        id: VerificationId,
        record_outcome: RecordOutcome,
        now: SystemTime,
    ) -> Result<State, Error>;

    /// Records that these send attempts were accepted: each verification in a separate step, with
    /// the effect of [`record_outcome`](Self::record_outcome) with this one outcome, and all in as
    /// few round trips as the store can. A verification that is gone is passed over.
    ///
    /// # Errors
    ///
    /// Some of them may be recorded; a repeat changes nothing.
    async fn record_accepted(
        &self,
        accepted: Vec<AcceptedAttempt>,
        now: SystemTime,
    ) -> Result<(), Error> {
        for accepted in accepted {
            self.record_outcome(accepted.id, accepted.into(), now).await?;
        }
        Ok(())
    }

    /// Whether [`record_accepted`](Self::record_accepted) with many costs clearly less than many
    /// calls, in round trips or transactions. If so, an [`OtpClient`](crate::OtpClient) records
    /// accepted sends some milliseconds later, many at once.
    fn batches_outcomes(&self) -> bool {
        false
    }

    /// Checks a guess at the verification that it [selects](Guess::which), in one step: refuse if
    /// there is none, or if it is not of the [expected](Guess::is_for) recipient and purpose, or is closed, used, locked or expired, or
    /// if its recipient's [counters](Guess::counters) have no room; count the guess, in the record
    /// and in the counters; compare; consume. An approval empties the guesser's [own](Guess::own)
    /// windows.
    ///
    /// A guess that was counted under its [name](Guess::name) before is not counted again, whatever
    /// the verification's state is since, and whichever one it would select now: its verdict is returned again, or its vendors are asked
    /// again. Under the name of another code it is [`Guessed::KeyReused`]. A name is valid as long
    /// as the record.
    ///
    /// # Errors
    ///
    /// Besides [`ErrorKind::Store`](otpmux_core::ErrorKind::Store): with certainty
    /// [`Unknown`](otpmux_core::Certainty::Unknown) when the step may have been carried out, or may
    /// be still.
    async fn check_guess(&self, guess: &Guess, now: SystemTime) -> Result<Guessed, Error>;

    /// Consumes a verification whose vendor approved a guess that was counted before. Returns
    /// [`Verdict::Approved`] once, over all callers, and to every repeat of a named guess;
    /// otherwise the verdict that says why not. Counts no guess, empties the guesser's
    /// [own](Guess::own) windows and takes the guess's [hit](Guess::was_counted_at) back from the
    /// [total](Guess::total).
    ///
    /// # Errors
    ///
    /// Those of [`check_guess`](Self::check_guess).
    async fn approve(
        &self,
        id: VerificationId,
        guess: &Guess,
        now: SystemTime,
    ) -> Result<Verdict, Error>;

    /// Records that the vendors did not approve a guess that was counted before.
    async fn end_guess(
        &self,
        id: VerificationId,
        guess: &Guess,
        end: GuessEnd,
        now: SystemTime,
    ) -> Result<(), Error>;

    /// Merges what a vendor reported about the message of a send attempt into the record. A send
    /// attempt without an outcome, or whose outcome is unknown, is [accepted](
    /// crate::AttemptState::Accepted) from then on: its vendor has it. Nothing else changes; a
    /// message that failed takes no code back. Allowed in every state of the verification.
    ///
    /// The mark of a [reference](ReceiptOf::Reference) that finds nothing is kept for
    /// [`EARLY_RECEIPT`]; of several, the strongest. The step that records an outcome with this
    /// reference merges it, as if the receipt came just before that step.
    async fn receive(
        &self,
        attempt: ReceiptOf,
        mark: DeliveryMark,
        now: SystemTime,
    ) -> Result<Received, Error>;

    /// Returns at most `most` verifications whose [`due_at`](Record::due_at) has come, the oldest
    /// first, and of the same time in the order of their ids; and moves them to `lease` after now.
    /// So each is taken by one process at a time, and again if that process died: a process may be
    /// told of one twice, and what it does then must be safe.
    ///
    /// An [approval](Self::approve) takes a verification out of the due set. A resend, a
    /// [cancellation](Self::cancel), a newer verification, and an outcome that closes it move it to
    /// its [`due_after_end`](Record::due_after_end).
    async fn due(
        &self,
        now: SystemTime,
        lease: Duration,
        most: usize,
    ) -> Result<Vec<VerificationId>, Error>;

    /// Changes when a process must look at a verification, in whatever state it is, unless another
    /// number of [steps](Record::escalations) than the caller knows began or were passed over.
    async fn reschedule(
        &self,
        id: VerificationId,
        reschedule: Reschedule,
        now: SystemTime,
    ) -> Result<(), Error>;

    /// Closes a verification for good. Returns whether it was [pending](State::Pending).
    async fn cancel(&self, id: VerificationId, now: SystemTime) -> Result<bool, Error>;

    /// Reads a verification.
    async fn load(&self, id: VerificationId, now: SystemTime) -> Result<Option<Record>, Error>;

    /// Returns the updates of the last hour ([`HEALTH_TTL`]): for each provider the newest of each
    /// process, and at most the [`HEALTH_UPDATES_KEPT`] newest of them.
    ///
    /// # Errors
    ///
    /// The store cannot be reached; so this call also shows whether it can.
    async fn health(&self, now: SystemTime) -> Result<Vec<HealthUpdate>, Error>;

    /// Compares server keys with those that other processes of this store use. The first value that
    /// the store gets for an id is kept for good; returns the ids whose values differ. Writes
    /// nothing when all are known, so that a store that takes no writes answers too.
    async fn check_keys(&self, keys: &[KeyCheck]) -> Result<Vec<KeyId>, Error>;

    /// Writes a small entry that replaces the previous one and expires by itself.
    ///
    /// # Errors
    ///
    /// The store refuses writes, so no code can be verified.
    async fn probe(&self, now: SystemTime) -> Result<StoreState, Error>;

    /// Returns the time of the store's clock. Processes on different machines that share a store
    /// use it: an [`OtpClient`](crate::OtpClient) measures the difference from its own clock, and
    /// corrects every time that it uses. `None`: all processes that share the store share one
    /// clock.
    async fn time(&self) -> Result<Option<SystemTime>, Error>;

    /// The store's outbox, if it keeps events. If it keeps none, no client with endpoints is built on
    /// it.
    ///
    /// The steps above add to the outbox what they make true, in the same atomic step, for a record
    /// that has [events](Record::events): see `Record::events_of_creation`, `events_since`,
    /// `events_of_unconfirmed` and `events_of_mark`.
    fn outbox(&self) -> Option<&dyn Outbox> {
        None
    }
}

/// How long a [`HealthUpdate`] is kept.
pub const HEALTH_TTL: Duration = Duration::from_hours(1);

/// How many [`HealthUpdate`]s of one provider are kept: those of the processes that wrote last; of
/// two at the same time, that of the higher process number.
pub const HEALTH_UPDATES_KEPT: usize = 8;

/// Whether a store that accepts writes has room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "stores answer with it, and callers handle both")]
pub enum StoreState {
    /// It accepts new verifications.
    Ok,
    /// It refuses new verifications and still checks the codes that were sent.
    Full,
}
