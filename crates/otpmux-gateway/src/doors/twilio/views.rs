//! Answers in Twilio's form.

use std::collections::BTreeMap;
use std::time::SystemTime;

use axum::response::{IntoResponse as _, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;
use otpmux::admin::{AttemptState, SendAttemptView};
use otpmux::{
    Channel, CodeDelivery, SendOptions, Verification, VerificationId, VerificationStatus,
};
use serde::Serialize;

use super::session::Session;
use super::{channel, sid};

/// The notes in a verification's metadata: the recipient as it was given, in parts that fit, and
/// when it was made. Only `status` returns them, and the caller is the one who gave them.
const TO: [&str; 2] = ["door.to", "door.to.2"];
const CREATED: &str = "door.created";

/// A verification.
#[derive(Debug, Serialize)]
pub(super) struct VerificationView<'a> {
    sid: String,
    service_sid: &'a str,
    account_sid: Option<&'a str>,
    to: Option<String>,
    channel: &'a str,
    status: &'static str,
    valid: bool,
    lookup: Empty,
    amount: (),
    payee: (),
    sna: (),
    send_code_attempts: Vec<AttemptView>,
    date_created: Option<String>,
    date_updated: Option<String>,
    url: Option<String>,
}

/// An object without entries.
#[derive(Debug, Serialize)]
struct Empty {}

/// One message.
#[derive(Debug, Serialize)]
struct AttemptView {
    time: Option<String>,
    channel: String,
    attempt_sid: String,
}

/// The answer to a check. The channel, which needs one more look at the store, is left out: Twilio's
/// definition requires none, and allows no null.
#[derive(Debug, Serialize)]
pub(super) struct CheckView<'a> {
    sid: Option<String>,
    service_sid: &'a str,
    account_sid: Option<&'a str>,
    to: Option<&'a str>,
    status: &'static str,
    valid: bool,
    amount: (),
    payee: (),
    sna_attempts_error_codes: [(); 0],
    date_created: (),
    date_updated: Option<String>,
}

/// What a view shows: a verification, or a delivery of the caller's own code, which is one to
/// Twilio's clients.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown<'a> {
    id: VerificationId,
    status: &'static str,
    channel: &'a Channel,
    /// The recipient, masked.
    to: &'a str,
    send_attempts: &'a [SendAttemptView],
    metadata: &'a BTreeMap<String, String>,
}

impl<'a> From<&'a Verification> for Shown<'a> {
    fn from(verification: &'a Verification) -> Self {
        Self {
            id: verification.id,
            status: status(verification.status),
            channel: &verification.channel,
            to: &verification.to,
            send_attempts: &verification.send_attempts,
            metadata: &verification.metadata,
        }
    }
}

impl<'a> Shown<'a> {
    /// A delivery, with Twilio's word for how it is.
    pub(super) fn delivery(delivery: &'a CodeDelivery, status: &'static str) -> Self {
        Self {
            id: delivery.id.record_id(),
            status,
            channel: &delivery.channel,
            to: &delivery.to,
            send_attempts: &delivery.send_attempts,
            metadata: &delivery.metadata,
        }
    }
}

impl<'a> VerificationView<'a> {
    pub(super) fn of(
        session: &'a Session,
        shown: impl Into<Shown<'a>>,
        to: Option<&str>,
        created: Option<SystemTime>,
    ) -> Self {
        let created = created.map(time);
        Self::new(session, shown.into(), to.map(ToOwned::to_owned), created)
    }

    /// A verification that was looked up, with the notes that its creation left.
    pub(super) fn known(session: &'a Session, shown: impl Into<Shown<'a>>) -> Self {
        let shown = shown.into();
        let notes = shown.metadata;
        let to: String = TO.iter().filter_map(|key| notes.get(*key)).map(String::as_str).collect();
        let to = Some(to).filter(|to| !to.is_empty());
        Self::new(session, shown, to, notes.get(CREATED).cloned())
    }

    fn new(
        session: &'a Session,
        shown: Shown<'a>,
        to: Option<String>,
        created: Option<String>,
    ) -> Self {
        let id = shown.id;
        let (sid, service) = (sid::of(&id), &*session.service);
        let url = session.door.url.as_deref();
        let url = url.map(|url| format!("{url}/v2/Services/{service}/Verifications/{sid}"));
        Self {
            sid,
            service_sid: service,
            account_sid: session.account.as_deref(),
            // Without notes it was made by another door, and shows what that one may see.
            to: to.or_else(|| Some(shown.to.to_owned())),
            channel: channel::word(shown.channel),
            status: shown.status,
            valid: shown.status == "approved",
            lookup: Empty {},
            amount: (),
            payee: (),
            sna: (),
            send_code_attempts: attempts(id, shown.send_attempts, created.as_deref()),
            date_updated: created.clone(),
            date_created: created,
            url,
        }
    }

    /// Sets when the newest message was sent.
    pub(super) fn sent_at(mut self, now: SystemTime) -> Self {
        let now = time(now);
        if let Some(newest) = self.send_code_attempts.last_mut() {
            newest.time = Some(now.clone());
        }
        self.date_updated = Some(now);
        self
    }
}

impl<'a> CheckView<'a> {
    pub(super) fn of(
        session: &'a Session,
        id: Option<VerificationId>,
        to: Option<&'a str>,
        valid: bool,
    ) -> Self {
        Self {
            sid: id.map(|id| sid::of(&id)),
            service_sid: &session.service,
            account_sid: session.account.as_deref(),
            to,
            status: if valid { "approved" } else { "pending" },
            valid,
            amount: (),
            payee: (),
            sna_attempts_error_codes: [],
            date_created: (),
            date_updated: None,
        }
    }

    pub(super) fn at(mut self, now: SystemTime) -> Self {
        self.date_updated = Some(time(now));
        self
    }
}

/// Returns the notes about a verification that is created now.
pub(super) fn notes(to: &str, now: SystemTime) -> BTreeMap<String, String> {
    let mut notes = BTreeMap::from([(CREATED.to_owned(), time(now))]);
    let mut rest = to;
    for key in TO {
        let end =
            rest.char_indices().nth(SendOptions::METADATA_VALUE).map_or(rest.len(), |it| it.0);
        let (part, after) = rest.split_at(end);
        if !part.is_empty() {
            notes.insert(key.to_owned(), part.to_owned());
        }
        rest = after;
    }
    notes
}

/// The messages that went out, or may have.
fn attempts(
    id: VerificationId,
    attempts: &[SendAttemptView],
    created: Option<&str>,
) -> Vec<AttemptView> {
    let out = |attempt: &&SendAttemptView| {
        !matches!(attempt.state, AttemptState::NotSent | AttemptState::Rejected)
    };
    let view = |(place, attempt): (usize, &SendAttemptView)| AttemptView {
        // The times of later messages are not kept.
        time: created.filter(|_| place == 0).map(ToOwned::to_owned),
        channel: channel::word(&attempt.channel).to_uppercase(),
        attempt_sid: sid::of_attempt(&id, place),
    };
    attempts.iter().filter(out).enumerate().map(view).collect()
}

fn status(status: VerificationStatus) -> &'static str {
    match status {
        VerificationStatus::Pending => "pending",
        VerificationStatus::Approved => "approved",
        VerificationStatus::Expired => "expired",
        VerificationStatus::Locked => "max_attempts_reached",
        _ => "canceled",
    }
}

/// An answer with what was created.
pub(super) fn created(view: &impl Serialize) -> Response {
    answer(StatusCode::CREATED, view)
}

/// An answer with what is there.
pub(super) fn found(view: &impl Serialize) -> Response {
    answer(StatusCode::OK, view)
}

fn answer(status: StatusCode, view: &impl Serialize) -> Response {
    // A struct of texts always serialises.
    let body = serde_json::to_vec(view).unwrap_or_default();
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Formats a time in UTC to the second.
pub(super) fn time(time: SystemTime) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(0));
    let timestamp = Timestamp::try_from(time).unwrap_or(Timestamp::MAX);
    PRINTER.timestamp_to_string(&timestamp)
}
