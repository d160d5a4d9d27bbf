//! `otpmux send`

use std::io::{self, BufRead as _};
use std::path::PathBuf;

use otpmux::{Channel, Code, Config, NewVerification, OtpClient, Recipient, Verdict, Verification};

use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;
use crate::report;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status:
  0  approved; with --no-wait: sent
  1  not sent, not approved, or no code was typed
  2  the arguments or the configuration are wrong; nothing was sent

With --json every answer is a line of JSON on standard output: the verification, then a verdict for
each code. A failure is {\"error\": {kind, certainty, blame, provider, message, retry_after}}, where
certainty tells whether anything went out: not_sent, refused, or unknown.")]
pub(crate) struct Args {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// A telephone number such as +919876543210, or an e-mail address
    #[arg(long, value_name = "RECIPIENT")]
    to: String,
    /// sms, voice, email, whatsapp or a vendor's own word [default: sms for a number, email for an
    /// address]
    #[arg(long)]
    channel: Option<String>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
    /// Do not ask for the code. Whoever shares the store can verify it; the memory store ends with
    /// this program, so with it nobody can: of use only to see the answer to a send
    #[arg(long)]
    no_wait: bool,
}

pub(crate) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    match send(args).await {
        Err(failure) => failure.tell(args.json, output),
        Ok((client, sent, shared)) => {
            if args.json {
                output.json(&report::verification_json(&sent))?;
            } else {
                report::verification_text(&sent, output)?;
            }
            if args.no_wait {
                return Ok(Exit::Done);
            }
            verify(args, &client, &sent, output, shared).await
        }
    }
}

/// Also whether anybody else finds the verification.
async fn send(args: &Args) -> Result<(OtpClient, Verification, bool), Failure> {
    let config = Config::from_file(&args.config)?;
    let client = OtpClient::from_config(&config)?;
    // Read here and not by clap, which would repeat the number.
    let to: Recipient = args
        .to
        .parse()
        .map_err(|error| Failure::usage(format!("--to: {error}; nothing was sent")))?;
    let mut new = NewVerification::to(to);
    if let Some(channel) = &args.channel {
        let channel: Channel = channel
            .parse()
            .map_err(|error| Failure::usage(format!("--channel: {error}; nothing was sent")))?;
        new = new.by(channel);
    }
    let sent = client.send(new).await?;
    Ok((client, sent, config.store().is_shared()))
}

async fn verify(
    args: &Args,
    client: &OtpClient,
    sent: &Verification,
    output: &mut Output,
    shared: bool,
) -> io::Result<Exit> {
    let mut typed = Vec::new();
    loop {
        output.ask("Code:")?;
        typed.clear();
        if io::stdin().lock().read_until(b'\n', &mut typed)? == 0 {
            output.note(if shared {
                "\nno code was typed; whoever shares the store can verify it until it expires"
            } else {
                "\nno code was typed; it ends with this program, so send anew"
            })?;
            return Ok(Exit::Failed);
        }
        let Ok(code) = String::from_utf8_lossy(&typed).trim().parse::<Code>() else {
            output.note("a code is 4 to 10 digits and nothing else; this did not count")?;
            continue;
        };
        let verdict = match client.verify(sent.id, &code).await {
            Ok(verdict) => verdict,
            Err(error) => return Failure::from(error).tell(args.json, output),
        };
        if args.json {
            output.json(&report::verdict_json(&verdict))?;
        } else {
            output.line(report::verdict_text(&verdict))?;
        }
        match verdict {
            Verdict::Approved => return Ok(Exit::Done),
            Verdict::WrongCode { attempts_left: Some(0) } => return Ok(Exit::Failed),
            Verdict::WrongCode { .. } => {}
            _ => return Ok(Exit::Failed),
        }
    }
}
