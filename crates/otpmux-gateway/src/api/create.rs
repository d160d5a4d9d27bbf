use std::collections::BTreeMap;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use otpmux::{
    Channel, ClientContext, CountryCode, ExternalId, NewVerification, OtpClient, Purpose,
    Recipient, Repeat, SendOptions,
};
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::schema::{AnyOfBuilder, SchemaType};
use utoipa::openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, Type};

use super::fields::Fields;
use super::idempotency::IdempotencyName;
use super::input::Body;
use super::problems::OfSend;
use crate::answer::Answer;
use crate::app::App;
use crate::auth::Caller;
use crate::capabilities::Capabilities;
use crate::forwarded::ClientAddress;
use crate::keys::TextRights;
use crate::problem::Problem;
use crate::settings::Settings;
use crate::views::VerificationView;

/// The recipient to verify, and how.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for the document; a body is read field by field")]
pub(super) struct CreateVerification {
    /// A telephone number, best in E.164 form, or an e-mail address.
    #[schema(schema_with = recipient_schema)]
    to: String,
    /// The country in whose national form `to` is written, if it is a number without a calling
    /// code; overrides the configuration's `default_country`.
    #[schema(schema_with = country_schema)]
    country: Option<String>,
    /// The channel: `sms` (default for a number), `voice`, `whatsapp`, `email` (default for an
    /// address), or another one that `GET /v1/capabilities` lists.
    #[schema(example = "sms", min_length = 1, max_length = 64, pattern = "^[a-z0-9_-]{1,64}$")]
    channel: Option<String>,
    /// The purpose. A code for one purpose is not valid for another.
    #[schema(example = "login", min_length = 1, max_length = 64, pattern = "^[a-z0-9_-]{1,64}$")]
    purpose: Option<String>,
    /// The language of the message, as a tag such as `pt-BR`. `GET /v1/capabilities` lists the
    /// languages of the texts that otpmux writes; a vendor that writes the text may have others.
    #[schema(
        example = "pt-BR",
        min_length = 2,
        max_length = 35,
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*$"
    )]
    locale: Option<String>,
    /// Your own id of this verification, such as that of an order, by which the code can be verified
    /// too. Unique within the purpose as long as the verification is known: a second send under it
    /// is a `conflict`. Released if this send fails.
    #[schema(example = "order-4711", min_length = 1, max_length = 128, pattern = "^[!-~]+$")]
    external_id: Option<String>,
    /// The TTL of the code, in seconds.
    #[schema(example = 300, minimum = 30, maximum = 600)]
    ttl: Option<u16>,
    /// Digits of the code.
    #[schema(example = 6, minimum = 4, maximum = 10)]
    code_length: Option<u8>,
    /// The values of the variables in the text: those that `GET /v1/capabilities` lists, without
    /// links and control characters.
    #[schema(schema_with = variables_schema)]
    variables: Option<BTreeMap<String, String>>,
    /// The name of your service in the text, in place of the configured one: one of those that the
    /// API key's `brands` lists.
    #[schema(min_length = 1, max_length = 40, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    brand: Option<String>,
    /// The text of the message, with `{code}` in place of the code, instead of the configured one;
    /// only for API keys with `free_text = true`.
    #[schema(
        example = "{code} is your Acme code.",
        min_length = 6,
        max_length = 1000,
        pattern = r"^[^\x00-\x09\x0b-\x1f\x7f-\x9f]*\{code\}[^\x00-\x09\x0b-\x1f\x7f-\x9f]*$"
    )]
    message: Option<String>,
    /// What happens while a verification of this recipient and purpose is live: `new_code` sends a
    /// new code in its place; `same_code` sends the live one again, with its code and id, within
    /// the limits of a resend. Default: the configuration's `policy.repeat`.
    #[schema(value_type = Option<RepeatWord>)]
    repeat: Option<String>,
    /// Whether the configured steps of escalation apply. If false, no message is sent that was not
    /// requested.
    #[schema(default = true)]
    escalate: Option<bool>,
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

/// What a send does while a verification of its recipient and purpose is live.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "for the document")]
enum RepeatWord {
    NewCode,
    SameCode,
}

/// The end user's device.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "for the document")]
pub(super) struct Client {
    /// The IP address that the user's request came from.
    #[schema(schema_with = address_schema)]
    ip: Option<IpAddr>,
    /// The `User-Agent` of the user's request.
    #[schema(max_length = 512, pattern = r"^[^\x00-\x1f\x7f-\x9f]*$")]
    user_agent: Option<String>,
}

/// The schema of a telephone number or e-mail address.
pub(super) fn recipient_schema() -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let email = SchemaFormat::Custom("email".to_owned());
    AnyOfBuilder::new()
        .item(text().pattern(Some(r"^\+[1-9][0-9]{6,14}$")))
        .item(text().format(Some(email)).pattern(Some("^[^+]")).max_length(Some(254)))
        .description(Some(
            "A telephone number, or an e-mail address. A number is best in E.164 form. Other \
             forms are read too: spaces, dashes and brackets, `00` for `+`, digits of any script, \
             and the national form of `country`. The answer's `to` shows the number or address that \
             was read; an ambiguous one is refused.",
        ))
        .examples([json!("+919876543210")])
        .into()
}

/// The schema of a country code or null.
pub(super) fn country_schema() -> Schema {
    let codes = CountryCode::all().map(|country| json!(country.as_str()));
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .enum_values(Some(codes.chain([json!(null)])))
        .description(Some(
            "The country (ISO 3166-1) in whose national form `to` is, if it is a number without its \
             calling code. Overrides the configuration's `default_country`.",
        ))
        .examples([json!("IN")])
        .into()
}

/// The schema of the `metadata` of `NewVerification`.
pub(super) fn metadata_schema() -> Schema {
    let text = |least, most| {
        let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(least));
        Schema::from(text.max_length(Some(most)))
    };
    let nullable = SchemaType::from_iter([Type::Object, Type::Null]);
    ObjectBuilder::new()
        .schema_type(nullable)
        .max_properties(Some(SendOptions::METADATA_ENTRIES))
        .property_names(Some(text(1, SendOptions::METADATA_KEY)))
        .additional_properties(Some(RefOr::T(text(0, SendOptions::METADATA_VALUE))))
        .description(Some(
            "Notes of your own, kept encrypted and given back by `GET`: at most 16, with keys of 1 \
             to 40 characters and values of at most 200. Keys that begin with `door.` belong to \
             doors, and `GET` leaves them out.",
        ))
        .into()
}

/// The schema of the `variables` of `NewVerification`.
pub(super) fn variables_schema() -> Schema {
    let value = ObjectBuilder::new().schema_type(Type::String).max_length(Some(100));
    ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Object, Type::Null]))
        .additional_properties(Some(RefOr::T(Schema::from(value))))
        .description(Some(
            "The values of the variables in the text: those that `GET /v1/capabilities` lists, \
             without links and control characters.",
        ))
        .examples([json!({ "name": "Ann" })])
        .into()
}

/// The schema of an IPv4 or IPv6 address, or null.
pub(super) fn address_schema() -> Schema {
    let text = |format| {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(format)))
    };
    AnyOfBuilder::new()
        .item(text(KnownFormat::Ipv4))
        .item(text(KnownFormat::Ipv6))
        .item(ObjectBuilder::new().schema_type(Type::Null))
        .description(Some("The address that the user's request came from."))
        .examples([json!("203.0.113.7")])
        .into()
}

/// Reads the IP address of a client.
pub(super) fn address(client: &mut Fields) -> Option<IpAddr> {
    client.parsed("ip", |text| {
        text.parse::<IpAddr>().map_err(|_| "must be an IPv4 or IPv6 address, such as 203.0.113.7")
    })
}

/// Reads the recipient, in the national form of `country` if that is given.
pub(super) fn recipient(body: &mut Fields, reader: &OtpClient) -> Option<Recipient> {
    let country = body.peek("country").and_then(|text| text.parse::<CountryCode>().ok());
    let to = body.parsed("to", |text| reader.read_recipient(&text, country));
    body.required("to", to)
}

/// Reads the end user's device; `forwarded` is its address if the body has none.
fn device(body: &mut Fields, forwarded: Option<IpAddr>) -> ClientContext {
    let client = body.object("client", |client| {
        let mut context = ClientContext::new();
        context.ip = address(client);
        context.user_agent = client.text("user_agent", 0..=512);
        context
    });
    let mut client = client.unwrap_or_default();
    client.ip = client.ip.or(forwarded);
    client
}

/// Reads the application's own notes.
fn metadata(body: &mut Fields) -> BTreeMap<String, String> {
    let metadata = body.strings(
        "metadata",
        "an object of at most 16 strings, with keys of 1 to 40 characters and values of at most 200",
        SendOptions::metadata_fits,
    );
    metadata.unwrap_or_default()
}

/// Reads the options of a send, except its text. `ttl`: the range of its TTL in seconds.
pub(super) fn options(
    body: &mut Fields,
    settings: &Settings,
    rights: &TextRights,
    forwarded: Option<IpAddr>,
    ttl: RangeInclusive<u64>,
) -> SendOptions {
    let mut options = SendOptions::default();
    options.channel = body.parsed("channel", |text| text.parse::<Channel>());
    options.purpose = body.parsed("purpose", Purpose::new).unwrap_or_default();
    options.locale = body.text("locale", 2..=35);
    options.ttl = body.whole("ttl", "seconds", ttl).map(Duration::from_secs);
    options.variables = super::texts::variables(body, settings.messages.as_ref());
    options.brand = super::texts::brand(body, rights);
    options.template = body.text("template", 1..=128);
    options.client = device(body, forwarded);
    options.metadata = metadata(body);
    body.parsed("country", |text| text.parse::<CountryCode>());
    options
}

/// Reads the request and collects every mistake in it.
fn read(
    mut body: Fields,
    settings: &Settings,
    rights: &TextRights,
    reader: &OtpClient,
    forwarded: Option<IpAddr>,
) -> Result<NewVerification, Problem> {
    let to = recipient(&mut body, reader);
    let mut options = options(&mut body, settings, rights, forwarded, Capabilities::TTL);
    options.message = super::texts::message(&mut body, rights);
    let external_id = body.parsed("external_id", ExternalId::new);
    let code_length = body.whole("code_length", "digits", settings.capabilities.code_lengths());
    let repeat = body.parsed("repeat", |text| {
        text.parse::<Repeat>().map_err(|_| "must be `new_code` or `same_code`")
    });
    let escalate = body.flag("escalate");
    let new = to.map(|to| {
        let mut new = NewVerification::to(to).with_options(options);
        new.external_id = external_id;
        new.repeat = repeat;
        new.escalate = escalate.unwrap_or(true);
        new.code_length = code_length;
        new
    });
    body.finish(new)
}

/// Send a code
///
/// The first provider that accepts the message sends it. If one fails, further providers are tried,
/// unless that could lead to two different codes. An older verification of the same recipient and
/// purpose is superseded once this message may have been sent; if this send fails, the older code
/// stays valid. With `repeat` = `same_code`, a live verification is sent again instead.
#[utoipa::path(
    post,
    path = "/v1/verifications",
    operation_id = "create_verification",
    tag = "verifications",
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Makes a repeat safe: a request with the same key sends nothing and returns the \
                       same answer. Valid as long as the verification.",
        min_length = 1, max_length = 255, pattern = "^[!-~]+$")),
    request_body = CreateVerification,
    responses(
        (status = 201, description = "A message went out, or may have (`confirmed` says which); the \
                                      code can be typed", body = VerificationView),
        OfSend,
    ),
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    ClientAddress(forwarded): ClientAddress,
    name: IdempotencyName,
    Body(body): Body,
) -> Result<Response, Problem> {
    let mut new = read(body, &app.settings(), &caller.texts, &app.client, forwarded)?;
    new.options.idempotency_key = name.of_caller(&caller.name);
    new.options.in_flight = otpmux::InFlight::Refuse;
    let sent = app.to_the_end(async move { caller.client.send(new).await }).await?;
    Ok((StatusCode::CREATED, Answer(VerificationView::from(&sent))).into_response())
}
