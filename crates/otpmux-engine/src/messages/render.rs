//! Puts values into a text, in one pass: a value is never read as a placeholder or as markup.

use std::collections::BTreeMap;
use std::time::Duration;

use otpmux_core::{Channel, Message, Purpose, Text};

use super::Messages;
use super::template::{Part, Template};

/// What a message is for, and the values of its caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) purpose: &'a Purpose,
    pub(crate) channel: &'a Channel,
    pub(crate) locale: Option<&'a str>,
    /// How long the code is valid from now on.
    pub(crate) ttl: Duration,
    pub(crate) brand: Option<&'a str>,
    pub(crate) variables: &'a BTreeMap<String, String>,
}

/// The values of one message.
struct Values<'a> {
    app: &'a str,
    minutes: &'a str,
    variables: &'a BTreeMap<String, String>,
}

impl Messages {
    /// Returns the message.
    ///
    /// # Errors
    ///
    /// Its text needs a variable that was not given. The error names it.
    pub(crate) fn render(&self, wanted: &Wanted<'_>) -> Result<Message, String> {
        let catalog = &*self.0;
        let Some((locale, texts)) = catalog.of(wanted.purpose).best(wanted.locale) else {
            return Err("there is no text for this purpose".to_owned());
        };
        let by_channel = texts.by(wanted.channel);
        let app = wanted.brand.unwrap_or(&catalog.app);
        let minutes = minutes(wanted.ttl);
        let values = Values { app, minutes: &minutes.to_string(), variables: wanted.variables };
        let plain =
            |template: &Template| values.text(template, |value, text| text.push_literal(value));
        let optional = |template: &Option<Template>| template.as_ref().map(plain).transpose();
        let mut message = Message::new(plain(&by_channel.text)?);
        message.subject = optional(&by_channel.subject)?;
        message.speech = optional(&by_channel.speech)?;
        message.html = match &by_channel.html {
            Some(template) => Some(values.text(template, escape)?),
            None => None,
        };
        message.app = Some(app.to_owned());
        message.locale = Some(locale.as_str().to_owned());
        message.minutes = Some(minutes);
        message.variables.clone_from(wanted.variables);
        message.templates.clone_from(&texts.templates);
        message.dlt.clone_from(&texts.dlt);
        Ok(message)
    }
}

impl Values<'_> {
    fn text(&self, template: &Template, put: fn(&str, &mut Text)) -> Result<Text, String> {
        let mut text = Text::default();
        for part in template.parts() {
            match part {
                Part::Literal(literal) => text.push_literal(literal),
                Part::Code => text.push_code(),
                Part::Minutes => text.push_literal(self.minutes),
                Part::App => put(self.app, &mut text),
                Part::Variable(name) => match self.variables.get(name) {
                    Some(value) => put(value, &mut text),
                    None => return Err(format!("the text needs the variable `{name}`")),
                },
            }
        }
        Ok(text)
    }
}

/// Returns whole minutes, rounded down, so that a text does not promise more; at least one.
pub(super) fn minutes(ttl: Duration) -> u32 {
    u32::try_from(ttl.as_secs() / 60).unwrap_or(u32::MAX).max(1)
}

/// Writes a value as text of HTML, also within quotes of an attribute.
fn escape(value: &str, html: &mut Text) {
    let mut rest = value;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        html.push_literal(&rest[..at]);
        html.push_literal(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&#39;",
        });
        // Each of them has one byte.
        rest = &rest[at + 1..];
    }
    html.push_literal(rest);
}
