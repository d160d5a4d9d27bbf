//! A verification and a verdict, for a reader or for a program.

use std::io;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use otpmux::{
    ErrorKind, LegState, LegView, Skip, SkipReason, Trail, Verdict, Verification,
    VerificationStatus,
};
use serde_json::{Value, json};

use crate::output::{BAD, Cell, DIM, DOUBTFUL, GOOD, Output, Style, Table};

pub(crate) fn verification_json(sent: &Verification) -> Value {
    let legs: Vec<_> = sent
        .legs
        .iter()
        .map(|leg| {
            json!({
                "provider": leg.provider,
                "channel": leg.channel,
                "why": leg.why,
                "state": leg.state,
                "failure": leg.failure,
                "delivery": leg.delivery,
            })
        })
        .collect();
    json!({
        "id": sent.id.to_string(),
        "status": sent.status,
        "channel": sent.channel,
        "to": sent.to,
        "confirmed": sent.confirmed,
        "expires_at": rfc3339(sent.expires_at),
        "code_length": sent.code_length,
        "resend_after": rfc3339(sent.resend_after),
        "attempts_left": sent.attempts_left,
        "legs": legs,
        "skips": sent.skipped.iter().map(skip_json).collect::<Vec<_>>(),
    })
}

/// A provider that was passed over: the word for why, and the same for an operator.
pub(crate) fn skip_json(skip: &Skip) -> Value {
    let why = match &skip.why {
        SkipReason::Unable(_) => "unable",
        SkipReason::BreakerOpen(_) => "breaker_open",
        SkipReason::Limit => "limit",
        SkipReason::OtherCode => "other_code",
        _ => "other",
    };
    let lacks = match &skip.why {
        SkipReason::Unable(what) => Some(what),
        _ => None,
    };
    json!({
        "before": skip.before,
        "provider": skip.provider,
        "why": why,
        "lacks": lacks,
        "detail": skip.why.to_string(),
    })
}

/// What a send or a resend came to.
pub(crate) fn sent_text(sent: &Verification, output: &mut Output) -> io::Result<()> {
    let channel = &sent.channel;
    if sent.confirmed {
        output.line(format_args!("Sent by {channel} to {}.", sent.to))?;
    } else {
        output.line(format_args!(
            "Sent by {channel} to {}, but no vendor confirmed it. It may arrive all the same; \
             nothing further is sent, so that nobody gets too many messages.",
            sent.to
        ))?;
    }
    facts_text(sent, output)
}

/// Where a verification stands, and what was tried for it.
pub(crate) fn facts_text(sent: &Verification, output: &mut Output) -> io::Result<()> {
    let mut facts = Table::of_facts();
    facts.fact("id", sent.id.to_string());
    facts.fact("status", status(sent.status));
    let digits = match sent.code_length {
        Some(digits) => format!("{digits} digits"),
        None => "as long as the vendor makes it".to_owned(),
    };
    facts.fact("code", digits);
    facts.fact("good until", shown(sent.expires_at));
    facts.fact("resend from", shown(sent.resend_after));
    facts.fact("attempts left", sent.attempts_left.to_string());
    output.table(&facts)?;
    output.line("")?;
    let mut trail = Table::with_head(&["PROVIDER", "CHANNEL", "CAME TO", "WHY", "DELIVERY"]);
    for line in sent.trail() {
        match line {
            Trail::Leg(leg) => trail.row(leg_cells(leg)),
            Trail::Skipped(skip) => trail.row([
                skip.provider.to_string().into(),
                "".into(),
                Cell::new("passed over", DIM),
                skip.why.to_string().into(),
            ]),
            // It says of itself what happened.
            line => trail.row([line.to_string().into()]),
        }
    }
    output.table(&trail)
}

fn leg_cells(leg: &LegView) -> [Cell; 5] {
    let (state, style) = match leg.state {
        LegState::Accepted => ("accepted", GOOD),
        LegState::NotSent => ("not sent", BAD),
        LegState::Refused => ("refused", BAD),
        LegState::Unknown | LegState::Intended => ("unknown", DOUBTFUL),
    };
    let delivery = leg.delivery.map(|delivery| json!(delivery));
    let delivery = delivery.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
    [
        leg.provider.to_string().into(),
        leg.channel.to_string().into(),
        Cell::new(format!("{state}{}", failure(leg)), style),
        leg.why.words().into(),
        delivery.into(),
    ]
}

fn status(status: VerificationStatus) -> Cell {
    let style = match status {
        VerificationStatus::Approved => GOOD,
        VerificationStatus::Pending => Style::new(),
        _ => BAD,
    };
    Cell::new(status.as_str(), style)
}

fn failure(leg: &LegView) -> String {
    let kind = leg.failure.map(ErrorKind::as_str);
    kind.map_or(String::new(), |kind| format!(" ({kind})"))
}

/// One leg in words: `easyotp by sms: unknown, it may have gone out (transport)`.
pub(crate) fn leg_text(leg: &LegView) -> String {
    let state = match leg.state {
        LegState::Accepted => "accepted by the vendor",
        LegState::NotSent => "not sent",
        LegState::Refused => "refused by the vendor, nothing was sent",
        LegState::Unknown | LegState::Intended => "unknown, it may have gone out",
    };
    format!("{} by {}: {state}{}", leg.provider, leg.channel, failure(leg))
}

pub(crate) fn verdict_json(verdict: &Verdict) -> Value {
    let mut json = json!({ "verdict": verdict.as_str() });
    match verdict {
        Verdict::WrongCode { attempts_left } => json["attempts_left"] = json!(attempts_left),
        Verdict::TooManyAttempts { retry_after } => {
            json["retry_after"] = json!(retry_after.map(seconds));
        }
        _ => {}
    }
    json
}

pub(crate) fn verdict_text(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Approved => "approved".to_owned(),
        Verdict::WrongCode { attempts_left: Some(1) } => "wrong code, 1 attempt left".to_owned(),
        Verdict::WrongCode { attempts_left: Some(left) } => {
            format!("wrong code, {left} attempts left")
        }
        Verdict::WrongCode { attempts_left: None } => "wrong code".to_owned(),
        Verdict::Expired => "expired; send a new code".to_owned(),
        Verdict::AlreadyUsed => "already used; a code is approved once".to_owned(),
        Verdict::TooManyAttempts { retry_after: Some(after) } => {
            format!("too many wrong codes; try again in {} s", seconds(*after))
        }
        Verdict::TooManyAttempts { .. } => "too many wrong codes; send a new one".to_owned(),
        Verdict::NotFound => "no such verification; send a new code".to_owned(),
        _ => "rejected by the vendor; send a new code".to_owned(),
    }
}

/// Whole seconds, rounded up: coming back too early is refused again.
pub(crate) fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

pub(crate) fn rfc3339(time: SystemTime) -> Option<String> {
    let time = Timestamp::try_from(time).ok()?;
    let whole = jiff::Unit::Second;
    // Rounded down: an expiry is not to be promised beyond its time.
    let round = jiff::TimestampRound::new().smallest(whole).mode(jiff::RoundMode::Trunc);
    Some(time.round(round).ok()?.to_string())
}

pub(crate) fn shown(time: SystemTime) -> String {
    rfc3339(time).unwrap_or_else(|| "unknown".to_owned())
}
