//! `otpmux vendor`: definitions of vendors that have no adapter.

mod golden;
mod new;
mod recorder;
mod show;
mod test;

use std::io;

use clap::Subcommand;

use crate::Exit;
use crate::output::Output;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Write a definition with comments, to change for a vendor with an HTTP API
    New(new::Args),
    /// Play a send by a definition to an emulated vendor on this machine, and show the request and
    /// what the answer means. Golden files beside the definition give the answers. No vendor is called
    Test(test::Args),
}

pub(crate) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    match &args.command {
        Command::New(args) => new::run(args, output),
        Command::Test(args) => test::run(args, output).await,
    }
}
