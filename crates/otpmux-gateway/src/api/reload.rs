use std::sync::Arc;

use axum::extract::State;
use otpmux::Certainty;
use otpmux::provider::ProviderId;
use serde::Serialize;
use utoipa::ToSchema;

use super::problems::OfReload;
use crate::answer::Answer;
use crate::app::App;
use crate::audit::By;
use crate::auth::Caller;
use crate::problem::Problem;

/// The names of the providers, by what a reload did to them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Reloaded")]
pub(super) struct ReloadedView {
    /// Their settings are the same; they keep their connections and health.
    unchanged: Vec<String>,
    /// They are new, or their settings differ.
    changed: Vec<String>,
    /// They get no further messages; codes that they sent can still be verified.
    retired: Vec<String>,
}

/// Reload the configuration
///
/// Reads the file again and goes on with it, in one step. A file with mistakes changes nothing, and
/// all its mistakes are told. For keys with `admin = true`.
#[utoipa::path(
    post,
    path = "/v1/admin/reload",
    operation_id = "reload_configuration",
    tag = "operation",
    responses(
        (status = 200, description = "The new configuration is in force", body = ReloadedView),
        OfReload,
    ),
)]
pub(super) async fn reload(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Answer<ReloadedView>, Problem> {
    caller.administers()?;
    // To the end, also when the caller goes away: half a reload is none.
    let reload = tokio::spawn(async move { app.reload(By::Api(caller.name)).await }).await;
    let reloaded = reload.map_err(|_| Problem::internal(Certainty::NotSent))?;
    let reloaded = reloaded.map_err(|errors| Problem::refused_configuration(&errors))?;
    let names = |ids: &[ProviderId]| ids.iter().map(ToString::to_string).collect();
    Ok(Answer(ReloadedView {
        unchanged: names(&reloaded.unchanged),
        changed: names(&reloaded.changed),
        retired: names(&reloaded.retired),
    }))
}
