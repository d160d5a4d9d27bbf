//! `otpmux delivery`

use std::io;

use otpmux::{DeliveryId, Outcome, Resend};
use serde_json::{Value, json};

use super::backend::Backend;
use super::{Place, channel};
use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::report;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Show the status and the history of a delivery
    Show(Sent),
    /// Send the same code again
    Resend(ResendArgs),
    /// Report the outcome of the code: ends the delivery, and reports to the vendors that ask for it
    Outcome(OutcomeArgs),
}

/// An earlier delivery.
#[derive(clap::Args)]
struct Sent {
    /// The id of the delivery, as `deliver` gave it
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    place: Place,
}

#[derive(clap::Args)]
struct ResendArgs {
    #[command(flatten)]
    sent: Sent,
    /// Another channel than before
    #[arg(long)]
    channel: Option<String>,
    /// Another language than before, such as pt
    #[arg(long)]
    locale: Option<String>,
    /// Idempotency key: a repeat with the same key sends nothing and returns the delivery
    #[arg(long, value_name = "NAME")]
    idempotency_key: Option<String>,
}

#[derive(clap::Args)]
struct OutcomeArgs {
    #[command(flatten)]
    sent: Sent,
    /// `approved`: the user typed the right code; `cancelled`: the code is not wanted any more
    #[arg(value_name = "OUTCOME", value_parser = ["approved", "cancelled"])]
    outcome: String,
}

impl Sent {
    fn open(&self) -> Result<(Backend, DeliveryId), Failure> {
        // Parsed here and not by clap, which would repeat the text; it may be a number.
        let id = self.id.parse().map_err(|error| Failure::usage(format!("ID: {error}")))?;
        Ok((self.place.open_shared()?, id))
    }
}

pub(crate) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    let (action, result) = match &args.action {
        Action::Show(sent) => ("asking", Box::pin(output.during("asking", show(sent))).await?),
        Action::Resend(args) => {
            ("sending", Box::pin(output.during("sending", resend(args))).await?)
        }
        Action::Outcome(args) => return outcome(args, output).await,
    };
    let found = match result {
        Ok(found) => found,
        Err(failure) => return failure.report(output),
    };
    if output.is_json() {
        output.json(&found)?;
    } else if action == "sending" {
        report::delivery_text(&found, output)?;
    } else {
        let (to, channel) = (report::text(&found, "to"), report::text(&found, "channel"));
        output.line(format_args!("To {to} by {channel}."))?;
        report::delivery_facts_text(&found, output)?;
    }
    Ok(Exit::Done)
}

async fn show(sent: &Sent) -> Result<Value, Failure> {
    let (backend, id) = sent.open()?;
    backend.delivery(id).await
}

async fn resend(args: &ResendArgs) -> Result<Value, Failure> {
    let mut resend = Resend::new();
    resend.channel = channel(args.channel.as_deref())?;
    resend.locale.clone_from(&args.locale);
    resend.idempotency_key.clone_from(&args.idempotency_key);
    let (backend, id) = args.sent.open()?;
    backend.redeliver(id, resend).await
}

async fn outcome(args: &OutcomeArgs, output: &mut Output) -> io::Result<Exit> {
    let outcome = if args.outcome == "approved" { Outcome::Approved } else { Outcome::Cancelled };
    let ended = async {
        let (backend, id) = args.sent.open()?;
        backend.end_delivery(id, outcome).await?;
        Ok::<_, Failure>(id)
    };
    match Box::pin(output.during("reporting", ended)).await? {
        Ok(id) if output.is_json() => {
            output.json(&json!({ "id": id.to_string(), "outcome": outcome.as_str() }))?;
        }
        Ok(_) => output.line("ended; its code is not sent again")?,
        Err(failure) => return failure.report(output),
    }
    Ok(Exit::Done)
}
