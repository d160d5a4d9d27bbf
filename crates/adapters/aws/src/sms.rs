//! AWS End User Messaging SMS: JSON 1.0, the operation in `X-Amz-Target`.

use std::collections::BTreeMap;
use std::time::Duration;

use otpmux_core::{Code, Context, Message, SendRequest};
use otpmux_http::{Answer, Call};
use serde::{Deserialize, Serialize};

use crate::AwsBuilder;

pub(crate) const TARGET: (&str, &str) = ("x-amz-target", "PinpointSMSVoiceV2.SendTextMessage");
pub(crate) const CONTENT_TYPE: &str = "application/x-amz-json-1.0";
/// The key of the receipt's token in `Context`, which events repeat.
pub(crate) const CONTEXT_KEY: &str = "otpmux";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SendTextMessage<'a> {
    destination_phone_number: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    origination_identity: Option<&'a str>,
    message_body: &'a str,
    message_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration_set_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_price: Option<&'a str>,
    /// Seconds for which AWS tries to deliver. After them the code would be of no use.
    #[serde(skip_serializing_if = "Option::is_none")]
    time_to_live: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    context: BTreeMap<&'static str, &'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    destination_country_parameters: BTreeMap<&'static str, &'a str>,
}

pub(crate) fn call(
    settings: &AwsBuilder,
    cx: &Context,
    request: &SendRequest,
    message: &Message,
    code: &Code,
) -> Call {
    let text = message.text.with_code(code);
    let to = request.recipient.expose();
    let receipt = cx.receipt.as_ref().map(|receipt| (CONTEXT_KEY, receipt.token.as_str()));
    // The ids of India's register; other countries do not take them.
    let dlt = message.dlt.as_ref().filter(|_| to.starts_with("+91"));
    let dlt = dlt.map(|dlt| {
        [("IN_ENTITY_ID", dlt.entity_id.as_str()), ("IN_TEMPLATE_ID", dlt.template_id.as_str())]
    });
    let body = SendTextMessage {
        destination_phone_number: to,
        origination_identity: request.sender.as_deref().or(settings.sender.as_deref()),
        message_body: &text,
        message_type: "TRANSACTIONAL",
        configuration_set_name: settings.configuration_set.as_deref(),
        max_price: settings.max_price.as_deref(),
        time_to_live: request.ttl.map(seconds),
        context: receipt.into_iter().collect(),
        destination_country_parameters: dlt.into_iter().flatten().collect(),
    };
    // Texts and numbers always serialise.
    json(CONTENT_TYPE, "/", &body)
}

/// Returns a call with a JSON body of another content type than JSON's usual one.
fn json(content_type: &str, endpoint: &'static str, body: &impl Serialize) -> Call {
    let usual = Call::post(endpoint, body);
    // The content type is a constant that every header may hold.
    usual.clone().with_header("content-type", content_type).unwrap_or(usual)
}

/// The range that AWS documents: 5 s to 3 days.
fn seconds(ttl: Duration) -> u64 {
    ttl.as_secs().clamp(5, 259_200)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sent {
    message_id: Option<String>,
}

/// Returns the id of an accepted message. SES answers in the same form.
pub(crate) fn message_id(answer: &Answer) -> Option<String> {
    let sent: Sent = answer.parse()?;
    sent.message_id.filter(|id| !id.is_empty())
}
