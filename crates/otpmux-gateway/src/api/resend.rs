use std::sync::Arc;

use axum::extract::State;
use otpmux::{Channel, InFlight, Resend};
use utoipa::ToSchema;

use super::idempotency::IdempotencyName;
use super::input::{Id, OptionalBody};
use super::problems::OfResend;
use crate::answer::Answer;
use crate::app::App;
use crate::auth::Caller;
use crate::problem::Problem;
use crate::views::VerificationView;

/// How to send again. Optional.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for the document; a body is read field by field")]
pub(super) struct ResendVerification {
    /// Another channel; if absent, the policy chooses.
    #[schema(example = "voice", min_length = 1, max_length = 64, pattern = "^[a-z0-9_-]{1,64}$")]
    channel: Option<String>,
    /// Another language of the message.
    #[schema(
        example = "pt-BR",
        min_length = 2,
        max_length = 35,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*$"
    )]
    locale: Option<String>,
}

/// Send the code again
///
/// For a user who asks for another message. If otpmux generated the code, the same code is sent, by
/// another provider than before if there is one. If no provider is left that can carry the same
/// code and has not just failed for this user, a vendor may send a code that it generates:
/// `new_code` is then true, and both codes are valid until one is used. A resend renews neither the
/// TTL nor the guesses.
#[utoipa::path(
    post,
    path = "/v1/verifications/{id}/resend",
    operation_id = "resend_verification",
    tag = "verifications",
    params(
        ("id" = String, Path, description = "The verification"),
        ("Idempotency-Key" = Option<String>, Header,
            description = "Makes a repeat safe: a request with the same key sends nothing.",
            min_length = 1, max_length = 255, pattern = "^[!-~]+$"),
    ),
    request_body = ResendVerification,
    responses(
        (status = 200, description = "A message went out, or may have", body = VerificationView),
        OfResend,
    ),
)]
pub(super) async fn resend(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    name: IdempotencyName,
    OptionalBody(mut body): OptionalBody,
) -> Result<Answer<VerificationView>, Problem> {
    let mut resend = Resend::new();
    resend.channel = body.parsed("channel", |text| text.parse::<Channel>());
    resend.locale = body.text("locale", 2..=35);
    let mut resend = body.finish(Some(resend))?;
    resend.idempotency_key = name.of_caller(&caller.name);
    resend.in_flight = InFlight::Refuse;
    let id = id.ok_or_else(Problem::no_such_verification)?;
    let sent = app.to_the_end(async move { caller.client.resend(id, resend).await }).await?;
    Ok(Answer(VerificationView::from(&sent)))
}
