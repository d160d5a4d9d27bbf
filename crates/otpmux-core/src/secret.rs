use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A vendor's key, token or password. Never shown by `Debug`, has no `Display`, cannot be
/// serialised, and is wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps the text of a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// Reads a secret from a variable, a file or pasted text. Spaces, line ends and a byte order
    /// mark around it are removed, so that the secret is the same from every source. Line ends inside
    /// are refused, except in a key in PEM form.
    ///
    /// # Errors
    ///
    /// The rest is empty, is in quotes, or holds an invisible character. The error names the
    /// character and its position, and shows nothing of the secret.
    pub fn read(text: &str) -> Result<Self, SecretTextError> {
        let around = |c: char| c.is_ascii_whitespace() || c == '\u{b}' || c == '\u{feff}';
        let inner = text.trim_matches(around);
        // A key in PEM form has lines.
        let pem = inner.starts_with("-----BEGIN ");
        let may_be = |c: char| pem && matches!(c, '\n' | '\r');
        let unclean = |(at, c)| {
            let what = unclean(c).filter(|_| !may_be(c));
            what.map(|what| SecretTextError::Holds(what, c, at + 1))
        };
        if let Some(error) = inner.chars().enumerate().find_map(unclean) {
            return Err(error);
        }
        match (inner.chars().next(), inner.chars().next_back()) {
            (Some(first), Some(last)) if is_quote(first) || is_quote(last) => {
                Err(SecretTextError::Quoted)
            }
            (Some(_), _) => Ok(Self::new(inner)),
            (None, _) => Err(SecretTextError::Empty),
        }
    }

    /// Returns the text. Pass it to the vendor only.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

/// Returns the kind of a character that is never part of a secret on purpose.
fn unclean(c: char) -> Option<&'static str> {
    Some(match c {
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => "an end of a line",
        '\t' => "a tab",
        '\u{a0}' | '\u{2007}' | '\u{202f}' => "a no-break space",
        '\u{ad}' => "a soft hyphen",
        '\u{feff}' => "a byte order mark",
        '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' => "a character without width",
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}' => {
            "a direction mark"
        }
        '\u{fffd}' => "a replacement for a character that could not be read",
        ' ' => return None,
        c if c.is_control() => "a control character",
        c if c.is_whitespace() => "a space other than the common one",
        _ => return None,
    })
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '`' | '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}')
}

/// Error returned by [`Secret::read`]. Shows nothing of the secret.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretTextError {
    /// The text is empty.
    #[error("is empty")]
    Empty,
    /// The text begins or ends with a quotation mark, which would be part of the secret.
    #[error("begins or ends with a quotation mark; remove the quotes")]
    Quoted,
    /// The text holds an invisible character: its kind, the character, and its position from 1.
    #[error("holds {0} (U+{code:04X}) at character {2}; remove it", code = u32::from(*.1))]
    Holds(&'static str, char, usize),
}

crate::debug_as_display!(SecretTextError);

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(•••)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whitespace_around_a_secret_is_not_part_of_it() {
        for text in
            ["s3cret", "s3cret\n", " s3cret\r\n", "\u{feff}s3cret\t", "\n\ns3cret\u{b} \u{c}"]
        {
            assert_eq!(Secret::read(text).unwrap().expose(), "s3cret", "{text:?}");
        }
        assert_eq!(Secret::read("a b\u{e9}").unwrap().expose(), "a b\u{e9}");
    }

    #[test]
    fn a_key_in_pem_form_keeps_its_lines() {
        let pem = "-----BEGIN PRIVATE KEY-----\nMIIE\r\n-----END PRIVATE KEY-----";
        assert_eq!(Secret::read(&format!("{pem}\n")).unwrap().expose(), pem);
        assert!(Secret::read("-----BEGIN PRIVATE KEY-----\n\u{200b}MIIE").is_err());
    }

    #[test]
    fn an_invisible_character_is_refused_with_its_place() {
        for (text, words) in [
            ("", "is empty"),
            (" \r\n\u{feff}", "is empty"),
            ("\"s3cret\"", "begins or ends with a quotation mark; remove the quotes"),
            ("'s3cret", "begins or ends with a quotation mark; remove the quotes"),
            ("\u{201c}s3cret\u{201d}", "begins or ends with a quotation mark; remove the quotes"),
            ("s3cret\u{a0}\n", "holds a no-break space (U+00A0) at character 7; remove it"),
            (" s3\r\ncret", "holds an end of a line (U+000D) at character 3; remove it"),
            ("s3\0cret", "holds a control character (U+0000) at character 3; remove it"),
            (
                "\u{200b}s3cret",
                "holds a character without width (U+200B) at character 1; remove it",
            ),
            ("s3\u{feff}cret", "holds a byte order mark (U+FEFF) at character 3; remove it"),
            (
                "s3\u{2003}cret",
                "holds a space other than the common one (U+2003) at character 3; remove it",
            ),
        ] {
            let error = Secret::read(text).unwrap_err();
            assert_eq!(error.to_string(), words, "{text:?}");
            assert!(!format!("{error:?}").contains("cret"));
        }
    }
}
