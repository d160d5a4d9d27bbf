//! SMS by SNS: a form, answered in XML.

use otpmux_core::{Code, Message, SendRequest};
use otpmux_http::{Answer, Call};

use crate::AwsBuilder;
use crate::xml;

pub(crate) const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

pub(crate) fn call(
    settings: &AwsBuilder,
    request: &SendRequest,
    message: &Message,
    code: &Code,
) -> Call {
    let to = request.recipient.expose();
    let text = message.text.with_code(code);
    let mut attributes = vec![("AWS.SNS.SMS.SMSType", "String", "Transactional")];
    if let Some(sender) = request.sender.as_deref().or(settings.sender.as_deref()) {
        let name = if sender.starts_with('+') {
            "AWS.MM.SMS.OriginationNumber"
        } else {
            "AWS.SNS.SMS.SenderID"
        };
        attributes.push((name, "String", sender));
    }
    if let Some(price) = &settings.max_price {
        attributes.push(("AWS.SNS.SMS.MaxPrice", "Number", price));
    }
    // The ids of India's register.
    if let Some(dlt) = message.dlt.as_ref().filter(|_| to.starts_with("+91")) {
        attributes.push(("AWS.MM.SMS.EntityId", "String", &dlt.entity_id));
        attributes.push(("AWS.MM.SMS.TemplateId", "String", &dlt.template_id));
    }
    let entries: Vec<(String, &str)> = attributes
        .into_iter()
        .enumerate()
        .flat_map(|(place, (name, kind, value))| {
            let field = |part: &str| format!("MessageAttributes.entry.{}.{part}", place + 1);
            [
                (field("Name"), name),
                (field("Value.DataType"), kind),
                (field("Value.StringValue"), value),
            ]
        })
        .collect();
    let form = [
        ("Action", "Publish"),
        ("Version", "2010-03-31"),
        ("PhoneNumber", to),
        ("Message", text.as_str()),
    ];
    let entries = entries.iter().map(|(name, value)| (name.as_str(), *value));
    Call::post_form("/", form.into_iter().chain(entries))
}

/// Returns the id of an accepted message.
pub(crate) fn message_id(answer: &Answer) -> Option<String> {
    let path = ["PublishResponse", "PublishResult", "MessageId"];
    xml::text_at(answer.bytes(), &path).filter(|id| !id.is_empty())
}
