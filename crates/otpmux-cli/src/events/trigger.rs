use std::io;

use crate::Exit;
use crate::output::Output;
use crate::verbs::Gateway;

#[derive(clap::Args)]
#[command(after_help = "The API key is in OTPMUX_API_KEY and needs `admin = true`.")]
pub(crate) struct Args {
    /// The type of the event
    #[arg(value_name = "TYPE", value_parser = known())]
    event: String,
    /// The address of the gateway
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    gateway: String,
}

fn known() -> clap::builder::PossibleValuesParser {
    otpmux::events::EventType::ALL.map(otpmux::events::EventType::as_str).into()
}

pub(super) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    let gateway = match Gateway::new(&args.gateway) {
        Ok(gateway) => gateway,
        Err(failure) => return failure.report(output),
    };
    let answer = match output.during("asking", gateway.trigger_event(&args.event)).await? {
        Ok(answer) => answer,
        Err(failure) => return failure.report(output),
    };
    if output.is_json() {
        output.json(&answer)?;
        return Ok(Exit::Done);
    }
    let id = answer["id"].as_str().unwrap_or_default();
    match answer["endpoints"].as_u64() {
        Some(0) | None => output.line("No endpoint gets events of this type; see [[events]].")?,
        Some(1) => output.line(format!("The event {id} is written for 1 endpoint."))?,
        Some(count) => output.line(format!("The event {id} is written for {count} endpoints."))?,
    }
    Ok(Exit::Done)
}
