//! A verification and a verdict, as text or as JSON.

use std::io;

use otpmux::admin::{AttemptState, SendAttemptView};
use otpmux::errors::seconds_rounded_up;
use otpmux::{CodeDelivery, ErrorKind, Verdict, Verification};
use otpmux_gateway::delivery_views::DeliveryDetailsView;
use otpmux_gateway::views::DetailsView;
use serde_json::{Value, json};

use crate::output::{BAD, Cell, DIM, DOUBTFUL, GOOD, Output, Style, Table};

/// Returns a verification with its history in the form of the HTTP API.
pub(crate) fn json(verification: &Verification) -> Value {
    json!(DetailsView::from(verification))
}

/// Returns a delivery with its history in the form of the HTTP API.
pub(crate) fn delivery_json(delivery: &CodeDelivery) -> Value {
    json!(DeliveryDetailsView::from(delivery))
}

/// Writes the result of a delivery as text; `sent` is the JSON of the HTTP API.
pub(crate) fn delivery_text(sent: &Value, output: &mut Output) -> io::Result<()> {
    went_text(sent, output)?;
    delivery_facts_text(sent, output)
}

/// Writes the status of a delivery and its history as text.
pub(crate) fn delivery_facts_text(sent: &Value, output: &mut Output) -> io::Result<()> {
    let mut facts = Table::of_facts();
    facts.fact("id", text(sent, "id"));
    facts.fact("status", status(text(sent, "status")));
    facts.fact("kept until", text(sent, "expires_at"));
    facts.fact("resend from", text(sent, "resend_after"));
    output.table(&facts)?;
    history_text(sent, output)
}

/// Writes the result of a send or a resend as text; `sent` is the JSON of the HTTP API.
pub(crate) fn sent_text(sent: &Value, output: &mut Output) -> io::Result<()> {
    went_text(sent, output)?;
    if sent["repeated"] == true {
        output.line("It is the message of the verification that was live already, sent again.")?;
    }
    if sent["new_code"] == true {
        output.line(
            "It carries another code than the messages before it; each of them is good until one is \
             used.",
        )?;
    }
    facts_text(sent, output)
}

/// Writes how a message went.
fn went_text(sent: &Value, output: &mut Output) -> io::Result<()> {
    let (channel, to) = (text(sent, "channel"), text(sent, "to"));
    if sent["confirmed"] == true {
        output.line(format_args!("Sent by {channel} to {to}."))
    } else {
        output.line(format_args!(
            "Sent by {channel} to {to}, but no vendor confirmed it. It may still arrive; \
             nothing further is sent, so that the user does not get too many messages."
        ))
    }
}

/// Writes the status of a verification and its history as text.
pub(crate) fn facts_text(sent: &Value, output: &mut Output) -> io::Result<()> {
    let mut facts = Table::of_facts();
    facts.fact("id", text(sent, "id"));
    facts.fact("status", status(text(sent, "status")));
    facts.fact(
        "code",
        match sent["code_length"].as_u64() {
            Some(digits) => format!("{digits} digits"),
            None => "length decided by the vendor".to_owned(),
        },
    );
    facts.fact("valid until", text(sent, "expires_at"));
    facts.fact("resend from", text(sent, "resend_after"));
    if sent["next_step_at"].is_string() {
        facts.fact("next message", text(sent, "next_step_at"));
    }
    facts.fact("guesses left", sent["guesses_left"].to_string());
    output.table(&facts)?;
    history_text(sent, output)
}

fn history_text(sent: &Value, output: &mut Output) -> io::Result<()> {
    let list = |key: &str| sent[key].as_array().map_or(&[][..], Vec::as_slice);
    let (send_attempts, skips) = (list("send_attempts"), list("skipped"));
    if send_attempts.is_empty() && skips.is_empty() {
        return Ok(());
    }
    output.line("")?;
    let mut history = Table::with_head(&["PROVIDER", "CHANNEL", "OUTCOME", "WHY", "DELIVERY"]);
    for place in 0..=send_attempts.len() {
        let here = |skip: &&Value| skip["before"].as_u64() == u64::try_from(place).ok();
        for skip in skips.iter().filter(here) {
            history.row([
                text(skip, "provider").into(),
                "".into(),
                Cell::new("skipped", DIM),
                text(skip, "message").into(),
            ]);
        }
        if let Some(attempt) = send_attempts.get(place) {
            history.row(attempt_cells(attempt));
        }
    }
    output.table(&history)
}

fn attempt_cells(attempt: &Value) -> [Cell; 5] {
    let (state, style) = match text(attempt, "state") {
        "accepted" => ("accepted", GOOD),
        "not_sent" => ("not sent", BAD),
        "rejected" => ("rejected", BAD),
        _ => ("unknown", DOUBTFUL),
    };
    let failure = attempt["failure"].as_str();
    let failure = failure.map_or(String::new(), |kind| format!(" ({kind})"));
    [
        text(attempt, "provider").into(),
        text(attempt, "channel").into(),
        Cell::new(format!("{state}{failure}"), style),
        text(attempt, "message").into(),
        delivery(attempt).into(),
    ]
}

fn delivery(attempt: &Value) -> String {
    let delivery = attempt["delivery"].as_str().unwrap_or_default();
    match attempt["delivered_at"].as_str() {
        Some(at) => format!("{delivery} {at}"),
        None => delivery.to_owned(),
    }
}

fn status(status: &str) -> Cell {
    let style = match status {
        "approved" => GOOD,
        "pending" => Style::new(),
        _ => BAD,
    };
    Cell::new(status, style)
}

/// Returns a text of a document, or `-` if it has none.
pub(crate) fn text<'a>(document: &'a Value, key: &str) -> &'a str {
    document[key].as_str().unwrap_or("-")
}

/// Describes one send attempt: `easyotp by sms: unknown, it may have gone out (transport)`.
pub(crate) fn attempt_text(attempt: &SendAttemptView) -> String {
    let state = match attempt.state {
        AttemptState::Accepted => "accepted by the vendor",
        AttemptState::NotSent => "not sent",
        AttemptState::Rejected => "refused by the vendor, nothing was sent",
        AttemptState::Unknown | AttemptState::Intended => "unknown, it may have gone out",
    };
    let failure = attempt.failure.map(ErrorKind::as_str);
    let failure = failure.map_or(String::new(), |kind| format!(" ({kind})"));
    format!("{} by {}: {state}{failure}", attempt.provider, attempt.channel)
}

pub(crate) fn verdict_text(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Approved => "approved".to_owned(),
        Verdict::WrongCode { guesses_left: Some(1) } => "wrong code, 1 guess left".to_owned(),
        Verdict::WrongCode { guesses_left: Some(left) } => {
            format!("wrong code, {left} guesses left")
        }
        Verdict::WrongCode { guesses_left: None } => "wrong code".to_owned(),
        Verdict::Expired => "expired; send a new code".to_owned(),
        Verdict::AlreadyUsed => "already used; a code is approved once".to_owned(),
        Verdict::TooManyGuesses { retry_after: Some(after) } => {
            format!("too many wrong codes; try again in {} s", seconds_rounded_up(*after))
        }
        Verdict::TooManyGuesses { .. } => "too many wrong codes; send a new one".to_owned(),
        Verdict::NotFound => "no such verification; send a new code".to_owned(),
        Verdict::Gone => {
            "the vendor no longer has this code: expired, used or locked; send a new one".to_owned()
        }
        _ => "rejected by the vendor; send a new code".to_owned(),
    }
}
