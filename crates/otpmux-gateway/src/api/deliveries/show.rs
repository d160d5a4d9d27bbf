use super::Id;
use crate::answer::Answer;
use crate::api::problems::OfShow;
use crate::auth::Caller;
use crate::delivery_views::DeliveryDetailsView;
use crate::problem::Problem;

/// Show a delivery
///
/// Its status, its send attempts, and the delivery of its messages, as far as their vendors report
/// it. It is gone when its TTL has passed.
#[utoipa::path(
    get,
    path = "/v1/deliveries/{id}",
    operation_id = "show_delivery",
    tag = "deliveries",
    params(("id" = String, Path, description = "The delivery")),
    responses(
        (status = 200, description = "The delivery", body = DeliveryDetailsView),
        OfShow,
    ),
)]
pub(in crate::api) async fn show(
    caller: Caller,
    Id(id): Id,
) -> Result<Answer<DeliveryDetailsView>, Problem> {
    Ok(Answer(DeliveryDetailsView::from(&caller.client.delivery(id).await?)))
}
