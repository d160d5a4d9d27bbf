//! The providers of a running gateway, with their rates of the last hour.

use std::io;

use serde_json::Value;

use crate::Exit;
use crate::output::{BAD, Cell, DIM, DOUBTFUL, GOOD, Output, Table};
use crate::verbs::Gateway;

pub(super) async fn run(url: &str, output: &mut Output) -> io::Result<Exit> {
    let gateway = match Gateway::new(url) {
        Ok(gateway) => gateway,
        Err(failure) => return failure.report(output),
    };
    let answer = match output.during("asking", gateway.providers()).await? {
        Ok(answer) => answer,
        Err(failure) => return failure.report(output),
    };
    if output.is_json() {
        output.json(&answer)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::with_head(&["PROVIDER", "CIRCUIT", "ACCEPTED", "DELIVERED", "APPROVED"]);
    for provider in answer["providers"].as_array().into_iter().flatten() {
        let hour = &provider["last_hour"];
        table.row([
            text(&provider["name"]).into(),
            circuit(&provider["circuit"]),
            hour["accepted"].to_string().into(),
            share(&hour["delivered"], &hour["delivery_rate"]),
            share(&hour["approved"], &hour["approval_rate"]),
        ]);
    }
    output.table(&table)?;
    output.line("")?;
    output.line(
        "Of the last hour, as this gateway has seen it. Each gateway of several sees its part.",
    )?;
    Ok(Exit::Done)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn circuit(state: &Value) -> Cell {
    let style = match state.as_str() {
        Some("closed") => GOOD,
        Some("open") => BAD,
        _ => DOUBTFUL,
    };
    Cell::new(text(state), style)
}

/// Returns a count with its share in percent.
fn share(count: &Value, rate: &Value) -> Cell {
    match (count.as_u64(), rate.as_f64()) {
        (None, _) => Cell::new("not known", DIM),
        (Some(count), None) => count.to_string().into(),
        (Some(count), Some(rate)) => format!("{count} ({:.0} %)", rate * 100.0).into(),
    }
}
