//! Events in plain words.

use serde_json::Value;

use crate::output::{BAD, Cell, DOUBTFUL, GOOD, Style};
use crate::report::text;

/// Events that send a message.
const SENDS: [&str; 5] = ["send", "resend", "deliver", "redeliver", "escalate"];

/// What became of the newest message.
pub(super) fn answer(events: &[Value]) -> String {
    let sends = |event: &&Value| SENDS.contains(&text(event, "event"));
    let Some(send) = events.iter().rfind(sends) else {
        return "no message was requested in this log.".to_owned();
    };
    let at = text(send, "at");
    let mut answer = match (text(send, "outcome"), text(send, "certainty")) {
        ("confirmed", _) => format!(
            "the newest message went out at {at} by {} with {}, and its vendor accepted it.",
            text(send, "channel"),
            text(send, "provider")
        ),
        ("unconfirmed" | "abandoned", _) | (_, "unknown") => {
            format!("the newest message, of {at}, may have gone out: no vendor confirmed it.")
        }
        (_, _) if send["limit"].is_string() => {
            format!("nothing went out at {at}: the limit `{}` refused it.", text(send, "limit"))
        }
        (outcome, _) => format!("nothing went out at {at}: {outcome}."),
    };
    let of_it = |event: &&Value| event["id"] == send["id"] && send["id"].is_string();
    let mut later = events.iter().filter(of_it);
    let receipts: Vec<_> = later.clone().filter(|event| event["event"] == "receipt").collect();
    if let Some(receipt) = receipts.last() {
        answer.push_str(" The vendor reports: ");
        answer.push_str(text(receipt, "delivery"));
        answer.push('.');
    }
    if later.any(|event| event["verdict"] == "approved" || event["outcome"] == "approved") {
        answer.push_str(" Its code was used.");
    }
    answer
}

/// An event as a row of the table.
pub(super) fn row(event: &Value) -> [Cell; 6] {
    let (result, style) = result(event);
    [
        text(event, "at").into(),
        text(event, "event").into(),
        or_nothing(event, "channel").into(),
        or_nothing(event, "provider").into(),
        Cell::new(result, style),
        or_nothing(event, "api_key").into(),
    ]
}

fn or_nothing<'a>(event: &'a Value, key: &str) -> &'a str {
    event[key].as_str().unwrap_or_default()
}

fn result(event: &Value) -> (String, Style) {
    if let Some(delivery) = event["delivery"].as_str() {
        let style = if delivery == "delivered" { GOOD } else { Style::new() };
        return (format!("the vendor reports: {delivery}"), style);
    }
    if let Some(verdict) = event["verdict"].as_str() {
        let style = if verdict == "approved" { GOOD } else { BAD };
        return (verdict.replace('_', " "), style);
    }
    match text(event, "outcome") {
        "confirmed" => (format!("accepted by the vendor{}", after(event)), GOOD),
        "unconfirmed" => (format!("may have gone out{}", after(event)), DOUBTFUL),
        "abandoned" => ("the caller did not wait; it may have gone out".to_owned(), DOUBTFUL),
        outcome if event["limit"].is_string() => {
            let wait = event["retry_after"].as_u64();
            let wait = wait.map_or(String::new(), |wait| format!(", again in {wait} s"));
            (format!("{outcome}: limit {}{wait}", text(event, "limit")), BAD)
        }
        outcome if event["certainty"] == "unknown" => {
            (format!("{outcome}; it may have had an effect"), DOUBTFUL)
        }
        outcome if event["certainty"].is_string() => (format!("{outcome}; nothing was sent"), BAD),
        outcome => (outcome.replace('_', " "), Style::new()),
    }
}

/// The providers before the one that carried the message.
fn after(event: &Value) -> String {
    let attempts = event["send_attempts"].as_array().map_or(&[][..], Vec::as_slice);
    let failed: Vec<_> = attempts
        .iter()
        .filter(|attempt| attempt["state"] != "accepted")
        .map(|attempt| {
            let why = attempt["failure"].as_str().unwrap_or(text(attempt, "state"));
            format!("{} ({why})", text(attempt, "provider"))
        })
        .collect();
    if failed.is_empty() { String::new() } else { format!(", after {}", failed.join(", ")) }
}
