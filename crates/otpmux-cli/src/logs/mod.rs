mod json;

use std::io;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use json::{Lines, Members};

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
    #[cfg(feature = "otel")]
    if let Some(traces) = traces {
        let exported = traces.layer(ours(LevelFilter::DEBUG));
        let lines = lines(format).with_filter(ours(level));
        tracing_subscriber::registry().with(exported).with(lines).init();
        return Ok(Logs { _traces: Some(traces) });
    }
    // A filter of the whole costs less than one of a layer, which decides again at each step into a
    // span.
    tracing_subscriber::registry().with(lines(format)).with(ours(level)).init();
    Ok(Logs::default())
}

fn lines<S>(format: LogFormat) -> Box<dyn Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span>,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    match format {
        LogFormat::Text => Box::new(lines),
        LogFormat::Json => Box::new(lines.with_ansi(false).fmt_fields(Members).event_format(Lines)),
    }
}
