use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use otpmux::{Code, NewDelivery, OtpClient, Recipient};
use utoipa::ToSchema;

use crate::answer::Answer;
use crate::api::create::{
    Client, country_schema, metadata_schema, options, recipient, recipient_schema, variables_schema,
};
use crate::api::fields::Fields;
use crate::api::idempotency::IdempotencyName;
use crate::api::input::Body;
use crate::api::problems::OfSend;
use crate::api::texts;
use crate::app::App;
use crate::auth::Caller;
use crate::delivery_views::DeliveryView;
use crate::forwarded::ClientAddress;
use crate::keys::TextRights;
use crate::problem::{self, Problem};
use crate::settings::Settings;

/// The code to deliver, and how: `code`, or a finished `message` that holds it.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for the document; a body is read field by field")]
pub(in crate::api) struct CreateDelivery {
    /// A telephone number, best in E.164 form, or an e-mail address.
    #[schema(schema_with = recipient_schema)]
    to: String,
    /// The country in whose national form `to` is written, if it is a number without a calling
    /// code; overrides the configuration's `default_country`.
    #[schema(schema_with = country_schema)]
    country: Option<String>,
    /// The code that you made and will check: ASCII letters and digits, sent as it is. If absent,
    /// the only number of 4 to 10 digits in `message` is the code.
    #[schema(example = "0M53RF", min_length = 4, max_length = 10, pattern = "^[0-9A-Za-z]{4,10}$")]
    code: Option<String>,
    /// The channel: `sms` (default for a number), `voice`, `whatsapp`, `email` (default for an
    /// address), or another one that `GET /v1/capabilities` lists.
    #[schema(example = "sms", min_length = 1, max_length = 64, pattern = "^[a-z0-9_-]{1,64}$")]
    channel: Option<String>,
    /// The purpose: for routes, texts and limits.
    #[schema(example = "login", min_length = 1, max_length = 64, pattern = "^[a-z0-9_-]{1,64}$")]
    purpose: Option<String>,
    /// The language of the message, as a tag such as `pt-BR`.
    #[schema(
        example = "pt-BR",
        min_length = 2,
        max_length = 35,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*$"
    )]
    locale: Option<String>,
    /// How long the code is valid at your side, in seconds, as the message says. The delivery is
    /// kept as long, for resends. Default: the policy's `ttl`.
    #[schema(example = 300, minimum = 30, maximum = 86400)]
    ttl: Option<u32>,
    /// The values of the variables in the text: those that `GET /v1/capabilities` lists, without
    /// links and control characters.
    #[schema(schema_with = variables_schema)]
    variables: Option<BTreeMap<String, String>>,
    /// The name of your service in the text, in place of the configured one: one of those that the
    /// API key's `brands` lists.
    #[schema(min_length = 1, max_length = 40, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    brand: Option<String>,
    /// The text of the message, with the code or `{code}` in its place, instead of the configured
    /// one; only for API keys with `free_text = true`.
    #[schema(
        example = "0M53RF is your Acme code.",
        min_length = 4,
        max_length = 1000,
        pattern = r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f]*$"
    )]
    message: Option<String>,
    /// The vendor's name for a message template.
    #[schema(min_length = 1, max_length = 128, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    template: Option<String>,
    /// The end user's device, for limits and for vendors that check for fraud.
    client: Option<Client>,
    /// Data of the application, stored encrypted and returned by `GET`: at most 16 entries, with
    /// keys of 1 to 40 characters and values of at most 200.
    #[schema(schema_with = metadata_schema)]
    metadata: Option<BTreeMap<String, String>>,
}

/// Reads the code and the text, which may hold the code alone.
fn code_and_text(
    body: &mut Fields,
    rights: &TextRights,
    to: Option<Recipient>,
) -> Option<NewDelivery> {
    let code = body.parsed("code", |text| Code::given(&text));
    let message = texts::finished(body, rights);
    match (code, message) {
        (Some(code), message) => {
            let new = NewDelivery::of(code, to?);
            Some(match message {
                Some(message) => new.with_message(message),
                None => new,
            })
        }
        (None, Some(text)) => match NewDelivery::of_text(&text, to?) {
            Ok(new) => Some(new),
            Err(error) => {
                body.mistake("message", problem::Code::WrongFormat, error.to_string());
                None
            }
        },
        (None, None) => body.required("code", None),
    }
}

/// Reads the request and collects every mistake in it.
fn read(
    mut body: Fields,
    settings: &Settings,
    rights: &TextRights,
    reader: &OtpClient,
    forwarded: Option<IpAddr>,
) -> Result<NewDelivery, Problem> {
    let to = recipient(&mut body, reader);
    let new = code_and_text(&mut body, rights, to);
    let ttl = NewDelivery::MIN_TTL.as_secs()..=NewDelivery::MAX_TTL.as_secs();
    let mut options = options(&mut body, settings, rights, forwarded, ttl);
    let new = new.map(|mut new| {
        options.message = new.options.message.take();
        new.with_options(options)
    });
    body.finish(new)
}

/// Deliver your own code
///
/// For a code that you made and will check yourself: it goes the way of a send, with the same
/// routes, limits and failover, and the same code in every message. It is no verification: no code
/// is ever checked against it, and it changes no verification of the recipient. Only providers that
/// carry a given code are candidates.
#[utoipa::path(
    post,
    path = "/v1/deliveries",
    operation_id = "create_delivery",
    tag = "deliveries",
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Makes a repeat safe: a request with the same key sends nothing and returns the \
                       same answer. Valid as long as the delivery.",
        min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = CreateDelivery,
    responses(
        (status = 201, description = "A message went out, or may have (`confirmed` says which)",
            body = DeliveryView),
        OfSend,
    ),
)]
pub(in crate::api) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    ClientAddress(forwarded): ClientAddress,
    name: IdempotencyName,
    Body(body): Body,
) -> Result<Response, Problem> {
    let mut new = read(body, &app.settings(), &caller.texts, &app.client, forwarded)?;
    new.options.idempotency_key = name.of_caller(&caller.name);
    new.options.in_flight = otpmux::InFlight::Refuse;
    let sent = app.to_the_end(async move { caller.client.deliver(new).await }).await?;
    Ok((StatusCode::CREATED, Answer(DeliveryView::from(&sent))).into_response())
}
