//! The five verbs over the HTTP API of a gateway.

use std::time::Duration;

use otpmux::config::{Environment, SecretRef};
use otpmux::http::{Answer, BaseUrl, Call, HttpConfig, Transport};
use otpmux::provider::{Context, IdempotencyKey, OsEntropy, ProviderId};
use otpmux::{
    Code, CountryCode, DeliveryId, NewDelivery, NewVerification, Outcome, Resend, Secret, Selector,
    SendOptions, Verdict, VerificationId, Verify,
};
use serde_json::{Map, Value, json};

use crate::failure::Failure;

/// The gateway has a deadline for all the vendors that it calls.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The variable with the API key: other users of the machine could see an argument.
const KEY: &str = "OTPMUX_API_KEY";

pub(crate) struct Gateway(Transport);

impl Gateway {
    pub(crate) fn new(url: &str) -> Result<Self, Failure> {
        let url: BaseUrl =
            url.parse().map_err(|error| Failure::usage(format!("--gateway: {error}")))?;
        let key = api_key()?;
        let name = ProviderId::new("gateway").map_err(|error| Failure::here(error.to_string()))?;
        let config = HttpConfig::new(url).with_timeout(TIMEOUT);
        let bearer = Secret::new(format!("Bearer {}", key.expose()));
        Ok(Self(Transport::new(name, config, &[("authorization", bearer)])?))
    }

    /// Returns the country for numbers in national form.
    pub(super) async fn default_country(&self) -> Result<Option<CountryCode>, Failure> {
        let capabilities = document(&self.ask(Call::get("/v1/capabilities")).await?)?;
        Ok(capabilities["default_country"].as_str().and_then(|code| code.parse().ok()))
    }

    pub(super) async fn send(&self, new: &NewVerification) -> Result<Value, Failure> {
        let (to, options) = (new.recipient.expose(), &new.options);
        let mut body = send_body(to, options);
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                body.insert(key.to_owned(), value);
            }
        };
        set("repeat", new.repeat.map(|repeat| json!(repeat.as_str())));
        set("escalate", (!new.escalate).then_some(json!(false)));
        set("external_id", new.external_id.as_ref().map(|id| json!(id.expose())));
        set("code_length", new.code_length.map(|length| json!(length)));
        let mut call = hiding_values(Call::post("/v1/verifications", &body).hiding(to), options);
        if let Some(id) = &new.external_id {
            call = call.hiding(id.expose());
        }
        document(&self.ask(named(call, options.idempotency_key.as_deref())?).await?)
    }

    pub(super) async fn verify(
        &self,
        which: Selector,
        code: &Code,
        verify: &Verify,
    ) -> Result<Verdict, Failure> {
        let mut body = json!({ "code": code.expose() });
        if let Some(ip) = verify.client {
            body["client"] = json!({ "ip": ip });
        }
        let selected = |body| Call::post("/v1/verifications/verify", body);
        let call = match &which {
            Selector::Id(id) => {
                Call::post("/v1/verifications/{id}/verify", &body).with_id(&id.to_string())
            }
            Selector::Recipient { recipient, purpose } => {
                (body["to"], body["purpose"]) = (json!(recipient.expose()), json!(purpose));
                selected(&body).hiding(recipient.expose())
            }
            Selector::External { id, purpose } => {
                (body["external_id"], body["purpose"]) = (json!(id.expose()), json!(purpose));
                selected(&body).hiding(id.expose())
            }
            _ => return Err(Failure::here("no call of a gateway has this selection")),
        };
        let call = named(call.hiding(code.expose()), verify.idempotency_key.as_deref())?;
        let answer = document(&self.ask(call).await?)?;
        let guesses_left = answer["guesses_left"].as_u64().and_then(|left| left.try_into().ok());
        let retry_after = answer["retry_after"].as_u64().map(Duration::from_secs);
        Ok(match answer["verdict"].as_str() {
            Some("approved") => Verdict::Approved,
            Some("wrong_code") => Verdict::WrongCode { guesses_left },
            Some("expired") => Verdict::Expired,
            Some("already_used") => Verdict::AlreadyUsed,
            Some("too_many_guesses") => Verdict::TooManyGuesses { retry_after },
            Some("not_found") => Verdict::NotFound,
            Some("gone") => Verdict::Gone,
            _ => Verdict::Rejected,
        })
    }

    pub(super) async fn resend(&self, id: VerificationId, how: &Resend) -> Result<Value, Failure> {
        let call = Call::post("/v1/verifications/{id}/resend", &options(how));
        let call = call.with_id(&id.to_string());
        document(&self.ask(named(call, how.idempotency_key.as_deref())?).await?)
    }

    pub(super) async fn status(&self, id: VerificationId) -> Result<Value, Failure> {
        document(&self.ask(Call::get("/v1/verifications/{id}").with_id(&id.to_string())).await?)
    }

    pub(super) async fn deliver(&self, new: &NewDelivery) -> Result<Value, Failure> {
        let (to, code, options) = (new.recipient.expose(), new.code.expose(), &new.options);
        let mut body = send_body(to, options);
        body.insert("code".to_owned(), json!(code));
        let call = Call::post("/v1/deliveries", &body).hiding(to).hiding(code);
        let call = hiding_values(call, options);
        document(&self.ask(named(call, options.idempotency_key.as_deref())?).await?)
    }

    pub(super) async fn delivery(&self, id: DeliveryId) -> Result<Value, Failure> {
        document(&self.ask(Call::get("/v1/deliveries/{id}").with_id(&id.to_string())).await?)
    }

    pub(super) async fn redeliver(&self, id: DeliveryId, how: &Resend) -> Result<Value, Failure> {
        let call = Call::post("/v1/deliveries/{id}/resend", &options(how));
        let call = call.with_id(&id.to_string());
        document(&self.ask(named(call, how.idempotency_key.as_deref())?).await?)
    }

    pub(super) async fn end_delivery(
        &self,
        id: DeliveryId,
        outcome: Outcome,
    ) -> Result<(), Failure> {
        let body = json!({ "outcome": outcome.as_str() });
        let call = Call::post("/v1/deliveries/{id}/outcome", &body).with_id(&id.to_string());
        self.ask(call).await.map(drop)
    }

    pub(super) async fn cancel(&self, id: VerificationId) -> Result<bool, Failure> {
        let call = Call::delete("/v1/verifications/{id}").with_id(&id.to_string());
        match self.ask(call).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.is_over() => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Returns the providers as the gateway knows them; the API key needs `admin = true`.
    pub(crate) async fn providers(&self) -> Result<Value, Failure> {
        document(&self.ask(Call::get("/v1/admin/providers")).await?)
    }

    /// Writes an event for a test; the API key needs `admin = true`.
    pub(crate) async fn trigger_event(&self, event: &str) -> Result<Value, Failure> {
        let call = Call::post("/v1/admin/events/trigger/{type}", &json!({}));
        document(&self.ask(call.with_segment("type", event)).await?)
    }

    /// Sends one request. A status other than success is a failure, with the gateway's message.
    async fn ask(&self, call: Call) -> Result<Answer, Failure> {
        let key = IdempotencyKey::generate(&OsEntropy)
            .map_err(|error| Failure::here(error.to_string()))?;
        let answer = self.0.call(&Context::new(key), call).await?;
        if answer.is_success() {
            return Ok(answer);
        }
        Err(Failure::of_problem(answer.status(), &answer.json().unwrap_or_default()))
    }
}

/// The part of a body that verifications and deliveries share.
fn send_body(to: &str, options: &SendOptions) -> Map<String, Value> {
    let mut body = Map::new();
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(key.to_owned(), value);
        }
    };
    set("to", Some(json!(to)));
    set("purpose", Some(json!(options.purpose)));
    set("channel", options.channel.as_ref().map(|channel| json!(channel)));
    set("locale", options.locale.as_ref().map(|locale| json!(locale)));
    set("template", options.template.as_ref().map(|template| json!(template)));
    set("ttl", options.ttl.map(|ttl| json!(ttl.as_secs())));
    set("brand", options.brand.as_ref().map(|brand| json!(brand)));
    set("message", options.message.as_ref().map(|message| json!(message)));
    set("variables", (!options.variables.is_empty()).then(|| json!(options.variables)));
    body
}

/// Hides the values of variables, which may be personal.
fn hiding_values(call: Call, options: &SendOptions) -> Call {
    let values = options.variables.values().filter(|value| !value.is_empty());
    values.fold(call, |call, value| call.hiding(value))
}

/// The body of a resend.
fn options(how: &Resend) -> Value {
    let mut body = json!({});
    if let Some(channel) = &how.channel {
        body["channel"] = json!(channel);
    }
    if let Some(locale) = &how.locale {
        body["locale"] = json!(locale);
    }
    body
}

/// Returns the gateway's API key, from the environment.
pub(crate) fn api_key() -> Result<Secret, Failure> {
    let place = SecretRef::parse(&format!("env:{KEY}"), false);
    let key = place.and_then(|place| place.resolve(&Environment::from_process()));
    key.map_err(|error| {
        Failure::usage(format!("{error}; {KEY} must hold one of the gateway's API keys"))
    })
}

fn named(call: Call, name: Option<&str>) -> Result<Call, Failure> {
    let Some(name) = name else { return Ok(call) };
    call.with_header("idempotency-key", name)
        .map_err(|_| Failure::usage("--idempotency-key: holds characters that no header may hold"))
}

fn document(answer: &Answer) -> Result<Value, Failure> {
    match answer.json() {
        Some(document @ Value::Object(_)) => Ok(document),
        _ => Err(answer.protocol_error("this is no gateway's answer").into()),
    }
}
