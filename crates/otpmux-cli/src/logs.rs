use std::io;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Format of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs, a JSON document on each line.
    #[default]
    Json,
}

/// The log level without `-v`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quiet {
    /// Nothing: the output says everything.
    Nothing,
    /// Possible problems.
    Warnings,
    /// Events that an operator of a service needs.
    Service,
}

/// The state that must live as long as the program logs.
#[derive(Debug, Default)]
pub(crate) struct Logs {
    #[cfg(feature = "otel")]
    _traces: Option<crate::otel::Traces>,
}

/// Logs this workspace's crates to standard error, and no others: the trace of an HTTP client shows
/// whole requests.
///
/// # Errors
///
/// The environment variables for exporting traces are invalid.
#[cfg_attr(
    not(feature = "otel"),
    expect(clippy::unnecessary_wraps, reason = "it can fail with the feature")
)]
pub(crate) fn begin(verbose: u8, quiet: Quiet, format: LogFormat) -> Result<Logs, String> {
    let level = match (verbose, quiet) {
        (0, Quiet::Nothing) => return Ok(Logs::default()),
        (0, Quiet::Warnings) => LevelFilter::WARN,
        (0, Quiet::Service) => LevelFilter::INFO,
        (1, _) => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let ours = |level| Targets::new().with_target("otpmux", level);
    #[cfg(feature = "otel")]
    let traces = match quiet {
        Quiet::Nothing => None,
        Quiet::Warnings | Quiet::Service => crate::otel::Traces::of_environment()?,
    };
    let registry = tracing_subscriber::registry();
    #[cfg(feature = "otel")]
    let registry =
        registry.with(traces.as_ref().map(|traces| traces.layer(ours(LevelFilter::DEBUG))));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let ours = ours(level);
    match format {
        LogFormat::Text => registry.with(lines.with_filter(ours)).init(),
        LogFormat::Json => registry.with(lines.json().with_filter(ours)).init(),
    }
    Ok(Logs {
        #[cfg(feature = "otel")]
        _traces: traces,
    })
}
