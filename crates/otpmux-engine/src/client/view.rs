use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use otpmux_core::{Channel, Delivery, ErrorKind, ProviderId, Recipient};
use serde::Serialize;

use crate::VerificationId;
use crate::store::record::{AttemptState, Choice, Record, Skip, State};

/// What an application may know about a verification, and show to its user.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Verification {
    /// Its handle, for verify, resend, cancel and status.
    pub id: VerificationId,
    /// Where it stands.
    pub status: VerificationStatus,
    /// How the newest message went.
    pub channel: Channel,
    /// Who it went to, in a form that only they recognise.
    pub to: String,
    /// Whether a vendor has said that it took the newest message. If not, it may have gone out all
    /// the same: let the user type, and offer a resend.
    pub confirmed: bool,
    /// Who has made the code of the newest message.
    pub code_source: CodeSourceView,
    /// The newest message carries another code than those before it. Each of them is good until one
    /// is used; tell the user that the newest message counts, too.
    pub new_code: bool,
    /// From when on the code of the newest message is worth nothing: earlier than the policy says,
    /// where a vendor that made the code said so.
    pub expires_at: SystemTime,
    /// Digits of the code; `None` when the vendor alone decides. Do not hard-code it.
    pub code_length: Option<u8>,
    /// From when on a resend is allowed.
    pub resend_after: SystemTime,
    /// Codes that may still be tried for the newest message: fewer than the policy says, where a
    /// vendor that made the code said so.
    pub guesses_left: u32,
    /// What was tried, oldest first.
    pub send_attempts: Vec<SendAttemptView>,
    /// Who was passed over, in the order in which that happened.
    pub skipped: Vec<Skip>,
    /// The application's own notes. Only [`status`](crate::OtpClient::status) gives them.
    pub metadata: BTreeMap<String, String>,
}

/// Who has made a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CodeSourceView {
    /// We have; it is verified without a vendor, and all messages that carry it carry the same.
    Otpmux,
    /// The vendor has, and it alone can verify it.
    Vendor,
}

impl CodeSourceView {
    /// The word that the HTTP API and logs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Otpmux => "otpmux",
            Self::Vendor => "vendor",
        }
    }
}

/// One line of the history of a verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HistoryEntry<'a> {
    /// A provider was called.
    Attempt(&'a SendAttemptView),
    /// A provider was passed over.
    Skipped(&'a Skip),
}

/// Where a verification stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum VerificationStatus {
    /// A code may be tried.
    Pending,
    /// The right code was given.
    Approved,
    /// Its time is over.
    Expired,
    /// Too many wrong codes.
    Locked,
    /// Cancelled, superseded, or never sent.
    Closed,
}

/// One try at one provider, as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SendAttemptView {
    /// The provider.
    pub provider: ProviderId,
    /// Why it was this provider's turn.
    pub reason: Choice,
    /// The channel.
    pub channel: Channel,
    /// What is known about it.
    pub state: AttemptState,
    /// Why it failed.
    pub failure: Option<ErrorKind>,
    /// Where the message is, when the vendor was asked and could tell.
    pub delivery: Option<Delivery>,
}

impl Verification {
    pub(super) fn of(record: &Record, recipient: &Recipient, now: SystemTime) -> Self {
        let newest = record.send_attempts.last();
        // The code that the user reads last; before anything is out, that of the call under way.
        let otpmux_code = record.newest_out().or(newest).is_some_and(|attempt| attempt.otpmux_code);
        let code_source = if otpmux_code { CodeSourceView::Otpmux } else { CodeSourceView::Vendor };
        Self {
            id: record.id,
            status: VerificationStatus::of(record, now),
            // A record is born with its first send attempt.
            channel: newest.map_or(Channel::Sms, |attempt| attempt.channel.clone()),
            to: recipient.masked(),
            confirmed: newest.is_some_and(|attempt| attempt.state == AttemptState::Accepted),
            code_source,
            new_code: record.sends_new_code(),
            expires_at: record.newest_expires_at(),
            code_length: record.told_code_length(),
            resend_after: record.resend_after,
            guesses_left: record.newest_guesses_left(),
            send_attempts: record.send_attempts.iter().map(SendAttemptView::of).collect(),
            skipped: record.skips.clone(),
            metadata: BTreeMap::new(),
        }
    }

    /// What happened, in its order: who was called, who was not, and why.
    pub fn history(&self) -> impl Iterator<Item = HistoryEntry<'_>> {
        let skipped_before = |send_attempts: usize| {
            let here = move |skip: &&Skip| usize::from(skip.before) == send_attempts;
            self.skipped.iter().filter(here).map(HistoryEntry::Skipped)
        };
        let send_attempts = self.send_attempts.iter().enumerate();
        send_attempts
            .flat_map(move |(place, attempt)| {
                skipped_before(place).chain([HistoryEntry::Attempt(attempt)])
            })
            .chain(skipped_before(self.send_attempts.len()))
    }
}

impl fmt::Display for HistoryEntry<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Skipped(skip) => write!(f, "{}: skipped: {}", skip.provider, skip.reason),
            Self::Attempt(attempt) => {
                let (state, message) = (attempt.state.as_str(), attempt.reason.message());
                write!(f, "{} by {}: {state} ({message})", attempt.provider, attempt.channel)?;
                match attempt.failure {
                    Some(kind) => write!(f, ": {}", kind.as_str()),
                    None => Ok(()),
                }
            }
        }
    }
}

impl VerificationStatus {
    fn of(record: &Record, now: SystemTime) -> Self {
        match record.state {
            State::Approved => Self::Approved,
            State::Closed | State::Superseded => Self::Closed,
            State::Pending if now >= record.expires_at => Self::Expired,
            State::Pending if record.guesses_left() == 0 => Self::Locked,
            State::Pending => Self::Pending,
        }
    }

    /// The word that the HTTP API and logs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Expired => "expired",
            Self::Locked => "locked",
            Self::Closed => "closed",
        }
    }
}

impl SendAttemptView {
    fn of(attempt: &crate::SendAttempt) -> Self {
        Self {
            provider: attempt.provider.clone(),
            reason: attempt.reason,
            channel: attempt.channel.clone(),
            state: attempt.state,
            failure: attempt.failure,
            delivery: None,
        }
    }
}
