use std::fmt;
use std::time::SystemTime;

use otpmux_core::{
    Channel, ErrorKind, IdempotencyKey, Incompatibility, ProviderId, Purpose, VendorReference,
    rfc3339,
};
use serde::{Deserialize, Serialize};

use super::RETENTION;
use super::delivery::DeliveryMark;
use crate::{CodeMac, EscalationStep, EventTerms, RecipientHash, Sealed, VerificationId};

/// A verification as a store keeps it, or a delivery, whose [id](VerificationId::is_delivery) says
/// so. Contains no code and no recipient in clear text.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct Record {
    /// Its id.
    pub id: VerificationId,
    /// The recipient, hashed.
    pub recipient: RecipientHash,
    /// The purpose. One verification per recipient and purpose is live.
    pub purpose: Purpose,
    /// The caller's own id, if it has one, as a keyed hash that is bound to the purpose.
    pub external: Option<[u8; 16]>,
    /// Its state.
    pub state: State,
    /// The one whose place it took: the newest of its recipient and purpose before it. Set by the
    /// store.
    pub supersedes: Option<VerificationId>,
    /// otpmux's code; `None` when no candidate takes one, and for a delivery. After an approval a
    /// store need not keep it, because nothing is compared with it any more.
    pub code: Option<CodeMac>,
    /// Digits of the code, if known.
    pub code_length: Option<u8>,
    /// When its codes expire.
    pub expires_at: SystemTime,
    /// Guesses so far.
    pub guesses: u32,
    /// Guesses allowed.
    pub max_guesses: u32,
    /// Resends so far.
    pub resends: u32,
    /// When a resend is allowed.
    pub resend_after: SystemTime,
    /// When a process must look at it: at its next step of escalation, or when it expires. `None`:
    /// never, and then it is in no due set.
    pub due_at: Option<SystemTime>,
    /// What `due_at` becomes when no step of escalation is left, or when it ends otherwise than by an
    /// approval: its expiry, if a process must look at it then.
    pub due_after_end: Option<SystemTime>,
    /// Steps of escalation that began or were passed over.
    pub escalations: u8,
    /// The payload of a resend, encrypted.
    pub sealed: Sealed,
    /// The send attempts, oldest first.
    pub send_attempts: Vec<SendAttempt>,
    /// The providers that were skipped, in the order in which that happened.
    pub skips: Vec<Skip>,
    /// The request that created it, if it had an idempotency key.
    pub request: Option<Box<IdempotencyRecord>>,
    /// Its events; `None` if no endpoint gets any.
    pub events: Option<Box<EventTerms>>,
}

/// Idempotency key of a send: a repeat with the same key sends nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct IdempotencyRecord {
    /// The idempotency key, as a keyed hash.
    pub name: [u8; 16],
    /// The content of the request, as a keyed hash.
    pub content: [u8; 16],
}

/// State of a verification, apart from expiry and used-up guesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "stores write each of them down")]
pub enum State {
    /// A code can be verified.
    Pending,
    /// The right code was entered, once.
    Approved,
    /// A newer one, whose message may have been sent, took its place: no code is valid for it. If
    /// the newer one fails after all, it is pending again.
    Superseded,
    /// Cancelled, or never sent: no code is valid for it.
    Closed,
}

/// One send attempt.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct SendAttempt {
    /// The provider.
    pub provider: ProviderId,
    /// Why this provider was called.
    pub reason: Choice,
    /// The channel.
    pub channel: Channel,
    /// Whether it carries otpmux's code; otherwise the vendor generates one.
    pub otpmux_code: bool,
    /// The key that all tries of this send attempt share.
    pub key: IdempotencyKey,
    /// When its call must have ended: the deadline of its send or resend.
    pub ends_at: SystemTime,
    /// The outcome, as far as it is known.
    pub state: AttemptState,
    /// Why it failed.
    pub failure: Option<ErrorKind>,
    /// The vendor's reference; encrypted if it shows the recipient.
    pub reference: Option<VendorReference>,
    /// Terms of the vendor's code; `None` if the code is otpmux's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<Box<VendorTerms>>,
    /// The delivery of its message, if the vendor reported one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryMark>,
}

/// Terms of a code that a vendor generated: what was requested, and what the vendor answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct VendorTerms {
    /// Digits that were requested; `None` if the vendor alone decides.
    pub code_length: Option<u8>,
    /// The vendor sends a code again that it sent before.
    pub repeats: bool,
    /// When the code expires at the vendor, if it says so.
    pub expires_at: Option<SystemTime>,
    /// The count of the verification's guesses at which the vendor's are used up, if it says so.
    pub max_guesses: Option<u32>,
}

/// Why a send attempt went to its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Choice {
    /// It is the first of its route that can carry the send.
    Preferred,
    /// The weights of its route selected it.
    Drawn,
    /// An earlier send attempt failed.
    Failover,
    /// An earlier send attempt did not answer for some time.
    Hedge,
    /// The user asked for another message.
    Resend,
    /// The user has not typed the code for some time.
    Escalation,
    /// Its circuit was open, but no other candidate was left.
    LastResort,
}

impl Choice {
    /// The word that the HTTP API and the command use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Preferred => "preferred",
            Self::Drawn => "drawn",
            Self::Failover => "failover",
            Self::Hedge => "hedge",
            Self::Resend => "resend",
            Self::Escalation => "escalation",
            Self::LastResort => "last_resort",
        }
    }

    /// A phrase for an operator.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Preferred => "first of its route",
            Self::Drawn => "drawn by weight",
            Self::Failover => "after a failure",
            Self::Hedge => "beside one that was slow",
            Self::Resend => "sent again",
            Self::Escalation => "no code came back",
            Self::LastResort => "no other provider left",
        }
    }
}

/// A provider that was skipped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct Skip {
    /// How many send attempts there were at that time.
    pub before: u8,
    /// The provider.
    pub provider: ProviderId,
    /// The reason.
    pub reason: SkipReason,
}

/// Why a provider was skipped.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SkipReason {
    /// It cannot carry the request.
    Unable(Incompatibility),
    /// Its circuit has been open since then.
    CircuitOpen(SystemTime),
    /// Its limit has no room.
    Limit,
    /// A message of the same send may have been sent already, and this provider would send another
    /// code.
    OtherCode,
}

impl SkipReason {
    /// The word that the HTTP API and the command use: `circuit_open`, `rate_limited`,
    /// `other_code`, or the missing capability, such as `unsupported_channel`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unable(what) => what.as_str(),
            Self::CircuitOpen(_) => "circuit_open",
            Self::Limit => "rate_limited",
            Self::OtherCode => "other_code",
        }
    }
}

/// A phrase for an operator.
impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unable(what) => what.fmt(f),
            Self::CircuitOpen(since) => match rfc3339::seconds(*since) {
                Some(since) => write!(f, "circuit open since {since}"),
                None => f.write_str("circuit open"),
            },
            Self::Limit => f.write_str("its limit of requests is reached"),
            Self::OtherCode => f.write_str("it would send another code than this send may have"),
        }
    }
}

/// Outcome of a send attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "stores write each of them down")]
pub enum AttemptState {
    /// Written to the store; the call is under way, or was when the process died.
    Intended,
    /// The vendor accepted it.
    Accepted,
    /// It never reached the vendor.
    NotSent,
    /// The vendor rejected it.
    Rejected,
    /// The vendor may have accepted it.
    Unknown,
}

impl AttemptState {
    /// The word that the HTTP API and logs use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Intended => "intended",
            Self::Accepted => "accepted",
            Self::NotSent => "not_sent",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }

    /// Whether a message may have been sent: an unknown outcome counts as sent.
    pub const fn may_have_sent(self) -> bool {
        matches!(self, Self::Intended | Self::Accepted | Self::Unknown)
    }
}

impl Record {
    /// When it disappears: a verification [`RETENTION`] after its codes expire; a delivery at once,
    /// because its code is kept only as long as a resend may need it.
    pub fn kept_until(&self) -> SystemTime {
        if self.id.is_delivery() { self.expires_at } else { self.expires_at + RETENTION }
    }

    /// Whether otpmux's code may have reached the user. Before that, the code cannot be known, and
    /// a guess that matches it by chance must not be approved.
    pub fn code_is_out(&self) -> bool {
        self.send_attempts
            .iter()
            .any(|attempt| attempt.otpmux_code && attempt.state.may_have_sent())
    }

    /// Whether a vendor may have sent a code that it generated, which only that vendor can verify.
    pub fn vendor_code_is_out(&self) -> bool {
        self.send_attempts
            .iter()
            .any(|attempt| !attempt.otpmux_code && attempt.state.may_have_sent())
    }

    /// Until when, at most, a call of it may still be under way, because its send attempt has no
    /// outcome; `None` if none is. A process that died in the call leaves such an attempt, and its
    /// deadline bounds the wait.
    pub(crate) fn under_way_until(&self, now: SystemTime) -> Option<SystemTime> {
        let open = |attempt: &&SendAttempt| {
            attempt.state == AttemptState::Intended && now < attempt.ends_at
        };
        self.send_attempts.iter().filter(open).map(|attempt| attempt.ends_at).max()
    }

    /// Whether a message may have been sent.
    pub fn may_have_sent(&self) -> bool {
        self.send_attempts.iter().any(|attempt| attempt.state.may_have_sent())
    }

    /// When its next step of escalation is due, as far as is known.
    pub(crate) fn next_step_at(&self, now: SystemTime) -> Option<SystemTime> {
        let waits = self.over(now).is_none() && self.awaits_step(self.escalations);
        // Otherwise it is due for its expiry.
        let step = |at: &SystemTime| *at + EscalationStep::LEFT <= self.expires_at;
        self.due_at.filter(|_| waits).filter(step)
    }

    /// Guesses that remain.
    pub fn guesses_left(&self) -> u32 {
        self.max_guesses.saturating_sub(self.guesses)
    }

    /// The newest send attempt whose message may have been sent; the user reads its code last.
    pub(crate) fn newest_out(&self) -> Option<&SendAttempt> {
        self.send_attempts.iter().rev().find(|attempt| attempt.state.may_have_sent())
    }

    fn newest_terms(&self) -> Option<&VendorTerms> {
        self.newest_out()?.vendor.as_deref()
    }

    /// Guesses that remain for the newest message: fewer than the record's, if a vendor that
    /// generated the code says so.
    pub(crate) fn newest_guesses_left(&self) -> u32 {
        let vendors = self.newest_terms().and_then(|terms| terms.max_guesses);
        let most = vendors.map_or(self.max_guesses, |vendors| vendors.min(self.max_guesses));
        most.saturating_sub(self.guesses)
    }

    /// When the code of the newest message expires: earlier than the record, if a vendor that
    /// generated the code says so.
    pub(crate) fn newest_expires_at(&self) -> SystemTime {
        let vendors = self.newest_terms().and_then(|terms| terms.expires_at);
        vendors.map_or(self.expires_at, |vendors| vendors.min(self.expires_at))
    }

    /// Whether the newest message carries another code than those before it, whose codes are valid
    /// too.
    pub(crate) fn sends_new_code(&self) -> bool {
        let mut out =
            self.send_attempts.iter().rev().filter(|attempt| attempt.state.may_have_sent());
        let Some(newest) = out.next() else { return false };
        let mut earlier = out.peekable();
        if newest.otpmux_code {
            earlier.peek().is_some() && !earlier.any(|attempt| attempt.otpmux_code)
        } else {
            let repeats = newest.vendor.as_ref().is_some_and(|terms| terms.repeats);
            earlier.peek().is_some() && !repeats
        }
    }

    /// Digits of every valid code, if all agree and the number is known.
    pub(crate) fn told_code_length(&self) -> Option<u8> {
        let vendors = self
            .send_attempts
            .iter()
            .filter(|attempt| !attempt.otpmux_code && attempt.state.may_have_sent());
        let length =
            |attempt: &SendAttempt| attempt.vendor.as_ref().and_then(|terms| terms.code_length);
        let agreed = |attempt: &SendAttempt| length(attempt) == self.code_length;
        self.code_length.filter(|_| vendors.into_iter().all(agreed))
    }
}
