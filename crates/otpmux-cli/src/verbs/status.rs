//! `otpmux status`

use std::io;

use serde_json::Value;

use super::Sent;
use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::report;

#[derive(clap::Args)]
#[command(after_help = "\
Asks the vendors that report delivery. The exit status is 0 for each status that is shown.")]
pub(crate) struct Args {
    #[command(flatten)]
    sent: Sent,
}

pub(crate) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    let found = match output.during("asking", status(args)).await? {
        Ok(found) => found,
        Err(failure) => return failure.report(output),
    };
    if output.is_json() {
        output.json(&found)?;
    } else {
        let (to, channel) = (report::text(&found, "to"), report::text(&found, "channel"));
        output.line(format_args!("To {to} by {channel}."))?;
        report::facts_text(&found, output)?;
    }
    Ok(Exit::Done)
}

async fn status(args: &Args) -> Result<Value, Failure> {
    let (backend, id) = args.sent.open()?;
    backend.status(id).await
}
