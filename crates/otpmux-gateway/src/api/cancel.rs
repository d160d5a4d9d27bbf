use axum::http::StatusCode;

use super::input::Id;
use super::problems::OfCancel;
use crate::auth::Caller;
use crate::problem::Problem;

/// Cancel a verification
///
/// Its code is invalid from now on. A verification that has ended already keeps its status.
#[utoipa::path(
    delete,
    path = "/v1/verifications/{id}",
    operation_id = "cancel_verification",
    tag = "verifications",
    params(("id" = String, Path, description = "The verification")),
    responses(
        (status = 204, description = "No code is good for it"),
        OfCancel,
    ),
)]
pub(super) async fn cancel(caller: Caller, Id(id): Id) -> Result<StatusCode, Problem> {
    let id = id.ok_or_else(Problem::no_such_verification)?;
    caller.client.cancel(id).await?;
    Ok(StatusCode::NO_CONTENT)
}
