use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What an event reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum EventType {
    /// A verification exists, and its first message is about to be sent.
    VerificationCreated,
    /// The right code was entered, once.
    VerificationApproved,
    /// A verification ended without an approval: it expired, was cancelled, or nothing was sent.
    VerificationFailed,
    /// All guesses of a verification are used up by wrong codes.
    CheckExhausted,
    /// A limit refused a send.
    SendBlocked,
    /// A message may or may not have been sent: no vendor has confirmed it.
    SendUnconfirmed,
    /// A vendor reported that a message did not arrive.
    DeliveryFailed,
    /// The circuit of a provider opened.
    ProviderDown,
    /// The circuit of a provider closed again.
    ProviderUp,
}

impl EventType {
    /// Every type, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::VerificationCreated,
        Self::VerificationApproved,
        Self::VerificationFailed,
        Self::CheckExhausted,
        Self::SendBlocked,
        Self::SendUnconfirmed,
        Self::DeliveryFailed,
        Self::ProviderDown,
        Self::ProviderUp,
    ];

    /// The name in configuration and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerificationCreated => "verification.created",
            Self::VerificationApproved => "verification.approved",
            Self::VerificationFailed => "verification.failed",
            Self::CheckExhausted => "check.exhausted",
            Self::SendBlocked => "send.blocked",
            Self::SendUnconfirmed => "send.unconfirmed",
            Self::DeliveryFailed => "delivery.failed",
            Self::ProviderDown => "provider.down",
            Self::ProviderUp => "provider.up",
        }
    }

    /// Its letter in stores and in [ids](crate::EventId).
    pub const fn letter(self) -> char {
        match self {
            Self::VerificationCreated => 'c',
            Self::VerificationApproved => 'a',
            Self::VerificationFailed => 'f',
            Self::CheckExhausted => 'x',
            Self::SendBlocked => 'b',
            Self::SendUnconfirmed => 'u',
            Self::DeliveryFailed => 'd',
            Self::ProviderDown => 'p',
            Self::ProviderUp => 'q',
        }
    }

    pub(crate) fn from_letter(letter: char) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.letter() == letter)
    }

    /// Whether it is about no single record.
    pub(crate) const fn is_of_process(self) -> bool {
        matches!(self, Self::SendBlocked | Self::ProviderDown | Self::ProviderUp)
    }

    /// Whether it can happen to a code delivery, which has no verdict.
    pub(crate) const fn is_of_deliveries(self) -> bool {
        matches!(self, Self::SendUnconfirmed | Self::DeliveryFailed)
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of types.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventTypes(u16);

/// The text names no type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no event type; known are {known}, and groups such as `verification.*` and `*`", known = known())]
pub struct EventTypesError(String);

fn known() -> String {
    EventType::ALL.map(|it| format!("`{it}`")).join(", ")
}

impl EventTypes {
    /// No type.
    pub const NONE: Self = Self(0);

    /// Every type.
    pub fn all() -> Self {
        EventType::ALL.into_iter().collect()
    }

    /// Whether the type is in the set.
    pub fn contains(self, event: EventType) -> bool {
        self.0 & bit(event) != 0
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The types of the set.
    pub fn iter(self) -> impl Iterator<Item = EventType> {
        EventType::ALL.into_iter().filter(move |it| self.contains(*it))
    }

    /// Both sets together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The letters of its types.
    pub fn letters(self) -> String {
        self.iter().map(EventType::letter).collect()
    }
}

fn bit(event: EventType) -> u16 {
    EventType::ALL.iter().position(|it| *it == event).map_or(0, |place| 1 << place)
}

impl FromIterator<EventType> for EventTypes {
    fn from_iter<I: IntoIterator<Item = EventType>>(types: I) -> Self {
        Self(types.into_iter().fold(0, |set, it| set | bit(it)))
    }
}

/// Reads a type, a group such as `verification.*`, or `*`.
impl FromStr for EventTypes {
    type Err = EventTypesError;

    fn from_str(text: &str) -> Result<Self, EventTypesError> {
        let fits = |it: &EventType| match text.strip_suffix('*') {
            None => it.as_str() == text,
            Some("") => true,
            Some(group) => group.ends_with('.') && it.as_str().starts_with(group),
        };
        let types: Self = EventType::ALL.into_iter().filter(fits).collect();
        if types.is_empty() { Err(EventTypesError(text.to_owned())) } else { Ok(types) }
    }
}

impl TryFrom<String> for EventTypes {
    type Error = &'static str;

    fn try_from(letters: String) -> Result<Self, Self::Error> {
        let all: Option<Self> = letters.chars().map(EventType::from_letter).collect();
        all.ok_or("not the letter of an event type")
    }
}

impl From<EventTypes> for String {
    fn from(types: EventTypes) -> Self {
        types.letters()
    }
}

impl fmt::Debug for EventTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_and_names_are_read_and_nothing_else() {
        let count = |text: &str| text.parse::<EventTypes>().map(|it| it.iter().count());
        assert_eq!(count("*"), Ok(9));
        assert_eq!(count("verification.*"), Ok(3));
        assert_eq!(count("provider.down"), Ok(1));
        for text in ["", "verification", "verification*", "verification.", ".*", "approved"] {
            let error = count(text).unwrap_err().to_string();
            assert!(error.contains("`verification.approved`"), "{error}");
        }
    }

    #[test]
    fn every_type_has_its_own_letter_and_survives_the_store() {
        let all = EventTypes::all();
        assert_eq!(all.letters().len(), 9);
        assert_eq!(EventTypes::try_from(all.letters()), Ok(all));
        assert!(EventTypes::try_from("z".to_owned()).is_err());
    }
}
