use otpmux_core::settings::{Adapter, ConfigError, VendorSettings, required};
use otpmux_core::{Capabilities, ProviderId, Secret};
use otpmux_http::{BaseUrl, HttpConfig, HttpSettings, check_credential};

use crate::provider::capabilities;
use crate::{Dialect, Mode, StartMessaging};

/// The vendor's documented address.
const BASE_URL: &str = "https://api.startmessaging.com";

otpmux_core::settings! {
    /// The settings of one account at StartMessaging; [`StartMessaging::builder`] makes them.
    #[derive(Clone, Debug)]
    pub struct StartMessagingBuilder {
        /// The key from the StartMessaging dashboard.
        pub api_key: Option<Secret> = None, secret().required(), example "env:STARTMESSAGING_API_KEY";
        /// The side that verifies codes: `transport` (otpmux) or `managed` (StartMessaging).
        pub mode: String = "transport".to_owned(), choice(&["transport", "managed"]),
            example "managed";
        /// The documented API of StartMessaging that is spoken in managed mode: `a`, `b` or `c`.
        /// Absent: `a`.
        pub dialect: Option<String> = None, choice(&["a", "b", "c"]), example "c";
        /// The template of messages, by its id in the StartMessaging account. Dialects a and b have
        /// no place for it.
        pub template_id: Option<String> = None, text(), example "1207161234567890123";
        /// The name that templates show as `appName`. Dialects a and b have no place for it.
        pub app_name: Option<String> = None, text(), example "Acme";
        /// Send to any number, and let StartMessaging decide. Otherwise only Indian mobiles get
        /// messages.
        pub any_number: bool = false, flag(), example true;
        /// Rely on idempotency keys: a repeated key sends once. StartMessaging documents it; its
        /// published server bills a repeated key again.
        pub trust_idempotency_key: bool = false, flag(), example true;
        groups {
            /// How to reach StartMessaging.
            pub http: HttpSettings;
        }
    }
}

/// The adapter, for a registry.
pub const ADAPTER: Adapter = StartMessagingBuilder::ADAPTER;

impl StartMessagingBuilder {
    /// Builds the provider under a name of your choice. Opens no connection.
    ///
    /// # Errors
    ///
    /// The first value that is not valid, with its key as the path.
    pub fn build(&self, name: &str) -> Result<StartMessaging, ConfigError> {
        self.build_as(name)
    }

    fn config(&self) -> Result<StartMessagingConfig, ConfigError> {
        let dialect = match self.dialect.as_deref() {
            Some("b") => Dialect::B,
            Some("c") => Dialect::C,
            _ => Dialect::A,
        };
        let mode = match &*self.mode {
            "managed" => Mode::Managed(dialect),
            _ => Mode::Transport,
        };
        if mode == Mode::Transport && self.dialect.is_some() {
            return Err(ConfigError::new("dialect", "only goes with mode = \"managed\""));
        }
        for (key, text) in [("template_id", &self.template_id), ("app_name", &self.app_name)] {
            if text.is_some() && !mode.has_variables() {
                let message = "dialects a and b have no place for it; remove it";
                return Err(ConfigError::new(key, message));
            }
        }
        let api_key = required("api_key", &self.api_key)?;
        check_credential(&api_key).map_err(|message| ConfigError::new("api_key", message))?;
        Ok(StartMessagingConfig {
            http: self.http.config(BASE_URL)?,
            api_key,
            mode,
            template_id: self.template_id.clone(),
            app_name: self.app_name.clone(),
            any_number: self.any_number,
            trust_idempotency_key: self.trust_idempotency_key,
        })
    }
}

impl VendorSettings for StartMessagingBuilder {
    const KIND: &'static str = "startmessaging";
    type Provider = StartMessaging;

    fn describe(&self) -> Result<Capabilities, ConfigError> {
        self.config().map(|config| capabilities(&config))
    }

    fn provider(&self, id: ProviderId) -> Result<StartMessaging, ConfigError> {
        let provider = StartMessaging::new(id, self.config()?);
        provider.map_err(|error| ConfigError::new("", error.detail()))
    }
}

/// One account at StartMessaging.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StartMessagingConfig {
    /// How to reach it.
    pub http: HttpConfig,
    /// The key from the dashboard.
    pub api_key: Secret,
    /// The side that verifies, and its dialect.
    pub mode: Mode,
    /// The template of messages. Its form is not checked: the documentation requires the number of
    /// a DLT registration, the server a UUID. Ignored in dialects a and b.
    pub template_id: Option<String>,
    /// The name that templates show as `appName`. Ignored in dialects a and b.
    pub app_name: Option<String>,
    /// Send to any number, not to Indian mobiles only.
    pub any_number: bool,
    /// Claim [`idempotent`](otpmux_core::Capabilities::idempotent). The vendor's tutorials document
    /// it; its published server bills a repeated key again.
    pub trust_idempotency_key: bool,
}

impl StartMessagingConfig {
    /// Returns the configuration of an account at this address; the live service is
    /// `https://api.startmessaging.com`.
    pub fn new(base_url: BaseUrl, api_key: Secret) -> Self {
        Self {
            http: HttpConfig::new(base_url),
            api_key,
            mode: Mode::Transport,
            template_id: None,
            app_name: None,
            any_number: false,
            trust_idempotency_key: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use otpmux_core::settings::SettingsReader;
    use otpmux_core::{OtpProvider, ProviderId};
    use serde_json::json;

    use super::*;

    fn build(table: &serde_json::Value) -> Result<Arc<dyn OtpProvider>, String> {
        let resolve = |_: &str| Ok(Secret::new("key"));
        let settings = SettingsReader::new(&resolve)
            .read("providers.p", ADAPTER.settings, table.as_object().unwrap())
            .map_err(|errors| errors[0].to_string())?;
        let id = ProviderId::new("p").unwrap();
        (ADAPTER.build)(id, &settings).map_err(|error| error.to_string())
    }

    #[test]
    fn the_key_alone_makes_a_transport() {
        let provider = build(&json!({"api_key": "env:K"})).unwrap();
        let capabilities = provider.capabilities();
        assert_eq!(capabilities.otpmux_codes, Some(4..=6));
        assert_eq!(capabilities.vendor_codes, None);
        assert!(!capabilities.idempotent);
        assert!(!capabilities.phone_prefixes.is_empty());
    }

    #[test]
    fn the_operators_statement_decides() {
        let provider = build(&json!({
            "api_key": "env:K", "mode": "managed", "any_number": true,
            "trust_idempotency_key": true,
        }))
        .unwrap();
        let capabilities = provider.capabilities();
        assert!(capabilities.vendor_codes.is_some() && capabilities.otpmux_codes.is_none());
        assert!(capabilities.idempotent);
        assert!(capabilities.phone_prefixes.is_empty());
    }

    #[test]
    fn names_what_is_wrong() {
        for (table, expected) in [
            (json!({}), "providers.p.api_key: missing"),
            (json!({"api_key": "env:K", "dialect": "c"}), "providers.p.dialect: only goes with"),
            (
                json!({"api_key": "env:K", "mode": "transport", "dialect": "a"}),
                "providers.p.dialect: only goes with",
            ),
            (
                json!({"api_key": "env:K", "mode": "managed", "dialect": "v1"}),
                "providers.p.dialect: ",
            ),
            (
                json!({"api_key": "env:K", "mode": "managed", "template_id": "t"}),
                "providers.p.template_id: dialects a and b",
            ),
            (
                json!({"api_key": "env:K", "mode": "managed", "dialect": "b", "app_name": "n"}),
                "providers.p.app_name: dialects a and b",
            ),
            (
                json!({"api_key": "env:K", "base_url": "http://a.example"}),
                "providers.p.base_url: must",
            ),
        ] {
            let error = build(&table).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
