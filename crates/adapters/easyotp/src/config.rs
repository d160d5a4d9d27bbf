use std::sync::Arc;

use otpmux_core::Secret;
use otpmux_core::settings::{Adapter, ConfigError, Setting, Settings};
use otpmux_http::{BaseUrl, HTTP_SETTINGS, HttpConfig};

use crate::EasyOtp;

/// The vendor's documented address.
const BASE_URL: &str = "https://app.easyotp.dev/api/v1";

const SETTINGS: &[Setting] = &[
    Setting::secret("api_key", "The key from the EasyOTP dashboard.").required(),
    Setting::text("message", "The text of messages, with {code} where the code belongs."),
    Setting::text("subject", "The subject of e-mails."),
    Setting::choice(
        "code",
        &["otpmux", "vendor"],
        "Who makes and verifies codes: otpmux (otpmux_code, the default) or EasyOTP (vendor).",
    ),
    Setting::flag("test_recipients", "Let EasyOTP verify its documented test recipients."),
];

/// What a registry needs to know about this adapter.
pub const ADAPTER: Adapter = Adapter::new("easyotp", &[SETTINGS, HTTP_SETTINGS], |id, settings| {
    let config = EasyOtpConfig::from_settings(settings)?;
    let provider = EasyOtp::new(id, config);
    Ok(Arc::new(provider.map_err(|error| settings.error("api_key", error.detail().to_owned()))?))
});

/// One account at EasyOTP.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EasyOtpConfig {
    /// How to reach it.
    pub http: HttpConfig,
    /// The key from the dashboard.
    pub api_key: Secret,
    /// The text of messages, with `{code}` where the code belongs; `None` uses the vendor's.
    pub message: Option<String>,
    /// The subject of e-mails; `None` uses the vendor's.
    pub subject: Option<String>,
    /// Have EasyOTP make and verify the codes, instead of carrying ours. Their length is then set in
    /// the vendor's account, and no other provider can follow with the same code.
    pub vendor_codes: bool,
    /// Leave the vendor's test recipients to the vendor to verify. Never in production.
    pub test_recipients: bool,
}

impl EasyOtpConfig {
    /// An account at the given address, which for the real service is
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

    fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        let message = settings.text("message");
        if message.is_some_and(|text| !text.contains("{code}")) {
            return Err(settings.error("message", "must hold {code} where the code belongs"));
        }
        Ok(Self {
            http: HttpConfig::from_settings(settings, BASE_URL)?,
            api_key: settings.required("api_key", settings.secret("api_key"))?,
            message: message.map(str::to_owned),
            subject: settings.text("subject").map(str::to_owned),
            vendor_codes: settings.text("code") == Some("vendor"),
            test_recipients: settings.flag("test_recipients").unwrap_or(false),
        })
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
