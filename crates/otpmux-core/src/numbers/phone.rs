use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::plan::{counted, is_assigned, normalise};
use super::{CountryCode, Place, lookup};
use crate::RecipientError;
use crate::typed::{decimal_digit, is_filler, trim};

/// A telephone number in E.164 form: `+`, then 7 to 15 digits, the first of them not 0.
///
/// Each telephone has one form, and parsing returns it: a trunk prefix after the calling code is
/// removed if the country's plan has one, the former `1` of Mexico's mobiles is removed, and
/// Argentina's `15` becomes the `9` that reaches the number from abroad. Messages, limits and
/// lookups use this form.
///
/// ```
/// use otpmux_core::PhoneNumber;
/// let typed: PhoneNumber = "+44 (0)7911 123456".parse()?;
/// assert_eq!(typed.expose(), "+447911123456");
/// assert_eq!(typed.place().country.unwrap().as_str(), "GG");
/// # Ok::<(), otpmux_core::RecipientError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(Box<str>);

impl PhoneNumber {
    /// Parses a number as people type it: with `+` or `00` and the calling code, or in the national
    /// form of `country`. Spaces, dashes, dots, brackets, digits of any script, a leading `tel:`
    /// and invisible characters are allowed. An ambiguous number is an error.
    ///
    /// ```
    /// use otpmux_core::PhoneNumber;
    /// let india = Some("IN".parse()?);
    /// for text in ["098765 43210", "98765-43210", "٠٩٨٧٦٥٤٣٢١٠", "91 98765 43210", "tel:+91-98765-43210"] {
    ///     assert_eq!(PhoneNumber::parse_in(text, india)?.expose(), "+919876543210");
    /// }
    /// let short = PhoneNumber::parse_in("98765 4321", india).unwrap_err();
    /// assert_eq!(
    ///     short.to_string(),
    ///     "understood as a number of IN, +91, where 10 digits follow the calling code; here 9 do"
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The way the text was understood, and what is missing or wrong; the error does not repeat the
    /// text.
    pub fn parse_in(text: &str, country: Option<CountryCode>) -> Result<Self, RecipientError> {
        let digits = digits_of(text)?;
        let number = if let Some(international) = digits.strip_prefix('+') {
            normalise(international.to_owned())?
        } else if let Some(country) = country {
            national(&digits, country)?
        } else {
            // Only an international number begins with two zeros.
            let international = digits.strip_prefix("00").ok_or(RecipientError::NoCountry)?;
            normalise(international.to_owned())?
        };
        Ok(Self(format!("+{number}").into()))
    }

    /// Returns the number with its `+`, for vendors. Never log it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the digits without the `+`, for vendors. Never log them.
    pub fn expose_digits(&self) -> &str {
        &self.0[1..]
    }

    /// Returns the counted form, for limits: one for all spellings that may name the same
    /// telephone. Argentina's mobiles have one form with and without their `9`. Never log it.
    pub fn counted(&self) -> Cow<'_, str> {
        counted(self.expose_digits()).map_or(Cow::Borrowed(self.expose()), Cow::Owned)
    }

    /// Returns the country and the kind.
    pub fn place(&self) -> Place {
        lookup::find(self.expose_digits()).place()
    }

    pub(crate) fn masked(&self) -> String {
        /// As many as the longest number hides.
        const HIDDEN: &str = "••••••••••••";
        let (head, tail) = (&self.0[..2], &self.0[self.0.len() - 2..]);
        let hidden = &HIDDEN[..(self.0.len() - 4) * '•'.len_utf8()];
        [head, hidden, tail].concat()
    }
}

/// Returns the E.164 digits of a number without `+`, read in a country. Every way to read it is
/// tried; the result must be exactly one number of a known range.
fn national(digits: &str, country: CountryCode) -> Result<String, RecipientError> {
    let code = country.calling_code().to_string();
    let (international, here) = (country.row().international, digits.starts_with(&code));
    let known = |number: &String| is_assigned(number);
    let as_national = normalise(format!("{code}{digits}"));
    let dialled = Some(international).filter(|it| !it.is_empty());
    // If no number there begins with two zeros, they are the international prefix of most of the
    // world.
    let zeros = (!international.is_empty()).then_some("00");
    let readings = [
        as_national.clone().ok(),
        here.then(|| normalise(digits.to_owned()).ok()).flatten(),
        dialled.and_then(|it| normalise(digits.strip_prefix(it)?.to_owned()).ok()),
        zeros.and_then(|it| normalise(digits.strip_prefix(it)?.to_owned()).ok()),
    ];
    let mut readings = readings.into_iter().flatten().filter(known);
    let Some(number) = readings.next() else {
        return Err(match as_national {
            Err(error @ RecipientError::Length { .. }) => error,
            _ => RecipientError::UnknownRange { country },
        });
    };
    if readings.any(|other| other != number) {
        return Err(RecipientError::Ambiguous { country });
    }
    Ok(number)
}

/// Returns the digits of a text, with the `+` before them if there is one.
fn digits_of(text: &str) -> Result<String, RecipientError> {
    /// Longer than any number with every possible prefix.
    const LONGEST: usize = 24;
    let text = trim(text);
    let text = match text.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => trim(&text[4..]),
        _ => text,
    };
    let mut digits = String::with_capacity(LONGEST);
    let mut slash = false;
    for c in text.chars() {
        match c {
            '+' | '＋' if digits.is_empty() => digits.push('+'),
            '(' | ')' | '[' | ']' | '（' | '）' | '.' | '．' | '·' => {}
            // A slash may follow an area code. Further back it separates two numbers.
            '/' | '／' if !slash && digits.len() < 8 => slash = true,
            _ if is_filler(c) => {}
            _ => match decimal_digit(c) {
                Some(digit) if digits.len() < LONGEST => digits.push(char::from(b'0' + digit)),
                _ => return Err(RecipientError::NotE164),
            },
        }
    }
    if digits.is_empty() { Err(RecipientError::NotE164) } else { Ok(digits) }
}

impl FromStr for PhoneNumber {
    type Err = RecipientError;

    /// Like [`parse_in`](Self::parse_in), without a country.
    fn from_str(text: &str) -> Result<Self, RecipientError> {
        Self::parse_in(text, None)
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(+•••)")
    }
}
