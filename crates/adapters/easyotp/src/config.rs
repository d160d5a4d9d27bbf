use otpmux_core::settings::{Adapter, ConfigError, VendorSettings, required};
use otpmux_core::{Capabilities, ProviderId, Secret};
use otpmux_http::{BaseUrl, HttpConfig, HttpSettings, check_credential};

use crate::EasyOtp;
use crate::provider::capabilities;

/// The vendor's documented address.
const BASE_URL: &str = "https://app.easyotp.dev/api/v1";

otpmux_core::settings! {
    /// The settings of one account at EasyOTP; [`EasyOtp::builder`] makes them.
    #[derive(Clone, Debug)]
    pub struct EasyOtpBuilder {
        /// The key from the EasyOTP dashboard.
        pub api_key: Option<Secret> = None, secret().required(), example "env:EASYOTP_API_KEY";
        /// The text of messages, with `{code}` where the code belongs. Absent: EasyOTP's own text.
        pub message: Option<String> = None, text().check(check_message),
            example "Your Acme code is {code}";
        /// The subject of e-mails. Absent: EasyOTP's own subject.
        pub subject: Option<String> = None, text(), example "Your Acme code";
        /// The maker of codes: `otpmux` (otpmux makes and verifies them) or `vendor` (EasyOTP makes
        /// and verifies them, with the length that is set in the account; no other provider can follow
        /// with the same code).
        pub code: String = "otpmux".to_owned(), choice(&["otpmux", "vendor"]), example "vendor";
        /// Leave EasyOTP's documented test recipients to EasyOTP to verify. Never in production:
        /// everybody knows their codes.
        pub test_recipients: bool = false, flag(), example true;
        groups {
            /// How to reach EasyOTP.
            pub http: HttpSettings;
        }
    }
}

/// The adapter, for a registry.
pub const ADAPTER: Adapter = EasyOtpBuilder::ADAPTER;

impl EasyOtpBuilder {
    /// Builds the provider under a name of your choice. Opens no connection.
    ///
    /// # Errors
    ///
    /// The first value that is not valid, with its key as the path.
    pub fn build(&self, name: &str) -> Result<EasyOtp, ConfigError> {
        self.build_as(name)
    }

    fn config(&self) -> Result<EasyOtpConfig, ConfigError> {
        let api_key = required("api_key", &self.api_key)?;
        check_credential(&api_key).map_err(|message| ConfigError::new("api_key", message))?;
        Ok(EasyOtpConfig {
            http: self.http.config(BASE_URL)?,
            api_key,
            message: self.message.clone(),
            subject: self.subject.clone(),
            vendor_codes: self.code == "vendor",
            test_recipients: self.test_recipients,
        })
    }
}

impl VendorSettings for EasyOtpBuilder {
    const KIND: &'static str = "easyotp";
    type Provider = EasyOtp;

    fn describe(&self) -> Result<Capabilities, ConfigError> {
        self.config().map(|config| capabilities(&config))
    }

    fn provider(&self, id: ProviderId) -> Result<EasyOtp, ConfigError> {
        let provider = EasyOtp::new(id, self.config()?);
        provider.map_err(|error| ConfigError::new("", error.detail()))
    }
}

fn check_message(text: &str) -> Result<(), String> {
    let rule = || "must hold {code} where the code belongs".to_owned();
    text.contains("{code}").then_some(()).ok_or_else(rule)
}

/// One account at EasyOTP.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EasyOtpConfig {
    /// How to reach it.
    pub http: HttpConfig,
    /// The key from the dashboard.
    pub api_key: Secret,
    /// The text of messages, with `{code}` as the placeholder; `None` uses the vendor's default.
    pub message: Option<String>,
    /// The subject of e-mails; `None` uses the vendor's default.
    pub subject: Option<String>,
    /// Let EasyOTP generate and verify the codes, instead of otpmux. The vendor's account then sets
    /// their length, and no other provider can follow with the same code.
    pub vendor_codes: bool,
    /// Let the vendor verify its test recipients. Never in production.
    pub test_recipients: bool,
}

impl EasyOtpConfig {
    /// Returns the configuration of an account at this address; the live service is
    /// `https://app.easyotp.dev/api/v1`.
    pub fn new(base_url: BaseUrl, api_key: Secret) -> Self {
        Self {
            http: HttpConfig::new(base_url),
            api_key,
            message: None,
            subject: None,
            vendor_codes: false,
            test_recipients: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use otpmux_core::ProviderId;
    use otpmux_core::settings::SettingsReader;
    use serde_json::json;

    use super::*;

    fn build(table: &serde_json::Value) -> Result<(), String> {
        let resolve = |_: &str| Ok(Secret::new("key"));
        let settings = SettingsReader::new(&resolve)
            .read("providers.p", ADAPTER.settings, table.as_object().unwrap())
            .map_err(|errors| errors[0].to_string())?;
        let id = ProviderId::new("p").unwrap();
        (ADAPTER.build)(id, &settings).map(|_| ()).map_err(|error| error.to_string())
    }

    #[test]
    fn builds_with_the_key_alone() {
        assert_eq!(build(&json!({"api_key": "env:KEY"})), Ok(()));
    }

    #[test]
    fn names_what_is_wrong() {
        for (table, expected) in [
            (json!({}), "providers.p.api_key: missing"),
            (
                json!({"api_key": "env:K", "message": "Hello"}),
                "providers.p.message: must hold {code}",
            ),
            (
                json!({"api_key": "env:K", "base_url": "http://a.example"}),
                "providers.p.base_url: must",
            ),
            (
                json!({"api_key": "env:K", "timeout": "1s", "connect_timeout": "1s"}),
                "providers.p.connect_timeout: must be shorter",
            ),
        ] {
            let error = build(&table).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
