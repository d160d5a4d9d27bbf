//! `otpmux verify`

use std::io;
use std::net::IpAddr;

use otpmux::{Code, Verify};

use super::{Sent, code};
use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    sent: Sent,
    /// The code, tried once. Other users of this machine may see arguments. Without it, codes are
    /// read from standard input, one per line, until one is right
    #[arg(long)]
    code: Option<String>,
    /// Idempotency key: a repeat with the same key and code counts once and returns the same
    /// verdict
    #[arg(long, value_name = "NAME", requires = "code")]
    idempotency_key: Option<String>,
    /// The address of the user's device: wrong codes from one address do not lock out users at
    /// another
    #[arg(long, value_name = "ADDRESS")]
    client_ip: Option<IpAddr>,
}

pub(crate) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    // Parsed here and not by clap, which would repeat the code.
    let code = match args.code.as_deref().map(str::parse::<Code>).transpose() {
        Ok(code) => code,
        Err(error) => {
            return Failure::usage(format!("--code: {error}; this did not count")).report(output);
        }
    };
    let (backend, id) = match args.sent.open() {
        Ok(sent) => sent,
        Err(failure) => return failure.report(output),
    };
    let mut verify = Verify::new();
    verify.client = args.client_ip;
    verify.idempotency_key.clone_from(&args.idempotency_key);
    match code {
        Some(code) => Ok(code::check(&backend, id, &code, verify, output).await?.1),
        None => code::ask(&backend, id, &verify, output).await,
    }
}
