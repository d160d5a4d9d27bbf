mod builtin;
mod mistakes;
mod rendering;
mod sizes;

use std::collections::BTreeMap;
use std::time::Duration;

use otpmux_core::{Channel, Code, Message, Purpose, Text};

use super::{LocalizedText, MessageSettings, Messages, Wanted};

fn purpose(name: &str) -> Purpose {
    Purpose::new(name).unwrap()
}

fn login(settings: MessageSettings, locale: &str, text: LocalizedText) -> MessageSettings {
    settings.texts(purpose("login"), locale.parse().unwrap(), text)
}

fn messages(settings: &MessageSettings) -> Messages {
    Messages::new(settings).unwrap()
}

/// Renders a message for the purpose `login`, valid for five minutes.
fn render(
    messages: &Messages,
    channel: &Channel,
    locale: Option<&str>,
    variables: &[(&str, &str)],
) -> Result<Message, String> {
    let variables: BTreeMap<_, _> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    messages.render(&Wanted {
        purpose: &purpose("login"),
        channel,
        locale,
        ttl: Duration::from_mins(5),
        brand: None,
        variables: &variables,
    })
}

fn sms(messages: &Messages, locale: &str) -> String {
    said(&render(messages, &Channel::Sms, Some(locale), &[]).unwrap().text)
}

/// The text with a code of eight digits.
fn said(text: &Text) -> String {
    let code: Code = "12345678".parse().unwrap();
    text.with_code(&code).to_string()
}
