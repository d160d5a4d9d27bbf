use std::time::Duration;

use otpmux_core::settings::{Adapter, ConfigError, VendorSettings, required};
use otpmux_core::{Capabilities, Channel, ProviderId, Secret};
use otpmux_http::signature::ReceiptSecrets;
use otpmux_http::{
    HttpConfig, HttpSettings, ReceiptMode, ReceiptSettings, basic, check_credential,
};

use crate::VonageVerify;
use crate::provider::capabilities;
use crate::start::STEP_TIMES;
use crate::token::Signer;

/// The vendor's documented address.
const BASE_URL: &str = "https://api.nexmo.com";

otpmux_core::settings! {
    /// The settings of one account at Vonage Verify; [`VonageVerify::builder`] makes them.
    #[derive(Clone, Debug)]
    pub struct VonageVerifyBuilder {
        /// The name of the service in messages, 1 to 18 characters without `/ { } : $`.
        pub brand: Option<String> = None, text().required().check(check_brand), example "Acme";
        /// The API key of the account. With `api_secret` it authenticates the calls, unless
        /// `application_id` is set, and reads the balance.
        pub api_key: Option<String> = None, text(), example "abcd1234";
        /// The API secret of the account. Absent: a private key signs.
        pub api_secret: Option<Secret> = None, secret(), example "env:VONAGE_API_SECRET";
        /// The id of the Vonage application, which delivery receipts need. With `private_key` it
        /// authenticates the calls by JSON Web Tokens (RS256).
        pub application_id: Option<String> = None, text(),
            example "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab";
        /// The private key of the application, as Vonage's dashboard generates it (PEM).
        pub private_key: Option<Secret> = None, secret(), example "file:/run/secrets/vonage.key";
        /// The maker of codes: `vendor` (Vonage makes and verifies them; no other provider can
        /// follow with the same code) or `otpmux` (otpmux makes and verifies them, and sends the
        /// right code to Vonage after the approval). `otpmux` needs Vonage's pricing model "Verify
        /// Conversion".
        pub code: String = "vendor".to_owned(), choice(&["otpmux", "vendor"]), example "otpmux";
        /// The channels by which Vonage sends again, one after the other, if the code was not
        /// verified in time: up to two of `sms`, `voice` and `whatsapp`. A resend moves to the next
        /// one at once. Not for e-mail.
        pub fallback: Vec<String> = Vec::new(), list_or_empty().check(check_fallback),
            example ["voice"];
        /// How long Vonage waits before it sends by the next channel of `fallback`, or ends the
        /// verification. The ttl of a verification, divided by the number of channels, overrides
        /// it. Absent: 3 minutes, Vonage's default.
        pub channel_timeout: Option<Duration> = None, duration(STEP_TIMES), example "5m";
        /// Whether SMS of one verification carry the same code. Otherwise each step has another
        /// code, and only the newest is right.
        pub reuse_code: bool = true, flag(), example false;
        /// The sender of SMS: digits without `+`, or 3 to 11 letters and digits. Absent: Vonage's.
        pub sender: Option<String> = None, text().check(check_sender), example "Acme";
        /// The number of the WhatsApp Business account, digits without `+`. The channel `whatsapp`
        /// needs it. Absent: no WhatsApp.
        pub whatsapp_sender: Option<String> = None, text().check(check_sender),
            example "447700400080";
        /// The address that e-mails come from. Absent: Vonage's.
        pub email_sender: Option<String> = None, text(), example "codes@example.com";
        /// The id of the message template. Absent: Vonage's text.
        pub template: Option<String> = None, text(),
            example "4ed3027d-8762-44a0-aa3f-c393717413a4";
        /// The hash of an Android app, 11 characters, for SMS that the app reads by itself. Absent:
        /// no hash.
        pub app_hash: Option<String> = None, text().check(check_app_hash), example "ABC123def45";
        /// Whether Vonage's fraud protection checks each send. Vonage must enable the choice.
        pub fraud_check: bool = true, flag(), example false;
        groups {
            /// Delivery receipts: Vonage signs them with the signature secret of the account.
            pub receipt: ReceiptSettings;
            /// How to reach Vonage.
            pub http: HttpSettings;
        }
    }
}

/// The adapter, for a registry.
pub const ADAPTER: Adapter = VonageVerifyBuilder::ADAPTER;

impl VonageVerifyBuilder {
    /// Builds the provider under a name of your choice. Opens no connection.
    ///
    /// # Errors
    ///
    /// The first value that is not valid, with its key as the path.
    pub fn build(&self, name: &str) -> Result<VonageVerify, ConfigError> {
        self.build_as(name)
    }

    pub(crate) fn config(&self) -> Result<Config, ConfigError> {
        let http = self.http.config(BASE_URL)?;
        let fallback = self.fallback_channels()?;
        Ok(Config {
            account_http: account_http(&http),
            http,
            basic: self.basic_credential()?,
            signer: self.signer()?,
            api_key: self.api_key.clone(),
            secrets: [
                &self.api_secret,
                &self.private_key,
                &self.receipt.receipt_secret,
                &self.receipt.receipt_secret_old,
            ]
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
            brand: required("brand", &self.brand)?,
            vendor_codes: self.code == "vendor",
            fallback,
            channel_timeout: self.channel_timeout,
            reuse_code: self.reuse_code,
            sender: self.sender.clone(),
            whatsapp_sender: self.whatsapp_sender.clone(),
            email_sender: self.email_sender.clone(),
            template: self.template.clone(),
            app_hash: self.app_hash.clone(),
            fraud_check: self.fraud_check,
            receipts: self.receipt_secrets()?,
        })
    }

    /// Returns the credentials of the account; one of the two kinds must be there.
    fn basic_credential(&self) -> Result<Option<Secret>, ConfigError> {
        match (&self.api_key, &self.api_secret) {
            (Some(key), Some(secret)) => {
                check_credential(secret).map_err(|text| ConfigError::new("api_secret", text))?;
                Ok(Some(basic(key, secret)))
            }
            (Some(_), None) => Err(ConfigError::new("api_secret", "missing")),
            (None, Some(_)) => Err(ConfigError::new("api_key", "missing")),
            (None, None) if self.application_id.is_none() => Err(ConfigError::new(
                "api_key",
                "missing; alternative: `application_id` and `private_key`",
            )),
            (None, None) => Ok(None),
        }
    }

    fn signer(&self) -> Result<Option<Signer>, ConfigError> {
        match (&self.application_id, &self.private_key) {
            (Some(id), Some(key)) => Signer::new(id, key)
                .map(Some)
                .map_err(|message| ConfigError::new("private_key", message)),
            (Some(_), None) => Err(ConfigError::new("private_key", "missing")),
            (None, Some(_)) => Err(ConfigError::new("application_id", "missing")),
            (None, None) => Ok(None),
        }
    }

    fn fallback_channels(&self) -> Result<Vec<Channel>, ConfigError> {
        if self.fallback.len() > 2 {
            return Err(ConfigError::new("fallback", "must have at most two channels"));
        }
        let channels: Vec<Channel> =
            self.fallback.iter().filter_map(|it| it.parse().ok()).collect();
        if channels.contains(&Channel::WhatsApp) && self.whatsapp_sender.is_none() {
            return Err(ConfigError::new("whatsapp_sender", "missing; `fallback` needs it"));
        }
        Ok(channels)
    }

    fn receipt_secrets(&self) -> Result<Option<ReceiptSecrets>, ConfigError> {
        match self.receipt.receipts {
            ReceiptMode::SecretInUrl => Err(ConfigError::new(
                "receipts",
                "Vonage signs its receipts; write \"signed\", or \"off\"",
            )),
            // They are reports of an application; calls without one have none.
            ReceiptMode::Signed if self.application_id.is_none() => {
                Err(ConfigError::new("application_id", "missing; `receipts` needs it"))
            }
            _ => self.receipt.secrets(None),
        }
    }
}

impl VendorSettings for VonageVerifyBuilder {
    const KIND: &'static str = "vonageverify";
    type Provider = VonageVerify;

    fn describe(&self) -> Result<Capabilities, ConfigError> {
        self.config().map(|config| capabilities(&config))
    }

    fn provider(&self, id: ProviderId) -> Result<VonageVerify, ConfigError> {
        let provider = VonageVerify::new(id, self.config()?);
        provider.map_err(|error| ConfigError::new("", error.detail()))
    }
}

/// The checked settings.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) http: HttpConfig,
    /// The address of the account's balance.
    pub(crate) account_http: HttpConfig,
    pub(crate) basic: Option<Secret>,
    pub(crate) signer: Option<Signer>,
    pub(crate) api_key: Option<String>,
    /// The texts that no error may show.
    pub(crate) secrets: Vec<Secret>,
    pub(crate) brand: String,
    pub(crate) vendor_codes: bool,
    pub(crate) fallback: Vec<Channel>,
    pub(crate) channel_timeout: Option<Duration>,
    pub(crate) reuse_code: bool,
    pub(crate) sender: Option<String>,
    pub(crate) whatsapp_sender: Option<String>,
    pub(crate) email_sender: Option<String>,
    pub(crate) template: Option<String>,
    pub(crate) app_hash: Option<String>,
    pub(crate) fraud_check: bool,
    pub(crate) receipts: Option<ReceiptSecrets>,
}

/// Returns the settings for the API of the account, which has another host at Vonage; any other
/// address serves both.
fn account_http(http: &HttpConfig) -> HttpConfig {
    let mut account = http.clone();
    if http.base_url.as_str().starts_with("https://api.nexmo.com")
        && let Ok(url) = "https://rest.nexmo.com".parse()
    {
        account.base_url = url;
    }
    account
}

fn check_brand(text: &str) -> Result<(), String> {
    let length = text.chars().count();
    if (1..=18).contains(&length) && !text.contains(['/', '{', '}', ':', '$']) {
        Ok(())
    } else {
        Err("must be 1 to 18 characters without / { } : $".to_owned())
    }
}

/// Checks a sender of SMS or of WhatsApp.
pub(crate) fn check_sender(text: &str) -> Result<(), String> {
    let alphanumeric = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let fits = alphanumeric && (3..=if digits { 15 } else { 11 }).contains(&text.len());
    let rule = || "must be digits without `+`, or 3 to 11 letters and digits".to_owned();
    fits.then_some(()).ok_or_else(rule)
}

fn check_fallback(text: &str) -> Result<(), String> {
    let rule = || "must be sms, voice or whatsapp".to_owned();
    ["sms", "voice", "whatsapp"].contains(&text).then_some(()).ok_or_else(rule)
}

fn check_app_hash(text: &str) -> Result<(), String> {
    (text.len() == 11).then_some(()).ok_or_else(|| "must have 11 characters".to_owned())
}

#[cfg(test)]
mod tests {
    use otpmux_core::settings::SettingsReader;
    use serde_json::{Value, json};

    use super::*;
    use crate::token::tests::KEY;

    fn build(changes: &Value) -> Result<(), String> {
        let mut table = json!({"brand": "Acme", "api_key": "abcd1234", "api_secret": "env:S"});
        for (key, value) in changes.as_object().unwrap() {
            table[key] = value.clone();
        }
        table.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let resolve = |text: &str| Ok(Secret::new(text.strip_prefix("env:").unwrap_or(text)));
        let settings = SettingsReader::new(&resolve)
            .read("providers.p", ADAPTER.settings, table.as_object().unwrap())
            .map_err(|errors| errors[0].to_string())?;
        let id = ProviderId::new("p").unwrap();
        (ADAPTER.build)(id, &settings).map(|_| ()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_account_or_an_application_is_enough() {
        assert_eq!(build(&json!({})), Ok(()));
        let application = json!({
            "api_key": null, "api_secret": null, "application_id": "a", "private_key": KEY,
            "receipts": "signed", "receipt_secret": "env:S",
        });
        assert_eq!(build(&application), Ok(()));
    }

    #[test]
    fn names_the_mistake() {
        for (changes, expected) in [
            (json!({"brand": null}), "providers.p.brand: missing"),
            (json!({"brand": "A name that is too long"}), "providers.p.brand: must be 1 to 18"),
            (json!({"brand": "a/b"}), "providers.p.brand: must be 1 to 18"),
            (json!({"api_secret": null}), "providers.p.api_secret: missing"),
            (
                json!({"api_key": null, "api_secret": null}),
                "providers.p.api_key: missing; alternative",
            ),
            (json!({"application_id": "a"}), "providers.p.private_key: missing"),
            (
                json!({"application_id": "a", "private_key": "env:no-key"}),
                "providers.p.private_key: must be",
            ),
            (json!({"fallback": ["fax"]}), "providers.p.fallback[0]: must be sms"),
            (json!({"fallback": ["whatsapp"]}), "providers.p.whatsapp_sender: missing; `fallback`"),
            (
                json!({"receipts": "signed", "receipt_secret": "env:S"}),
                "providers.p.application_id: missing; `receipts`",
            ),
            (
                json!({"receipts": "secret_in_url", "receipt_secret": "env:S"}),
                "providers.p.receipts: Vonage signs",
            ),
        ] {
            let error = build(&changes).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
