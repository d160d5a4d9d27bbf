//! `otpmux events`: a receiver for a developer's terminal, and events for tests.

mod listen;
mod trigger;

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
    /// Receive events on this machine, check their signatures and print them
    Listen(listen::Args),
    /// Make a running gateway write an event whose purpose, provider and reason are `test`
    Trigger(trigger::Args),
}

pub(crate) async fn run(args: &Args, output: &mut Output) -> io::Result<Exit> {
    match &args.command {
        Command::Listen(args) => listen::run(args, output).await,
        Command::Trigger(args) => trigger::run(args, output).await,
    }
}
