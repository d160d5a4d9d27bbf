use std::sync::Arc;

use axum::extract::State;
use otpmux::{Channel, InFlight, Resend};

use super::Id;
use crate::answer::Answer;
use crate::api::idempotency::IdempotencyName;
use crate::api::input::OptionalBody;
use crate::api::problems::OfResend;
use crate::api::resend::ResendVerification;
use crate::app::App;
use crate::auth::Caller;
use crate::delivery_views::DeliveryView;
use crate::problem::Problem;

/// Deliver the same code again
///
/// For a user who asks for another message. The same code is sent, by another provider than before
/// if there is one, within the limits of a resend. The TTL is not renewed.
#[utoipa::path(
    post,
    path = "/v1/deliveries/{id}/resend",
    operation_id = "resend_delivery",
    tag = "deliveries",
    params(
        ("id" = String, Path, description = "The delivery"),
        ("Idempotency-Key" = Option<String>, Header,
            description = "Makes a repeat safe: a request with the same key sends nothing.",
            min_length = 1, max_length = 255, pattern = "^[!-~]+$"),
    ),
    request_body = ResendVerification,
    responses(
        (status = 200, description = "A message went out, or may have", body = DeliveryView),
        OfResend,
    ),
)]
pub(in crate::api) async fn resend(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    name: IdempotencyName,
    OptionalBody(mut body): OptionalBody,
) -> Result<Answer<DeliveryView>, Problem> {
    let mut resend = Resend::new();
    resend.channel = body.parsed("channel", |text| text.parse::<Channel>());
    resend.locale = body.text("locale", 2..=35);
    let mut resend = body.finish(Some(resend))?;
    resend.idempotency_key = name.of_caller(&caller.name);
    resend.in_flight = InFlight::Refuse;
    let sent = app.to_the_end(async move { caller.client.redeliver(id, resend).await }).await?;
    Ok(Answer(DeliveryView::from(&sent)))
}
