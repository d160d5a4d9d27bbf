#![doc = include_str!("../README.md")]

mod check_config;
mod demo;
mod emulate;
mod failure;
mod logs;
mod output;
mod relay;
mod report;
mod schema;
mod send;
mod serve;

use std::io;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use logs::{LogFormat, Quiet};
use output::Output;

/// Sends and verifies one-time codes over any of several vendors.
#[derive(Debug, Parser)]
#[command(name = "otpmux", version, propagate_version = true)]
struct Cli {
    /// Log to standard error; twice for more. Logs hold no code, recipient or secret
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows a code going out, being verified, and surviving its vendor's failure. Needs nothing,
    /// sends nothing
    Demo,
    /// Plays the vendors' HTTP APIs on this machine
    Emulate(emulate::Args),
    /// Serves the HTTP API
    Serve(serve::Args),
    /// Sends a code to a recipient and verifies what they type
    Send(send::Args),
    /// Checks a configuration file and tells what it means
    CheckConfig(check_config::Args),
    /// Prints the JSON Schema of the configuration file
    Schema,
}

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    /// It did what was asked.
    Done,
    /// It failed, or the answer was no.
    Failed,
    /// The arguments or the configuration are wrong. Clap uses the same number.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Failed => Self::FAILURE,
            Exit::Usage => Self::from(2),
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let (quiet, format) = match &cli.command {
        Command::Serve(args) => (Quiet::Service, args.log_format),
        _ => (Quiet::Nothing, LogFormat::Text),
    };
    logs::begin(cli.verbose, quiet, format);
    // A service uses what cores there are; everything else waits for one thing at a time.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut runtime = match quiet {
        Quiet::Service if cores > 1 => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    match runtime.enable_all().build() {
        Ok(runtime) => runtime.block_on(run(cli)),
        Err(error) => {
            let _ = Output::to_terminal().note(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> ExitCode {
    let mut output = Output::to_terminal();
    let ended = match cli.command {
        Command::Demo => demo::run(&mut output).await,
        Command::Emulate(args) => emulate::run(&args, &mut output).await,
        Command::Serve(args) => serve::run(&args, &mut output).await,
        Command::Send(args) => send::run(&args, &mut output).await,
        Command::CheckConfig(args) => check_config::run(&args, &mut output),
        Command::Schema => schema::run(&mut output),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => {
            // Of a reader that has gone away (`otpmux schema | head`) there is nothing to tell.
            if error.kind() != io::ErrorKind::BrokenPipe {
                let _ = output.note(format_args!("error: {error}"));
            }
            ExitCode::FAILURE
        }
    }
}
