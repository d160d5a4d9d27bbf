//! A verification and a verdict, for a reader or for a program.

use std::io;
use std::time::SystemTime;

use jiff::Timestamp;
use otpmux::{ErrorKind, LegState, LegView, Verdict, Verification};
use serde_json::{Value, json};

use crate::output::Output;

pub(crate) fn verification_json(sent: &Verification) -> Value {
    let legs: Vec<_> = sent
        .legs
        .iter()
        .map(|leg| {
            json!({
                "provider": leg.provider,
                "channel": leg.channel,
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
    })
}

pub(crate) fn verification_text(sent: &Verification, output: &mut Output) -> io::Result<()> {
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
    output.line(format_args!("  id            {}", sent.id))?;
    let digits = match sent.code_length {
        Some(digits) => format!("{digits} digits"),
        None => "as long as the vendor makes it".to_owned(),
    };
    output.line(format_args!("  code          {digits}"))?;
    output.line(format_args!("  good until    {}", shown(sent.expires_at)))?;
    output.line(format_args!("  resend from   {}", shown(sent.resend_after)))?;
    output.line(format_args!("  attempts left {}", sent.attempts_left))?;
    for leg in &sent.legs {
        output.line(format_args!("  leg           {}", leg_text(leg)))?;
    }
    Ok(())
}

/// One leg in words: `easyotp by sms: unknown, it may have gone out (transport)`.
pub(crate) fn leg_text(leg: &LegView) -> String {
    let state = match leg.state {
        LegState::Accepted => "accepted by the vendor",
        LegState::NotSent => "not sent",
        LegState::Refused => "refused by the vendor, nothing was sent",
        LegState::Unknown | LegState::Intended => "unknown, it may have gone out",
    };
    let failure = leg.failure.map(ErrorKind::as_str);
    let failure = failure.map_or(String::new(), |kind| format!(" ({kind})"));
    format!("{} by {}: {state}{failure}", leg.provider, leg.channel)
}

pub(crate) fn verdict_json(verdict: &Verdict) -> Value {
    let mut json = json!({ "verdict": verdict.as_str() });
    match verdict {
        Verdict::WrongCode { attempts_left } => json["attempts_left"] = json!(attempts_left),
        Verdict::TooManyAttempts { retry_after } => {
            json["retry_after"] = json!(retry_after.map(|after| after.as_secs()));
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
        Verdict::TooManyAttempts { .. } => "too many wrong codes; send a new one".to_owned(),
        Verdict::NotFound => "no such verification; send a new code".to_owned(),
        _ => "rejected by the vendor; send a new code".to_owned(),
    }
}

fn rfc3339(time: SystemTime) -> Option<String> {
    let time = Timestamp::try_from(time).ok()?;
    let whole = jiff::Unit::Second;
    // Rounded down: an expiry is not to be promised beyond its time.
    let round = jiff::TimestampRound::new().smallest(whole).mode(jiff::RoundMode::Trunc);
    Some(time.round(round).ok()?.to_string())
}

fn shown(time: SystemTime) -> String {
    rfc3339(time).unwrap_or_else(|| "unknown".to_owned())
}
