use std::sync::Arc;

use axum::extract::State;

use super::problems::OfQuestion;
use crate::answer::Answer;
use crate::app::App;
use crate::auth::Caller;
use crate::capabilities::Capabilities;

/// Show what can be asked for
///
/// Channels, countries, code lengths and limits, as configured, so that a page that asks for
/// telephone numbers need not repeat them.
#[utoipa::path(
    get,
    path = "/v1/capabilities",
    operation_id = "show_capabilities",
    tag = "verifications",
    responses(
        (status = 200, description = "What this gateway can do", body = Capabilities),
        OfQuestion,
    ),
)]
pub(super) async fn capabilities(State(app): State<Arc<App>>, _: Caller) -> Answer<Capabilities> {
    Answer(app.settings().capabilities.clone())
}
