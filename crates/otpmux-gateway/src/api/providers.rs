use std::sync::Arc;

use axum::extract::State;
use otpmux::admin::ProviderView;
use serde::Serialize;
use utoipa::ToSchema;

use super::problems::OfQuestion;
use crate::answer::Answer;
use crate::app::App;
use crate::auth::Caller;
use crate::problem::Problem;

/// The providers of this gateway, ordered by name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Providers")]
pub(super) struct ProvidersView {
    providers: Vec<OneProvider>,
}

/// A provider as this gateway knows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Provider")]
struct OneProvider {
    name: String,
    /// The state of its circuit: `closed`, `open` or `half_open`.
    circuit: &'static str,
    /// Whether an ordinary send would use it now.
    sendable: bool,
    channels: Vec<String>,
    last_hour: LastHourView,
}

/// What became of its messages within the last hour, as this gateway has seen it. Each gateway of
/// several sees its part.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "LastHour")]
struct LastHourView {
    /// Messages that the vendor accepted.
    accepted: u64,
    /// Messages that the vendor reported as delivered; null if it sends no receipts.
    delivered: Option<u64>,
    /// Approved verifications whose message was this provider's; null if they are not counted.
    approved: Option<u64>,
    /// The delivered share of the accepted messages, 0 to 1; null if it is not known.
    delivery_rate: Option<f64>,
    /// The approved share of the accepted messages, 0 to 1; null if it is not known.
    approval_rate: Option<f64>,
}

/// Show the providers
///
/// Circuit, and what became of each provider's messages within the last hour, as this gateway has
/// seen it. For keys with `admin = true`; approvals are counted if there is such a key.
#[utoipa::path(
    get,
    path = "/v1/admin/providers",
    operation_id = "show_providers",
    tag = "operation",
    responses(
        (status = 200, description = "The providers", body = ProvidersView),
        OfQuestion,
    ),
)]
pub(super) async fn providers(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Answer<ProvidersView>, Problem> {
    caller.administers()?;
    let providers = app.client.providers().iter().map(OneProvider::of).collect();
    Ok(Answer(ProvidersView { providers }))
}

impl OneProvider {
    fn of(view: &ProviderView) -> Self {
        let hour = view.last_hour();
        Self {
            name: view.id().to_string(),
            circuit: view.health().as_str(),
            sendable: view.is_available(),
            channels: view.capabilities().channels.iter().map(ToString::to_string).collect(),
            last_hour: LastHourView {
                accepted: hour.accepted,
                delivered: hour.delivered,
                approved: hour.approved,
                delivery_rate: hour.delivery_rate(),
                approval_rate: hour.approval_rate(),
            },
        }
    }
}
