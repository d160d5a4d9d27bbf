use std::time::Duration;

use otpmux_core::{Code, Error, Recipient};

use super::code_in_text::{CodeInTextError, code_in_text};
use crate::Policy;
use crate::client::inner::invalid;
use crate::client::options::impl_option_setters;
use crate::client::{NewVerification, SendOptions};

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
    /// Channel, purpose, TTL, text, and all else that verifications have too.
    pub options: SendOptions,
}

impl NewDelivery {
    /// The shortest TTL: a message needs time to arrive.
    pub const MIN_TTL: Duration = Policy::MIN_TTL;
    /// The longest TTL.
    pub const MAX_TTL: Duration = Duration::from_hours(24);

    /// A delivery of this code; policy and provider decide everything else.
    pub fn of(code: Code, to: impl Into<Recipient>) -> Self {
        Self { code, recipient: to.into(), options: SendOptions::default() }
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
    /// assert_eq!(new.options.message.as_deref(), Some("{code} is your Acme code."));
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
        Ok(Self::of(code, to).with_message(message))
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

    pub(in crate::client) fn check_ttl(ttl: Duration) -> Result<(), Error> {
        if (Self::MIN_TTL..=Self::MAX_TTL).contains(&ttl) {
            return Ok(());
        }
        Err(invalid("the ttl of a delivery must be from 30 s to 24 h"))
    }

    /// The request for the way that all messages take, and the code.
    pub(super) fn into_parts(self) -> Result<(NewVerification, Code), Error> {
        let Self { code, recipient, mut options } = self;
        let placed = |text: String| with_placeholder(&text, &code);
        options.message = options.message.map(placed);
        options.subject = options.subject.map(placed);
        if options.message.as_ref().is_some_and(|text| !text.contains("{code}")) {
            return Err(invalid("the message must hold the code, or {code} where it belongs"));
        }
        Ok((NewVerification::to(recipient).with_options(options), code))
    }
}

impl_option_setters!(NewDelivery);

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
            assert_eq!((new.code.expose(), new.options.message.as_deref()), (code, Some(message)));
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
            assert_eq!(new.options.message.as_deref(), Some("Use {code}, please."));
            assert_eq!(new.options.subject, new.options.message);
        }
        for text in ["Use it, please.", "Use x0M53RF, please.", "Use 0m53rf, please."] {
            let error = new().with_message(text).into_parts().unwrap_err();
            assert!(!error.to_string().contains("53"), "{error}");
        }
    }
}
