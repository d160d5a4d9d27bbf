//! The text of a message: what its caller decides, and the message made from it.

use std::collections::BTreeMap;
use std::time::Duration;

use otpmux_core::{Channel, Error, Message, SendRequest, Text};

use super::inner::{Inner, invalid};
use crate::messages::Wanted;

/// What a caller decides about the text of its message, besides the locale. Kept with the
/// verification, so that a resend renders the text again, for its own channel.
#[derive(Clone, Default)]
pub(in crate::client) struct Wording {
    /// A text of the caller's, in place of the configured one.
    pub(in crate::client) text: Option<String>,
    pub(in crate::client) subject: Option<String>,
    pub(in crate::client) brand: Option<String>,
    pub(in crate::client) variables: BTreeMap<String, String>,
}

impl Inner {
    /// Checks what a caller decides. Costs nothing for a caller that decides nothing.
    pub(in crate::client) fn check_wording(&self, wording: &Wording) -> Result<(), Error> {
        if wording.text.as_ref().is_some_and(|text| !text.contains("{code}")) {
            return Err(invalid("the message must hold {code} where the code belongs"));
        }
        if wording.brand.is_none() && wording.variables.is_empty() {
            return Ok(());
        }
        let Some(messages) = &self.messages else {
            return Err(invalid(
                "brand and variables need texts of messages, and the configuration has none",
            ));
        };
        if let Some(brand) = &wording.brand {
            messages
                .check_brand(brand)
                .map_err(|message| invalid(format!("the brand {message}")))?;
        }
        for (name, value) in &wording.variables {
            messages.check_variable(name, value).map_err(|message| {
                // The name of a variable that is not declared is a text of the caller's.
                if messages.variables().contains_key(name) {
                    invalid(format!("the variable `{name}` {message}"))
                } else {
                    invalid(format!("a variable of the message {message}"))
                }
            })?;
        }
        Ok(())
    }

    /// Returns the message of a request, for its channel, locale and purpose; `None` if neither the
    /// caller nor the configuration has a text.
    pub(in crate::client) fn message(
        &self,
        request: &SendRequest,
        wording: &Wording,
    ) -> Result<Option<Message>, Error> {
        let rendered = self.messages.as_ref().map(|messages| {
            messages.render(&Wanted {
                purpose: &request.purpose,
                channel: &request.channel,
                locale: request.locale.as_deref(),
                ttl: request.ttl.unwrap_or(Duration::ZERO).max(Duration::from_secs(1)),
                brand: wording.brand.as_deref(),
                variables: &wording.variables,
            })
        });
        let subject = wording.subject.as_deref().filter(|_| request.channel == Channel::Email);
        let mut message = match (&wording.text, rendered) {
            (Some(text), rendered) => free(text, &request.channel, rendered.and_then(Result::ok)),
            (None, Some(rendered)) => rendered.map_err(invalid)?,
            (None, None) => return Ok(None),
        };
        if let Some(subject) = subject {
            message.subject = Some(Text::new(subject));
        }
        Ok(Some(message))
    }
}

/// Returns a text of the caller's as a message, with what the configured one has beside its text.
/// It is registered under no DLT id.
fn free(text: &str, channel: &Channel, configured: Option<Message>) -> Message {
    let mut message = Message::new(Text::new(text));
    // Said twice, so that a listener can write along.
    let voice = *channel == Channel::Voice;
    message.speech = voice.then(|| Text::new(&format!("{text} {text}")));
    if let Some(configured) = configured {
        message.subject = configured.subject;
        message.app = configured.app;
        message.locale = configured.locale;
        message.minutes = configured.minutes;
        message.variables = configured.variables;
        message.templates = configured.templates;
    }
    message
}
