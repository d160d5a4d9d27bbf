//! Arguments and results of a store's operations.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use otpmux_core::{ErrorKind, VendorReference, Verdict};

use super::health::HealthUpdate;
use super::limits::{LimitExceeded, LimitHit, Refund};
use super::record::{AttemptState, Record, SendAttempt, Skip, VendorTerms};
use crate::VerificationId;

/// A new verification, for [`VerificationStore::create`](crate::VerificationStore::create).
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct Create {
    /// Its record, with its first send attempt.
    pub record: Record,
    /// If it has an [external id](Record::external): the id's hash under every server key, that of
    /// the record first. Otherwise empty.
    pub external: Vec<[u8; 16]>,
    /// Its rate-limit hits, counted all or none.
    pub limit_hits: Vec<LimitHit>,
    /// Whether a [repeatable](Record::is_repeatable) verification of its recipient and purpose is
    /// returned in its place.
    pub repeat: bool,
}

/// Result of [`VerificationStore::create`](crate::VerificationStore::create).
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a client must handle each of them")]
pub enum Created {
    /// It was written. Contains the health updates of all providers, as
    /// [`VerificationStore::health`](crate::VerificationStore::health) returns them.
    New(Vec<HealthUpdate>),
    /// Not written: the same request was made before, and this is its record.
    Replayed(Box<Record>),
    /// Not written: another request used this idempotency key.
    KeyReused,
    /// Not written: this one of the same recipient and purpose is live, and
    /// [`repeat`](Create::repeat) was set.
    Live(Box<Record>),
    /// Not written: a verification with this external id is still known.
    ExternalIdTaken,
    /// Not written: this limit has no room.
    LimitExceeded(LimitExceeded),
    /// Not written: the caller gave it up meanwhile.
    GivenUp,
}

/// A further send attempt, for
/// [`VerificationStore::start_attempt`](crate::VerificationStore::start_attempt).
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct StartAttempt {
    /// Outcomes of earlier send attempts.
    pub ends: Vec<AttemptEnd>,
    /// The providers that were skipped since the last send attempt.
    pub skips: Vec<Skip>,
    /// Health updates of this process.
    pub health_updates: Vec<HealthUpdate>,
    /// The send attempt.
    pub attempt: SendAttempt,
    /// For the first send attempt of a resend: the conditions of the resend, and its effect on the
    /// record.
    pub resend: Option<ResendTerms>,
    /// For the first send attempt of a step of escalation: the conditions of the step, and its effect
    /// on the record.
    pub escalation: Option<EscalationTerms>,
    /// Its rate-limit hits, counted all or none.
    pub limit_hits: Vec<LimitHit>,
    /// What the record's [events](Record::events) say from then on, if it starts and they exist.
    pub facts: Option<Arc<str>>,
}

/// Terms of a resend.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct ResendTerms {
    /// The most resends allowed, this one included.
    pub max_resends: u32,
    /// When the next resend is allowed.
    pub next_after: SystemTime,
}

/// Terms of a step of escalation.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct EscalationTerms {
    /// The step, from 0: as many [began or were passed over](crate::Record::escalations) before.
    pub step: u8,
    /// When the next step is due; `None` without one.
    pub next_due_at: Option<SystemTime>,
}

/// A change of the time at which a process must look at a verification, for
/// [`VerificationStore::reschedule`](crate::VerificationStore::reschedule).
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct Reschedule {
    /// How many steps of escalation [began or were passed over](crate::Record::escalations), as far
    /// as the caller knows.
    pub step: u8,
    /// How many there are from now on.
    pub next_step: u8,
    /// When a process must look at it next.
    pub due_at: Option<SystemTime>,
    /// The providers that were skipped since the last send attempt.
    pub skips: Vec<Skip>,
}

/// Result of [`VerificationStore::start_attempt`](crate::VerificationStore::start_attempt).
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a client must handle each of them")]
pub enum AttemptStarted {
    /// It was written, at this index of the record's send attempts.
    Started(usize),
    /// Not written: no code is valid for this verification any more, for this reason.
    Over(Verdict),
    /// Not written: a resend must wait this long.
    TooSoon(Duration),
    /// Not written: the number of resends is used up.
    TooMany,
    /// Not written: this step of escalation began before, or the user has typed a code or asked for
    /// another message since.
    NotDue,
    /// Not written: this limit has no room.
    LimitExceeded(LimitExceeded),
}

/// Outcomes of send attempts, for
/// [`VerificationStore::record_outcome`](crate::VerificationStore::record_outcome).
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct RecordOutcome {
    /// The outcomes.
    pub ends: Vec<AttemptEnd>,
    /// The providers that were skipped since the last send attempt.
    pub skips: Vec<Skip>,
    /// Health updates of this process.
    pub health_updates: Vec<HealthUpdate>,
    /// Whether to close the verification, unless another send attempt may still have sent
    /// something: if nothing was sent for it, there is no code to type.
    pub close: bool,
    /// Hits to take back, each once, if it exists. A repeat changes nothing: with `ends` or a
    /// `lost` send attempt, hits are taken back only if one of these attempts existed without an
    /// outcome.
    pub refunds: Vec<Refund>,
    /// A step whose answer was lost and that may still be carried out; from now on it is refused.
    pub lost: Option<Lost>,
    /// That the send or resend ended without a confirmation, if its record has
    /// [events](Record::events).
    pub unconfirmed: Option<Unconfirmed>,
}

/// The end of a send that no vendor has confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct Unconfirmed {
    /// The index of its last send attempt.
    pub place: u8,
    /// Why that one has no confirmation.
    pub reason: ErrorKind,
}

/// A step that may have been carried out, or may be later, although its caller gave it up and
/// called no provider.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle each of them")]
pub enum Lost {
    /// The creation. If the record does not exist, its creation is refused until this time, after
    /// which the record would be past its retention.
    Creation(SystemTime),
    /// The start of this send attempt, identified by its key. An attempt that exists was not sent;
    /// one that does not exist is written as not sent, and its start is refused.
    SendAttempt(SendAttempt),
}

/// Outcome of a send attempt.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct AttemptEnd {
    /// Its index among the record's send attempts.
    pub attempt: usize,
    /// The outcome, as far as it is known.
    pub state: AttemptState,
    /// Why it failed.
    pub failure: Option<ErrorKind>,
    /// The vendor's reference; encrypted if it shows the recipient.
    pub reference: Option<VendorReference>,
    /// Terms of the vendor's code; `None` keeps the earlier ones.
    pub vendor: Option<Box<VendorTerms>>,
    /// A keyed hash of the vendor's reference, if the vendor's receipts name nothing else: the
    /// store finds the send attempt by it as long as the record lives.
    pub found_by: Option<[u8; 16]>,
}

/// A send attempt with otpmux's code that its vendor has accepted, and about which nothing else is
/// to be recorded, for
/// [`VerificationStore::record_accepted`](crate::VerificationStore::record_accepted).
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct AcceptedAttempt {
    /// Its verification or delivery.
    pub id: VerificationId,
    /// Its index among the record's send attempts.
    pub attempt: usize,
    /// The vendor's reference; encrypted if it shows the recipient.
    pub reference: Option<VendorReference>,
}

impl From<AcceptedAttempt> for AttemptEnd {
    fn from(accepted: AcceptedAttempt) -> Self {
        Self {
            attempt: accepted.attempt,
            state: AttemptState::Accepted,
            failure: None,
            reference: accepted.reference,
            vendor: None,
            found_by: None,
        }
    }
}

impl From<AcceptedAttempt> for RecordOutcome {
    fn from(accepted: AcceptedAttempt) -> Self {
        Self { ends: vec![accepted.into()], ..Self::default() }
    }
}

/// Result of [`VerificationStore::check_guess`](crate::VerificationStore::check_guess).
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a client must handle each of them")]
pub enum Guessed {
    /// The verdict.
    Verdict {
        /// The verdict.
        verdict: Verdict,
        /// The verification that the guess has selected, if there is one for it.
        id: Option<VerificationId>,
    },
    /// The guess is counted and the code is not otpmux's, but a vendor's code may have been sent:
    /// only that vendor can verify it.
    AskVendors(Box<Record>),
    /// Nothing is compared and nothing counted: another code was tried under this name.
    KeyReused,
}

/// Outcome of a guess that vendors had to verify, other than an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle each of them")]
pub enum GuessEnd {
    /// A vendor said that it is wrong, and so many guesses are left. It stays counted, and every
    /// repeat under its [name](crate::Guess::name) gets the same verdict.
    Wrong(u32),
    /// No vendor compared it. The guess and the hit of its [time](crate::Guess::was_counted_at) in
    /// its windows are taken back, and its name is released, unless the verification is over by
    /// approval or otherwise, or another call still asks under its name.
    NotCompared,
}

/// State of a counted guess under its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct NamedGuess {
    /// The verification that it was counted at.
    pub id: VerificationId,
    /// The code, as a keyed hash.
    pub content: [u8; 16],
    /// What happened to it.
    pub state: GuessState,
}

impl Guessed {
    /// There is no verification for this guess.
    pub const NONE: Self = Self::Verdict { verdict: Verdict::NotFound, id: None };
}

/// What happened to a guess that was counted under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "stores write each of them down")]
pub enum GuessState {
    /// Its vendors are being asked, or were when the process died.
    Asking {
        /// How many calls began and have not ended without a verdict. The last one that ends so
        /// takes the guess back. If the first one did, another call could get a verdict for a
        /// guess that is not counted.
        calls: u32,
        /// When it was counted.
        counted_at: SystemTime,
    },
    /// It was wrong, and so many guesses were left.
    Wrong(u32),
    /// It was right.
    Approved,
}
