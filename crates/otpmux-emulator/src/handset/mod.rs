//! The handset: a page that shows delivered messages as they arrive, and switches for faults.

mod assets;
mod events;
mod gate;
mod mail;
mod pass_on;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

pub(crate) use gate::guard;

use crate::shared::Shared;

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .merge(assets::router())
        .route("/_emulator/events", get(events::begin))
        .route("/_emulator/mails/{id}", get(mail::html))
        .route("/_emulator/relay/verifications", post(pass_on::send))
        .route("/_emulator/relay/verifications/{id}", get(pass_on::status))
        .route("/_emulator/relay/verifications/{id}/{verb}", post(pass_on::act))
}
