//! `otpmux check-config --explain`

use std::io;

use otpmux::RateLimit;
use otpmux::admin::{CandidateView, Explanation, LimitView, MessageView};
use otpmux::config::settings::limit_text;
use otpmux_gateway::views::SkippedView;
use serde_json::{Value, json};

use super::text::{route_text, steps_text};
use crate::Exit;
use crate::failure::Failure;
use crate::output::{BAD, Cell, DIM, GOOD, Output, Table};

pub(super) fn report(explanation: &Explanation, output: &mut Output) -> io::Result<Exit> {
    if output.is_json() {
        output.json(&json(explanation))?;
    } else {
        text(explanation, output)?;
    }
    Ok(if explanation.refusal.is_some() { Exit::Failed } else { Exit::Done })
}

fn json(told: &Explanation) -> Value {
    let route = told.route.as_ref().map(|(place, route)| {
        let mut json = super::summary::route(route);
        json["number"] = json!(place + 1);
        json
    });
    json!({
        "to": told.to,
        "channel": told.channel,
        "country": told.country,
        "kind": told.kind.map(otpmux::numbers::NumberKind::as_str),
        "served": told.served,
        "route": route,
        "candidates": told.candidates.iter().map(candidate).collect::<Vec<_>>(),
        "skipped": told.skipped.iter().map(SkippedView::from).collect::<Vec<_>>(),
        "limits": told.limits.iter().map(limit).collect::<Vec<_>>(),
        "message": told.message.as_ref().map(message),
        "error": told.refusal.as_ref().map(|error| Failure::of(error).json()),
    })
}

fn candidate(view: &CandidateView) -> Value {
    json!({
        "provider": view.provider,
        "reason": view.reason.as_str(),
        "message": view.reason.message(),
        "weight": view.weight,
        "otpmux": view.otpmux_code,
        "code_length": view.code_length,
        "requests": texts(&view.requests),
    })
}

fn message(view: &MessageView) -> Value {
    json!({
        "locale": view.locale,
        "text": view.text,
        "encoding": view.sms.map(|size| size.encoding.as_str()),
        "units": view.sms.map(|size| size.units),
        "segments": view.sms.map(|size| size.segments),
        "subject": view.subject,
        "html": view.html,
        "speech": view.speech,
        "templates": view.templates,
        "dlt": view.dlt.as_ref().map(|dlt| {
            json!({ "entity_id": dlt.entity_id, "template_id": dlt.template_id })
        }),
    })
}

fn limit(view: &LimitView) -> Value {
    json!({ "by": view.scope.as_str(), "windows": texts(&view.windows) })
}

fn texts(limits: &[RateLimit]) -> Vec<String> {
    limits.iter().map(limit_text).collect()
}

fn text(told: &Explanation, output: &mut Output) -> io::Result<()> {
    match &told.refusal {
        None => {
            let (to, channel) = (&told.to, &told.channel);
            output.line(format_args!("A send to {to} by {channel} would go out."))?;
        }
        Some(error) => {
            let (to, channel) = (&told.to, &told.channel);
            output.line(format_args!("A send to {to} by {channel} would be refused: {error}"))?;
        }
    }
    let mut facts = Table::of_facts();
    let served = if told.served {
        Cell::new("the policy serves it", GOOD)
    } else {
        Cell::new("the policy does not serve it", BAD)
    };
    facts.row(["country".into(), told.country.unwrap_or("none").into(), served]);
    if let Some(kind) = told.kind {
        facts.fact("kind", kind.as_str());
    }
    match &told.route {
        Some((place, route)) => {
            facts.row(["route".into(), (place + 1).to_string().into(), route_text(route).into()]);
        }
        None => facts.fact("route", "none"),
    }
    if let Some((_, route)) = &told.route {
        for step in steps_text(route) {
            facts.fact("without a code", step);
        }
    }
    for LimitView { scope, windows, .. } in &told.limits {
        let windows = texts(windows).join(" ");
        facts.row(["limit".into(), scope.as_str().into(), windows.into()]);
    }
    output.table(&facts)?;
    if !told.candidates.is_empty() || !told.skipped.is_empty() {
        output.line("")?;
        output.table(&order(told))?;
    }
    if let Some(view) = &told.message {
        message_text(view, told.channel.as_str(), output)?;
    }
    if told.candidates.iter().any(|view| view.weight.is_some()) {
        output.line("\nThe order is drawn by weight for each send.")?;
    }
    if told.candidates.iter().any(|view| !view.otpmux_code)
        && told.candidates.iter().any(|view| view.otpmux_code)
    {
        output.line(
            "\nOnce a message with otpmux's code may be out, a provider that generates its own code is not called.",
        )?;
    }
    Ok(())
}

/// Shows the message as it would be sent.
fn message_text(view: &MessageView, channel: &str, output: &mut Output) -> io::Result<()> {
    let locale = view.locale.as_deref().unwrap_or("text of the request");
    let size = view.sms.map(|size| {
        let parts = if size.segments == 1 { "segment" } else { "segments" };
        format!(": {} {parts}, {} units of {}", size.segments, size.units, size.encoding.as_str())
    });
    output.line(format_args!("\nmessage by {channel} ({locale}){}", size.unwrap_or_default()))?;
    let mut show = |name: &str, text: &str| {
        let mut lines = text.lines();
        let first = lines.next().unwrap_or_default();
        output.line(format_args!("  {name:<9}{first}"))?;
        lines.try_for_each(|line| output.line(format_args!("  {:<9}{line}", "")))
    };
    let others = [("subject", &view.subject), ("html", &view.html), ("speech", &view.speech)];
    show("text", &view.text)?;
    for (name, text) in others {
        if let Some(text) = text {
            show(name, text)?;
        }
    }
    for (vendor, template) in &view.templates {
        show("template", &format!("{vendor}: {template}"))?;
    }
    if let Some(dlt) = &view.dlt {
        show("dlt", &format!("{} {}", dlt.entity_id, dlt.template_id))?;
    }
    Ok(())
}

fn order(told: &Explanation) -> Table {
    let weighted = told.candidates.iter().any(|view| view.weight.is_some());
    let mut head = vec!["ORDER", "PROVIDER", "CODE", "REQUESTS", "WHY"];
    if weighted {
        head.insert(2, "WEIGHT");
    }
    let mut table = Table::with_head(&head);
    let none = || Cell::new("-", DIM);
    for (place, view) in told.candidates.iter().enumerate() {
        let whose = if view.otpmux_code { "otpmux" } else { "vendor" };
        let code = match view.code_length {
            Some(digits) => format!("{whose}, {digits} digits"),
            None => whose.to_owned(),
        };
        let requests = texts(&view.requests).join(" ");
        let mut cells = vec![
            (place + 1).to_string().into(),
            view.provider.to_string().into(),
            code.into(),
            if requests.is_empty() { none() } else { requests.into() },
            view.reason.message().into(),
        ];
        if weighted {
            cells.insert(2, view.weight.map_or_else(none, |weight| weight.to_string().into()));
        }
        table.row(cells);
    }
    for skip in &told.skipped {
        let mut cells = vec![none(), skip.provider.to_string().into()];
        cells.extend((2..head.len() - 1).map(|_| none()));
        cells.push(Cell::new(format!("skipped: {}", skip.reason), BAD));
        table.row(cells);
    }
    table
}
