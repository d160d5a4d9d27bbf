//! The meaning of the vendor's answer to a send.

use std::time::Duration;

use otpmux_core::{Certainty, Error, ErrorKind, Sent, VendorReference};
use otpmux_http::{Answer, Reading, retry_after_field};

use super::channel::ChannelPlan;
use crate::definition::{Check, ErrorRow, Failure, RetryAfter};
use crate::view::View;

/// Reads the answer to a send.
///
/// # Errors
///
/// The answer is no success: the first row that fits says what it is, or else its status does. A
/// 2xx without the marks of a success and without a row is a protocol error, of unknown effect.
pub(crate) fn read_sent(
    plan: &ChannelPlan,
    failure: &Failure,
    answer: &Answer,
) -> Result<Sent, Error> {
    let view = View::new(answer);
    let rules = &plan.success;
    let reference = rules.reference.as_ref().and_then(|source| view.word(source));
    let success = rules.status.contains(view.status())
        && rules.require.iter().all(|test| test.holds(&view))
        && (reference.is_some() || !rules.reference_required);
    if !success {
        return Err(read_error(&plan.errors, failure, answer, &view));
    }
    let mut sent = Sent::new();
    sent.reference = reference.map(VendorReference::new);
    let request_id = rules.request_id.as_ref().and_then(|source| view.word(source));
    sent.request_id = request_id.and_then(|id| answer.public_id(&id));
    Ok(sent)
}

fn read_error(rows: &[ErrorRow], failure: &Failure, answer: &Answer, view: &View<'_>) -> Error {
    let row = rows.iter().find(|row| row.fits(view));
    let wait = row.and_then(|row| row.retry_after.as_ref()).and_then(|at| wait(at, view));
    let wait = wait.or_else(|| retry_after_field(view.value(&failure.retry_after)));
    let wait = wait.or(answer.retry_after());
    let reading = row.map_or_else(
        || of_status(view.status(), wait.is_some()),
        |row| {
            let certainty = row.certainty.unwrap_or(match view.status() {
                500.. => Certainty::Unknown,
                _ => Certainty::Rejected,
            });
            Reading::new(row.kind, certainty, row.blame)
        },
    );
    let mut error = answer.error(reading);
    if let Some(wait) = wait {
        error = error.with_retry_after(wait);
    }
    if let Some(code) = view.first(&failure.code) {
        // A value that the definition names is nothing personal, whatever digits are in it.
        let named = row.and_then(|row| row.test.as_ref()).is_some_and(|test| {
            matches!(test.check, Check::OneOf(_)) && test.check.of_word(Some(&code))
        });
        if named {
            error = error.with_vendor_code(&code);
        } else if answer.public_id(&code.replace('.', "-")).is_some() {
            // otpmux made the code of this send, and the answer hides it.
            error = error.with_vendor_code(&code);
        }
    }
    let detail = view.first(&failure.detail).map(|text| answer.public_text(&text));
    match detail.filter(|detail| !detail.is_empty()) {
        Some(detail) => error = error.with_detail(detail),
        None if row.is_none() && answer.is_success() => {
            error = error.with_detail("a 2xx without the marks of a success");
        }
        None => {}
    }
    match view.first(&failure.request_id).and_then(|id| answer.public_id(&id)) {
        Some(id) => error.with_request_id(id),
        None => error,
    }
}

/// Returns the meaning of a status without a row.
fn of_status(status: u16, says_when: bool) -> Reading {
    match status {
        // A send looks nothing up: the address or the account in it is wrong.
        404 => Reading::provider(ErrorKind::Configuration),
        _ => Reading::of_status(status, says_when),
    }
}

fn wait(at: &RetryAfter, view: &View<'_>) -> Option<Duration> {
    match at {
        RetryAfter::Fixed(time) => Some(*time),
        RetryAfter::At(source) => {
            let text = view.word(source)?.into_owned();
            retry_after_field(Some(&text.into()))
        }
    }
}
