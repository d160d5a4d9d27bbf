use std::io;
use std::path::Path;

use otpmux_core::settings::{ConfigError, Section, VendorSettings};
use otpmux_core::{ProviderId, Secret};
use otpmux_engine::{MessageSettings, Policy, Resilience, Route};
use serde_json::{Map, Value, json};

use super::document::Document;
use super::escalate;
use super::messages;
use super::secret_variables::SecretVariables;
use super::store::{StoreSettings, is_secret};
use super::{AuditSettings, Config, ConfigErrors, DoorsConfig, ServerConfig};
use crate::config::{Environment, Registry};

/// Builds a configuration from layers: files, then values set in code, then `OTPMUX_...` variables.
/// A later layer replaces the values of an earlier one, key by key.
///
/// ```
/// # #[cfg(all(feature = "easyotp", feature = "startmessaging"))] {
/// use otpmux::vendors::easyotp::EasyOtp;
/// use otpmux::{Config, OtpClient, Policy, Route};
/// use otpmux::config::Environment;
///
/// let config = Config::builder()
///     .provider("primary", &EasyOtp::builder("made-up").message("Your Acme code is {code}"))
///     .set("providers.backup.kind", "startmessaging")
///     .set("providers.backup.api_key", "env:SM_KEY")
///     .route(&Route::to(["primary".parse()?, "backup".parse()?]).countries(["IN".to_owned()]))
///     .policy(&Policy::default().max_guesses(3))
///     .environment(Environment::new().with("SM_KEY", "made-up"))
///     .build()?;
/// let client = OtpClient::from_config(&config)?;
/// # let _ = client;
/// // The secret given in code is written as a reference to a variable.
/// assert!(config.to_toml().contains(r#"api_key = "env:PRIMARY_API_KEY""#));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Secrets may be given as plain text or as references (`env:NAME`, `file:PATH`). A configuration
/// keeps references only: for a secret in plain text, the builder adds a variable to its
/// [`Environment`], such as `PRIMARY_API_KEY` for `providers.primary.api_key`.
#[derive(Clone, Debug)]
#[must_use]
pub struct ConfigBuilder {
    document: Document,
    file: Option<String>,
    environment: Environment,
    given: Environment,
    variables: SecretVariables,
    registry: Registry,
    errors: Vec<ConfigError>,
}

impl Default for ConfigBuilder {
    /// Returns a builder without layers and variables, with the adapters that are compiled in.
    fn default() -> Self {
        Self {
            document: Document::default(),
            file: None,
            environment: Environment::new(),
            given: Environment::new(),
            variables: SecretVariables::default(),
            registry: Registry::with_compiled_in(),
            errors: Vec::new(),
        }
    }
}

impl ConfigBuilder {
    /// Adds a layer from TOML text.
    ///
    /// # Errors
    ///
    /// The text is not TOML.
    pub fn toml(mut self, text: &str) -> Result<Self, ConfigErrors> {
        self.document.add(Document::parse(text)?);
        Ok(self)
    }

    /// Adds a layer from a TOML file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not TOML.
    pub fn file(mut self, path: impl AsRef<Path>) -> Result<Self, ConfigErrors> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigErrors::unreadable_file(&name, unreadable(path, &error)))?;
        self = self.toml(&text).map_err(|errors| errors.in_file(name.clone()))?;
        self.file = Some(name);
        Ok(self)
    }

    /// Sets the variables: those that references name, and `OTPMUX_...` overrides. Default: none;
    /// [`Environment::from_process`] returns those of the process.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Sets the adapters. Default: those that are compiled in.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Sets a provider, in place of an earlier one of this name. The order in which providers are
    /// first added is the order of preference without routes.
    pub fn provider<V: VendorSettings>(mut self, name: &str, settings: &V) -> Self {
        let mut table = settings.changed();
        table.insert("kind".to_owned(), V::KIND.into());
        for (key, secret) in settings.secrets() {
            let reference = self.reference(&format!("{name}_{key}"), &secret);
            table.insert(key.to_owned(), reference);
        }
        self.put(&["providers", name], table)
    }

    /// Sets the resilience of one provider, in place of the common settings.
    pub fn provider_resilience(self, name: &str, resilience: &Resilience) -> Self {
        self.put(&["providers", name, "resilience"], resilience.changed())
    }

    /// Adds a route after the earlier ones.
    pub fn route(mut self, route: &Route) -> Self {
        let mut table = route.changed();
        let names = route.providers.iter().map(ProviderId::as_str);
        let providers = if route.weights.is_empty() {
            names.clone().collect()
        } else {
            let mut weights = Map::new();
            for (name, weight) in names.clone().zip(&route.weights) {
                weights.insert(name.to_owned(), json!(weight));
            }
            weights.into()
        };
        table.insert("providers".to_owned(), providers);
        if !route.escalate.is_empty() {
            let steps: Value = route.escalate.iter().map(escalate::table).collect();
            table.insert("escalate".to_owned(), steps);
        }
        self.document.weighted.push(names.map(str::to_owned).collect());
        self.push("routes", table);
        self
    }

    /// Sets the rules for every verification, `[policy]` and `[limits]`, in place of earlier ones.
    pub fn policy(self, policy: &Policy) -> Self {
        self.put(&["policy"], policy.changed()).put(&["limits"], policy.limits.changed())
    }

    /// Sets the resilience of every provider, `[resilience]`, in place of earlier settings.
    pub fn resilience(self, resilience: &Resilience) -> Self {
        self.put(&["resilience"], resilience.changed())
    }

    /// Sets the texts of messages, in place of earlier ones. The brands that callers may choose are
    /// those of the gateway's API keys.
    pub fn messages(self, settings: &MessageSettings) -> Self {
        self.put(&["messages"], messages::table(settings))
    }

    /// Sets the store, in place of an earlier one.
    pub fn store(mut self, store: &StoreSettings) -> Self {
        let mut table = store.changed();
        if is_secret(&store.url) {
            let reference = self.reference("store_url", &Secret::new(&*store.url));
            table.insert("url".to_owned(), reference);
        }
        self.put(&["store"], table)
    }

    /// Adds a key that protects verifications in the store, after the earlier ones: the first key
    /// signs and encrypts, all of them verify.
    pub fn server_key(mut self, id: &str, key: impl Into<Secret>) -> Self {
        let key = self.reference(&format!("server_key_{id}"), &key.into());
        let table = Map::from_iter([("id".to_owned(), id.into()), ("key".to_owned(), key)]);
        self.push("server_keys", table);
        self
    }

    /// Sets the gateway, in place of an earlier one.
    pub fn server(mut self, server: &ServerConfig) -> Self {
        let mut table = server.changed();
        let keys: Vec<Value> = server.api_keys.iter().map(|key| key.table(&mut self)).collect();
        if !keys.is_empty() {
            table.insert("api_keys".to_owned(), keys.into());
        }
        self.put(&["server"], table)
    }

    /// Sets the audit log, in place of an earlier one.
    pub fn audit(self, audit: &AuditSettings) -> Self {
        self.put(&["audit"], audit.changed())
    }

    /// Sets the doors of the gateway, in place of earlier ones.
    pub fn doors(self, doors: &DoorsConfig) -> Self {
        self.put(&["doors"], doors.table())
    }

    /// Sets one value by its path, such as `policy.deadline`, in the form of a file. A secret must
    /// be a reference. Providers and weights have the order of `value`: that of the alphabet, unless
    /// `serde_json` is built to keep another.
    pub fn set(mut self, path: &str, value: impl Into<Value>) -> Self {
        if path.split('.').any(str::is_empty) {
            self.errors.push(ConfigError::new(path, "is not a path of a key"));
            return self;
        }
        self.put(&path.split('.').collect::<Vec<_>>(), value.into())
    }

    /// Reads all layers. Looks secrets up; opens no connection and builds no provider.
    ///
    /// # Errors
    ///
    /// Every mistake in all layers.
    pub fn build(self) -> Result<Config, ConfigErrors> {
        self.build_checked(|_| Ok(()))
    }

    /// As [`build`](Self::build), for a program that needs more than a client does, such as a gateway: the
    /// mistakes that `check` finds are reported together with all others. If there are others, the
    /// configuration that `check` gets lacks what could not be read; a mistake that may follow from that
    /// is left out.
    ///
    /// # Errors
    ///
    /// Every mistake in all layers, and those of `check`.
    pub fn build_checked(
        self,
        check: impl FnOnce(&Config) -> Result<(), ConfigErrors>,
    ) -> Result<Config, ConfigErrors> {
        let Self { document, file, environment, given, registry, errors, .. } = self;
        Config::read(document, file, &environment.and(given), &registry, errors, check)
    }

    /// Returns a reference to a secret. A secret in plain text becomes a variable of this name.
    fn reference(&mut self, name: &str, secret: &Secret) -> Value {
        let text = secret.expose();
        if is_reference(text) {
            return text.into();
        }
        let variable = self.variables.of(name);
        self.given = std::mem::take(&mut self.given).with(&variable, text);
        format!("env:{variable}").into()
    }

    pub(super) fn mistake(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.errors.push(ConfigError::new(path, message));
    }

    fn put(mut self, path: &[&str], value: impl Into<Value>) -> Self {
        if let Err(error) = self.document.put(path, value.into()) {
            self.errors.push(error);
        }
        self
    }

    fn push(&mut self, list: &str, table: Map<String, Value>) {
        if let Value::Array(tables) = self.document.root.entry(list).or_insert_with(|| json!([])) {
            tables.push(table.into());
        } else {
            self.mistake(list, "an earlier layer has another value than a list here");
        }
    }
}

/// Says why a file cannot be read, and what to do about one that does not exist.
fn unreadable(path: &Path, error: &io::Error) -> String {
    if error.kind() != io::ErrorKind::NotFound {
        return format!("cannot be read: {error}");
    }
    let here = match std::env::current_dir() {
        Ok(here) if path.is_relative() => {
            format!("it is looked for in the working directory, {}; ", here.display())
        }
        _ => String::new(),
    };
    format!("cannot be read: {error}; {here}`otpmux init` writes a first one")
}

/// Returns whether a text is a reference to a secret.
pub(super) fn is_reference(text: &str) -> bool {
    text.starts_with("env:") || text.starts_with("file:")
}
