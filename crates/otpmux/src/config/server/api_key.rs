//! `[[server.api_keys]]`

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use otpmux_core::settings::{ConfigError, Setting, Settings, read_list};
use otpmux_core::{Purpose, RateLimit};
use otpmux_engine::Scope;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::Reading;
use crate::{Environment, SecretRef};

const COUNT: RangeInclusive<u32> = 1..=1_000_000;
const PER: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(24);
/// A key shorter than this one can be found by trying.
const SHORTEST: usize = 16;

pub(crate) const SETTINGS: &[Setting] = &[
    Setting::text("name", "Whose key it is, for logs and metrics.").required(),
    Setting::secret("key", "The key; or else `key_sha256`. At least 16 characters."),
    Setting::text("key_sha256", "The SHA-256 of the key, in 64 hex digits."),
    Setting::secret("old_key", "A key that is taken too, until everybody has the new one."),
    Setting::text("old_key_sha256", "The SHA-256 of such a key."),
    Setting::limits(
        "requests",
        COUNT,
        PER,
        4,
        "How many requests it may make of each process. Default [\"1000/1s\"].",
    ),
    Setting::list(
        "purposes",
        "The purposes that it may use. Verifications of others do not exist to it. Default all.",
    ),
    Setting::flag("admin", "Whether it may reload the configuration. Default false."),
];

/// One key to the gateway.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApiKey {
    /// Whose key it is.
    pub name: String,
    /// The key.
    pub secret: ApiKeySecret,
    /// A key that is taken too, until everybody has the new one.
    pub old_secret: Option<ApiKeySecret>,
    /// How many requests it may make of each process.
    pub requests: Vec<RateLimit>,
    /// The purposes that it may use.
    pub scope: Scope,
    /// Whether it may reload the configuration.
    pub admin: bool,
}

/// A key to the gateway, or what it is recognised by.
#[derive(Clone)]
#[non_exhaustive]
pub enum ApiKeySecret {
    /// Where the key is.
    Reference(SecretRef),
    /// The SHA-256 of the key.
    Sha256([u8; 32]),
}

impl ApiKey {
    /// A key that may do everything but administer.
    pub fn new(name: impl Into<String>, secret: ApiKeySecret) -> Self {
        Self {
            name: name.into(),
            secret,
            old_secret: None,
            requests: vec![RateLimit::new(1000, Duration::from_secs(1))],
            scope: Scope::everything(),
            admin: false,
        }
    }

    /// Looks its secrets up: the hash of the key, and that of the old one.
    ///
    /// # Errors
    ///
    /// What could not be looked up, or is too short, at `path`.
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
    /// What recognises this key.
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
    let settings = cx.unresolved(path, &[SETTINGS], table)?;
    let mut errors = Vec::new();
    let mut secret = |name: &str, hash: &str| {
        secret(path, &settings, name, hash, cx.allow_literals).map_err(|error| errors.push(error))
    };
    let key = secret("key", "key_sha256");
    let old = secret("old_key", "old_key_sha256");
    if matches!(key, Ok(None)) {
        errors.push(ConfigError::new(path, "needs exactly one of `key` and `key_sha256`"));
    }
    let scope = scope(path, &settings).map_err(|wrong| errors.extend(wrong));
    if !errors.is_empty() {
        cx.errors.extend(errors);
        return None;
    }
    let mut api_key = ApiKey::new(settings.text("name")?, key.ok()??);
    api_key.old_secret = old.ok()?;
    api_key.scope = scope.ok()?;
    api_key.admin = settings.flag("admin").unwrap_or(false);
    if let Some(requests) = settings.limits("requests") {
        api_key.requests = requests.to_vec();
    }
    Some(api_key)
}

fn secret(
    path: &str,
    settings: &Settings,
    name: &str,
    hash: &str,
    allow_literals: bool,
) -> Result<Option<ApiKeySecret>, ConfigError> {
    match (settings.secret(name), settings.text(hash)) {
        (Some(reference), None) => SecretRef::parse(reference.expose(), allow_literals)
            .map(|reference| Some(ApiKeySecret::Reference(reference)))
            .map_err(|error| ConfigError::new(format!("{path}.{name}"), error.to_string())),
        (None, Some(hex)) => {
            let message = "must be 64 hex digits; make them with `printf %s \"$KEY\" | sha256sum`";
            let error = || ConfigError::new(format!("{path}.{hash}"), message);
            sha256(hex).map(|hash| Some(ApiKeySecret::Sha256(hash))).ok_or_else(error)
        }
        (None, None) => Ok(None),
        (Some(_), Some(_)) => {
            Err(ConfigError::new(path, format!("needs exactly one of `{name}` and `{hash}`")))
        }
    }
}

fn scope(path: &str, settings: &Settings) -> Result<Scope, Vec<ConfigError>> {
    let Some(list) = settings.list("purposes") else { return Ok(Scope::everything()) };
    let list: Vec<_> = list.iter().map(|text| Value::from(text.as_str())).collect();
    let purpose = |text: &str| Purpose::new(text).map_err(|error| error.to_string());
    read_list(&format!("{path}.purposes"), &list, purpose).map(Scope::of)
}

fn sha256(hex: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> =
        hex.chars().map(|c| c.to_digit(16).and_then(|digit| digit.try_into().ok())).collect();
    let bytes: Vec<u8> =
        digits?.chunks(2).filter_map(|pair| Some(pair.first()? << 4 | pair.get(1)?)).collect();
    (hex.len() == 64).then(|| bytes.try_into().ok())?
}
