//! The emulated vendors: a folder for each, and their list.

pub mod airtexts;
pub mod easyotp;
pub mod infobip2fa;
pub mod msg91;
pub mod smtp;
pub mod startmessaging;
pub mod twilio;
pub mod twilioverify;
pub mod vonageverify;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::vendor_api::{Facts, VendorApi};

/// The list, in the order of the ready line. A row has: variant of [`Vendor`], folder, account, and
/// the methods that set and change the account in code. A new vendor is a row here (at the end,
/// since ports follow the order), its `pub mod` above, and its folder.
macro_rules! each_vendor {
    ($then:ident) => {
        $then! {
            EasyOtp, easyotp, EasyOtpAccount, with_easyotp, update_easyotp;
            StartMessaging, startmessaging, StartMessagingAccount, with_startmessaging, update_startmessaging;
            AirTexts, airtexts, AirTextsAccount, with_airtexts, update_airtexts;
            TwilioVerify, twilioverify, TwilioVerifyAccount, with_twilioverify, update_twilioverify;
            Twilio, twilio, TwilioAccount, with_twilio, update_twilio;
            VonageVerify, vonageverify, VonageVerifyAccount, with_vonageverify, update_vonageverify;
            Msg91, msg91, Msg91Account, with_msg91, update_msg91;
            Infobip2fa, infobip2fa, Infobip2faAccount, with_infobip2fa, update_infobip2fa;
            Smtp, smtp, SmtpAccount, with_smtp, update_smtp;
        }
    };
}
pub(crate) use each_vendor;

macro_rules! define_vendor {
    ($($variant:ident, $folder:ident, $account:ident, $with:ident, $update:ident;)+) => {
        /// Vendor whose API is emulated.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Vendor {
            $(
                #[doc = concat!("See [`", stringify!($account), "`](", stringify!($folder), "::", stringify!($account), ").")]
                $variant,
            )+
            /// A vendor with this name, played from golden files: see
            /// [`EmulatorConfig::with_replay`](crate::EmulatorConfig::with_replay).
            Replayed(&'static str),
        }

        impl Vendor {
            /// Every vendor that has an emulation, in the order of the ready line.
            pub const ALL: [Self; [$(stringify!($variant)),+].len()] = [$(Self::$variant),+];

            fn facts(self) -> Facts {
                match self {
                    $(Self::$variant => $folder::FACTS,)+
                    Self::Replayed(name) => Facts { key: name, name, base_path: "" },
                }
            }

            /// Returns the vendor before its first request; `None` for a replayed one.
            pub(crate) fn open(self, now: Timestamp) -> Option<Box<dyn VendorApi>> {
                Some(match self {
                    $(Self::$variant => Box::new($folder::$variant::new(now)),)+
                    Self::Replayed(_) => return None,
                })
            }
        }
    };
}
each_vendor!(define_vendor);

impl Vendor {
    /// Returns the name in URLs, in JSON and in configuration.
    pub fn as_str(self) -> &'static str {
        self.facts().key
    }

    /// Returns the name as the vendor writes it.
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// Returns whether it speaks the protocol of mail servers, and not HTTP.
    pub(crate) fn is_mail_server(self) -> bool {
        self == Self::Smtp
    }

    /// Returns the scheme of its address.
    pub(crate) fn scheme(self) -> &'static str {
        if self.is_mail_server() { "smtp" } else { "http" }
    }

    /// Returns the base path of the API at the vendor, without a trailing slash; often empty.
    pub fn base_path(self) -> &'static str {
        self.facts().base_path
    }

    /// Returns the credentials of the account that every emulator begins with, by name; none for a
    /// replayed vendor.
    pub fn credentials(self) -> BTreeMap<String, String> {
        let api = self.open(Timestamp::UNIX_EPOCH);
        let credentials = api.map(|api| api.credentials()).unwrap_or_default();
        // They are texts by name.
        serde_json::from_value(credentials).unwrap_or_default()
    }

    /// Returns the vendor of this name that is played from golden files:
    /// [`EmulatorConfig::with_replay`](crate::EmulatorConfig::with_replay). Each name is kept until
    /// the program ends.
    pub fn replayed(name: &str) -> Self {
        static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.get(name) {
            return Self::Replayed(known);
        }
        let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
        names.insert(name);
        Self::Replayed(name)
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

/// Error returned for a name without an emulated vendor.
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
    fn an_unknown_name_gets_a_list_of_the_known_ones() {
        let error = "easyopt".parse::<Vendor>().unwrap_err().to_string();
        assert!(error.contains("easyopt") && error.contains("easyotp, startmessaging, airtexts"));
    }
}
