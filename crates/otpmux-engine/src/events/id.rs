use std::fmt;
use std::str::FromStr;

use super::EventType;
use crate::VerificationId;

/// Id of an event: the same for every endpoint and every try, so that a receiver can recognise
/// repeats. Contains what it is about, the letter of its type, and the index of the send attempt if it is about
/// one: `0f3c…-d1`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventId {
    about: [u8; 16],
    event: EventType,
    place: Option<u8>,
}

/// The text is no id of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no id of an event: it is 32 hexadecimal digits, `-` and the letter of its type")]
pub struct ParseEventIdError;

impl EventId {
    /// The id of an event about a verification or delivery, or about one of its send attempts.
    pub const fn of(about: VerificationId, event: EventType, place: Option<u8>) -> Self {
        Self { about: about.to_bytes(), event, place }
    }

    /// The id of an event about something else, which this hash identifies.
    pub const fn of_hash(about: [u8; 16], event: EventType) -> Self {
        Self { about, event, place: None }
    }

    /// Its bytes, as short as they can be: what it is about, the letter of its type, and the digits
    /// of the index. They compare as the ids do.
    pub fn to_bytes(self) -> Vec<u8> {
        let place = self.place.map(|place| place.to_string()).unwrap_or_default();
        let mut letter = [0; 4];
        let letter = self.event.letter().encode_utf8(&mut letter);
        [&self.about[..], letter.as_bytes(), place.as_bytes()].concat()
    }

    /// Reads what [`to_bytes`](Self::to_bytes) returns; `None` for other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (about, rest) = bytes.split_first_chunk()?;
        Self::of_parts(*about, str::from_utf8(rest).ok()?)
    }

    /// `rest` is the letter of the type, and the digits of the index if there is one.
    fn of_parts(about: [u8; 16], rest: &str) -> Option<Self> {
        let mut rest = rest.chars();
        let event = EventType::from_letter(rest.next()?)?;
        let place = match rest.as_str() {
            "" => None,
            digits => {
                let place: u8 = digits.parse().ok()?;
                // One form for each id.
                if place.to_string() != digits {
                    return None;
                }
                Some(place)
            }
        };
        Some(Self { about, event, place })
    }

    /// The type.
    pub const fn event(self) -> EventType {
        self.event
    }

    /// The index of its send attempt, if it has one.
    pub const fn place(self) -> Option<u8> {
        self.place
    }

    /// The verification or delivery, unless it is about something else.
    pub fn verification(self) -> Option<VerificationId> {
        use EventType::{ProviderDown, ProviderUp, SendBlocked};
        let other = matches!(self.event, ProviderDown | ProviderUp | SendBlocked);
        (!other).then(|| VerificationId::from_bytes(self.about))
    }
}

/// In the order of the texts, by which stores compare ids.
impl Ord for EventId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let place = |id: &Self| id.place.map(|place| place.to_string());
        let letters = self.event.letter().cmp(&other.event.letter());
        self.about.cmp(&other.about).then(letters).then_with(|| place(self).cmp(&place(other)))
    }
}

impl PartialOrd for EventId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}-{}", u128::from_be_bytes(self.about), self.event.letter())?;
        match self.place {
            Some(place) => write!(f, "{place}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EventId({self})")
    }
}

impl FromStr for EventId {
    type Err = ParseEventIdError;

    fn from_str(text: &str) -> Result<Self, ParseEventIdError> {
        let read = || {
            let (about, rest) = text.split_once('-')?;
            let id = Self::of_parts(VerificationId::of_record(about).ok()?.to_bytes(), rest)?;
            // One text for each id.
            (id.to_string() == text).then_some(id)
        };
        read().ok_or(ParseEventIdError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_and_has_one_text() {
        let about = VerificationId::from_bytes([0x0f; 16]);
        for (event, place) in
            [(EventType::VerificationApproved, None), (EventType::DeliveryFailed, Some(255))]
        {
            let id = EventId::of(about, event, place);
            assert_eq!(id.to_string().parse(), Ok(id));
            assert_eq!(EventId::from_bytes(&id.to_bytes()), Some(id));
        }
        let hex = "0f".repeat(16);
        for text in ["", &hex, &format!("{hex}-"), &format!("{hex}-z"), &format!("{hex}-d+1")] {
            assert_eq!(text.parse::<EventId>(), Err(ParseEventIdError), "{text}");
        }
        assert_eq!(format!("{hex}-d01").parse::<EventId>(), Err(ParseEventIdError));
        for rest in [&b""[..], b"z", b"d+1", b"d01", b"d256", b"\xff"] {
            assert_eq!(EventId::from_bytes(&[&[0x0f; 16], rest].concat()), None, "{rest:?}");
        }
        assert_eq!(EventId::from_bytes(&[b'd'; 16]), None, "no letter");
    }
}
