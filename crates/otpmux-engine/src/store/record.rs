use std::fmt;
use std::time::SystemTime;

use otpmux_core::{
    Channel, ErrorKind, IdempotencyKey, Incompatibility, ProviderId, Purpose, VendorReference,
};
use serde::{Deserialize, Serialize};

use crate::{CodeMac, RecipientHash, Sealed, VerificationId};

/// A verification as a store keeps it. Holds no code and no recipient in the clear.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct Record {
    /// Its handle.
    pub id: VerificationId,
    /// Who is to prove.
    pub recipient: RecipientHash,
    /// What for. One verification per recipient and purpose is live.
    pub purpose: Purpose,
    /// Where it stands.
    pub state: State,
    /// The one whose place it took: the newest of its recipient and purpose before it. The store
    /// finds it.
    pub supersedes: Option<VerificationId>,
    /// otpmux's code; `None` when no provider in sight takes one.
    pub code: Option<CodeMac>,
    /// Digits of the code, where that is known.
    pub code_length: Option<u8>,
    /// From when on it is worth nothing.
    pub expires_at: SystemTime,
    /// Codes that were tried.
    pub guesses: u32,
    /// Codes that may be tried.
    pub max_guesses: u32,
    /// How often it was sent again at the user's wish.
    pub resends: u32,
    /// From when on it may be sent again.
    pub resend_after: SystemTime,
    /// What a resend needs, encrypted.
    pub sealed: Sealed,
    /// The tries, oldest first.
    pub send_attempts: Vec<SendAttempt>,
    /// The providers that were passed over, in the order in which that happened.
    pub skips: Vec<Skip>,
    /// The request that made it, where its caller named one.
    pub request: Option<Box<IdempotencyRecord>>,
}

/// A send that its caller has given a name, so that saying it twice sends once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct IdempotencyRecord {
    /// The name, as a keyed hash.
    pub name: [u8; 16],
    /// What was asked under it, as a keyed hash.
    pub content: [u8; 16],
}

/// Where a verification stands, apart from time and guesses running out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "stores write each of them down")]
pub enum State {
    /// A code may be tried.
    Pending,
    /// The right code was given, once.
    Approved,
    /// A newer one has taken its place, whose message may have gone out: no code is good for it. If
    /// the newer one comes to nothing after all, it is pending again.
    Superseded,
    /// Cancelled, or never sent: no code is good for it.
    Closed,
}

/// One try at one provider.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct SendAttempt {
    /// The provider.
    pub provider: ProviderId,
    /// Why it was this provider's turn.
    pub reason: Choice,
    /// The channel.
    pub channel: Channel,
    /// Whether it carries otpmux's code; otherwise the vendor made one.
    pub otpmux_code: bool,
    /// The key that all tries of this send attempt share.
    pub key: IdempotencyKey,
    /// When its call must have ended: the deadline of its send or resend.
    pub ends_at: SystemTime,
    /// What is known about it.
    pub state: AttemptState,
    /// Why it failed.
    pub failure: Option<ErrorKind>,
    /// What the vendor calls it; encrypted where that shows the recipient.
    pub reference: Option<VendorReference>,
    /// What is known of the vendor's code; `None` where the code is ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<Box<VendorTerms>>,
}

/// What is known of a code that a vendor has made: what was asked of it, and what it answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct VendorTerms {
    /// Digits that were asked for; `None` where the vendor alone decides.
    pub code_length: Option<u8>,
    /// The vendor sends a code again that it had sent before.
    pub repeats: bool,
    /// When the vendor lets it expire, if it says so.
    pub expires_at: Option<SystemTime>,
    /// With how many tries of the verification the vendor's are used up, if it says so.
    pub max_guesses: Option<u32>,
}

/// Why a send attempt went to its provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Choice {
    /// It is the first of its route that can.
    Preferred,
    /// The weights of its route have drawn it.
    Drawn,
    /// A send attempt before it has failed.
    Failover,
    /// A send attempt before it has not answered for a while.
    Hedge,
    /// The user asked for another message.
    Resend,
    /// It was being left alone, but nobody else was left.
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
            Self::LastResort => "last_resort",
        }
    }

    /// The same in prose, for an operator.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Preferred => "first of its route",
            Self::Drawn => "drawn by weight",
            Self::Failover => "after a failure",
            Self::Hedge => "beside one that was slow",
            Self::Resend => "sent again",
            Self::LastResort => "nobody else was left",
        }
    }
}

/// A provider that was passed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct Skip {
    /// How many send attempts there were when that happened.
    pub before: u8,
    /// The provider.
    pub provider: ProviderId,
    /// Why.
    pub reason: SkipReason,
}

/// Why a provider was passed over.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SkipReason {
    /// It cannot carry the request.
    Unable(Incompatibility),
    /// Too many calls to it have failed since then.
    CircuitOpen(SystemTime),
    /// It has had as many requests as it may.
    Limit,
    /// A message of the same send may be out already, and this provider would send another code.
    OtherCode,
}

impl SkipReason {
    /// The word that the HTTP API and the command use: `circuit_open`, `rate_limited`, `other_code`,
    /// or what the provider lacks, such as `unsupported_channel`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unable(what) => what.as_str(),
            Self::CircuitOpen(_) => "circuit_open",
            Self::Limit => "rate_limited",
            Self::OtherCode => "other_code",
        }
    }
}

/// In prose, for an operator.
impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unable(what) => f.write_str(what.words()),
            Self::CircuitOpen(since) => match jiff::Timestamp::try_from(*since) {
                Ok(since) => write!(f, "breaker open since {since:.0}"),
                Err(_) => f.write_str("breaker open"),
            },
            Self::Limit => f.write_str("its limit of requests is reached"),
            Self::OtherCode => f.write_str("it would send another code than this send may have"),
        }
    }
}

/// What is known about a send attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "stores write each of them down")]
pub enum AttemptState {
    /// Written down; the call is under way, or was when the process died.
    Intended,
    /// The vendor took it.
    Accepted,
    /// It never reached the vendor.
    NotSent,
    /// The vendor said no.
    Rejected,
    /// The vendor may have taken it.
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

    /// Whether a message may be on its way: what has no certain end counts as sent.
    pub const fn may_have_sent(self) -> bool {
        matches!(self, Self::Intended | Self::Accepted | Self::Unknown)
    }
}

impl Record {
    /// Whether otpmux's code may have reached the user. Before that, nobody can know it, and a
    /// guess that happens to hit it must not get in.
    pub fn code_is_out(&self) -> bool {
        self.send_attempts
            .iter()
            .any(|attempt| attempt.otpmux_code && attempt.state.may_have_sent())
    }

    /// Whether a vendor may have sent a code of its own, which only that vendor can verify.
    pub fn vendor_code_is_out(&self) -> bool {
        self.send_attempts
            .iter()
            .any(|attempt| !attempt.otpmux_code && attempt.state.may_have_sent())
    }

    /// Whether a message may be on its way.
    pub fn may_have_sent(&self) -> bool {
        self.send_attempts.iter().any(|attempt| attempt.state.may_have_sent())
    }

    /// Codes that may still be tried.
    pub fn guesses_left(&self) -> u32 {
        self.max_guesses.saturating_sub(self.guesses)
    }

    /// The newest send attempt whose message may be on its way: its code is what the user reads last.
    pub(crate) fn newest_out(&self) -> Option<&SendAttempt> {
        self.send_attempts.iter().rev().find(|attempt| attempt.state.may_have_sent())
    }

    fn newest_terms(&self) -> Option<&VendorTerms> {
        self.newest_out()?.vendor.as_deref()
    }

    /// Codes that may still be tried for the newest message: fewer than ours, where a vendor that
    /// made its code says so.
    pub(crate) fn newest_guesses_left(&self) -> u32 {
        let vendors = self.newest_terms().and_then(|terms| terms.max_guesses);
        let most = vendors.map_or(self.max_guesses, |vendors| vendors.min(self.max_guesses));
        most.saturating_sub(self.guesses)
    }

    /// When the code of the newest message is worth nothing any more: earlier than ours, where a
    /// vendor that made its code says so.
    pub(crate) fn newest_expires_at(&self) -> SystemTime {
        let vendors = self.newest_terms().and_then(|terms| terms.expires_at);
        vendors.map_or(self.expires_at, |vendors| vendors.min(self.expires_at))
    }

    /// Whether the newest message carries another code than those before it, whose codes count, too.
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

    /// Digits of every code that may be typed, where all agree and that is known.
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
