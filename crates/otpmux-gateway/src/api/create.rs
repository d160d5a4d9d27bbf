use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Json as Answer;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Extension, http::StatusCode};
use otpmux::{Certainty, Channel, ClientContext, NewVerification, Purpose, Recipient};
use serde::Deserialize;
use tracing::Instrument as _;
use utoipa::ToSchema;

use super::idempotency::IdempotencyName;
use super::input::{Json, object};
use super::views::VerificationView;
use crate::auth::Caller;
use crate::gateway::App;
use crate::http::Peer;
use crate::problem::{Content as ProblemContent, Problem};

/// Whom to verify, and how.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateVerification {
    /// A telephone number in E.164 form, or an e-mail address.
    #[schema(example = "+919876543210", min_length = 5, max_length = 254)]
    to: String,
    /// How the code gets there: `sms` (default for a number), `voice`, `whatsapp`, `email` (default
    /// for an address), or another one that `GET /v1/capabilities` names.
    #[schema(example = "sms", min_length = 1, max_length = 64, pattern = "^[a-z0-9_-]{1,64}$")]
    channel: Option<String>,
    /// What it is for. A code for one purpose is no good for another.
    #[schema(example = "login", min_length = 1, max_length = 64, pattern = "^[a-z0-9_-]{1,64}$")]
    purpose: Option<String>,
    /// The language of the message, where the vendor has a choice.
    #[schema(example = "pt-BR", min_length = 2, max_length = 35)]
    locale: Option<String>,
    /// Seconds for which the code is good.
    #[schema(example = 300, minimum = 30, maximum = 600)]
    ttl: Option<u16>,
    /// Digits of the code.
    #[schema(example = 6, minimum = 4, maximum = 10)]
    code_length: Option<u8>,
    /// The vendor's name for a message template.
    #[schema(min_length = 1, max_length = 128)]
    template: Option<String>,
    /// What is known about the end user's device: for limits and for vendors that look for fraud.
    #[serde(default, deserialize_with = "object")]
    client: Option<Client>,
    /// Notes of your own, kept encrypted and given back by `GET`: at most 16, with keys of 1 to 40
    /// characters and values of at most 200.
    metadata: Option<BTreeMap<String, String>>,
}

/// The end user's device.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Client {
    /// The address that the user's request came from.
    #[schema(value_type = Option<String>, example = "203.0.113.7")]
    ip: Option<IpAddr>,
    /// The user agent of the user's request.
    #[schema(max_length = 512)]
    user_agent: Option<String>,
}

impl CreateVerification {
    fn into_new(self, forwarded: Option<IpAddr>) -> Result<NewVerification, Problem> {
        let about = |field: &str, error: &dyn std::fmt::Display| {
            Problem::invalid(format!("{field}: {error}"))
        };
        let to: Recipient = self.to.parse().map_err(|error| about("to", &error))?;
        let mut new = NewVerification::to(to);
        if let Some(channel) = self.channel {
            new.channel = Some(channel.parse::<Channel>().map_err(|e| about("channel", &e))?);
        }
        if let Some(purpose) = self.purpose {
            new.purpose = Purpose::new(purpose).map_err(|error| about("purpose", &error))?;
        }
        new.locale = text("locale", self.locale, 2..=35)?;
        new.template = text("template", self.template, 1..=128)?;
        new.lifetime = self.ttl.map(|seconds| Duration::from_secs(seconds.into()));
        new.code_length = self.code_length;
        new.metadata = self.metadata.unwrap_or_default();
        let Client { ip, user_agent } = self.client.unwrap_or_default();
        let mut client = ClientContext::new();
        client.ip = ip.or(forwarded);
        client.user_agent = text("client.user_agent", user_agent, 0..=512)?;
        Ok(new.from_client(client))
    }
}

fn text(
    field: &str,
    text: Option<String>,
    length: std::ops::RangeInclusive<usize>,
) -> Result<Option<String>, Problem> {
    let fits = |text: &String| {
        length.contains(&text.chars().count()) && !text.chars().any(char::is_control)
    };
    match text {
        Some(text) if !fits(&text) => Err(Problem::invalid(format!(
            "{field}: must be {} to {} characters, none of them a control character",
            length.start(),
            length.end()
        ))),
        text => Ok(text),
    }
}

/// Send a code
///
/// It goes out by the first provider that takes it, and by further ones where that cannot lead to
/// two different codes. An older verification of the same recipient and purpose is closed.
#[utoipa::path(
    post,
    path = "/v1/verifications",
    operation_id = "create_verification",
    tag = "verifications",
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Your name for this request: said twice, it is sent once, and the answer is \
                       the same. Kept as long as the verification.",
        min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = CreateVerification,
    responses(
        (status = 201, description = "A message went out, or may have (`confirmed` says which); the \
                                      code can be typed", body = VerificationView),
        (status = "default", description = "Nothing to type: see `certainty`", body = ProblemContent,
            content_type = "application/problem+json"),
    ),
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Extension(Peer(peer)): Extension<Peer>,
    name: IdempotencyName,
    headers: HeaderMap,
    Json(body): Json<CreateVerification>,
) -> Result<Response, Problem> {
    let forwarded: Vec<_> =
        headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
    let mut new = body.into_new(app.settings().client_ip(peer, &forwarded))?;
    new.idempotency_key = name.of_caller(&caller.name);
    new.in_flight = otpmux::InFlight::Refuse;
    // A caller that goes away does not stop what it has begun: it may ask again under its key.
    let send = async move { caller.client.send(new).await };
    let sent = app.calls.spawn(send.in_current_span()).await;
    let sent = sent.map_err(|_| Problem::internal(Certainty::Unknown))??;
    Ok((StatusCode::CREATED, Answer(VerificationView::from(&sent))).into_response())
}
