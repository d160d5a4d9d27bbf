//! The handset: a page that shows what was delivered as it arrives, and switches for faults.

mod assets;
mod events;
mod gate;
mod pass_on;

use std::sync::Arc;

use tokio::sync::watch;

pub(crate) use gate::{guarded, refusal};

use crate::exchange::{Call, Outcome};
use crate::shared::Shared;

/// The answer, when the path is one of the handset's.
pub(crate) async fn answer(
    call: &Call,
    shared: &Arc<Shared>,
    stop: watch::Receiver<bool>,
) -> Option<Outcome> {
    if let Some(reply) = assets::find(call) {
        return Some(Outcome::Reply(reply));
    }
    if let Some(path) = call.path.strip_prefix("/_emulator/relay/") {
        return Some(pass_on::pass_on(call, path, shared, stop).await);
    }
    (call.path == "/_emulator/events").then(|| events::begin(call, shared, stop))
}
