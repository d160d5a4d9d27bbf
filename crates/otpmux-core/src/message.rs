use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use crate::{Code, ProviderId};

/// A text with places for the code. All other parts are literal: a value that was inserted into the
/// text is never read as a placeholder.
///
/// ```
/// use otpmux_core::{Code, Text};
/// let text = Text::new("Your Acme code is {code}.");
/// let code: Code = "004217".parse()?;
/// assert_eq!(*text.with_code(&code), "Your Acme code is 004217.");
/// assert_eq!(*text.with_spoken_code(&code), "Your Acme code is 0, 0, 4, 2, 1, 7.");
/// # Ok::<(), otpmux_core::CodeError>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Text(Vec<Piece>);

#[derive(Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Code,
}

/// The place of the code in a text that people write.
const PLACEHOLDER: &str = "{code}";

impl Text {
    /// Reads a text in which `{code}` is the place of the code. Other braces are literal.
    pub fn new(text: &str) -> Self {
        let mut read = Self::default();
        for (at, literal) in text.split(PLACEHOLDER).enumerate() {
            if at > 0 {
                read.push_code();
            }
            read.push_literal(literal);
        }
        read
    }

    /// Appends text without a place for the code.
    pub fn push_literal(&mut self, text: &str) {
        match self.0.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Literal(last)) => last.push_str(text),
            _ => self.0.push(Piece::Literal(text.to_owned())),
        }
    }

    /// Appends a place for the code.
    pub fn push_code(&mut self) {
        self.0.push(Piece::Code);
    }

    /// Returns whether the text has a place for the code.
    pub fn has_code(&self) -> bool {
        self.0.contains(&Piece::Code)
    }

    /// Returns the text with the code.
    pub fn with_code(&self, code: &Code) -> Zeroizing<String> {
        Zeroizing::new(self.filled(code.expose()))
    }

    /// Returns the text with the characters of the code apart, as a voice must read them: `1, 2, 3`.
    pub fn with_spoken_code(&self, code: &Code) -> Zeroizing<String> {
        let mut spoken = Zeroizing::new(String::with_capacity(3 * code.expose().len()));
        for (at, character) in code.expose().chars().enumerate() {
            if at > 0 {
                spoken.push_str(", ");
            }
            spoken.push(character);
        }
        Zeroizing::new(self.filled(&spoken))
    }

    /// Returns the text with a vendor's placeholder in the places of the code; `None` if the rest
    /// of the text holds the placeholder, which the vendor would replace too.
    pub fn with_placeholder(&self, placeholder: &str) -> Option<String> {
        let holds =
            |piece: &Piece| matches!(piece, Piece::Literal(text) if text.contains(placeholder));
        (!self.0.iter().any(holds)).then(|| self.filled(placeholder))
    }

    fn filled(&self, value: &str) -> String {
        let length = |piece: &Piece| match piece {
            Piece::Literal(text) => text.len(),
            Piece::Code => value.len(),
        };
        // The whole length at once: a text that grows would leave parts of the code in freed memory.
        let mut filled = String::with_capacity(self.0.iter().map(length).sum());
        for piece in &self.0 {
            filled.push_str(match piece {
                Piece::Literal(text) => text,
                Piece::Code => value,
            });
        }
        filled
    }
}

impl fmt::Debug for Text {
    /// The text may hold values of the end user: only its length is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let length: usize = self
            .0
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => text.len(),
                Piece::Code => 0,
            })
            .sum();
        write!(f, "Text({length} bytes)")
    }
}

/// A message for one channel and one locale, complete except for the code.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The text of an SMS or a chat message, and the plain part of an e-mail.
    pub text: Text,
    /// The subject of an e-mail.
    pub subject: Option<Text>,
    /// The HTML part of an e-mail, with its values escaped.
    pub html: Option<Text>,
    /// The words of a call; fill them with [`Text::with_spoken_code`].
    pub speech: Option<Text>,
    /// The name of the service that the code is for.
    pub app: Option<String>,
    /// The locale of the text (BCP 47): the one that was chosen, which may be another one than the
    /// request asked for.
    pub locale: Option<String>,
    /// The minutes that the message says the code is good for.
    pub minutes: Option<u32>,
    /// The values of the variables that the configuration declares.
    pub variables: BTreeMap<String, String>,
    /// The vendors' ids of a template with the same content, by the name of a provider, by a kind,
    /// or by a word that several vendors share, such as `whatsapp`.
    pub templates: BTreeMap<String, String>,
    /// The registration of the text in India.
    pub dlt: Option<Dlt>,
}

/// The registration of a text in India's distributed ledger (DLT). Operators there drop messages
/// without it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dlt {
    /// The id of the company (principal entity).
    pub entity_id: String,
    /// The id of the text (content template).
    pub template_id: String,
}

impl Dlt {
    /// Returns a registration.
    pub fn new(entity_id: impl Into<String>, template_id: impl Into<String>) -> Self {
        Self { entity_id: entity_id.into(), template_id: template_id.into() }
    }
}

impl Message {
    /// Returns a message with this text for every channel.
    pub fn new(text: Text) -> Self {
        Self { text, ..Self::default() }
    }

    /// Sets the subject of an e-mail.
    pub fn with_subject(mut self, subject: Text) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Returns a vendor's id of the template: the entry with the name of the provider, or else that
    /// of its kind.
    pub fn template(&self, provider: &ProviderId, kind: &str) -> Option<&str> {
        let named = self.templates.get(provider.as_str());
        named.or_else(|| self.templates.get(kind)).map(String::as_str)
    }
}

impl fmt::Debug for Message {
    /// Variables are personal: only their names are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("text", &self.text)
            .field("locale", &self.locale)
            .field("variables", &self.variables.keys())
            .field("templates", &self.templates.keys())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code() -> Code {
        "004217".parse().unwrap()
    }

    #[test]
    fn only_the_written_placeholder_is_a_place_for_the_code() {
        for (text, filled) in [
            ("{code}", "004217"),
            ("{code} is {code}", "004217 is 004217"),
            ("{ code } {CODE} {{code}}", "{ code } {CODE} {004217}"),
            ("none", "none"),
            ("", ""),
        ] {
            assert_eq!(*Text::new(text).with_code(&code()), filled);
        }
        let mut inserted = Text::new("Hello ");
        inserted.push_literal("{code}");
        assert!(!inserted.has_code());
        assert_eq!(*inserted.with_code(&code()), "Hello {code}");
    }

    #[test]
    fn a_text_that_holds_a_vendors_placeholder_has_no_form_with_it() {
        let text = Text::new("{code} ##OTP##");
        assert_eq!(text.with_placeholder("##OTP##"), None);
        assert_eq!(text.with_placeholder("<otp>").unwrap(), "<otp> ##OTP##");
    }

    #[test]
    fn debug_shows_no_content() {
        let mut message = Message::new(Text::new("Hello Ada, {code}"));
        message.variables.insert("name".to_owned(), "Ada".to_owned());
        let shown = format!("{message:?}");
        assert!(!shown.contains("Ada") && shown.contains("name"), "{shown}");
    }

    #[test]
    fn the_name_of_a_provider_comes_before_its_kind() {
        let mut message = Message::default();
        message.templates.insert("acme".to_owned(), "of the kind".to_owned());
        let id = ProviderId::new("acme-eu").unwrap();
        assert_eq!(message.template(&id, "acme"), Some("of the kind"));
        message.templates.insert("acme-eu".to_owned(), "of the account".to_owned());
        assert_eq!(message.template(&id, "acme"), Some("of the account"));
        assert_eq!(message.template(&id, "other"), Some("of the account"));
    }
}
