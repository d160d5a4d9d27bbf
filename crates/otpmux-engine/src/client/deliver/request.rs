use std::collections::BTreeMap;
use std::time::Duration;

use otpmux_core::{Channel, ClientContext, Code, Error, Purpose, Recipient};
use serde_json::Value;

use super::code_in_text::{CodeInTextError, code_in_text};
use crate::Policy;
use crate::client::inner::invalid;
use crate::client::{InFlight, NewVerification};

/// A code that the caller made, to be delivered, with options for its message.
///
/// ```
/// use otpmux_core::{Code, Recipient};
/// use otpmux_engine::NewDelivery;
///
/// let to: Recipient = "+14155550123".parse()?;
/// let new = NewDelivery::of(Code::given("0M53RF")?, to).with_locale("pt-BR");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewDelivery {
    /// The code, which the caller made and will check. Kept encrypted until the TTL ends, for
    /// resends.
    pub code: Code,
    /// Recipient of the code.
    pub recipient: Recipient,
    /// Channel of the message; `None` means SMS for a number and e-mail for an address.
    pub channel: Option<Channel>,
    /// Purpose of the code: for routes, texts, limits, and the scope of a caller.
    pub purpose: Purpose,
    /// How long the code is valid at its caller, as the message says; the delivery is kept as long.
    /// [`MIN_TTL`](Self::MIN_TTL) to [`MAX_TTL`](Self::MAX_TTL); `None` means the policy's TTL.
    pub ttl: Option<Duration>,
    /// The text, for providers that take a text. The code's place in it is `{code}` or the code
    /// itself.
    pub message: Option<String>,
    /// The subject of an e-mail; it may hold `{code}` or the code itself.
    pub subject: Option<String>,
    /// The vendor's name for a message template.
    pub template: Option<String>,
    /// The language of the message, such as `pt`.
    pub locale: Option<String>,
    /// The sender's name.
    pub sender: Option<String>,
    /// The name of the service in the text, in place of the configured one; needs
    /// [`Messages`](crate::Messages).
    pub brand: Option<String>,
    /// The values of the declared variables of the text.
    pub variables: BTreeMap<String, String>,
    /// What is known about the end user's device. Not stored.
    pub client: ClientContext,
    /// Further parameters, by provider kind, then by the vendor's parameter name.
    pub extensions: BTreeMap<String, Value>,
    /// The application's own notes, as [`NewVerification::metadata`].
    pub metadata: BTreeMap<String, String>,
    /// Idempotency key. A repeat with the same key, from any process, returns the original delivery
    /// and sends nothing. The key is valid as long as the delivery, and is released if it failed.
    /// Stored as a keyed hash.
    pub idempotency_key: Option<String>,
    /// What to do while the first request with this key is under way.
    pub in_flight: InFlight,
}

impl NewDelivery {
    /// The shortest TTL: a message needs time to arrive.
    pub const MIN_TTL: Duration = Policy::MIN_TTL;
    /// The longest TTL.
    pub const MAX_TTL: Duration = Duration::from_hours(24);

    /// A delivery of this code; policy and provider decide everything else.
    pub fn of(code: Code, to: impl Into<Recipient>) -> Self {
        Self {
            code,
            recipient: to.into(),
            channel: None,
            purpose: Purpose::default(),
            ttl: None,
            message: None,
            subject: None,
            template: None,
            locale: None,
            sender: None,
            brand: None,
            variables: BTreeMap::new(),
            client: ClientContext::default(),
            extensions: BTreeMap::new(),
            metadata: BTreeMap::new(),
            idempotency_key: None,
            in_flight: InFlight::default(),
        }
    }

    /// A delivery of a finished text, whose code is its only number of 4 to 10 digits. The same
    /// number may stand in it several times, as in a text for `WebOTP`. Digits that a dash joins to
    /// others are no such number. Providers that write the
    /// text themselves get the code alone.
    ///
    /// ```
    /// use otpmux_core::Recipient;
    /// use otpmux_engine::{CodeInTextError, NewDelivery};
    ///
    /// let to: Recipient = "+14155550123".parse()?;
    /// let new = NewDelivery::of_text("004217 is your Acme code.", to.clone())?;
    /// assert_eq!(new.code.expose(), "004217");
    /// assert_eq!(new.message.as_deref(), Some("{code} is your Acme code."));
    /// let doubt = NewDelivery::of_text("2026: your code is 004217.", to);
    /// assert_eq!(doubt.unwrap_err(), CodeInTextError::Several);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The text has no such number, or several different ones.
    pub fn of_text(text: &str, to: impl Into<Recipient>) -> Result<Self, CodeInTextError> {
        let code = code_in_text(text, None)?;
        let message = with_placeholder(text, &code);
        Ok(Self { message: Some(message), ..Self::of(code, to) })
    }

    /// Returns the code in a finished text, as [`of_text`](Self::of_text) finds it; with `digits`,
    /// the only number of so many digits.
    ///
    /// # Errors
    ///
    /// The text has no such number, or several different ones.
    pub fn code_in_text(text: &str, digits: Option<u8>) -> Result<Code, CodeInTextError> {
        code_in_text(text, digits)
    }

    /// Sets the channel.
    pub fn by(mut self, channel: Channel) -> Self {
        self.channel = Some(channel);
        self
    }

    /// Sets the purpose.
    pub fn for_purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }

    /// Sets how long the code is valid at its caller.
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Sets the text, with `{code}` or the code itself in the place of the code.
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Sets the subject of an e-mail.
    pub fn with_subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Sets the language of the message, such as `pt-BR`.
    pub fn with_locale(mut self, locale: impl Into<String>) -> Self {
        self.locale = Some(locale.into());
        self
    }

    /// Sets the value of a declared variable of the text.
    pub fn with_variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Sets the name of the service in the text, in place of the configured one.
    pub fn with_brand(mut self, brand: impl Into<String>) -> Self {
        self.brand = Some(brand.into());
        self
    }

    /// Sets what is known about the end user's device.
    pub fn from_client(mut self, client: ClientContext) -> Self {
        self.client = client;
        self
    }

    /// Sets the idempotency key, so that a repeat sends nothing.
    pub fn with_idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    pub(in crate::client) fn check_ttl(ttl: Duration) -> Result<(), Error> {
        if (Self::MIN_TTL..=Self::MAX_TTL).contains(&ttl) {
            return Ok(());
        }
        Err(invalid("the ttl of a delivery must be from 30 s to 24 h"))
    }

    /// The request for the way that all messages take, and the code.
    pub(super) fn into_parts(self) -> Result<(NewVerification, Code), Error> {
        let code = self.code;
        let message = self.message.map(|text| with_placeholder(&text, &code));
        if message.as_ref().is_some_and(|text| !text.contains("{code}")) {
            return Err(invalid("the message must hold the code, or {code} where it belongs"));
        }
        let mut new = NewVerification::to(self.recipient);
        new.channel = self.channel;
        new.purpose = self.purpose;
        new.ttl = self.ttl;
        new.message = message;
        new.subject = self.subject.map(|text| with_placeholder(&text, &code));
        (new.template, new.locale) = (self.template, self.locale);
        (new.sender, new.brand) = (self.sender, self.brand);
        new.variables = self.variables;
        new.client = self.client;
        new.extensions = self.extensions;
        new.metadata = self.metadata;
        (new.idempotency_key, new.in_flight) = (self.idempotency_key, self.in_flight);
        Ok((new, code))
    }
}

/// Replaces the code by its placeholder, wherever it is a whole word.
fn with_placeholder(text: &str, code: &Code) -> String {
    let mut replaced = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find(char::is_alphanumeric) {
        let (between, from) = rest.split_at(begin);
        let (word, after) =
            from.split_at(from.find(|c: char| !c.is_alphanumeric()).unwrap_or(from.len()));
        replaced.push_str(between);
        replaced.push_str(if word == code.expose() { "{code}" } else { word });
        rest = after;
    }
    replaced.push_str(rest);
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to() -> Recipient {
        "+14155550123".parse().unwrap()
    }

    #[test]
    fn the_only_number_of_a_text_is_its_code() {
        for (text, code, message) in [
            ("Your code is 123456.", "123456", "Your code is {code}."),
            ("0042", "0042", "{code}"),
            (
                "123456 is your code. Valid for 10 minutes.\n\n@acme.com #123456",
                "123456",
                "{code} is your code. Valid for 10 minutes.\n\n@acme.com #{code}",
            ),
            ("Code:123456;n123456", "123456", "Code:{code};n123456"),
            ("123-456 or 1234", "1234", "123-456 or {code}"),
            ("On 2026-11-29: 482913", "482913", "On 2026-11-29: {code}"),
            ("कोड 987654 है", "987654", "कोड {code} है"),
        ] {
            let new = NewDelivery::of_text(text, to()).unwrap();
            assert_eq!((new.code.expose(), new.message.as_deref()), (code, Some(message)));
        }
        for (text, error) in [
            ("", CodeInTextError::None),
            ("Your code is 123.", CodeInTextError::None),
            ("Your code is 0M53RF.", CodeInTextError::None),
            ("Call 14155550123", CodeInTextError::None),
            ("Your code is 48-2913.", CodeInTextError::None),
            ("2026: 123456", CodeInTextError::Several),
            ("1234 12345", CodeInTextError::Several),
        ] {
            assert_eq!(NewDelivery::of_text(text, to()).unwrap_err(), error, "{text:?}");
        }
    }

    #[test]
    fn a_text_beside_its_code_holds_the_code_or_its_placeholder() {
        let new = || NewDelivery::of(Code::given("0M53RF").unwrap(), to());
        for text in ["Use 0M53RF, please.", "Use {code}, please."] {
            let (new, _) = new().with_message(text).with_subject(text).into_parts().unwrap();
            assert_eq!(new.message.as_deref(), Some("Use {code}, please."));
            assert_eq!(new.subject, new.message);
        }
        for text in ["Use it, please.", "Use x0M53RF, please.", "Use 0m53rf, please."] {
            let error = new().with_message(text).into_parts().unwrap_err();
            assert!(!error.to_string().contains("53"), "{error}");
        }
    }
}
