use std::io;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs, a JSON document on each line.
    #[default]
    Json,
}

/// What is logged without `-v`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quiet {
    /// Nothing: the output says it all.
    Nothing,
    /// What may be wrong.
    Warnings,
    /// What an operator wants to know of a service.
    Service,
}

/// Logs this workspace's crates to standard error, and no others: an HTTP client's own trace shows
/// whole requests.
pub(crate) fn begin(verbose: u8, quiet: Quiet, format: LogFormat) {
    let level = match (verbose, quiet) {
        (0, Quiet::Nothing) => return,
        (0, Quiet::Warnings) => LevelFilter::WARN,
        (0, Quiet::Service) => LevelFilter::INFO,
        (1, _) => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let ours = Targets::new().with_target("otpmux", level);
    let registry = tracing_subscriber::registry();
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    match format {
        LogFormat::Text => registry.with(lines.with_filter(ours)).init(),
        LogFormat::Json => registry.with(lines.json().with_filter(ours)).init(),
    }
}
