//! The vendors that the emulator plays.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A vendor whose API the emulator plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Vendor {
    /// EasyOTP (`easyotp.dev`).
    EasyOtp,
    /// StartMessaging.
    StartMessaging,
    /// AirTexts, the "appid" API.
    AirTexts,
}

impl Vendor {
    /// Every vendor, in the order of the ready line.
    pub const ALL: [Self; 3] = [Self::EasyOtp, Self::StartMessaging, Self::AirTexts];

    /// The name in URLs, in JSON and in configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EasyOtp => "easyotp",
            Self::StartMessaging => "startmessaging",
            Self::AirTexts => "airtexts",
        }
    }

    /// The name as the vendor writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::EasyOtp => "EasyOTP",
            Self::StartMessaging => "StartMessaging",
            Self::AirTexts => "AirTexts",
        }
    }

    /// The path under which the vendor's API is served, without a trailing slash.
    pub fn base_path(self) -> &'static str {
        match self {
            Self::EasyOtp => "/easyotp/api/v1",
            Self::StartMessaging => "/startmessaging",
            Self::AirTexts => "/airtexts",
        }
    }

    /// The vendor that serves the path, and the path as the vendor itself would see it.
    pub(crate) fn of_path(path: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|vendor| {
            let rest = path.strip_prefix(vendor.base_path())?;
            (rest.is_empty() || rest.starts_with('/')).then_some((vendor, rest))
        })
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
