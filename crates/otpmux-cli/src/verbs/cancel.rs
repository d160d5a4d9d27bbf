//! `otpmux cancel`

use std::io;

use serde_json::json;

use super::Sent;
use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    sent: Sent,
}

pub(crate) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    let (id, was_pending) = match output.during("cancelling", cancel(args)).await? {
        Ok(cancelled) => cancelled,
        Err(failure) => return failure.report(output),
    };
    if output.is_json() {
        output.json(&json!({ "id": id.to_string(), "cancelled": was_pending }))?;
    } else if was_pending {
        output.line("cancelled; its code is worth nothing")?;
    } else {
        output.line("nothing to cancel: no code was valid for it")?;
    }
    Ok(if was_pending { Exit::Done } else { Exit::Over })
}

async fn cancel(args: &Args) -> Result<(otpmux::VerificationId, bool), Failure> {
    let (backend, id) = args.sent.open()?;
    Ok((id, backend.cancel(id).await?))
}
