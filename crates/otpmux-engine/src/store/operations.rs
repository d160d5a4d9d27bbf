//! What the operations of a store take and answer.

use std::time::{Duration, SystemTime};

use otpmux_core::{ErrorKind, VendorReference, Verdict};

use super::health::HealthUpdate;
use super::limits::{LimitExceeded, LimitHit, Refund};
use super::record::{AttemptState, Record, SendAttempt, Skip, VendorTerms};

/// A new verification.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct Create {
    /// Its record, with its first send attempt.
    pub record: Record,
    /// What counts it, all or none.
    pub limit_hits: Vec<LimitHit>,
}

/// Whether a verification was written down.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a client must handle each of them")]
pub enum Created {
    /// It was. What is known about providers here, as [`VerificationStore::health`](crate::VerificationStore::health) tells it.
    New(Vec<HealthUpdate>),
    /// Not: this request had been made before, and this came of it.
    Replayed(Box<Record>),
    /// Not: another request had been made under this name.
    KeyReused,
    /// Not: this limit has no room.
    LimitExceeded(LimitExceeded),
    /// Not: whoever asked has given it up meanwhile.
    GivenUp,
}

/// A further send attempt.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct StartAttempt {
    /// How send attempts before it ended.
    pub ends: Vec<AttemptEnd>,
    /// The providers that were passed over since the last send attempt.
    pub skips: Vec<Skip>,
    /// What this process has learnt about providers.
    pub health_updates: Vec<HealthUpdate>,
    /// The send attempt.
    pub attempt: SendAttempt,
    /// For the first send attempt of a resend: what the record must allow, and what it says afterwards.
    pub resend: Option<ResendTerms>,
    /// What counts it, all or none.
    pub limit_hits: Vec<LimitHit>,
}

/// What a resend needs of its record.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct ResendTerms {
    /// How many resends there may be, this one included.
    pub max_resends: u32,
    /// From when on the next one is allowed.
    pub next_after: SystemTime,
}

/// Whether a further send attempt was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a client must handle each of them")]
pub enum AttemptStarted {
    /// It was, at this place of the record's send attempts.
    Started(usize),
    /// Not: no code is good for this verification any more, for this reason.
    Over(Verdict),
    /// Not yet: a resend must wait this long.
    TooSoon(Duration),
    /// Not any more: there were as many resends as there may be.
    TooMany,
    /// Not now: this limit has no room.
    LimitExceeded(LimitExceeded),
}

/// How the calls of some send attempts ended.
#[derive(Clone, Debug, Default)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct RecordOutcome {
    /// The send attempts.
    pub ends: Vec<AttemptEnd>,
    /// The providers that were passed over since the last send attempt.
    pub skips: Vec<Skip>,
    /// What this process has learnt about providers.
    pub health_updates: Vec<HealthUpdate>,
    /// Close the verification, unless another send attempt may have sent something after all: if nothing was
    /// sent for it, there is no code to type.
    pub close: bool,
    /// Hits to take back, each once, if it is there. To be told again changes nothing: where there
    /// are `ends` or a send attempt that was `lost`, they are taken back only if one of these was there and has
    /// had no end before.
    pub refunds: Vec<Refund>,
    /// A step whose answer was lost, so that it may still be carried out: it no longer is.
    pub lost: Option<Lost>,
}

/// A step that may have been carried out, or may be later, though whoever asked for it has given up
/// and called nobody.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle each of them")]
pub enum Lost {
    /// The creation. Where the record is not there, it is not created any more, until this time, when
    /// nobody would miss it.
    Creation(SystemTime),
    /// The beginning of this send attempt, known by its key. Where it is there it was not sent; where it is
    /// not, it is written down as not sent, and not begun any more.
    SendAttempt(SendAttempt),
}

/// How a send attempt ended.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct AttemptEnd {
    /// Its place among the record's send attempts.
    pub attempt: usize,
    /// What is known about it.
    pub state: AttemptState,
    /// Why it failed.
    pub failure: Option<ErrorKind>,
    /// What the vendor calls it; encrypted where that shows the recipient.
    pub reference: Option<VendorReference>,
    /// What is known of the vendor's code; `None` keeps what was known before.
    pub vendor: Option<Box<VendorTerms>>,
}

/// What came of trying a code.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_enums, reason = "a client must handle each of them")]
pub enum Guessed {
    /// The answer.
    Verdict(Verdict),
    /// The guess is counted and the code is not ours, but a vendor's code may be out: only that
    /// vendor can tell.
    AskVendors(Box<Record>),
    /// Nothing is compared and nothing counted: another code was tried under this name.
    KeyReused,
}

/// How a guess that was left to vendors ended, other than by an approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle each of them")]
pub enum GuessEnd {
    /// A vendor has said that it is wrong, and so many are left. It stays counted; told to every
    /// repeat under its [name](crate::Guess::name).
    Wrong(u32),
    /// Nobody has compared it. The guess is given back, and the hit of its
    /// [time](crate::Guess::was_counted_at) in its windows, and its name is free again, unless the
    /// verification is over by approval or otherwise, or another call still asks under its name.
    NotCompared,
}

/// What is kept of a guess that was counted under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct NamedGuess {
    /// The code, as a keyed hash.
    pub content: [u8; 16],
    /// What has become of it.
    pub state: GuessState,
}

/// What has become of a guess that was counted under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "stores write each of them down")]
pub enum GuessState {
    /// Its vendors are being asked, or were when the process died.
    Asking {
        /// How many calls have begun and have not ended without a verdict. The last one that does
        /// gives the guess back; were it the first, a verdict that comes to another one would be a
        /// guess that nothing has counted.
        calls: u32,
        /// When it was counted.
        counted_at: SystemTime,
    },
    /// It was wrong, and so many were left.
    Wrong(u32),
    /// It was right.
    Approved,
}
