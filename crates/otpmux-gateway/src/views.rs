//! The JSON of a verification and of a verdict, as the HTTP API answers them, for programs that print
//! the same.

use std::collections::BTreeMap;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use otpmux::admin::{SendAttemptView, Skip};
use otpmux::errors::seconds_rounded_up;
use otpmux::{Verdict, Verification};
use serde::Serialize;
use utoipa::ToSchema;

/// The beginning of the metadata keys in which doors keep notes.
const DOOR_NOTES: &str = "door.";

/// A verification: one recipient proving one thing once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Verification")]
pub struct VerificationView {
    /// The id, for verify, resend, show and cancel.
    #[schema(example = "0af7651916cd43dd8448eb211c80319c", pattern = "^[0-9a-f]{32}$")]
    id: String,
    /// `pending`, `approved`, `expired`, `locked` (too many wrong codes) or `closed` (cancelled,
    /// superseded, or never sent).
    #[schema(value_type = Status)]
    status: &'static str,
    /// The channel of the newest message.
    #[schema(example = "sms")]
    channel: String,
    /// The recipient, masked so that only its owner recognises it.
    #[schema(example = "+1•••••••23")]
    to: String,
    /// Whether a vendor has confirmed that it accepted the newest message. If not, the message may
    /// still have been sent: let the user type a code, and offer a resend.
    confirmed: bool,
    /// Who generated the code of the newest message: `otpmux` (otpmux can verify it) or `vendor`
    /// (only that vendor can verify it).
    #[schema(value_type = CodeSource)]
    code_source: &'static str,
    /// Whether the newest message carries another code than those before it. Each of them is valid
    /// until one is used, and they share one count of guesses: tell the user that another code is
    /// coming.
    new_code: bool,
    /// Whether this request sent a live verification again, because of `repeat` = `same_code`.
    repeated: bool,
    /// When the code of the newest message expires, by the policy or by the vendor that generated
    /// it, whichever is earlier.
    #[schema(format = DateTime)]
    expires_at: String,
    /// Digits of the code; null if a provider of the route may send a code of another or an unknown
    /// length. Do not hard-code it.
    #[schema(required)]
    code_length: Option<u8>,
    /// The earliest time of a resend.
    #[schema(format = DateTime)]
    resend_after: String,
    /// When another message with the same code may be sent without a request, if the user has done
    /// nothing by then; null if none will be. A receipt may change it.
    #[schema(required, format = DateTime)]
    next_step_at: Option<String>,
    /// Guesses left for the newest message, by the policy or by the vendor that generated its code,
    /// whichever is fewer.
    guesses_left: u32,
}

/// A verification with its history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "VerificationDetails")]
pub struct DetailsView {
    #[serde(flatten)]
    verification: VerificationView,
    /// The send attempts, oldest first.
    send_attempts: Vec<SendAttempt>,
    /// The providers that were skipped, in the order in which that happened.
    skipped: Vec<SkippedView>,
    /// The metadata that the application gave when it created the verification.
    metadata: BTreeMap<String, String>,
}

/// The verdict on a code.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Verdict")]
pub struct VerdictView {
    /// Let the user in only if this is `approved`.
    #[schema(value_type = VerdictWord)]
    verdict: &'static str,
    /// Guesses that are left.
    #[serde(skip_serializing_if = "Option::is_none")]
    guesses_left: Option<u32>,
    /// Seconds until the next guess is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
}

/// The word of a verdict.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the document; answers take the engine's own words")]
enum VerdictWord {
    Approved,
    WrongCode,
    Expired,
    AlreadyUsed,
    TooManyGuesses,
    NotFound,
    Gone,
    Rejected,
}

/// The status of a verification.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the document; answers take the engine's own words")]
enum Status {
    Pending,
    Approved,
    Expired,
    Locked,
    Closed,
}

/// Who generated a code.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the document; answers take the engine's own words")]
enum CodeSource {
    Otpmux,
    Vendor,
}

/// Why a provider was chosen.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the document; answers take the engine's own words")]
enum AttemptReason {
    Preferred,
    Drawn,
    Failover,
    Hedge,
    Resend,
    Escalation,
    LastResort,
}

/// Why a provider was skipped.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the document; answers take the engine's own words")]
enum SkipReason {
    UnsupportedChannel,
    UnsupportedRecipient,
    UnsupportedOtpmuxCode,
    UnsupportedVendorCode,
    UnsupportedCodeLength,
    UnsupportedLettersInCode,
    UnsupportedTtl,
    CircuitOpen,
    RateLimited,
    OtherCode,
}

/// One send attempt at one provider.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SendAttempt {
    /// The provider's name in the configuration.
    provider: String,
    /// Why it was chosen: it is the first suitable provider of its route (`preferred`), the weights
    /// of the route selected it (`drawn`), an earlier one failed (`failover`) or is slow (`hedge`),
    /// the user asked for another message (`resend`), the user did not type the code for some time
    /// (`escalation`), or no other provider was left (`last_resort`).
    #[schema(value_type = AttemptReason)]
    reason: &'static str,
    /// The reason in prose.
    #[schema(example = "first of its route")]
    message: &'static str,
    /// The channel.
    #[schema(example = "sms")]
    channel: String,
    /// The known outcome: `intended`, `accepted`, `not_sent`, `rejected` or `unknown`.
    state: &'static str,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'static str>,
    /// The delivery of the message, if its vendor reports it: `accepted`, `sent`, `delivered`,
    /// `failed`, `expired` or `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<&'static str>,
    /// When the message was delivered, by the vendor's clock if it gives a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    delivered_at: Option<String>,
}

/// A provider that was skipped.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Skipped")]
pub struct SkippedView {
    /// The provider's name in the configuration.
    provider: String,
    /// Why it was skipped: it lacks a capability (`unsupported_channel` and others), its circuit is
    /// open after failures (`circuit_open`), it has reached its rate limit (`rate_limited`), or it
    /// would send another code than the user may hold (`other_code`).
    #[schema(value_type = SkipReason)]
    reason: &'static str,
    /// The reason in prose.
    #[schema(example = "this provider does not send by this channel")]
    message: String,
    /// The number of send attempts when it was skipped.
    before: u8,
}

impl From<&Verification> for VerificationView {
    fn from(verification: &Verification) -> Self {
        Self {
            id: verification.id.to_string(),
            status: verification.status.as_str(),
            channel: verification.channel.as_str().to_owned(),
            to: verification.to.clone(),
            confirmed: verification.confirmed,
            code_source: verification.code_source.as_str(),
            new_code: verification.new_code,
            repeated: verification.repeated,
            expires_at: rfc3339(verification.expires_at),
            code_length: verification.code_length,
            resend_after: rfc3339(verification.resend_after),
            next_step_at: verification.next_step_at.map(rfc3339),
            guesses_left: verification.guesses_left,
        }
    }
}

impl From<&Verification> for DetailsView {
    fn from(verification: &Verification) -> Self {
        Self {
            verification: verification.into(),
            send_attempts: verification.send_attempts.iter().map(SendAttempt::from).collect(),
            skipped: verification.skipped.iter().map(SkippedView::from).collect(),
            metadata: of_the_application(&verification.metadata),
        }
    }
}

/// Returns the metadata without the notes of doors, which may show the recipient.
pub(crate) fn of_the_application(metadata: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let notes = |key: &str| key.starts_with(DOOR_NOTES);
    metadata.iter().filter(|(key, _)| !notes(key)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

impl From<&SendAttemptView> for SendAttempt {
    fn from(attempt: &SendAttemptView) -> Self {
        Self {
            provider: attempt.provider.to_string(),
            reason: attempt.reason.as_str(),
            message: attempt.reason.message(),
            channel: attempt.channel.as_str().to_owned(),
            state: attempt.state.as_str(),
            failure: attempt.failure.map(otpmux::ErrorKind::as_str),
            delivery: attempt.delivery.map(otpmux::provider::Delivery::as_str),
            delivered_at: attempt.delivered_at.map(rfc3339),
        }
    }
}

impl From<&Skip> for SkippedView {
    fn from(skip: &Skip) -> Self {
        Self {
            provider: skip.provider.to_string(),
            reason: skip.reason.as_str(),
            message: skip.reason.to_string(),
            before: skip.before,
        }
    }
}

impl From<&Verdict> for VerdictView {
    fn from(verdict: &Verdict) -> Self {
        let (guesses_left, retry_after) = match verdict {
            Verdict::WrongCode { guesses_left } => (*guesses_left, None),
            Verdict::TooManyGuesses { retry_after } => (None, retry_after.map(seconds_rounded_up)),
            _ => (None, None),
        };
        Self { verdict: verdict.as_str(), guesses_left, retry_after }
    }
}

/// Formats a time in UTC to the second (RFC 3339), rounded down.
pub fn rfc3339(time: SystemTime) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(0));
    let timestamp = Timestamp::try_from(time).unwrap_or(Timestamp::MAX);
    PRINTER.timestamp_to_string(&timestamp)
}
