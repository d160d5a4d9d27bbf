//! `otpmux resend`

use std::io;

use otpmux::Resend;
use serde_json::Value;

use super::{Sent, channel};
use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::report;

#[derive(clap::Args)]
#[command(after_help = "\
Sends the same code if otpmux generated it. Neither the TTL nor the guesses are renewed. The section
[policy] says how soon, how often, and through which provider.")]
pub(crate) struct Args {
    #[command(flatten)]
    sent: Sent,
    /// Another channel than before
    #[arg(long)]
    channel: Option<String>,
    /// Another language than before, such as pt
    #[arg(long)]
    locale: Option<String>,
    /// Idempotency key: a repeat with the same key sends nothing and returns the verification
    #[arg(long, value_name = "NAME")]
    idempotency_key: Option<String>,
}

pub(crate) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    match output.during("sending", resend(args)).await? {
        Ok(sent) if output.is_json() => output.json(&sent)?,
        Ok(sent) => report::sent_text(&sent, output)?,
        Err(failure) => return failure.report(output),
    }
    Ok(Exit::Done)
}

async fn resend(args: &Args) -> Result<Value, Failure> {
    let mut resend = Resend::new();
    resend.channel = channel(args.channel.as_deref())?;
    resend.locale.clone_from(&args.locale);
    resend.idempotency_key.clone_from(&args.idempotency_key);
    let (backend, id) = args.sent.open()?;
    backend.resend(id, resend).await
}
