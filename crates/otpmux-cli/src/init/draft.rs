//! The answers of which a configuration file is made.

use std::collections::BTreeMap;

use otpmux::config::settings::{
    Adapter, ConfigError, Setting, SettingKind, Settings, SettingsReader,
};
use otpmux::config::{Registry, SecretRef};
use otpmux::provider::{Capabilities, ProviderId};
use otpmux::{CountryCode, Secret};
use serde_json::{Map, Value};

use super::Args;

/// A mistake in the arguments or answers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mistake(pub(super) String);

/// The countries to which codes are sent.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Countries {
    Any,
    These(Vec<CountryCode>),
}

/// A provider of the file.
#[derive(Debug)]
pub(super) struct Provider {
    pub(super) name: String,
    pub(super) adapter: Adapter,
    /// The values by key. Secrets are references.
    pub(super) values: BTreeMap<&'static str, Value>,
    /// The keys whose values are examples of the declaration, to be replaced.
    pub(super) examples: Vec<&'static str>,
}

/// The content of the file.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) providers: Vec<Provider>,
    pub(super) countries: Countries,
    pub(super) store: String,
}

pub(super) const DEFAULT_STORE: &str = "sqlite:otpmux.db";

impl Draft {
    pub(super) fn of_flags(registry: &Registry, args: &Args) -> Result<Self, Mistake> {
        if args.providers.is_empty() {
            let kinds: Vec<_> = registry.kinds().collect();
            let what = format!(
                "name a provider: --provider KIND, or --provider NAME=KIND; the kinds are {}",
                kinds.join(", ")
            );
            return Err(Mistake(what));
        }
        let mut draft = Self {
            providers: Vec::new(),
            countries: countries(args.countries.as_deref().ok_or_else(|| {
                Mistake(
                    "name the countries to send to: --countries IN,US, or --countries any".into(),
                )
            })?)?,
            store: store(args.store.as_deref().unwrap_or(DEFAULT_STORE))?,
        };
        for provider in &args.providers {
            draft.add(registry, provider)?;
        }
        for value in &args.values {
            draft.set(value)?;
        }
        Ok(draft)
    }

    /// Adds a provider given as `KIND` or `NAME=KIND`.
    pub(super) fn add(&mut self, registry: &Registry, text: &str) -> Result<(), Mistake> {
        let (name, kind) = text.split_once('=').unwrap_or((text, text));
        let (name, kind) = (name.trim(), kind.trim());
        let adapter = *registry.adapter(kind).map_err(|error| Mistake(error.to_string()))?;
        ProviderId::new(name).map_err(|error| Mistake(format!("provider {name:?}: {error}")))?;
        if self.providers.iter().any(|provider| provider.name == name) {
            let what =
                format!("two providers are named {name}; name them, such as {name}-eu={kind}");
            return Err(Mistake(what));
        }
        let provider = Provider {
            name: name.to_owned(),
            adapter,
            values: BTreeMap::new(),
            examples: Vec::new(),
        };
        self.providers.push(provider);
        Ok(())
    }

    /// Sets a key given as `PROVIDER.KEY=VALUE`.
    fn set(&mut self, text: &str) -> Result<(), Mistake> {
        let parts = text.split_once('=').and_then(|(path, value)| {
            let (provider, key) = path.split_once('.')?;
            Some((provider, key, value))
        });
        let (name, key, value) =
            parts.ok_or_else(|| Mistake(format!("--set {text:?} is not PROVIDER.KEY=VALUE")))?;
        let provider = self.providers.iter_mut().find(|provider| provider.name == name);
        let provider = provider
            .ok_or_else(|| Mistake(format!("--set {name}.{key}: no provider is named {name}")))?;
        provider.set(key, value)
    }

    /// Gives every key a value that its adapter cannot do without: references for secrets, the
    /// example of the declaration otherwise.
    pub(super) fn completed(mut self) -> Result<Self, Mistake> {
        for provider in &mut self.providers {
            provider.complete()?;
        }
        Ok(self)
    }

    /// Returns the environment variables of the file, each with what it must hold.
    pub(super) fn variables(&self) -> BTreeMap<String, String> {
        let mut variables = BTreeMap::new();
        for provider in &self.providers {
            for (key, value) in &provider.values {
                let name = value.as_str().and_then(|text| text.strip_prefix("env:"));
                if let (Some(name), Some(setting)) = (name, provider.setting(key)) {
                    let hint = first_sentence(setting.doc).to_owned();
                    variables.entry(name.to_owned()).or_insert(hint);
                }
            }
        }
        if let Some(name) = self.store.strip_prefix("env:") {
            variables.insert(name.to_owned(), "redis://:PASSWORD@HOST:6379".to_owned());
        }
        variables.insert(SERVER_KEY.to_owned(), "openssl rand -base64 32".to_owned());
        variables.insert(API_KEY.to_owned(), "openssl rand -hex 32".to_owned());
        variables
    }

    /// Returns the values that are examples, by path.
    pub(super) fn examples(&self) -> BTreeMap<String, Value> {
        let examples = self.providers.iter().flat_map(|provider| {
            provider.examples.iter().filter_map(|key| {
                let path = format!("providers.{}.{key}", provider.name);
                Some((path, provider.values.get(key)?.clone()))
            })
        });
        let app = self.needs_message().then(|| ("messages.app".to_owned(), APP.into()));
        examples.chain(app).collect()
    }

    /// Whether a vendor sends texts that otpmux writes, and which name the service.
    pub(super) fn needs_message(&self) -> bool {
        self.providers.iter().any(Provider::needs_message)
    }
}

/// The name of the service, to be replaced.
pub(super) const APP: &str = "Acme";

/// Takes the place of a secret while a draft is checked. It has the form of a secret of Standard
/// Webhooks, which some vendors check.
const STAND_IN: &str = "whsec_c3RhbmQtaW4gZm9yIGEgc2VjcmV0ISE=";

/// The variables of the file's own secrets.
pub(super) const SERVER_KEY: &str = "OTPMUX_SERVER_KEY";
pub(super) const API_KEY: &str = "OTPMUX_API_KEY";

impl Provider {
    pub(super) fn settings(&self) -> impl Iterator<Item = &'static Setting> + use<> {
        self.adapter.settings.iter().copied().flatten()
    }

    fn setting(&self, key: &str) -> Option<&'static Setting> {
        self.settings().find(|setting| setting.name == key)
    }

    /// Sets a key from text.
    pub(super) fn set(&mut self, key: &str, text: &str) -> Result<(), Mistake> {
        let path = format!("providers.{}.{key}", self.name);
        let Some(setting) = self.setting(key) else {
            let mut known: Vec<_> = self.settings().map(|setting| setting.name).collect();
            known.sort_unstable();
            let known = known.join(", ");
            return Err(Mistake(format!("{path}: unknown key; the keys are {known}")));
        };
        if setting.kind == SettingKind::Secret && SecretRef::parse(text, false).is_err() {
            let what = format!(
                "{path}: a file holds no secret; give a reference, such as env:{}",
                self.variable(key)
            );
            return Err(Mistake(what));
        }
        // Texts need no quotes on a command line; other values are as in a file.
        let value = match setting.kind {
            SettingKind::Text
            | SettingKind::Secret
            | SettingKind::Choice(_)
            | SettingKind::Duration(_) => Value::from(text),
            _ => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)),
        };
        self.values.insert(setting.name, value);
        match self.read() {
            Err(errors) => match errors.iter().find(|error| error.path() == path) {
                Some(error) => Err(Mistake(error.to_string())),
                // Another key is missing, which the draft fills in when it is complete.
                None => Ok(()),
            },
            Ok(_) => Ok(()),
        }
    }

    fn complete(&mut self) -> Result<(), Mistake> {
        for setting in self.settings().filter(|setting| setting.required) {
            if setting.kind == SettingKind::Tree {
                let what = format!(
                    "providers.{}.{}: init does not write a definition; begin one with \
                     `otpmux vendor new {}`",
                    self.name, setting.name, self.name
                );
                return Err(Mistake(what));
            }
            if !self.values.contains_key(setting.name) {
                self.fill(setting);
            }
        }
        // An adapter may need one of several keys, which no declaration says.
        for _ in 0..self.settings().count() {
            let Err(error) = self.describe() else { return Ok(()) };
            let key = error.path().rsplit('.').next().unwrap_or_default();
            let absent =
                self.setting(key).filter(|setting| !self.values.contains_key(setting.name));
            match absent {
                Some(setting) => self.fill(setting),
                // The stand-in of a secret may be one that the adapter rejects.
                None if self.setting(key).is_some_and(|it| it.kind == SettingKind::Secret) => {
                    return Ok(());
                }
                None => return Err(Mistake(error.to_string())),
            }
        }
        Ok(())
    }

    fn fill(&mut self, setting: &'static Setting) {
        let value = if setting.kind == SettingKind::Secret {
            format!("env:{}", self.variable(setting.name)).into()
        } else {
            let Some(example) = setting.example else { return };
            self.examples.push(setting.name);
            example()
        };
        self.values.insert(setting.name, value);
    }

    /// Returns the name of the variable for a secret: `PRIMARY_API_KEY`.
    fn variable(&self, key: &str) -> String {
        let name = format!("{}_{key}", self.name).to_ascii_uppercase();
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
    }

    /// Whether the vendor sends texts that otpmux writes.
    pub(super) fn needs_message(&self) -> bool {
        self.describe().is_ok_and(|capabilities| capabilities.needs_message)
    }

    fn describe(&self) -> Result<Capabilities, ConfigError> {
        let path = format!("providers.{}", self.name);
        let settings = self.read().map_err(|errors| {
            let first = errors.into_iter().next();
            first.unwrap_or_else(|| ConfigError::new(&path, "unreadable"))
        })?;
        let id = ProviderId::new(&self.name);
        let id = id.map_err(|error| ConfigError::new(&path, error.to_string()))?;
        let described = self.adapter.describe(&id, &settings);
        described.map_err(|errors| {
            let first = errors.into_iter().next();
            first.unwrap_or_else(|| ConfigError::new(&path, "unreadable"))
        })
    }

    /// Reads the values as a file would be read, with stand-ins for secrets.
    fn read(&self) -> Result<Settings, Vec<ConfigError>> {
        let table: Map<String, Value> =
            self.values.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let stand_in = |_: &str| Ok(Secret::new(STAND_IN));
        let reader = SettingsReader::new(&stand_in);
        reader.read(&format!("providers.{}", self.name), self.adapter.settings, &table)
    }
}

/// Returns the first sentence of a declaration's documentation.
pub(super) fn first_sentence(doc: &str) -> &str {
    doc.split_once(". ").map_or(doc.trim_end_matches('.'), |(first, _)| first)
}

pub(super) fn countries(text: &str) -> Result<Countries, Mistake> {
    if text.trim() == "any" {
        return Ok(Countries::Any);
    }
    let codes = text.split(',').map(|code| {
        let code = code.trim().to_ascii_uppercase();
        code.parse::<CountryCode>()
            .map_err(|error| Mistake(format!("countries: {code:?} is {error}")))
    });
    codes.collect::<Result<_, _>>().map(Countries::These)
}

pub(super) fn store(text: &str) -> Result<String, Mistake> {
    let text = text.trim();
    let fits = text == "memory" || SecretRef::parse(text, false).is_ok();
    match text.split_once(':') {
        _ if fits => Ok(text.to_owned()),
        Some(("sqlite", path)) if !path.is_empty() => Ok(text.to_owned()),
        Some(("redis" | "rediss" | "postgres" | "postgresql", _)) => Err(Mistake(
            "the URL of a server may hold its password; put it into a variable: \
             env:OTPMUX_STORE_URL"
                .to_owned(),
        )),
        _ => Err(Mistake(format!("{text:?} is no store; use memory, sqlite:PATH or env:NAME"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_and_stores_are_read() {
        let these = |codes: &[&str]| {
            Ok(Countries::These(codes.iter().map(|code| code.parse().unwrap()).collect()))
        };
        assert_eq!(countries("any"), Ok(Countries::Any));
        assert_eq!(countries("in, US"), these(&["IN", "US"]));
        assert!(countries("XX").unwrap_err().0.contains("XX"));
        for (text, good) in [
            ("memory", true),
            ("sqlite:a.db", true),
            ("env:REDIS", true),
            ("sqlite:", false),
            ("redis://:password@host", false),
            ("mysql:", false),
        ] {
            assert_eq!(store(text).is_ok(), good, "{text}");
        }
        assert!(!store("redis://:swordfish@host").unwrap_err().0.contains("swordfish"));
    }
}
