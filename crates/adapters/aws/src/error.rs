use otpmux_core::{Error, ErrorKind};
use otpmux_http::{Answer, Reading};
use serde::Deserialize;
use serde_json::Value;

use crate::config::Service;
use crate::xml;

/// The part of an answer that describes a failure.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    /// The name of the exception, without its namespace.
    code: String,
    /// The reason of some exceptions of `sms`.
    reason: String,
    /// The fields that the exception names.
    fields: Vec<String>,
    text: String,
}

const SKEW: &str = "the clock of this machine is wrong: AWS takes a signature for some minutes only; \
                    set the clock by NTP";

/// The table: the exceptions of the three services and of signature version 4, from the service models of
/// `botocore` and the error pages of AWS.
#[expect(clippy::match_same_arms, reason = "a table: the order decides, and each row is a rule")]
fn reading(service: Service, status: u16, said: &Said) -> Option<Reading> {
    use ErrorKind as K;
    // They differ in this word between protocols.
    let code = said.code.strip_suffix("Exception").unwrap_or(&said.code);
    Some(match (code, said.reason.as_str()) {
        // A failure of AWS may have happened after it sent.
        _ if status >= 500 => return None,
        (
            "UnrecognizedClient"
            | "InvalidClientTokenId"
            | "InvalidSignature"
            | "SignatureDoesNotMatch"
            | "IncompleteSignature"
            | "MissingAuthenticationToken"
            | "ExpiredToken"
            | "RequestExpired"
            | "RequestTimeTooSkewed"
            | "InvalidAccessKeyId"
            | "InvalidSecurity"
            | "OptInRequired",
            _,
        ) => Reading::provider(K::Unauthenticated),
        ("AccessDenied" | "AuthorizationError", _) => Reading::provider(K::Forbidden),
        (
            "Throttling"
            | "Throttled"
            | "TooManyRequests"
            | "LimitExceeded"
            | "RequestLimitExceeded",
            _,
        ) => Reading::provider(K::RateLimited),
        ("ServiceQuotaExceeded", reason) if reason.contains("SPEND_LIMIT") => {
            Reading::provider(K::InsufficientFunds)
        }
        ("ServiceQuotaExceeded", "DAILY_DESTINATION_CALL_LIMIT") => Reading::policy(K::RateLimited),
        ("ServiceQuotaExceeded", _) => Reading::provider(K::RateLimited),
        ("Conflict", "DESTINATION_PHONE_NUMBER_OPTED_OUT") | ("OptedOut", _) => recipient(),
        // The operator's own protection against fraud; another vendor must not be a way around it.
        (
            "Conflict",
            "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION"
            | "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE",
        ) => Reading::policy(K::FraudSuspected),
        ("Conflict", "DESTINATION_PHONE_NUMBER_NOT_VERIFIED") => Reading::provider(K::Forbidden),
        ("Conflict", _) => Reading::provider(K::Configuration),
        (
            "Validation",
            "DESTINATION_COUNTRY_BLOCKED"
            | "COUNTRY_NOT_ENABLED"
            | "PRICE_OVER_THRESHOLD"
            | "INTERNATIONAL_SENDING_NOT_SUPPORTED"
            | "CHANNEL_NOT_ENABLED",
        ) => Reading::provider(K::Forbidden),
        ("Validation", reason)
            if reason.starts_with("SENDER_ID")
                || reason.starts_with("INVALID_IDENTITY")
                || matches!(reason, "INVALID_ARN" | "RESOURCE_NOT_ACCESSIBLE") =>
        {
            Reading::provider(K::Configuration)
        }
        ("Validation", _) if said.fields.iter().any(|field| field == "DestinationPhoneNumber") => {
            recipient()
        }
        ("InvalidParameter" | "ParameterValueInvalid", _)
            if service == Service::Sns && said.text.contains("PhoneNumber") =>
        {
            recipient()
        }
        ("ResourceNotFound" | "NotFound" | "MailFromDomainNotVerified", _) => {
            Reading::provider(K::Configuration)
        }
        ("AccountSuspended" | "SendingPaused" | "MessageRejected", _) => {
            Reading::provider(K::Forbidden)
        }
        (
            "Validation"
            | "InvalidParameter"
            | "ParameterValueInvalid"
            | "BadRequest"
            | "SerializationError"
            | "Serialization",
            _,
        ) => Reading::caller(K::InvalidRequest),
        // No request has these mistakes unless this adapter is wrong.
        ("UnknownOperation" | "InvalidAction", _) => Reading::provider(K::Unsupported),
        _ => return None,
    })
}

const fn recipient() -> Reading {
    Reading::new(
        ErrorKind::InvalidRecipient,
        otpmux_core::Certainty::Rejected,
        otpmux_core::Blame::Recipient,
    )
}

/// Returns whether AWS finds the time of a signature wrong.
fn is_skewed(said: &Said) -> bool {
    let code = said.code.strip_suffix("Exception").unwrap_or(&said.code);
    matches!(code, "RequestTimeTooSkewed" | "RequestExpired")
        || said.text.starts_with("Signature expired")
        || said.text.starts_with("Signature not yet current")
}

/// Returns the error for an answer that is not a success.
pub(crate) fn error(service: Service, answer: &Answer) -> Error {
    let said = if service == Service::Sns { from_xml(answer) } else { from_json(answer) };
    let status = answer.status();
    let says_when = answer.retry_after().is_some();
    let reading =
        reading(service, status, &said).unwrap_or_else(|| Reading::of_status(status, says_when));
    let detail = if is_skewed(&said) { SKEW.to_owned() } else { answer.public_text(&said.text) };
    let mut error = answer.error(reading).with_detail(detail);
    let code = if said.reason.is_empty() { &said.code } else { &said.reason };
    if let Some(code) = answer.public_code(code) {
        error = error.with_vendor_code(code);
    }
    for header in ["x-amzn-requestid", "x-amz-request-id"] {
        if let Some(id) = answer.header(header).and_then(|id| answer.public_id(id)) {
            error = error.with_request_id(id);
        }
    }
    error
}

#[derive(Deserialize)]
struct JsonError {
    #[serde(rename = "__type")]
    kind: Option<Value>,
    code: Option<Value>,
    message: Option<Value>,
    #[serde(rename = "Message")]
    capital_message: Option<Value>,
    #[serde(rename = "Reason")]
    reason: Option<Value>,
    #[serde(rename = "Fields")]
    fields: Option<Value>,
}

fn from_json(answer: &Answer) -> Said {
    let body: Option<JsonError> = answer.parse();
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let header = answer.header("x-amzn-errortype").map(str::to_owned);
    let Some(body) = body else {
        return Said { code: bare(&header.unwrap_or_default()), ..Said::default() };
    };
    let code = header.unwrap_or_else(|| text(body.kind.as_ref().or(body.code.as_ref())));
    let names = body.fields.as_ref().and_then(Value::as_array);
    let names = names.into_iter().flatten().filter_map(|field| field["Name"].as_str());
    Said {
        code: bare(&code),
        reason: text(body.reason.as_ref()),
        fields: names.map(str::to_owned).collect(),
        text: text(body.message.as_ref().or(body.capital_message.as_ref())),
    }
}

/// Returns the name of an exception without its namespace (`com.amazonaws...#Name`) and its address
/// (`Name:http://...`).
fn bare(name: &str) -> String {
    let name = name.rsplit_once('#').map_or(name, |(_, name)| name);
    name.split(':').next().unwrap_or_default().trim().to_owned()
}

fn from_xml(answer: &Answer) -> Said {
    let field = |name| xml::text_at(answer.bytes(), &["ErrorResponse", "Error", name]);
    Said {
        code: field("Code").unwrap_or_default(),
        text: field("Message").unwrap_or_default(),
        ..Said::default()
    }
}
