//! `otpmux deliver`

use std::io::{self, BufRead as _};
use std::time::Duration;

use otpmux::{Code, NewDelivery};
use serde_json::Value;

use super::{Place, Wishes};
use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::report;

#[derive(clap::Args)]
#[command(after_help = "\
Sends a code that another system made and will check. It is no verification: `otpmux verify` never
finds it. `otpmux delivery` shows it, sends it again and reports its outcome:

  id=$(make-code | otpmux deliver --to +919876543210 --id-only)
  otpmux delivery outcome \"$id\" approved")]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    /// A telephone number such as +919876543210, or an e-mail address. A number may have the
    /// national form of the --country
    #[arg(long, value_name = "RECIPIENT")]
    to: String,
    /// The code: 4 to 10 ASCII letters and digits. Other users of this machine may see arguments.
    /// Without it, the code is one line of standard input, or the only number of 4 to 10 digits in
    /// the --message
    #[arg(long)]
    code: Option<String>,
    #[command(flatten)]
    wishes: Wishes,
    /// How long the other system accepts the code, in seconds [default: the TTL of the policy]
    #[arg(long, value_name = "SECONDS")]
    ttl: Option<u64>,
    /// The vendor's name for a message template
    #[arg(long)]
    template: Option<String>,
    /// Idempotency key: a repeat with the same key sends nothing and returns the first delivery
    #[arg(long, value_name = "NAME")]
    idempotency_key: Option<String>,
    /// Print only the id
    #[arg(long)]
    id_only: bool,
}

pub(crate) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    let code = match read_code(args) {
        Ok(code) => code,
        Err(failure) => return failure.report(output),
    };
    match Box::pin(output.during("sending", deliver(args, code))).await? {
        Ok(sent) if args.id_only => output.line(report::text(&sent, "id"))?,
        Ok(sent) if output.is_json() => output.json(&sent)?,
        Ok(sent) => report::delivery_text(&sent, output)?,
        Err(failure) => return failure.report(output),
    }
    Ok(Exit::Done)
}

/// Parsed here and not by clap, which would repeat the code. `None`: the text holds it.
fn read_code(args: &Args) -> Result<Option<Code>, Failure> {
    let (option, text) = match (&args.code, args.wishes.message()) {
        (Some(code), _) => ("--code", code.clone()),
        (None, Some(text)) if !text.contains("{code}") => return Ok(None),
        (None, _) => {
            let mut line = String::new();
            let read = io::stdin().lock().read_line(&mut line);
            read.map_err(|error| Failure::usage(format!("standard input: {error}")))?;
            ("standard input", line)
        }
    };
    let code = Code::given(text.trim());
    code.map(Some).map_err(|error| Failure::usage(format!("{option}: {error}; nothing was sent")))
}

async fn deliver(args: &Args, code: Option<Code>) -> Result<Value, Failure> {
    let backend = args.place.open()?;
    let to = backend.read_recipient(&args.to, args.wishes.country()?).await?;
    let wished = args.wishes.new_verification(to, "--to")?;
    let mut options = wished.options;
    options.ttl = args.ttl.map(Duration::from_secs);
    options.template.clone_from(&args.template);
    options.idempotency_key.clone_from(&args.idempotency_key);
    let code = match code {
        Some(code) => code,
        None => NewDelivery::code_in_text(options.message.as_deref().unwrap_or_default(), None)
            .map_err(|error| Failure::usage(format!("--message: {error}")))?,
    };
    backend.deliver(NewDelivery::of(code, wished.recipient).with_options(options)).await
}
