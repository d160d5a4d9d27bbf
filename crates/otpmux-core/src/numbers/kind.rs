use std::fmt;
use std::str::FromStr;

/// The kind of a telephone number, by its range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NumberKind {
    /// A mobile or fixed line.
    Ordinary,
    /// An Internet telephony number.
    Voip,
    /// The called party pays.
    TollFree,
    /// The caller pays more, and the called party earns.
    Premium,
    /// Caller and called party share the costs.
    SharedCost,
    /// A number that follows a person to any telephone, often at a high price.
    Personal,
    /// A pager.
    Pager,
    /// A company's universal access number.
    Uan,
    /// Access to a voice mailbox.
    Voicemail,
    /// A number without a country: satellites, international services.
    World,
    /// A number in a range that is not known to be in use.
    Unassigned,
}

impl NumberKind {
    /// Every kind.
    pub const ALL: [Self; 11] = [
        Self::Ordinary,
        Self::Voip,
        Self::TollFree,
        Self::Premium,
        Self::SharedCost,
        Self::Personal,
        Self::Pager,
        Self::Uan,
        Self::Voicemail,
        Self::World,
        Self::Unassigned,
    ];

    /// Returns the name in the configuration, such as `toll_free`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::Voip => "voip",
            Self::TollFree => "toll_free",
            Self::Premium => "premium",
            Self::SharedCost => "shared_cost",
            Self::Personal => "personal",
            Self::Pager => "pager",
            Self::Uan => "uan",
            Self::Voicemail => "voicemail",
            Self::World => "world",
            Self::Unassigned => "unassigned",
        }
    }
}

impl fmt::Display for NumberKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for NumberKind {
    type Err = NumberKindError;

    fn from_str(text: &str) -> Result<Self, NumberKindError> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(NumberKindError(()))
    }
}

/// Error returned when a text is not a kind of number.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a kind of number; the kinds are ordinary, voip, toll_free, premium, shared_cost, \
     personal, pager, uan, voicemail, world and unassigned"
)]
pub struct NumberKindError(());

crate::debug_as_display!(NumberKindError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_word_and_the_error_names_all() {
        for kind in NumberKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert!(NumberKindError(()).to_string().contains(kind.as_str()));
        }
        assert!("Premium".parse::<NumberKind>().is_err());
    }
}
