//! The configuration file: providers, routes, store, keys and policy as TOML.

mod countries;
mod document;
mod errors;
mod fingerprint;
mod hints;
pub(crate) mod limits;
mod open;
mod overrides;
mod places;
pub(crate) mod policy;
mod providers;
mod reading;
pub(crate) mod resilience;
pub(crate) mod routes;
mod sections;
pub(crate) mod server;
pub(crate) mod server_keys;
pub(crate) mod store;
#[cfg(test)]
mod testing;

use std::path::Path;
use std::sync::Arc;

use otpmux_core::settings::ConfigError;
use otpmux_engine::{ClientBuilder, ClientConfig, OtpClient, Policy, Routes, ServerKeys};
use serde_json::Value;

pub use errors::ConfigErrors;
pub use providers::ConfiguredProvider;
pub use server::{ApiKey, ApiKeySecret, Network, ServerConfig, TlsFiles};
pub use store::{Durability, StoreConfig};

use crate::{Environment, Registry};
use document::Document;
use places::Places;
use reading::Reading;
use store::Store;

/// The keys at the top of a file.
pub(crate) const TOP: [&str; 9] = [
    "providers",
    "routes",
    "store",
    "server_keys",
    "policy",
    "limits",
    "resilience",
    "server",
    "allow_literal_secrets",
];

/// A configuration that was read and is right: its secrets are looked up, its providers built. No
/// connection was opened.
///
/// ```
/// # #[cfg(all(feature = "easyotp", feature = "startmessaging"))] {
/// use otpmux::{Config, Environment, OtpClient};
///
/// let environment = Environment::new().with("EASYOTP_API_KEY", "made-up").with("SM_KEY", "made-up");
/// let config = Config::from_toml(
///     r#"
///     [providers.primary]
///     kind = "easyotp"
///     api_key = "env:EASYOTP_API_KEY"
///
///     [providers.backup]
///     kind = "startmessaging"
///     api_key = "env:SM_KEY"
///     "#,
///     &environment,
/// )?;
/// let client = OtpClient::from_config(&config)?;
/// # let _ = client;
/// # }
/// # Ok::<(), otpmux::ConfigErrors>(())
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    providers: Vec<ConfiguredProvider>,
    routes: Option<Routes>,
    store: Store,
    server_keys: Option<ServerKeys>,
    server_key_ids: Vec<String>,
    policy: Policy,
    /// Whether the file says whose numbers get messages.
    says_countries: bool,
    server: Option<ServerConfig>,
    source: Arc<Source>,
}

/// Where a configuration comes from, for mistakes that are found in it later.
#[derive(Debug, Default)]
struct Source {
    file: Option<String>,
    places: Places,
}

impl Config {
    /// Reads a text, with the adapters that are compiled in.
    ///
    /// # Errors
    ///
    /// Every mistake in it; a text that is not TOML has one.
    pub fn from_toml(text: &str, environment: &Environment) -> Result<Self, ConfigErrors> {
        Self::from_toml_with(text, environment, &Registry::with_compiled_in())
    }

    /// Reads a text, with the adapters of a registry.
    ///
    /// # Errors
    ///
    /// As [`from_toml`](Self::from_toml).
    pub fn from_toml_with(
        text: &str,
        environment: &Environment,
        registry: &Registry,
    ) -> Result<Self, ConfigErrors> {
        Self::read(text, None, environment, registry)
    }

    fn read(
        text: &str,
        file: Option<String>,
        environment: &Environment,
        registry: &Registry,
    ) -> Result<Self, ConfigErrors> {
        let mut document = Document::parse(text)?;
        let allow = document.root.get("allow_literal_secrets");
        let mut cx = Reading {
            environment,
            registry,
            allow_literals: allow == Some(&Value::Bool(true)),
            errors: Vec::new(),
        };
        if allow.is_some_and(|allow| !allow.is_boolean()) {
            cx.mistake("allow_literal_secrets", "must be true or false");
        }
        cx.unknown_keys("", &document.root, &TOP);
        let overrides = overrides::apply(&mut document, &mut cx);
        let mut config = Self::assemble(&document, &mut cx);
        let places = document.places;
        cx.errors = cx.errors.into_iter().map(|error| places.locate(error)).collect();
        overrides::name_sources(&mut cx.errors, &overrides);
        config.source = Arc::new(Source { file, places });
        ConfigErrors::from_list(cx.errors).map_or(Ok(config), Err)
    }

    /// Reads a file, with the adapters that are compiled in and the environment of this process.
    ///
    /// # Errors
    ///
    /// The file cannot be read; every mistake in it.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, ConfigErrors> {
        let environment = Environment::from_process();
        Self::from_file_with(path, &environment, &Registry::with_compiled_in())
    }

    /// Reads a file, with the adapters of a registry.
    ///
    /// # Errors
    ///
    /// As [`from_file`](Self::from_file).
    pub fn from_file_with(
        path: impl AsRef<Path>,
        environment: &Environment,
        registry: &Registry,
    ) -> Result<Self, ConfigErrors> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::new(&name, format!("cannot be read: {error}")))?;
        Self::read(&text, Some(name.clone()), environment, registry)
            .map_err(|errors| errors.in_file(name))
    }

    fn assemble(document: &Document, cx: &mut Reading<'_>) -> Self {
        let root = &document.root;
        let mut providers = providers::read(document, cx);
        let routes = routes::read(document, &providers, cx);
        let store = store::read(root, cx);
        let (server_keys, server_key_ids) = server_keys::read(root, cx).unzip();
        let policy = policy::read(root, cx);
        if let Some(policy) = &policy {
            providers::check_policy(document, &providers, policy, cx);
        }
        let mut policy = policy.unwrap_or_default();
        policy.limits = limits::read(root, cx);
        resilience::read(document, &mut providers, cx);
        Self {
            providers,
            routes,
            store,
            server_keys,
            server_key_ids: server_key_ids.unwrap_or_default(),
            policy,
            says_countries: root.get("policy").is_some_and(|it| it.get("countries").is_some()),
            server: server::read(root, cx),
            source: Arc::default(),
        }
    }

    /// Whether the store's file can be opened, as far as that is known without making it. A server
    /// is not called.
    ///
    /// # Errors
    ///
    /// Its directory does not exist, or the file cannot be written.
    pub fn check_store(&self) -> Result<(), ConfigErrors> {
        match self.store.unreachable() {
            Some(message) => Err(self.locate(ConfigError::new("store.url", message).into())),
            None => Ok(()),
        }
    }

    /// Names the file and the places of mistakes that were found after it was read, such as an API
    /// key that is too short.
    pub fn locate(&self, errors: ConfigErrors) -> ConfigErrors {
        let Source { file, places } = &*self.source;
        let errors = errors.map(|error| places.locate(error));
        match file {
            Some(file) => errors.in_file(file.clone()),
            None => errors,
        }
    }

    /// What is right and hardly meant, in the texts of messages: no brand, too long for one message
    /// or for a call.
    pub fn hints(&self) -> Vec<String> {
        let of = |one: &ConfiguredProvider| {
            let (id, can) = (one.provider.id(), one.provider.capabilities());
            let message = one.message.as_deref();
            message.map(|text| hints::of_message(id.as_str(), text, &can.channels))
        };
        self.providers().iter().filter_map(of).flatten().collect()
    }

    /// The providers, in the order of the file, which is the order of preference without routes.
    pub fn providers(&self) -> &[ConfiguredProvider] {
        &self.providers
    }

    /// Who may send what; `None`: everybody everything.
    pub fn routes(&self) -> Option<&Routes> {
        self.routes.as_ref()
    }

    /// Where verifications live.
    pub fn store(&self) -> &StoreConfig {
        &self.store.config
    }

    /// The names of the server keys, the signing one first. None: a random key is made for each
    /// client, kept through its reloads, and gone with it.
    pub fn server_key_ids(&self) -> &[String] {
        &self.server_key_ids
    }

    /// The rules for every verification.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The gateway's section, which a client has no use for.
    pub fn server(&self) -> Option<&ServerConfig> {
        self.server.as_ref()
    }
}

impl ClientConfig for Config {
    type Error = ConfigErrors;

    fn client_builder(&self) -> Result<ClientBuilder, ConfigErrors> {
        let mut builder = OtpClient::builder()
            .policy(self.policy.clone())
            .open_store(self.store.name(), self.store.opener());
        if let Some(keys) = &self.server_keys {
            builder = builder.server_keys(keys.clone());
        }
        for configured in &self.providers {
            let provider = Arc::clone(&configured.provider);
            let fingerprint = configured.fingerprint.bytes();
            let resilience = configured.resilience.clone();
            builder = builder.provider_with(provider, resilience, Some(fingerprint));
        }
        if let Some(routes) = &self.routes {
            builder = builder.routes(routes.clone());
        }
        Ok(builder)
    }
}
