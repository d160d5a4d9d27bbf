use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::CountryCode;
use crate::RecipientError;
use crate::typed::{decimal_digit, is_filler, trim};

/// A telephone number in E.164 form: `+`, then 7 to 15 digits, the first of them not 0.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(Box<str>);

impl PhoneNumber {
    /// Reads a number as people type it: with `+` or `00` and the calling code, or in the national
    /// form of `country`; with spaces, dashes, dots, brackets, digits of any script, a `tel:` before
    /// it and invisible characters in it. Only where there is no doubt what is meant.
    ///
    /// # Errors
    ///
    /// What the text was understood as, and what is missing or wrong; the text is not repeated.
    pub fn parse_in(text: &str, country: Option<CountryCode>) -> Result<Self, RecipientError> {
        let digits = international(text)?;
        let Some(digits) = digits.strip_prefix('+').or_else(|| digits.strip_prefix("00")) else {
            // The national form of a country is not read yet.
            let _ = country;
            return Err(RecipientError::NoCountry);
        };
        let fits = (7..=15).contains(&digits.len()) && !digits.starts_with('0');
        if fits { Ok(Self(format!("+{digits}").into())) } else { Err(RecipientError::NotE164) }
    }

    /// The number with its `+`, as vendors want it. Never log it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The digits without the `+`, as some vendors want them. Never log them.
    pub fn expose_digits(&self) -> &str {
        &self.0[1..]
    }

    /// The form that limits count: one for all spellings that may name the same telephone. Never log
    /// it.
    pub fn counted(&self) -> Cow<'_, str> {
        Cow::Borrowed(self.expose())
    }

    pub(crate) fn masked(&self) -> String {
        let (head, tail) = (&self.0[..2], &self.0[self.0.len() - 2..]);
        let hidden = self.0.len() - 4;
        let mut masked = String::with_capacity(4 + hidden * '•'.len_utf8());
        masked.push_str(head);
        masked.extend(std::iter::repeat_n('•', hidden));
        masked.push_str(tail);
        masked
    }
}

/// The digits of a text, and the `+` before them if there is one.
fn international(text: &str) -> Result<String, RecipientError> {
    let text = trim(text);
    let text = match text.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => trim(&text[4..]),
        _ => text,
    };
    let mut digits = String::with_capacity(16);
    for c in text.chars() {
        match c {
            '+' | '＋' if digits.is_empty() => digits.push('+'),
            '(' | ')' | '.' | '（' | '）' | '．' => {}
            _ if is_filler(c) => {}
            _ => match decimal_digit(c) {
                Some(digit) => digits.push(char::from(b'0' + digit)),
                None => return Err(RecipientError::NotE164),
            },
        }
    }
    if digits.len() > 24 { Err(RecipientError::NotE164) } else { Ok(digits) }
}

impl FromStr for PhoneNumber {
    type Err = RecipientError;

    /// [`parse_in`](Self::parse_in) without a country.
    fn from_str(text: &str) -> Result<Self, RecipientError> {
        Self::parse_in(text, None)
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(+•••)")
    }
}
