use axum::http::StatusCode;
use otpmux::Outcome;
use utoipa::ToSchema;

use super::Id;
use crate::api::input::Body;
use crate::api::problems::OfOutcome;
use crate::auth::Caller;
use crate::problem::Problem;

/// What became of the code.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for the document; a body is read field by field")]
pub(in crate::api) struct DeliveryOutcome {
    /// `approved`: the user typed the right code. `cancelled`: the code is not wanted any more.
    #[schema(value_type = OutcomeWord)]
    outcome: String,
}

/// What became of a code.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the document")]
enum OutcomeWord {
    Approved,
    Cancelled,
}

/// Report the outcome of a delivery
///
/// The code is not delivered again, and vendors that want to know how it ended are told. Only the
/// first outcome counts; a repeat has the same answer.
#[utoipa::path(
    post,
    path = "/v1/deliveries/{id}/outcome",
    operation_id = "report_delivery_outcome",
    tag = "deliveries",
    params(("id" = String, Path, description = "The delivery")),
    request_body = DeliveryOutcome,
    responses(
        (status = 204, description = "The delivery has ended"),
        OfOutcome,
    ),
)]
pub(in crate::api) async fn outcome(
    caller: Caller,
    Id(id): Id,
    Body(mut body): Body,
) -> Result<StatusCode, Problem> {
    let outcome = body.parsed("outcome", |text| match &*text {
        "approved" => Ok(Outcome::Approved),
        "cancelled" => Ok(Outcome::Cancelled),
        _ => Err("must be `approved` or `cancelled`"),
    });
    let outcome = body.required("outcome", outcome);
    let outcome = body.finish(outcome)?;
    caller.client.end_delivery(id, outcome).await?;
    Ok(StatusCode::NO_CONTENT)
}
