use std::fmt;
use std::str::FromStr;

/// The caller's own id of a verification, such as that of a login or an order: 1 to 128 visible
/// ASCII characters. Within a purpose, one verification that is still known has it.
///
/// A store gets it only as a keyed hash, and `Debug` hides it, since it may be personal.
///
/// ```
/// use otpmux_engine::ExternalId;
///
/// let id: ExternalId = "login-7f3a".parse()?;
/// assert!("two words".parse::<ExternalId>().is_err());
/// # Ok::<(), otpmux_engine::ExternalIdError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ExternalId(Box<str>);

impl ExternalId {
    /// The most characters that an id may have; the minimum is 1.
    pub const MAX_LENGTH: usize = 128;

    /// Creates an id from 1 to 128 visible ASCII characters.
    ///
    /// # Errors
    ///
    /// The text is no such id. The error does not repeat the text.
    pub fn new(text: impl AsRef<str>) -> Result<Self, ExternalIdError> {
        let text = text.as_ref();
        let fits = (1..=Self::MAX_LENGTH).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.into())) } else { Err(ExternalIdError) }
    }

    /// Returns the text, which may be personal.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for ExternalId {
    type Err = ExternalIdError;

    fn from_str(text: &str) -> Result<Self, ExternalIdError> {
        Self::new(text)
    }
}

impl fmt::Debug for ExternalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExternalId(..)")
    }
}

/// Error returned when a text is no external id.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an external id must be 1 to 128 visible ASCII characters without spaces")]
#[non_exhaustive]
pub struct ExternalIdError;

otpmux_core::debug_as_display!(ExternalIdError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visible_ascii_of_a_bounded_length() {
        for good in ["a", "login:7/3#~", &"x".repeat(128)] {
            assert_eq!(ExternalId::new(good).unwrap().expose(), good);
        }
        for bad in ["", "a b", "a\n", "\u{e4}", &"x".repeat(129)] {
            assert_eq!(ExternalId::new(bad), Err(ExternalIdError), "{bad:?}");
        }
        assert_eq!(format!("{:?}", ExternalId::new("secret").unwrap()), "ExternalId(..)");
    }
}
