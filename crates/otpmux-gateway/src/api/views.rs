//! What callers see of a verification.

use std::collections::BTreeMap;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use otpmux::Verification;
use otpmux::admin::{SendAttemptView, Skip};
use serde::Serialize;
use utoipa::ToSchema;

/// A verification: one recipient proving one thing once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Verification")]
pub(super) struct VerificationView {
    /// Its handle, for verify, resend, show and cancel.
    #[schema(example = "0af7651916cd43dd8448eb211c80319c", pattern = "^[0-9a-f]{32}$")]
    id: String,
    /// `pending`, `approved`, `expired`, `locked` (too many wrong codes) or `closed` (cancelled,
    /// superseded, or never sent).
    #[schema(value_type = Status)]
    status: &'static str,
    /// How the newest message went.
    #[schema(example = "sms")]
    channel: String,
    /// Who it went to, in a form that only they recognise.
    #[schema(example = "+1•••••••23")]
    to: String,
    /// Whether a vendor has said that it took the newest message. If not, it may have gone out all
    /// the same: let the user type, and offer a resend.
    confirmed: bool,
    /// Who has made the code of the newest message: `otpmux` (otpmux, which can verify it itself) or
    /// `vendor` (the vendor, which alone can).
    #[schema(value_type = CodeSource)]
    code_source: &'static str,
    /// Whether the newest message carries another code than those before it. Each of them is good
    /// until one is used, under one count of tries: tell the user that another code is coming.
    new_code: bool,
    /// From when on the code of the newest message is worth nothing, by the policy or by the vendor
    /// that made it, whichever is earlier.
    #[schema(format = DateTime)]
    expires_at: String,
    /// Digits of the code; null when the vendor alone decides. Do not hard-code it.
    #[schema(required)]
    code_length: Option<u8>,
    /// From when on a resend is allowed.
    #[schema(format = DateTime)]
    resend_after: String,
    /// Codes that may still be tried for the newest message, by the policy or by the vendor that made
    /// its code, whichever is fewer.
    guesses_left: u32,
}

/// A verification with what happened to it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "VerificationDetails")]
pub(super) struct DetailsView {
    #[serde(flatten)]
    verification: VerificationView,
    /// The calls to vendors, oldest first.
    send_attempts: Vec<SendAttempt>,
    /// The providers that were passed over, in the order in which that happened.
    skipped: Vec<Skipped>,
    /// What was said about it when it was made.
    metadata: BTreeMap<String, String>,
}

/// Where a verification stands.
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

/// Who has made a code.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the document; answers take the engine's own words")]
enum CodeSource {
    Otpmux,
    Vendor,
}

/// Why it was a provider's turn.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the document; answers take the engine's own words")]
enum AttemptReason {
    Preferred,
    Drawn,
    Failover,
    Hedge,
    Resend,
    LastResort,
}

/// Why a provider was passed over.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the document; answers take the engine's own words")]
enum SkipReason {
    UnsupportedChannel,
    UnsupportedRecipient,
    UnsupportedOtpmuxCode,
    UnsupportedVendorCode,
    UnsupportedCodeLength,
    UnsupportedTtl,
    CircuitOpen,
    RateLimited,
    OtherCode,
}

/// One try at one provider.
#[derive(Debug, Serialize, ToSchema)]
struct SendAttempt {
    /// The provider's name in the configuration.
    provider: String,
    /// Why it was its turn: it is the first of its route that can (`preferred`), the route's weights
    /// have drawn it (`drawn`), one before it has failed (`failover`) or is slow (`hedge`), the user asked
    /// for another message (`resend`), or nobody else was left (`last_resort`).
    #[schema(value_type = AttemptReason)]
    reason: &'static str,
    /// The reason in prose.
    #[schema(example = "first of its route")]
    message: &'static str,
    /// How it went.
    #[schema(example = "sms")]
    channel: String,
    /// What is known about it: `intended`, `accepted`, `not_sent`, `rejected` or `unknown`.
    state: &'static str,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'static str>,
    /// Where the message is, when its vendor tells: `accepted`, `sent`, `delivered`, `failed`,
    /// `expired` or `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<&'static str>,
}

/// A provider that was passed over.
#[derive(Debug, Serialize, ToSchema)]
struct Skipped {
    /// The provider's name in the configuration.
    provider: String,
    /// Why: it lacks something (`unsupported_channel` and others), is being left alone after failures
    /// (`circuit_open`), has had as many requests as it may (`rate_limited`), or would send another code
    /// than the user may hold (`other_code`).
    #[schema(value_type = SkipReason)]
    reason: &'static str,
    /// The reason in prose.
    #[schema(example = "this provider does not send by this channel")]
    message: String,
    /// How many send attempts there were when that happened.
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
            expires_at: time(verification.expires_at),
            code_length: verification.code_length,
            resend_after: time(verification.resend_after),
            guesses_left: verification.guesses_left,
        }
    }
}

impl From<&Verification> for DetailsView {
    fn from(verification: &Verification) -> Self {
        Self {
            verification: verification.into(),
            send_attempts: verification.send_attempts.iter().map(SendAttempt::from).collect(),
            skipped: verification.skipped.iter().map(Skipped::from).collect(),
            metadata: verification.metadata.clone(),
        }
    }
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
        }
    }
}

impl From<&Skip> for Skipped {
    fn from(skip: &Skip) -> Self {
        Self {
            provider: skip.provider.to_string(),
            reason: skip.reason.as_str(),
            message: skip.reason.to_string(),
            before: skip.before,
        }
    }
}

/// A time in UTC to the second (RFC 3339), rounded down.
fn time(time: SystemTime) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(0));
    let timestamp = Timestamp::try_from(time).unwrap_or(Timestamp::MAX);
    PRINTER.timestamp_to_string(&timestamp)
}
