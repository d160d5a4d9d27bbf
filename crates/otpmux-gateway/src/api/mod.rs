//! The HTTP API: one file per call.

mod cancel;
mod capabilities;
mod create;
mod deliveries;
mod docs;
mod events;
mod fields;
mod health;
mod idempotency;
mod input;
mod openapi;
mod problems;
mod providers;
mod receipts;
mod reload;
mod resend;
mod show;
mod texts;
mod tree;
mod verify;
mod verify_selected;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};

pub use openapi::openapi;

use crate::app::App;
use crate::audit;
use crate::doors;
use crate::problem::Problem;

/// Returns the router of the whole API, with or without the metrics.
pub(crate) fn router(app: &Arc<App>, metrics: bool) -> Router {
    let router = Router::new()
        .route("/v1/verifications", post(create::create))
        .route("/v1/verifications/verify", post(verify_selected::verify))
        .route("/v1/verifications/{id}", get(show::show).delete(cancel::cancel))
        .route("/v1/verifications/{id}/verify", post(verify::verify))
        .route("/v1/verifications/{id}/resend", post(resend::resend))
        .route("/v1/deliveries", post(deliveries::create::create))
        .route("/v1/deliveries/{id}", get(deliveries::show::show))
        .route("/v1/deliveries/{id}/resend", post(deliveries::resend::resend))
        .route("/v1/deliveries/{id}/outcome", post(deliveries::outcome::outcome))
        .route("/v1/capabilities", get(capabilities::capabilities))
        .route("/v1/receipts/{provider}", get(receipts::receive_by_query).post(receipts::receive))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/openapi.json", get(docs::document))
        .route("/docs", get(docs::page))
        .route("/problems/{type}", get(docs::problem))
        .route("/", get(docs::root))
        .merge(admin(app));
    let router = if metrics { router.route("/metrics", get(health::metrics)) } else { router };
    let router = match doors::router(app) {
        Some(doors) => router.merge(doors),
        None => router,
    };
    or_nothing(router, app)
}

/// Returns the router of the calls for API keys with `admin = true`, each of which is in the audit log.
fn admin(app: &Arc<App>) -> Router<Arc<App>> {
    Router::new()
        .route("/v1/admin/reload", post(reload::reload))
        .route("/v1/admin/providers", get(providers::providers))
        .route("/v1/admin/events", get(events::show))
        .route("/v1/admin/events/{id}/retry", post(events::retry))
        .route("/v1/admin/events/trigger/{type}", post(events::trigger))
        .route("/v1/admin/endpoints/{name}/pause", post(events::pause))
        .route("/v1/admin/endpoints/{name}/resume", post(events::resume))
        .route_layer(from_fn_with_state(Arc::clone(app), audit::admin))
}

/// Returns the router of the metrics alone.
pub(crate) fn metrics_router(app: &Arc<App>) -> Router {
    or_nothing(Router::new().route("/metrics", get(health::metrics)), app)
}

fn or_nothing(router: Router<Arc<App>>, app: &Arc<App>) -> Router {
    router
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .fallback(|| async { Problem::not_found() })
        .with_state(Arc::clone(app))
}
