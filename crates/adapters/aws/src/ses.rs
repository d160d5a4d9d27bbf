//! E-mail by SES, version 2 of its API: JSON.

use otpmux_core::{Code, Context, Message, SendRequest};
use otpmux_http::Call;
use serde::Serialize;

use crate::AwsBuilder;

pub(crate) const CONTENT_TYPE: &str = "application/json";
/// The name of the tag that holds the receipt's token; events repeat it.
pub(crate) const TAG: &str = "otpmux";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SendEmail<'a> {
    from_email_address: &'a str,
    destination: Destination<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reply_to_addresses: Vec<&'a str>,
    content: EmailContent<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    email_tags: Vec<Named<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration_set_name: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Destination<'a> {
    to_addresses: [&'a str; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct EmailContent<'a> {
    simple: Simple<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Simple<'a> {
    subject: Content<'a>,
    body: Body<'a>,
    headers: [Named<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    text: Content<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    html: Option<Content<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Content<'a> {
    data: &'a str,
    charset: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Named<'a> {
    name: &'static str,
    value: &'a str,
}

pub(crate) fn call(
    settings: &AwsBuilder,
    cx: &Context,
    request: &SendRequest,
    message: &Message,
    code: &Code,
) -> Call {
    let content = |data| Content { data, charset: "UTF-8" };
    let subject = message.subject.as_ref();
    let subject = subject.filter(|subject| settings.code_in_subject || !subject.has_code());
    let subject = subject.map(|subject| subject.with_code(code));
    let subject = subject.as_ref().map_or(&*settings.subject, |subject| subject.as_str());
    // A line end in it would begin another header.
    let subject: String = subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let text = message.text.with_code(code);
    let html = message.html.as_ref().map(|html| html.with_code(code));
    let tag = cx.receipt.as_ref().map(|receipt| Named { name: TAG, value: &receipt.token });
    let body = SendEmail {
        from_email_address: settings.sender.as_deref().unwrap_or_default(),
        destination: Destination { to_addresses: [request.recipient.expose()] },
        reply_to_addresses: settings.reply_to.as_deref().into_iter().collect(),
        content: EmailContent {
            simple: Simple {
                subject: content(&subject),
                body: Body {
                    text: content(&text),
                    html: html.as_ref().map(|html| content(html.as_str())),
                },
                headers: [Named { name: "Auto-Submitted", value: "auto-generated" }],
            },
        },
        email_tags: tag.into_iter().collect(),
        configuration_set_name: settings.configuration_set.as_deref(),
    };
    Call::post("/v2/email/outbound-emails", &body)
}
