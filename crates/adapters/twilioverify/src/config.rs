use otpmux_core::settings::{Adapter, ConfigError, VendorSettings, required};
use otpmux_core::{Capabilities, ProviderId, Secret};
use otpmux_http::{HttpConfig, HttpSettings, basic, check_credential};

use crate::TwilioVerify;
use crate::provider::capabilities;

/// The vendor's documented address.
const BASE_URL: &str = "https://verify.twilio.com";

otpmux_core::settings! {
    /// The settings of one Verify service at Twilio; [`TwilioVerify::builder`] makes them.
    #[derive(Clone, Debug)]
    pub struct TwilioVerifyBuilder {
        /// The SID of the account: `AC` and 32 hexadecimal digits.
        pub account_sid: Option<String> = None, text().required().check(check_account),
            example "AC00000000000000000000000000000000";
        /// The auth token of the account. Alternative: `api_key_sid` and `api_key_secret`. Absent:
        /// those two.
        pub auth_token: Option<Secret> = None, secret(), example "env:TWILIO_AUTH_TOKEN";
        /// The SID of an API key, which can be revoked by itself: `SK` and 32 hexadecimal digits.
        pub api_key_sid: Option<String> = None, text().check(check_key),
            example "SK00000000000000000000000000000000";
        /// The secret of the API key. Goes with `api_key`.
        pub api_key_secret: Option<Secret> = None, secret(), example "env:TWILIO_API_KEY_SECRET";
        /// The SID of the Verify service: `VA` and 32 hexadecimal digits.
        pub service_sid: Option<String> = None, text().required().check(check_service),
            example "VA00000000000000000000000000000000";
        /// The maker of codes: `vendor` (Twilio makes and verifies them, with the length that is
        /// set in the service; no other provider can follow with the same code) or `otpmux` (otpmux
        /// makes and verifies them, and reports the approval to Twilio). `otpmux` needs the option
        /// "Enable Custom Verification Code" of the service.
        pub code: String = "vendor".to_owned(), choice(&["otpmux", "vendor"]), example "otpmux";
        /// The SID of the message template: `HJ` and 32 hexadecimal digits. Absent: the template of
        /// the service. For SMS and voice.
        pub template: Option<String> = None, text().check(check_template),
            example "HJ00000000000000000000000000000000";
        /// The name of the service in messages. Twilio's sales department must enable it. Absent:
        /// the friendly name of the Verify service.
        pub friendly_name: Option<String> = None, text(), example "Acme";
        /// The hash of an Android app, for SMS that the app reads by itself (SMS Retriever).
        /// Absent: no hash.
        pub app_hash: Option<String> = None, text(), example "He42w354ol9";
        /// Whether Twilio's Fraud Guard checks each send.
        pub risk_check: bool = true, flag(), example false;
        groups {
            /// How to reach Twilio Verify.
            pub http: HttpSettings;
        }
    }
}

/// The adapter, for a registry.
pub const ADAPTER: Adapter = TwilioVerifyBuilder::ADAPTER;

impl TwilioVerifyBuilder {
    /// Builds the provider under a name of your choice. Opens no connection.
    ///
    /// # Errors
    ///
    /// The first value that is not valid, with its key as the path.
    pub fn build(&self, name: &str) -> Result<TwilioVerify, ConfigError> {
        self.build_as(name)
    }

    pub(crate) fn config(&self) -> Result<Config, ConfigError> {
        let account_sid = required("account_sid", &self.account_sid)?;
        let (user, key, password) =
            match (&self.auth_token, &self.api_key_sid, &self.api_key_secret) {
                (Some(token), None, None) => (&account_sid, "auth_token", token),
                (None, Some(sid), Some(secret)) => (sid, "api_key_secret", secret),
                (Some(_), _, _) => {
                    let message = "cannot be combined with `api_key_sid` and `api_key_secret`";
                    return Err(ConfigError::new("auth_token", message));
                }
                (None, Some(_), None) => return Err(ConfigError::new("api_key_secret", "missing")),
                (None, None, Some(_)) => return Err(ConfigError::new("api_key_sid", "missing")),
                (None, None, None) => {
                    let message = "missing; alternative: `api_key_sid` and `api_key_secret`";
                    return Err(ConfigError::new("auth_token", message));
                }
            };
        check_credential(password).map_err(|message| ConfigError::new(key, message))?;
        let http = self.http.config(BASE_URL)?;
        Ok(Config {
            account_http: account_http(&http),
            http,
            authorization: basic(user, password),
            password: password.clone(),
            account_sid,
            service_sid: required("service_sid", &self.service_sid)?,
            vendor_codes: self.code == "vendor",
            template: self.template.clone(),
            friendly_name: self.friendly_name.clone(),
            app_hash: self.app_hash.clone(),
            risk_check: self.risk_check,
        })
    }
}

impl VendorSettings for TwilioVerifyBuilder {
    const KIND: &'static str = "twilioverify";
    type Provider = TwilioVerify;

    fn describe(&self) -> Result<Capabilities, ConfigError> {
        self.config().map(|config| capabilities(&config))
    }

    fn provider(&self, id: ProviderId) -> Result<TwilioVerify, ConfigError> {
        let provider = TwilioVerify::new(id, self.config()?);
        provider.map_err(|error| ConfigError::new("", error.detail()))
    }
}

/// The checked settings.
pub(crate) struct Config {
    pub(crate) http: HttpConfig,
    /// The address of the account's balance.
    pub(crate) account_http: HttpConfig,
    pub(crate) authorization: Secret,
    /// The secret part of `authorization`, so that no answer that repeats it is shown.
    pub(crate) password: Secret,
    pub(crate) account_sid: String,
    pub(crate) service_sid: String,
    pub(crate) vendor_codes: bool,
    pub(crate) template: Option<String>,
    pub(crate) friendly_name: Option<String>,
    pub(crate) app_hash: Option<String>,
    pub(crate) risk_check: bool,
}

/// Returns the settings for the API of the account. At Twilio its host differs in the first label
/// (`verify.twilio.com`, `verify.dublin.ie1.twilio.com`); any other address serves both.
fn account_http(http: &HttpConfig) -> HttpConfig {
    let mut account = http.clone();
    if let Some(rest) = http.base_url.as_str().strip_prefix("https://verify.")
        && let Ok(url) = format!("https://api.{rest}").parse()
    {
        account.base_url = url;
    }
    account
}

fn check_account(text: &str) -> Result<(), String> {
    check_sid(text, "AC")
}

fn check_key(text: &str) -> Result<(), String> {
    check_sid(text, "SK")
}

fn check_service(text: &str) -> Result<(), String> {
    check_sid(text, "VA")
}

/// Returns whether the text is the SID of a template.
pub(crate) fn check_template(text: &str) -> Result<(), String> {
    check_sid(text, "HJ")
}

fn check_sid(text: &str, prefix: &str) -> Result<(), String> {
    let fits = text
        .strip_prefix(prefix)
        .is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let rule = || format!("must be {prefix} and 32 hexadecimal digits");
    fits.then_some(()).ok_or_else(rule)
}

#[cfg(test)]
mod tests {
    use otpmux_core::settings::SettingsReader;
    use serde_json::{Value, json};

    use super::*;

    const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
    const SERVICE: &str = "VA0123456789abcdef0123456789abcdef";

    fn build(table: &Value) -> Result<(), String> {
        let resolve = |_: &str| Ok(Secret::new("token"));
        let settings = SettingsReader::new(&resolve)
            .read("providers.p", ADAPTER.settings, table.as_object().unwrap())
            .map_err(|errors| errors[0].to_string())?;
        let id = ProviderId::new("p").unwrap();
        (ADAPTER.build)(id, &settings).map(|_| ()).map_err(|error| error.to_string())
    }

    fn table(changes: &Value) -> Value {
        let mut table =
            json!({"account_sid": ACCOUNT, "service_sid": SERVICE, "auth_token": "env:T"});
        for (key, value) in changes.as_object().unwrap() {
            table[key] = value.clone();
        }
        table.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        table
    }

    #[test]
    fn the_auth_token_or_an_api_key_is_enough() {
        assert_eq!(build(&table(&json!({}))), Ok(()));
        let key = "SK0123456789abcdef0123456789abcdef";
        let by_key = json!({"auth_token": null, "api_key_sid": key, "api_key_secret": "env:S"});
        assert_eq!(build(&table(&by_key)), Ok(()));
    }

    #[test]
    fn names_the_mistake() {
        for (changes, expected) in [
            (json!({"account_sid": null}), "providers.p.account_sid: missing"),
            (json!({"account_sid": SERVICE}), "providers.p.account_sid: must be AC"),
            (json!({"service_sid": ACCOUNT}), "providers.p.service_sid: must be VA"),
            (json!({"auth_token": null}), "providers.p.auth_token: missing; alternative"),
            (json!({"api_key_secret": "env:S"}), "providers.p.auth_token: cannot be combined"),
            (json!({"template": "HJ1"}), "providers.p.template: must be HJ"),
            (json!({"code": "mine"}), "providers.p.code: must"),
        ] {
            let error = build(&table(&changes)).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn the_balance_is_at_another_host_of_twilio() {
        let at = |url: &str| {
            let http = HttpConfig::new(url.parse().unwrap());
            account_http(&http).base_url.as_str().to_owned()
        };
        assert_eq!(at("https://verify.twilio.com"), "https://api.twilio.com/");
        let dublin = "https://verify.dublin.ie1.twilio.com";
        assert_eq!(at(dublin), "https://api.dublin.ie1.twilio.com/");
        assert_eq!(at("http://127.0.0.1:4016"), "http://127.0.0.1:4016/");
    }
}
