use std::sync::Arc;

use otpmux_core::Secret;
use otpmux_core::settings::{Adapter, ConfigError, Setting, Settings};
use otpmux_http::{BaseUrl, HTTP_SETTINGS, HttpConfig};

use crate::{Dialect, Mode, StartMessaging};

/// The vendor's documented address.
const BASE_URL: &str = "https://api.startmessaging.com";

const SETTINGS: &[Setting] = &[
    Setting::secret("api_key", "The key from the StartMessaging dashboard.").required(),
    Setting::choice(
        "mode",
        &["transport", "managed"],
        "Who verifies codes: otpmux (transport, the default) or StartMessaging (managed).",
    ),
    Setting::choice(
        "dialect",
        &["a", "b", "c"],
        "Which of its documented APIs to speak in managed mode: a (the default), b or c.",
    ),
    Setting::text("template_id", "The template of messages, by the id in the vendor's account."),
    Setting::text("app_name", "The name that templates show as appName."),
    Setting::flag(
        "any_number",
        "Let StartMessaging decide which numbers it reaches; otherwise only Indian mobiles.",
    ),
    Setting::flag(
        "trust_idempotency_key",
        "Believe that a repeated key sends once, as the vendor documents but its server does not do.",
    ),
];

/// What a registry needs to know about this adapter.
pub const ADAPTER: Adapter =
    Adapter::new("startmessaging", &[SETTINGS, HTTP_SETTINGS], |id, settings| {
        let config = StartMessagingConfig::from_settings(settings)?;
        let provider = StartMessaging::new(id, config);
        Ok(Arc::new(
            provider.map_err(|error| settings.error("api_key", error.detail().to_owned()))?,
        ))
    });

/// One account at StartMessaging.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StartMessagingConfig {
    /// How to reach it.
    pub http: HttpConfig,
    /// The key from the dashboard.
    pub api_key: Secret,
    /// Who verifies, and in which dialect.
    pub mode: Mode,
    /// The template of messages. Its form is left to the vendor: the documentation wants the number
    /// of a DLT registration, the server a UUID. Ignored in dialects a and b.
    pub template_id: Option<String>,
    /// The name that templates show as `appName`. Ignored in dialects a and b.
    pub app_name: Option<String>,
    /// Send to any number rather than to Indian mobiles only.
    pub any_number: bool,
    /// Claim [`idempotent`](otpmux_core::Capabilities::idempotent). The vendor's tutorials promise
    /// it; its published server bills a repeated key again.
    pub trust_idempotency_key: bool,
}

impl StartMessagingConfig {
    /// An account at the given address, which for the real service is
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

    fn from_settings(settings: &Settings) -> Result<Self, ConfigError> {
        let dialect = match settings.text("dialect") {
            Some("b") => Dialect::B,
            Some("c") => Dialect::C,
            _ => Dialect::A,
        };
        let mode = match settings.text("mode") {
            Some("managed") => Mode::Managed(dialect),
            _ => Mode::Transport,
        };
        if mode == Mode::Transport && settings.text("dialect").is_some() {
            return Err(settings.error("dialect", "only goes with mode = \"managed\""));
        }
        let text = |key| match settings.text(key) {
            Some(_) if !mode.has_variables() => {
                Err(settings.error(key, "dialects a and b have no place for it; remove it"))
            }
            text => Ok(text.map(str::to_owned)),
        };
        Ok(Self {
            http: HttpConfig::from_settings(settings, BASE_URL)?,
            api_key: settings.required("api_key", settings.secret("api_key"))?,
            mode,
            template_id: text("template_id")?,
            app_name: text("app_name")?,
            any_number: settings.flag("any_number").unwrap_or(false),
            trust_idempotency_key: settings.flag("trust_idempotency_key").unwrap_or(false),
        })
    }
}

#[cfg(test)]
mod tests {
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
    fn what_the_operator_says_is_believed() {
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
