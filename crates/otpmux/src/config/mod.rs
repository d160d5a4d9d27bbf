//! The configuration: providers, routes, store, keys and policy, from files, code and variables.

mod audit;
mod builder;
mod document;
pub(crate) mod doors;
mod errors;
pub(crate) mod escalate;
pub(crate) mod events;
mod fingerprint;
mod hints;
pub(crate) mod messages;
mod open;
mod overrides;
mod places;
mod policy;
mod providers;
mod reading;
mod resilience;
pub(crate) mod routes;
mod secret_variables;
pub(crate) mod sections;
pub(crate) mod server;
pub(crate) mod server_keys;
pub(crate) mod store;
mod toml_text;
mod trees;
mod write;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use otpmux_core::settings::ConfigError;
use otpmux_engine::{
    ClientBuilder, EventSettings, Messages, OtpClient, Policy, Routes, ServerKeys,
};
use serde_json::Value;

pub use audit::AuditSettings;
pub use builder::ConfigBuilder;
pub use doors::{
    DoorsConfig, HookAnswers, HookCheck, HookDoor, HookFields, HookKind, TwilioDoor,
    VonageApplication, VonageDoor,
};
pub use errors::ConfigErrors;
pub use providers::ConfiguredProvider;
pub use server::{ApiKey, ApiKeySecret, Network, ServerConfig, TlsFiles};
pub use store::{
    Durability, MemorySettings, PostgresSettings, RedisSettings, SqliteSettings, StoreConfig,
    StoreServerSettings, StoreSettings,
};

pub use crate::environment::{Environment, NotUnicode};
pub use crate::registry::{Registry, UnknownKind};
pub use crate::schema::config_schema;
pub use crate::secret_ref::{SecretError, SecretRef};
pub use otpmux_core::settings;
pub use otpmux_engine::ClientConfig;

use document::Document;
use places::Places;
use reading::Reading;
use store::Store;

/// The top-level keys of a file, in the order in which a file is written, with the purpose of each.
pub(crate) const TOP: [(&str, &str); 13] = [
    (
        "providers",
        "The accounts at vendors, each under a name of your choice; without routes, the preferred one \
         first.",
    ),
    (
        "routes",
        "The rules that say which providers may send what; the first one that fits decides.",
    ),
    ("store", "Where verifications are stored."),
    (
        "server_keys",
        "The keys that protect verifications in their store: the first signs and encrypts, all verify. \
         Every store but the one in memory needs them.",
    ),
    ("policy", "The rules for every verification."),
    (
        "limits",
        "How many messages and guesses are allowed, in sliding windows that must all have room; [] \
         switches a limit off.",
    ),
    ("messages", "The texts of messages, for vendors that send the text they are given."),
    (
        "resilience",
        "How a provider is called: for every provider, or within the table of one provider for that one.",
    ),
    ("server", "The gateway."),
    (
        "audit",
        "The audit log: one line for each call, reload and admin call, with the recipient as a keyed hash.",
    ),
    ("doors", "APIs of other OTP systems that the gateway answers; an absent door is not mounted."),
    ("events", "The receivers of events: what happened to verifications, messages and providers."),
    ("allow_literal_secrets", "Allow secrets in plain text. For tests."),
];

/// A valid configuration: its secrets are looked up. It holds no live provider and no connection;
/// [`OtpClient::from_config`] builds them.
///
/// ```
/// # #[cfg(all(feature = "easyotp", feature = "startmessaging"))] {
/// use otpmux::{Config, OtpClient};
/// use otpmux::config::Environment;
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
/// # Ok::<(), otpmux::config::ConfigErrors>(())
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    providers: Vec<ConfiguredProvider>,
    routes: Option<Routes>,
    store: Store,
    server_keys: Option<ServerKeys>,
    server_key_ids: Vec<String>,
    policy: Policy,
    messages: Option<Messages>,
    /// Whether the file sets the countries whose numbers get messages.
    says_countries: bool,
    server: Option<ServerConfig>,
    doors: DoorsConfig,
    audit: Option<AuditSettings>,
    events: events::Events,
    source: Arc<Source>,
}

/// The source of a configuration, for mistakes that are found later.
#[derive(Default)]
struct Source {
    file: Option<String>,
    places: Places,
    toml: String,
}

impl fmt::Debug for Source {
    /// The text may hold personal addresses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Config {
    /// Returns a builder with layers: files, values set in code, and variables.
    pub fn builder() -> ConfigBuilder {
        ConfigBuilder::default()
    }

    /// Reads TOML text, with the adapters that are compiled in.
    ///
    /// # Errors
    ///
    /// Every mistake in the text; a text that is not TOML has exactly one.
    pub fn from_toml(text: &str, environment: &Environment) -> Result<Self, ConfigErrors> {
        Self::from_toml_with(text, environment, &Registry::with_compiled_in())
    }

    /// Reads TOML text, with the adapters of a registry.
    ///
    /// # Errors
    ///
    /// As [`from_toml`](Self::from_toml).
    pub fn from_toml_with(
        text: &str,
        environment: &Environment,
        registry: &Registry,
    ) -> Result<Self, ConfigErrors> {
        Self::read(Document::parse(text)?, None, environment, registry, Vec::new(), |_| Ok(()))
    }

    /// Reads a file, with the adapters that are compiled in and the environment of this process.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or every mistake in it.
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
        let builder = Self::builder().environment(environment.clone()).registry(registry.clone());
        builder.file(path)?.build()
    }

    fn read(
        mut document: Document,
        file: Option<String>,
        environment: &Environment,
        registry: &Registry,
        errors: Vec<ConfigError>,
        check: impl FnOnce(&Self) -> Result<(), ConfigErrors>,
    ) -> Result<Self, ConfigErrors> {
        let allow = document.root.get("allow_literal_secrets");
        let allow_literals = allow == Some(&Value::Bool(true));
        let directory = file.as_deref().and_then(|file| Path::new(file).parent());
        let directory = directory.map(Path::to_owned);
        let mut cx = Reading { environment, registry, allow_literals, directory, errors };
        if allow.is_some_and(|allow| !allow.is_boolean()) {
            cx.mistake("allow_literal_secrets", "must be true or false");
        }
        cx.unknown_keys("", &document.root, &TOP.map(|(key, _)| key));
        let overrides = overrides::apply(&mut document, &mut cx);
        let mut config = Self::assemble(&document, &mut cx);
        if let Err(further) = check(&config) {
            let further = further.apart_from(&cx.errors);
            cx.errors.extend(further);
        }
        let mut errors: Vec<_> =
            cx.errors.into_iter().map(|error| document.places.locate(error)).collect();
        overrides::name_sources(&mut errors, &overrides);
        if let Some(errors) = ConfigErrors::from_list(errors) {
            return Err(file.map_or(errors.clone(), |file| errors.in_file(file)));
        }
        let toml = write::text(&document, registry);
        config.source = Arc::new(Source { file, places: document.places, toml });
        Ok(config)
    }

    fn assemble(document: &Document, cx: &mut Reading<'_>) -> Self {
        let root = &document.root;
        let mut providers = providers::read(document, cx);
        let routes = routes::read(document, &providers, cx);
        let unread_routes = routes.is_none() && root.contains_key("routes");
        let store = store::read(root, cx);
        let (server_keys, server_key_ids) = server_keys::read(root, cx).unzip();
        let policy = policy::read(root, cx);
        if let Some(policy) = &policy {
            providers::check_policy(document, &providers, policy, cx);
            let routes = routes.as_ref().map_or(&[][..], Routes::as_slice);
            escalate::check_useful(routes, policy, &providers, cx);
        }
        let mut policy = policy.unwrap_or_default();
        policy.limits = policy::read_limits(root, cx);
        resilience::read(document, &mut providers, cx);
        let server = server::read(root, cx);
        let doors = doors::read(root, server.as_ref(), cx);
        let events = events::read(root, cx);
        let around = messages::Surroundings {
            providers: &providers,
            routes: routes.as_ref(),
            policy: &policy,
            server: server.as_ref(),
        };
        let messages = messages::read(document, &around, cx);
        Self {
            providers,
            routes,
            messages,
            store,
            server_keys,
            server_key_ids: server_key_ids.unwrap_or_default(),
            policy,
            // Routes that could not be read may name countries.
            says_countries: unread_routes
                || root.get("policy").is_some_and(|policy| policy.get("countries").is_some()),
            server,
            doors,
            audit: audit::read(root, cx),
            events,
            source: Arc::default(),
        }
    }

    /// Checks that the store's file can be opened, as far as possible without creating it. Does not
    /// call a server.
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

    /// Adds the file and the positions to mistakes that were found after the configuration was
    /// read, such as an API key that is too short.
    pub fn locate(&self, errors: ConfigErrors) -> ConfigErrors {
        let Source { file, places, .. } = &*self.source;
        let errors = errors.map(|error| places.locate(error));
        match file {
            Some(file) => errors.in_file(file.clone()),
            None => errors,
        }
    }

    /// Returns hints on message texts that are valid and probably not intended: without a brand, or
    /// too long for one message or for a call.
    pub fn hints(&self) -> Vec<String> {
        let own = self.messages.iter().flat_map(Messages::hints).cloned();
        let of = |one: &ConfiguredProvider| {
            let text = one.message()?;
            Some(hints::of_message(one.id.as_str(), text, &one.capabilities.channels))
        };
        own.chain(self.providers().iter().filter_map(of).flatten()).collect()
    }

    /// Returns the providers, in the order of the file, which is the order of preference without
    /// routes.
    pub fn providers(&self) -> &[ConfiguredProvider] {
        &self.providers
    }

    /// Returns the routes; `None` means that every provider may send everything.
    pub fn routes(&self) -> Option<&Routes> {
        self.routes.as_ref()
    }

    /// Returns the settings of the store.
    pub fn store(&self) -> &StoreConfig {
        &self.store.config
    }

    /// Returns the names of the server keys, the signing one first. If empty, each client creates a
    /// random key, keeps it through reloads, and drops it at its end.
    pub fn server_key_ids(&self) -> &[String] {
        &self.server_key_ids
    }

    /// Returns the keys that protect verifications in their store; `None` without `[[server_keys]]`.
    pub fn server_keys(&self) -> Option<&ServerKeys> {
        self.server_keys.as_ref()
    }

    /// Returns the rules for every verification.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Returns the texts of messages; `None` without the section `[messages]`.
    pub fn messages(&self) -> Option<&Messages> {
        self.messages.as_ref()
    }

    /// Returns the section of the gateway, which a client does not use.
    pub fn server(&self) -> Option<&ServerConfig> {
        self.server.as_ref()
    }

    /// Returns the settings of the audit log; `None` without the section `[audit]`.
    pub fn audit(&self) -> Option<&AuditSettings> {
        self.audit.as_ref()
    }

    /// Returns the endpoints that get events.
    pub fn event_settings(&self) -> &EventSettings {
        &self.events.settings
    }

    /// Returns where events are sent, which a client does not use:
    /// [`EventDeliverer`](crate::events::EventDeliverer) does.
    #[cfg(feature = "events")]
    #[cfg_attr(docsrs, doc(cfg(feature = "events")))]
    pub fn event_targets(&self) -> &crate::events::Targets {
        &self.events.targets
    }

    /// Returns the doors of the gateway, which a client does not use.
    pub fn doors(&self) -> &DoorsConfig {
        &self.doors
    }
}

impl ClientConfig for Config {
    type Error = ConfigErrors;

    fn client_builder(&self) -> Result<ClientBuilder, ConfigErrors> {
        let mut builder = OtpClient::builder()
            .policy(self.policy.clone())
            .events(self.events.settings.clone())
            .open_store(self.store.name(), self.store.opener());
        if let Some(messages) = &self.messages {
            builder = builder.messages(messages.clone());
        }
        if let Some(keys) = &self.server_keys {
            builder = builder.server_keys(keys.clone());
        }
        if let Some((name, open)) = self.audit.as_ref().and_then(AuditSettings::opener) {
            builder = builder.open_audit(name, open);
        }
        if let Some(url) = self.server.as_ref().and_then(ServerConfig::receipt_url) {
            builder = builder.receipt_url(url);
        }
        if self.doors.vonage.as_ref().is_some_and(|door| door.escalate) {
            builder = builder.request_steps(true);
        }
        let mut errors = Vec::new();
        for configured in &self.providers {
            match configured.build() {
                Ok(provider) => {
                    let fingerprint = configured.fingerprint.bytes();
                    let resilience = configured.resilience.clone();
                    builder = builder.provider_with(provider, resilience, Some(fingerprint));
                }
                Err(error) => errors.push(error),
            }
        }
        if let Some(errors) = ConfigErrors::from_list(errors) {
            return Err(self.locate(errors));
        }
        if let Some(routes) = &self.routes {
            builder = builder.routes(routes.clone());
        }
        Ok(builder)
    }
}
