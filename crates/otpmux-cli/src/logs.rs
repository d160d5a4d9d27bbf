use std::io;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Logs this workspace's crates to standard error, and no others: an HTTP client's own trace shows
/// whole requests.
pub(crate) fn begin(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let ours = Targets::new().with_target("otpmux", level);
    let layer = tracing_subscriber::fmt::layer().with_writer(io::stderr).with_filter(ours);
    tracing_subscriber::registry().with(layer).init();
}
