//! `[[server.api_keys]]`

use std::fmt;
use std::time::Duration;

use otpmux_core::settings::{ConfigError, Section as _, parses};
use otpmux_core::{Purpose, RateLimit, Secret};
use otpmux_engine::Scope;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::Reading;
use crate::config::ConfigBuilder;
use crate::config::{Environment, SecretRef};

/// A shorter key can be found by brute force.
const SHORTEST: usize = 16;

otpmux_core::settings! {
    /// A key to the gateway as a file has it.
    #[derive(Clone, Debug)]
    pub(crate) struct ApiKeySettings {
        /// The name of the key's owner, for logs and metrics. One tenant has one name.
        pub name: Option<String> = None, text().required(), example "web";
        /// The key, at least 16 characters. Exactly one of `key` and `key_sha256` is needed.
        pub key: Option<Secret> = None, secret(), example "env:OTPMUX_API_KEY";
        /// The SHA-256 of the key, in 64 hex digits, in place of `key`.
        pub key_sha256: Option<String> = None, text().check(check_sha256),
            example "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
        /// A key that is accepted as well, until every client has the new one.
        pub old_key: Option<Secret> = None, secret(), example "env:OTPMUX_OLD_API_KEY";
        /// The SHA-256 of such a key.
        pub old_key_sha256: Option<String> = None, text().check(check_sha256),
            example "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752";
        /// The requests that the key may make of each process.
        pub requests: Vec<RateLimit> = vec![RateLimit::new(1000, Duration::from_secs(1))],
            limits(1..=1_000_000, Duration::from_secs(1)..=Duration::from_hours(24), 4),
            example ["50/1s"];
        /// The purposes that the key may use. Verifications of other purposes do not exist for it.
        /// Absent: all purposes.
        pub purposes: Option<Vec<Purpose>> = None, list().check(parses::<Purpose>),
            example ["login", "signup"];
        /// The names of the service that the key may give as `brand`, in place of `app` under
        /// [messages]. Absent: none.
        pub brands: Option<Vec<String>> = None, list().check(check_brand),
            example ["Acme", "Acme Pay"];
        /// Whether the key may give the text of a message, in place of the configured one.
        pub free_text: bool = false, flag(), example true;
        /// Whether the key may reload the configuration and see the providers with their rates of the
        /// last hour.
        pub admin: bool = false, flag(), example true;
    }
}

/// An API key of the gateway.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApiKey {
    /// The owner of the key.
    pub name: String,
    /// The key.
    pub secret: ApiKeySecret,
    /// The former key, accepted until every client has the new one.
    pub old_secret: Option<ApiKeySecret>,
    /// The limits on requests of each process.
    pub requests: Vec<RateLimit>,
    /// The purposes that the key may use.
    pub scope: Scope,
    /// The names of the service that the key may choose; `None` means none but the configured one.
    pub brands: Option<Vec<String>>,
    /// Whether the key may give the text of a message.
    pub free_text: bool,
    /// Whether the key may reload the configuration and see the providers.
    pub admin: bool,
}

/// An API key, by reference or by its hash.
#[derive(Clone)]
#[non_exhaustive]
pub enum ApiKeySecret {
    /// The reference to the key.
    Reference(SecretRef),
    /// The SHA-256 of the key.
    Sha256([u8; 32]),
}

impl ApiKey {
    /// Creates a key with every right except administration.
    pub fn new(name: impl Into<String>, secret: ApiKeySecret) -> Self {
        Self {
            name: name.into(),
            secret,
            old_secret: None,
            requests: ApiKeySettings::default().requests,
            scope: Scope::all(),
            brands: None,
            free_text: false,
            admin: false,
        }
    }

    /// Returns the key in the form of a file.
    pub(in crate::config) fn table(&self, builder: &mut ConfigBuilder) -> Value {
        let mut settings = ApiKeySettings::default().name(&*self.name).admin(self.admin);
        settings.requests.clone_from(&self.requests);
        settings.purposes = self.scope.purposes().map(|purposes| purposes.cloned().collect());
        settings.brands.clone_from(&self.brands);
        settings.free_text = self.free_text;
        let mut table = settings.changed();
        for (name, secret) in [("key", Some(&self.secret)), ("old_key", self.old_secret.as_ref())] {
            let Some(secret) = secret else { continue };
            if let ApiKeySecret::Reference(reference) = secret
                && let Some(text) = reference.text()
            {
                table.insert(name.to_owned(), text.into());
                continue;
            }
            // The file recognises a key in plain text by its hash.
            match secret.sha256(&Environment::new()) {
                Ok(hash) => {
                    table.insert(
                        format!("{name}_sha256"),
                        base16ct::lower::encode_string(&hash).into(),
                    );
                }
                Err(message) => {
                    builder.mistake(format!("server.api_keys.{}.{name}", self.name), message);
                }
            }
        }
        table.into()
    }

    /// Returns the hash of the key and that of the old one, after looking the secrets up.
    ///
    /// # Errors
    ///
    /// A secret that cannot be looked up, or is too short, at `path`.
    pub fn hashes(
        &self,
        path: &str,
        environment: &Environment,
    ) -> Result<Vec<[u8; 32]>, Vec<ConfigError>> {
        let (mut hashes, mut errors) = (Vec::with_capacity(2), Vec::new());
        let secrets = [("key", Some(&self.secret)), ("old_key", self.old_secret.as_ref())];
        for (name, secret) in secrets {
            match secret.map(|secret| secret.sha256(environment)) {
                Some(Ok(hash)) => hashes.push(hash),
                Some(Err(message)) => {
                    errors.push(ConfigError::new(format!("{path}.{name}"), message));
                }
                None => {}
            }
        }
        if errors.is_empty() { Ok(hashes) } else { Err(errors) }
    }
}

impl ApiKeySecret {
    /// Returns the hash of a key.
    pub fn of_key(key: &str) -> Self {
        Self::Sha256(Sha256::digest(key).into())
    }

    fn sha256(&self, environment: &Environment) -> Result<[u8; 32], String> {
        match self {
            Self::Sha256(hash) => Ok(*hash),
            Self::Reference(reference) => {
                let key = reference.resolve(environment).map_err(|error| error.to_string())?;
                if key.expose().len() < SHORTEST {
                    return Err(format!(
                        "the key is shorter than {SHORTEST} characters; make one with `openssl \
                         rand -hex 32`"
                    ));
                }
                if let Some(at) = key.expose().chars().position(|c| !c.is_ascii()) {
                    return Err(format!(
                        "the key's character {} is not ASCII, so that clients cannot present it in \
                         a header",
                        at + 1
                    ));
                }
                Ok(Sha256::digest(key.expose()).into())
            }
        }
    }
}

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reference(reference) => reference.fmt(f),
            // A key that people chose can be found from its hash.
            Self::Sha256(_) => f.write_str("sha256:•••"),
        }
    }
}

pub(super) fn read(list: Option<&Value>, cx: &mut Reading<'_>) -> Vec<ApiKey> {
    let tables = cx.tables("server.api_keys", list).unwrap_or_default();
    let mut keys: Vec<ApiKey> = Vec::with_capacity(tables.len());
    for (path, table) in tables {
        let Some(key) = api_key(&path, table, cx) else { continue };
        if keys.iter().any(|other| other.name == key.name) {
            let message = "another key has this name already; to change a key, name the one that \
                           goes as `old_key`";
            cx.mistake(format!("{path}.name"), message);
        }
        keys.push(key);
    }
    keys
}

fn api_key(path: &str, table: &Map<String, Value>, cx: &mut Reading<'_>) -> Option<ApiKey> {
    let settings = cx.unresolved(path, ApiKeySettings::KEYS, table)?;
    let mut read = ApiKeySettings::default();
    read.apply(&settings);
    let mut secret = |key: Option<Secret>, hash: Option<String>, name: &str| {
        if key.is_some() && hash.is_some() || name == "key" && key.is_none() && hash.is_none() {
            let message = format!("needs exactly one of `{name}` and `{name}_sha256`");
            cx.mistake(path, message);
            return None;
        }
        let hash = hash.and_then(|hex| sha256(&hex)).map(ApiKeySecret::Sha256);
        // A text that is not a reference was reported already.
        let reference = key.and_then(|key| SecretRef::parse(key.expose(), cx.allow_literals).ok());
        hash.or(reference.map(ApiKeySecret::Reference))
    };
    let key = secret(read.key, read.key_sha256, "key");
    let old_secret = secret(read.old_key, read.old_key_sha256, "old_key");
    let mut api_key = ApiKey::new(read.name?, key?);
    api_key.old_secret = old_secret;
    api_key.scope = read.purposes.map_or_else(Scope::all, Scope::of);
    api_key.brands = read.brands;
    api_key.free_text = read.free_text;
    api_key.admin = read.admin;
    api_key.requests = read.requests;
    Some(api_key)
}

/// A brand is checked like `app`, when the texts are.
fn check_brand(brand: &str) -> Result<(), String> {
    otpmux_engine::check_brand(brand)
}

fn check_sha256(hex: &str) -> Result<(), String> {
    let message = "must be 64 hex digits; make them with `printf %s \"$KEY\" | sha256sum`";
    sha256(hex).map(drop).ok_or_else(|| message.to_owned())
}

fn sha256(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let decoded = base16ct::mixed::decode(hex, &mut bytes).ok()?;
    (decoded.len() == 32).then_some(bytes)
}
