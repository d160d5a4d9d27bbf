#![doc = include_str!("../README.md")]

mod arguments;
mod check_config;
mod completions;
mod demo;
mod dev;
mod emulate;
mod emulated;
mod events;
mod exit;
mod failure;
mod find;
mod init;
mod logs;
#[cfg(feature = "otel")]
mod otel;
mod output;
mod providers;
mod relay;
mod report;
mod schema;
mod serve;
mod toml_value;
mod vendor;
mod verbs;

use std::io;
use std::process::ExitCode;

use clap::{ColorChoice, Parser, Subcommand};

use exit::Exit;
use failure::Failure;
use logs::{LogFormat, Quiet};
use output::Output;
use verbs::{cancel, deliver, delivery, resend, send, status, verify};

/// A service allocates for every request, on all its threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The heading in `--help` of the options that every command has.
const EVERYWHERE: &str = "Options of every command";

/// Send and verify one-time passcodes through several vendors.
// No `Debug` here and there below: arguments may be codes and recipients.
#[derive(Parser)]
#[command(name = "otpmux", version, propagate_version = true, after_help = exit::HELP)]
struct Cli {
    /// Print JSON, one document per line; errors too
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    json: bool,
    /// When to use colours; auto respects the variable `NO_COLOR`
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = EVERYWHERE
    )]
    color: ColorChoice,
    /// Log to standard error; repeat for more. Logs hold no code, recipient or secret
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = EVERYWHERE)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Show a send, a verify and a vendor failure. Needs no account and sends nothing
    Demo,
    /// Run the vendor emulator on localhost
    Emulate(emulate::Args),
    /// Write a configuration file with comments, from answers or options
    Init(init::Args),
    /// Serve the HTTP API with emulated vendors, and a page that shows what arrives
    Dev(dev::Args),
    /// Serve the HTTP API
    Serve(serve::Args),
    /// Send a code to a recipient and verify the typed code
    Send(send::Args),
    /// Verify a code that was sent before
    Verify(verify::Args),
    /// Send a code again
    Resend(resend::Args),
    /// Cancel a pending verification
    Cancel(cancel::Args),
    /// Show the status and the history of a verification
    Status(status::Args),
    /// Deliver a code that another system made and will check
    Deliver(deliver::Args),
    /// Show a delivery, send it again, or report its outcome
    Delivery(delivery::Args),
    /// Find the messages and the outcome of a recipient's code, in the audit log and the store
    Find(find::Args),
    /// Show health, balance, capabilities and limits of each provider
    Providers(providers::Args),
    /// Receive events on this machine, or make some for tests
    Events(events::Args),
    /// Check a configuration file and show what it means, or how a send would be routed
    CheckConfig(check_config::Args),
    /// Print the JSON Schema of the configuration file, or a reference of its keys
    Schema(schema::Args),
    /// Define a vendor that has no adapter, and try the definition
    Vendor(vendor::Args),
    /// Print a script that completes commands and options in a shell
    Completions(completions::Args),
}

fn main() -> ExitCode {
    let ended = match Cli::try_parse() {
        Ok(cli) => start(cli),
        Err(error) => arguments::report(error),
    };
    match ended {
        Ok(exit) => exit.into(),
        // The failure was reported, or its reader has closed the stream.
        Err(_) => Exit::Failed.into(),
    }
}

fn start(cli: Cli) -> io::Result<Exit> {
    let (quiet, format) = match &cli.command {
        Command::Serve(args) => (Quiet::Service, args.log_format),
        Command::Dev(args) => (Quiet::Warnings, args.log_format),
        _ => (Quiet::Nothing, LogFormat::Text),
    };
    let mut output = Output::of_process(cli.color, cli.json);
    // Dropped after the runtime, when all traces are complete.
    let _logs = match logs::begin(cli.verbose, quiet, format) {
        Ok(logs) => logs,
        Err(what) => return Failure::usage(what).report(&mut output),
    };
    // A service uses all cores; every other command waits for one thing at a time.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut runtime = match quiet {
        Quiet::Service | Quiet::Warnings if cores > 1 => {
            tokio::runtime::Builder::new_multi_thread()
        }
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = runtime.enable_all().build();
    match runtime.and_then(|runtime| runtime.block_on(run(cli.command, &mut output))) {
        // If the reader has closed the stream (`otpmux schema | head`), there is nothing to report.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Failure::here(error.to_string()).report(&mut output)
        }
        ended => ended,
    }
}

async fn run(command: Command, output: &mut Output) -> io::Result<Exit> {
    match command {
        Command::Demo => demo::run(output).await,
        Command::Emulate(args) => emulate::run(&args, output).await,
        Command::Init(args) => init::run(&args, output),
        Command::Dev(args) => dev::run(&args, output).await,
        Command::Serve(args) => serve::run(&args, output).await,
        Command::Send(args) => send::run(&args, output).await,
        Command::Verify(args) => verify::run(&args, output).await,
        Command::Resend(args) => resend::run(&args, output).await,
        Command::Cancel(args) => cancel::run(&args, output).await,
        Command::Status(args) => status::run(&args, output).await,
        Command::Deliver(args) => deliver::run(&args, output).await,
        Command::Delivery(args) => delivery::run(&args, output).await,
        Command::Find(args) => find::run(&args, output).await,
        Command::Providers(args) => providers::run(&args, output).await,
        Command::Vendor(args) => vendor::run(&args, output).await,
        Command::Events(args) => events::run(&args, output).await,
        Command::CheckConfig(args) => check_config::run(&args, output),
        Command::Schema(args) => schema::run(&args, output),
        Command::Completions(args) => completions::run(&args, output),
    }
}
