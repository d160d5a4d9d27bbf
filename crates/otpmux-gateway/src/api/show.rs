use super::input::Id;
use super::problems::OfShow;
use crate::answer::Answer;
use crate::auth::Caller;
use crate::problem::Problem;
use crate::views::DetailsView;

/// Show a verification
///
/// Its status, its send attempts, and the delivery of its messages, as far as their vendors report
/// it.
#[utoipa::path(
    get,
    path = "/v1/verifications/{id}",
    operation_id = "show_verification",
    tag = "verifications",
    params(("id" = String, Path, description = "The verification")),
    responses(
        (status = 200, description = "The verification", body = DetailsView),
        OfShow,
    ),
)]
pub(super) async fn show(caller: Caller, Id(id): Id) -> Result<Answer<DetailsView>, Problem> {
    let id = id.ok_or_else(Problem::no_such_verification)?;
    Ok(Answer(DetailsView::from(&caller.client.status(id).await?)))
}
