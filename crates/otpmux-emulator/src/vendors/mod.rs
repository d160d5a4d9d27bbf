//! The emulated vendors: a folder for each, and the list of them.

pub mod airtexts;
pub mod easyotp;
pub mod startmessaging;

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::vendor_api::{Facts, VendorApi};

/// The list, in the order of the ready line: variant of [`Vendor`], folder, account, and the methods
/// that set and change the account in code. A new vendor is a row here (at the end: ports go by the
/// order), its `pub mod` above, and its folder.
macro_rules! each_vendor {
    ($then:ident) => {
        $then! {
            EasyOtp, easyotp, EasyOtpAccount, with_easyotp, update_easyotp;
            StartMessaging, startmessaging, StartMessagingAccount, with_startmessaging, update_startmessaging;
            AirTexts, airtexts, AirTextsAccount, with_airtexts, update_airtexts;
        }
    };
}
pub(crate) use each_vendor;

macro_rules! define_vendor {
    ($($variant:ident, $folder:ident, $account:ident, $with:ident, $update:ident;)+) => {
        /// A vendor whose API is emulated.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Vendor {
            $(
                #[doc = concat!("See [`", stringify!($account), "`](", stringify!($folder), "::", stringify!($account), ").")]
                $variant,
            )+
        }

        impl Vendor {
            /// Every vendor, in the order of the ready line.
            pub const ALL: [Self; [$(stringify!($variant)),+].len()] = [$(Self::$variant),+];

            fn facts(self) -> &'static Facts {
                match self {
                    $(Self::$variant => &$folder::FACTS,)+
                }
            }

            /// The vendor as it is before its first request.
            pub(crate) fn open(self, now: Timestamp) -> Box<dyn VendorApi> {
                match self {
                    $(Self::$variant => Box::new($folder::$variant::new(now)),)+
                }
            }
        }
    };
}
each_vendor!(define_vendor);

impl Vendor {
    /// The name in URLs, in JSON and in configuration.
    pub fn as_str(self) -> &'static str {
        self.facts().key
    }

    /// The name as the vendor writes it.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// The path under which the vendor's API is served, without a trailing slash.
    pub fn base_path(self) -> &'static str {
        self.facts().base_path
    }

    /// The vendor that serves the path, and the path as the vendor itself would see it.
    pub(crate) fn of_path(path: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|vendor| {
            let rest = path.strip_prefix(vendor.base_path())?;
            (rest.is_empty() || rest.starts_with('/')).then_some((vendor, rest))
        })
    }
}

impl Serialize for Vendor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl fmt::Display for Vendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Vendor {
    type Err = UnknownVendor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|vendor| vendor.as_str() == text)
            .ok_or_else(|| UnknownVendor { name: text.to_owned() })
    }
}

/// A vendor name that the emulator does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownVendor {
    name: String,
}

impl fmt::Display for UnknownVendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Vendor::ALL.map(Vendor::as_str).join(", ");
        write!(f, "unknown vendor `{}`; known are: {known}", self.name)
    }
}

impl std::error::Error for UnknownVendor {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_belong_to_vendors() {
        assert_eq!(Vendor::of_path("/easyotp/api/v1/send"), Some((Vendor::EasyOtp, "/send")));
        assert_eq!(Vendor::of_path("/airtexts"), Some((Vendor::AirTexts, "")));
        assert_eq!(Vendor::of_path("/airtextsy/otp/send"), None);
        assert_eq!(Vendor::of_path("/_emulator/clock"), None);
    }

    #[test]
    fn an_unknown_name_is_told_the_known_ones() {
        let error = "easyopt".parse::<Vendor>().unwrap_err().to_string();
        assert!(error.contains("easyopt") && error.contains("easyotp, startmessaging, airtexts"));
    }
}
