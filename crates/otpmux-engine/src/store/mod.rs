//! The store: its contract, the record of a verification and the steps on it, limits, health, and the
//! store in memory.

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

use self::operations::{
    AttemptStarted, Create, Created, GuessEnd, Guessed, RecordOutcome, StartAttempt,
};
use crate::{Guess, HealthUpdate, KeyCheck, KeyId, Record, State, VerificationId};

/// How long a record outlives its code, so that a late user is told "expired" and not "not found".
pub const RETENTION: Duration = Duration::from_mins(10);

/// Where verifications live, and what processes must know of each other to keep limits and to leave
/// a provider alone.
///
/// # Contract
///
/// - Every operation is atomic, over all processes that share the store.
/// - A record is kept until it expires and [`RETENTION`] longer, so that its user is told so; then it
///   disappears by itself, and so does everything else that is written here, but for the check values
///   of server keys. A store that is full refuses new records and never gives up live ones.
/// - A store that cannot be reached, or whose answer cannot be trusted, answers an error of kind
///   [`ErrorKind::Store`](otpmux_core::ErrorKind::Store); nothing is ever approved or sent on doubt. Its certainty is that of the
///   step: not sent when it was not carried out, unknown when it may have been or may still be.
/// - `now` comes from the caller, who goes by the store's [`time`](Self::time). Expiry is exact, to the
///   millisecond: at `expires_at` a record is worth nothing.
#[async_trait]
pub trait VerificationStore: Send + Sync + fmt::Debug {
    /// Writes down a new verification with its first send attempt, which takes the place of the newest one of
    /// the same recipient and purpose: that one is [superseded](State::Superseded), if it was live,
    /// and the new one's [`supersedes`](Record::supersedes). In this order, all or nothing:
    ///
    /// 1. A request of the same [name](crate::IdempotencyRecord::name) is there already: nothing is
    ///    written, and [`Created::Replayed`] or [`Created::KeyReused`] answered. One that was
    ///    closed without having sent anything does not count.
    /// 2. A limit has no room: [`Created::LimitExceeded`], and nothing is counted.
    /// 3. It was [given up](operations::Lost::Creation) before it got here: [`Created::GivenUp`], and nothing is
    ///    counted or written.
    /// 4. Every limit counts one hit, and the record is written.
    async fn create(&self, create: Create, now: SystemTime) -> Result<Created, Error>;

    /// Writes down a further send attempt, after recording those before it that have ended.
    ///
    /// Refuses when the verification is not [pending](State::Pending) or has expired, when a resend
    /// breaks its terms, when a limit has no room, or when it was [given up](operations::Lost::SendAttempt) before it got
    /// here, so that nothing is sent for it; limits count only what is begun. The recording, the skips
    /// and the health updates are written all the same.
    async fn start_attempt(
        &self,
        id: VerificationId,
        begin: StartAttempt,
        now: SystemTime,
    ) -> Result<AttemptStarted, Error>;

    /// Writes down how send attempts ended, and tells where the verification stands afterwards: closed, when
    /// its record is gone.
    ///
    /// When that [closes](RecordOutcome::close) it because nothing was sent, the newest of its recipient and
    /// purpose is looked for anew: of those that came to nothing, each gives its place back to the one
    /// that it [supersedes](Record::supersedes), and the first that has not come to nothing is
    /// [pending](State::Pending) again if it was [superseded](State::Superseded). So a code is good
    /// until a message of a newer verification may have gone out, and never are two.
    async fn record_outcome(
        &self,
        id: VerificationId,
        record_outcome: RecordOutcome,
        now: SystemTime,
    ) -> Result<State, Error>;

    /// Tries a code, in one step: refuse what is not the [expected](Guess::is_for) recipient's and
    /// purpose's, closed, used, locked or expired, or what its recipient's
    /// [counters](Guess::counters) have no room for; count the guess, here and there; compare;
    /// consume. An approval empties the guesser's [own](Guess::own) windows.
    ///
    /// A guess that was counted under its [name](Guess::name) before is not counted again, whatever
    /// has become of the verification since: its verdict is told again, or its vendors are asked
    /// again. Under the name of another code it is [`Guessed::KeyReused`]. A name is good as long as
    /// the record.
    ///
    /// # Errors
    ///
    /// Besides [`ErrorKind::Store`](otpmux_core::ErrorKind::Store): with certainty [`Unknown`](otpmux_core::Certainty::Unknown) when
    /// the step may have been carried out, or may be still.
    async fn check_guess(
        &self,
        id: VerificationId,
        guess: &Guess,
        now: SystemTime,
    ) -> Result<Guessed, Error>;

    /// Consumes a verification whose vendor has approved a guess that was counted before:
    /// [`Verdict::Approved`] once, whoever asks, and to every repeat of a named guess; otherwise why
    /// not. Counts no guess, empties the guesser's [own](Guess::own) windows and takes the guess's
    /// [hit](Guess::was_counted_at) back from the [total](Guess::total).
    ///
    /// # Errors
    ///
    /// As [`check_guess`](Self::check_guess).
    async fn approve(
        &self,
        id: VerificationId,
        guess: &Guess,
        now: SystemTime,
    ) -> Result<Verdict, Error>;

    /// Writes down that a guess that was counted before, and left to vendors, did not let its guesser
    /// in.
    async fn end_guess(
        &self,
        id: VerificationId,
        guess: &Guess,
        end: GuessEnd,
        now: SystemTime,
    ) -> Result<(), Error>;

    /// Closes a verification, for good; whether it was [pending](State::Pending).
    async fn cancel(&self, id: VerificationId, now: SystemTime) -> Result<bool, Error>;

    /// Reads a verification.
    async fn load(&self, id: VerificationId, now: SystemTime) -> Result<Option<Record>, Error>;

    /// The updates that were written within the last hour ([`HEALTH_TTL`]): of each provider the
    /// newest of each process, and no more than [`HEALTH_UPDATES_KEPT`] of them, the newest.
    ///
    /// # Errors
    ///
    /// The store cannot be reached; so this tells, too, whether it can.
    async fn health(&self, now: SystemTime) -> Result<Vec<HealthUpdate>, Error>;

    /// Compares server keys with those that other processes of this store use. Of each id the first
    /// value that the store is told is kept for good; answered are the ids whose values are others.
    /// Writes nothing when all are known, so that a store that takes no writes answers too.
    async fn check_keys(&self, keys: &[KeyCheck]) -> Result<Vec<KeyId>, Error>;

    /// Writes a small entry that replaces the one before and expires by itself.
    ///
    /// # Errors
    ///
    /// The store refuses writes, so no code can be verified.
    async fn probe(&self, now: SystemTime) -> Result<StoreState, Error>;

    /// What the store's own clock says. Processes on different machines that share a store go by it: an
    /// [`OtpClient`](crate::OtpClient) measures how far its own clock is off, and corrects every time
    /// that it uses. `None`: those who share the store share one clock.
    async fn time(&self) -> Result<Option<SystemTime>, Error>;
}

/// How long a [`HealthUpdate`] is kept.
pub const HEALTH_TTL: Duration = Duration::from_hours(1);

/// How many [`HealthUpdate`]s of one provider are kept. Of more processes, those that tell last count;
/// of two at the same time that of the higher number.
pub const HEALTH_UPDATES_KEPT: usize = 8;

/// Whether a store that can be written to has room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "stores answer with it, and callers handle both")]
pub enum StoreState {
    /// It takes new verifications.
    Ok,
    /// It is full: it refuses new verifications and still checks the codes that were sent.
    Full,
}
