use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::system::{Entropy, EntropyError};

/// Error returned when a name does not have the required form.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be 1 to 64 characters of a-z, 0-9, '_' and '-'")]
pub struct IdError {
    what: &'static str,
}

crate::debug_as_display!(IdError);

pub(crate) fn check_name(what: &'static str, text: &str) -> Result<(), IdError> {
    let fits = (1..=64).contains(&text.len())
        && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
    if fits { Ok(()) } else { Err(IdError { what }) }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Creates a name from 1 to 64 characters of `a-z`, `0-9`, `_` and `-`.
            pub fn new(text: impl AsRef<str>) -> Result<Self, IdError> {
                let text = text.as_ref();
                check_name($what, text)?;
                Ok(Self(text.into()))
            }

            /// Returns the name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.as_str().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

name! {
    /// The name of one provider, such as `easyotp-eu`. Cheap to clone.
    ProviderId, "a provider's name"
}

name! {
    /// The purpose of a verification, such as `login`: a code for one purpose is not valid for
    /// another, and a new send supersedes only an older one of the same recipient and purpose.
    Purpose, "a purpose"
}

impl Default for Purpose {
    /// Returns `default`.
    fn default() -> Self {
        // Shared, because most verifications have it.
        static DEFAULT: LazyLock<Arc<str>> = LazyLock::new(|| "default".into());
        Self(Arc::clone(&DEFAULT))
    }
}

/// The idempotency key of one send attempt at the vendor, so that the vendor recognises a repeated
/// request. All retries of the send attempt use the same key, the next send attempt a new one; in
/// requests it is a version 4 UUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(Uuid);

impl IdempotencyKey {
    /// Generates a new key.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = [0; 16];
        entropy.fill(&mut bytes)?;
        Ok(Self::from_random(bytes))
    }

    /// Creates a key from 128 random bits; the UUID's version and variant replace six of them.
    pub const fn from_random(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_random_bytes(bytes).into_uuid())
    }

    /// Returns the bytes of the key, for a store; [`from_random`](Self::from_random) restores the
    /// key.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for IdempotencyKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IdempotencyKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Uuid::try_parse(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// The vendor's reference to a send attempt: an id, or other data that its adapter needs to find it
/// again, in a form that only that adapter reads. It is kept in the store and passed to verify,
/// resend, cancel and status.
///
/// `Debug` does not show its text: some vendors build their ids from the phone number.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VendorReference(Box<str>);

impl VendorReference {
    /// Wraps the adapter's text.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the adapter's text, unchanged.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for VendorReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VendorReference({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OsEntropy;

    #[test]
    fn keys_are_version_4_uuids_and_survive_the_store() {
        let key = IdempotencyKey::generate(&OsEntropy).unwrap();
        let text = key.to_string();
        let known = IdempotencyKey::from_random(*b"\x00\x1f\xa5\xff0123456789ab");
        assert_eq!(known.to_string(), "001fa5ff-3031-4233-b435-363738396162");
        assert_eq!(text.len(), 36);
        assert_eq!(&text[14..15], "4");
        assert!(matches!(&text[19..20], "8" | "9" | "a" | "b"));
        assert_eq!(IdempotencyKey::from_random(key.to_bytes()), key);
        assert_ne!(IdempotencyKey::generate(&OsEntropy).unwrap(), key);
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<IdempotencyKey>(&json).unwrap(), key);
    }

    #[test]
    fn a_reference_does_not_show_its_text() {
        let reference = VendorReference::new("+14155550123");
        assert_eq!(format!("{reference:?}"), "VendorReference(12 bytes)");
    }

    #[test]
    fn names_are_checked() {
        assert!(ProviderId::new("easyotp-eu").is_ok());
        let error = ProviderId::new("Easy OTP").unwrap_err();
        assert!(error.to_string().starts_with("a provider's name must be"));
    }
}
