//! `otpmux verify`

use std::io;

use otpmux::Code;

use super::{Sent, code};
use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    sent: Sent,
    /// The code, tried once. Other users of this machine may see arguments; without it, codes are
    /// read from standard input, a line each, until one is right
    #[arg(long)]
    code: Option<String>,
}

pub(crate) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    // Read here and not by clap, which would repeat it.
    let code = match args.code.as_deref().map(str::parse::<Code>).transpose() {
        Ok(code) => code,
        Err(error) => {
            return Failure::usage(format!("--code: {error}; this did not count")).tell(output);
        }
    };
    let (desk, id) = match args.sent.open() {
        Ok(sent) => sent,
        Err(failure) => return failure.tell(output),
    };
    match code {
        Some(code) => Ok(code::check(&desk, id, &code, output).await?.1),
        None => code::ask(&desk, id, output).await,
    }
}
