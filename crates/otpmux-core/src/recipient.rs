use std::borrow::Cow;
use std::str::FromStr;

use crate::numbers::{CountryCode, NumberKind, PhoneNumber, described};
use crate::{EmailAddress, typed};

/// The recipient of a code: one telephone or one mailbox.
///
/// A text with an `@` is an e-mail address, any other a telephone number. Lists are rejected, so
/// that user input never names a second recipient.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Recipient {
    /// A telephone number, for SMS, voice and messengers.
    Phone(PhoneNumber),
    /// A mailbox.
    Email(EmailAddress),
}

impl Recipient {
    /// Returns the telephone number, if it is one.
    pub fn phone(&self) -> Option<&PhoneNumber> {
        match self {
            Self::Phone(phone) => Some(phone),
            Self::Email(_) => None,
        }
    }

    /// Returns the e-mail address, if it is one.
    pub fn email(&self) -> Option<&EmailAddress> {
        match self {
            Self::Email(email) => Some(email),
            Self::Phone(_) => None,
        }
    }

    /// Returns the number or address, for the vendor. Never log it.
    pub fn expose(&self) -> &str {
        match self {
            Self::Phone(phone) => phone.expose(),
            Self::Email(email) => email.expose(),
        }
    }

    /// Returns the digits of a number without the `+`, or the address, for the vendor. Never log it.
    pub fn expose_digits(&self) -> &str {
        match self {
            Self::Phone(phone) => phone.expose_digits(),
            Self::Email(email) => email.expose(),
        }
    }

    /// Returns the canonical form: one for all spellings that certainly name the same telephone or
    /// mailbox. For comparisons and hashes; messages go to the given form. Never log it.
    pub fn canonical(&self) -> Cow<'_, str> {
        match self {
            Self::Phone(phone) => phone.expose().into(),
            Self::Email(email) => email.canonical().into(),
        }
    }

    /// Returns the counted form, for limits: one for all spellings that may name the same telephone
    /// or mailbox. Recipients with equal [`canonical`](Self::canonical) forms have equal counted
    /// forms. Never log it.
    pub fn counted(&self) -> Cow<'_, str> {
        match self {
            Self::Phone(phone) => phone.counted(),
            Self::Email(email) => email.counted().into(),
        }
    }

    /// Returns a form that a user recognises and a stranger cannot use: `+1•••••••23`,
    /// `a•••@example.com`.
    pub fn masked(&self) -> String {
        match self {
            Self::Phone(phone) => phone.masked(),
            Self::Email(email) => email.masked(),
        }
    }
}

impl Recipient {
    /// Parses a recipient as people type it, with numbers in the national form of `country`; see
    /// [`PhoneNumber::parse_in`].
    ///
    /// # Errors
    ///
    /// The way the text was understood, and what is missing or wrong; the error does not repeat the
    /// text.
    pub fn parse_in(text: &str, country: Option<CountryCode>) -> Result<Self, RecipientError> {
        // An address may begin with `+`; a number never holds `@`.
        if text.contains('@') {
            text.parse().map(Self::Email)
        } else if typed::trim(text).is_empty() {
            Err(RecipientError::Neither)
        } else {
            PhoneNumber::parse_in(text, country).map(Self::Phone)
        }
    }
}

impl FromStr for Recipient {
    type Err = RecipientError;

    /// Like [`parse_in`](Self::parse_in), without a country.
    fn from_str(text: &str) -> Result<Self, RecipientError> {
        Self::parse_in(text, None)
    }
}

impl From<PhoneNumber> for Recipient {
    fn from(phone: PhoneNumber) -> Self {
        Self::Phone(phone)
    }
}

impl From<EmailAddress> for Recipient {
    fn from(email: EmailAddress) -> Self {
        Self::Email(email)
    }
}

/// Error returned when a text names no recipient, or more than one. It does not repeat the text.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipientError {
    /// The text is not a telephone number in E.164 form.
    #[error(
        "not a phone number in E.164 form: '+' and 7 to 15 digits, such as +14155550123, \
         and only one number"
    )]
    NotE164,
    /// The text is a telephone number in national form, but no country is given.
    #[error(
        "a phone number without its country: write it with '+' and the country's calling code, \
         such as +14155550123"
    )]
    NoCountry,
    /// The number is in a known range, but has more or fewer digits than numbers there.
    #[error(
        "understood as {}, where {} the calling code; here {digits} do",
        described(*country, *kind), digits_told(*shortest, *longest)
    )]
    Length {
        /// The country of the number.
        country: Option<CountryCode>,
        /// The kind of the number.
        kind: NumberKind,
        /// The digits after the calling code.
        digits: u8,
        /// The smallest valid number of digits.
        shortest: u8,
        /// The largest valid number of digits.
        longest: u8,
    },
    /// The number has no `+` and is in no known range of the country.
    #[error(
        "understood as a number of {country}, where none begins like this: write it with '+' and \
         the calling code, such as +{}...", country.calling_code()
    )]
    UnknownRange {
        /// The country that it was read in.
        country: CountryCode,
    },
    /// The number has no `+` and is valid both as a national and as an international one.
    #[error(
        "may be a national number of {country} and an international one: write it with '+' and \
         the calling code, such as +{}...", country.calling_code()
    )]
    Ambiguous {
        /// The country that it was read in.
        country: CountryCode,
    },
    /// The text is not an e-mail address.
    #[error("not an e-mail address of the form name@example.com, and only one")]
    NotEmail,
    /// The text is empty.
    #[error("neither a phone number nor an e-mail address (holds an '@')")]
    Neither,
}

crate::debug_as_display!(RecipientError);

fn digits_told(shortest: u8, longest: u8) -> String {
    if shortest == longest {
        format!("{shortest} digits follow")
    } else {
        format!("{shortest} to {longest} digits follow")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_a_number_loses_its_plus() {
        for (text, digits) in
            [("+14155550123", "14155550123"), ("+tag@example.com", "+tag@example.com")]
        {
            assert_eq!(text.parse::<Recipient>().unwrap().expose_digits(), digits);
        }
    }

    #[test]
    fn phones() {
        for good in ["+2901234", "+14155550123", "+919876543210", "+499123456789012"] {
            assert_eq!(good.parse::<Recipient>().unwrap().expose(), good);
        }
        for bad in [
            "+",
            "+123456",
            "+1234567890123456",
            "+0123456789",
            "14155550123",
            "+14155550123,+14155550124",
            "+14155550123;+1",
            "+1415555o123",
            "++14155550123",
        ] {
            assert!(bad.parse::<Recipient>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn masks_keep_the_rest_secret() {
        let mask = |text: &str| text.parse::<Recipient>().unwrap().masked();
        assert_eq!(mask("+14155550123"), "+1••••••••23");
        assert_eq!(mask("alice@example.com"), "a•••@example.com");
    }

    proptest! {
        #[test]
        fn never_panics_and_never_shows(text in "\\PC{0,30}|\\+[0-9]{5,18}|[a-z.]{1,9}@[a-z.-]{1,12}") {
            match text.parse::<Recipient>() {
                Ok(recipient) => {
                    let shown = format!("{recipient:?}");
                    prop_assert!(!shown.contains(&text));
                    prop_assert!(!recipient.masked().contains(&text));
                }
                Err(error) => prop_assert!(text.len() < 4 || !error.to_string().contains(&text)
                    || "name@example.com +14155550123".contains(&text)),
            }
        }
    }
}
