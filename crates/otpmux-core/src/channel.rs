use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{IdError, check_name};

/// The channel by which a code is sent.
///
/// The list is open: a vendor may offer a channel that has no variant here. It is then
/// [`Other`](Channel::Other) with the vendor's lower-case word.
///
/// ```
/// use otpmux_core::Channel;
/// assert_eq!("sms".parse(), Ok(Channel::Sms));
/// assert_eq!("rcs".parse::<Channel>()?.as_str(), "rcs");
/// # Ok::<(), otpmux_core::IdError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[non_exhaustive]
pub enum Channel {
    /// A text message.
    Sms,
    /// A phone call that reads the code out.
    Voice,
    /// An e-mail.
    Email,
    /// A `WhatsApp` message.
    WhatsApp,
    /// Any other channel, by the vendor's word. Only parsing creates it, so that a word that has a
    /// variant never becomes `Other`.
    Other(OtherChannel),
}

/// The name of a channel without a variant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OtherChannel(Box<str>);

impl Channel {
    /// Returns the word used in configuration, in the HTTP API and in most vendors' APIs.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sms => "sms",
            Self::Voice => "voice",
            Self::Email => "email",
            Self::WhatsApp => "whatsapp",
            Self::Other(name) => &name.0,
        }
    }

    /// Returns whether this channel sends to a mailbox (`true`) or a telephone number.
    pub fn wants_email(&self) -> bool {
        matches!(self, Self::Email)
    }
}

impl FromStr for Channel {
    type Err = IdError;

    /// Parses 1 to 64 characters of `a-z`, `0-9`, `_` and `-`.
    fn from_str(text: &str) -> Result<Self, IdError> {
        Ok(match text {
            "sms" => Self::Sms,
            "voice" => Self::Voice,
            "email" => Self::Email,
            "whatsapp" => Self::WhatsApp,
            other => {
                check_name("channel", other)?;
                Self::Other(OtherChannel(other.into()))
            }
        })
    }
}

impl TryFrom<String> for Channel {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<Channel> for String {
    fn from(channel: Channel) -> Self {
        channel.as_str().to_owned()
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_comes_back() {
        for word in ["sms", "voice", "email", "whatsapp", "rcs", "flash-call"] {
            assert_eq!(word.parse::<Channel>().unwrap().to_string(), word);
        }
    }

    #[test]
    fn refuses_what_is_no_word() {
        for word in ["", "SMS", "sms,voice", "a b", &"x".repeat(65)] {
            assert!(word.parse::<Channel>().is_err(), "{word:?}");
        }
    }
}
