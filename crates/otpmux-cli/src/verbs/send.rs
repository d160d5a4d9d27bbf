//! `otpmux send`

use std::io;
use std::time::Duration;

use otpmux::{ExternalId, Selector};
use serde_json::Value;

use super::backend::Backend;
use super::{Place, Wishes, code};
use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::report;

#[derive(clap::Args)]
#[command(after_help = "\
Reads codes, one per line, and verifies each until one is right. With --json each answer is a line:
the verification, then a verdict for each code.

Send now and verify later, with a store that other processes share:

  id=$(otpmux send --to +919876543210 --id-only)
  otpmux verify \"$id\"")]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    /// A telephone number such as +919876543210, or an e-mail address. A number may have the
    /// national form of the --country
    #[arg(long, value_name = "RECIPIENT")]
    to: String,
    #[command(flatten)]
    wishes: Wishes,
    /// The TTL of the code, in seconds [default: that of the policy]
    #[arg(long, value_name = "SECONDS")]
    ttl: Option<u64>,
    /// Digits of the code [default: those of the policy]
    #[arg(long, value_name = "DIGITS")]
    code_length: Option<u8>,
    /// While a verification of this recipient and purpose is live: `new_code` sends a new code in
    /// its place, `same_code` sends the live one again [default: that of the policy]
    #[arg(long, value_name = "WORD", value_parser = ["new_code", "same_code"])]
    repeat: Option<String>,
    /// Send no further message unless it is asked for: the steps of escalation of the route do not apply
    #[arg(long)]
    no_escalate: bool,
    /// Your own id of the verification, by which `otpmux verify --external-id` finds it: 1 to 128
    /// visible ASCII characters, unique within the purpose
    #[arg(long, value_name = "NAME")]
    external_id: Option<String>,
    /// The vendor's name for a message template
    #[arg(long)]
    template: Option<String>,
    /// Idempotency key: a repeat with the same key sends nothing and returns the first verification
    #[arg(long, value_name = "NAME")]
    idempotency_key: Option<String>,
    /// Do not read the code: verify it later with `otpmux verify`
    #[arg(long, alias = "no-wait")]
    no_verify: bool,
    /// Print only the id, and do not read the code
    #[arg(long)]
    id_only: bool,
}

pub(crate) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    let (backend, sent) = match Box::pin(output.during("sending", send(args))).await? {
        Ok(sent) => sent,
        Err(failure) => return failure.report(output),
    };
    match (args.id_only, output.is_json()) {
        (true, false) => output.line(report::text(&sent, "id"))?,
        (_, true) => output.json(&sent)?,
        (false, false) => report::sent_text(&sent, output)?,
    }
    if args.id_only {
        return Ok(Exit::Done);
    }
    if args.no_verify {
        if !backend.is_shared() {
            output.warning(
                "the store is in memory and ends with this program, so this code cannot be verified",
            )?;
        }
        return Ok(Exit::Done);
    }
    match report::text(&sent, "id").parse() {
        Ok(id) => {
            let which = Selector::Id(id);
            code::ask(&backend, &which, &otpmux::Verify::new(), output).await
        }
        Err(error) => Failure::here(format!("the gateway's id: {error}")).report(output),
    }
}

async fn send(args: &Args) -> Result<(Backend, Value), Failure> {
    let backend = args.place.open()?;
    if args.id_only && !backend.is_shared() {
        return Err(Failure::usage(
            "--id-only: the store is in memory and ends with this program, so the id would be of \
             no use; nothing was sent",
        ));
    }
    let to = backend.read_recipient(&args.to, args.wishes.country()?).await?;
    let mut new = args.wishes.new_verification(to, "--to")?;
    new.options.ttl = args.ttl.map(Duration::from_secs);
    new.code_length = args.code_length;
    let repeat = args.repeat.as_deref().map(str::parse).transpose();
    new.repeat = repeat.map_err(|error| Failure::usage(format!("--repeat: {error}")))?;
    let external = args.external_id.as_deref().map(ExternalId::new).transpose();
    new.external_id =
        external.map_err(|error| Failure::usage(format!("--external-id: {error}")))?;
    new.escalate = !args.no_escalate;
    new.options.template.clone_from(&args.template);
    new.options.idempotency_key.clone_from(&args.idempotency_key);
    let sent = backend.send(new).await?;
    Ok((backend, sent))
}
