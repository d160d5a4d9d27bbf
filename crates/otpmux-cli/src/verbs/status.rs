//! `otpmux status`

use std::io;

use otpmux::Verification;

use super::Sent;
use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::report;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Asks the vendors that can tell where their messages are. Whatever the status is, telling it is
exit status 0.")]
pub(crate) struct Args {
    #[command(flatten)]
    sent: Sent,
}

pub(crate) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    let found = match output.during("asking", status(args)).await? {
        Ok(found) => found,
        Err(failure) => return failure.tell(output),
    };
    if output.is_json() {
        output.json(&report::verification_json(&found))?;
    } else {
        output.line(format_args!("To {} by {}.", found.to, found.channel))?;
        report::facts_text(&found, output)?;
    }
    Ok(Exit::Done)
}

async fn status(args: &Args) -> Result<Verification, Failure> {
    let (client, id) = args.sent.open()?;
    Ok(client.status(id).await?)
}
