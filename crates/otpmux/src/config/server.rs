//! `[server]`: the gateway's own section. A client has no use for it, so only its form is checked
//! and its secrets are not looked up.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};

use otpmux_core::settings::{Setting, Settings};
use serde_json::{Map, Value};

use super::reading::Reading;
use crate::SecretRef;

pub(crate) const SETTINGS: &[Setting] = &[Setting::text(
    "listen",
    "The address and port that the gateway listens on. Default 127.0.0.1:8080.",
)];

pub(crate) const API_KEY_SETTINGS: &[Setting] = &[
    Setting::text("name", "Whose key it is, for logs.").required(),
    Setting::secret("key", "The key; or else `key_sha256`."),
    Setting::text("key_sha256", "The SHA-256 of the key, in 64 hex digits."),
];

/// What the gateway needs to know.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Who may call it.
    pub api_keys: Vec<ApiKey>,
}

/// One key to the gateway.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApiKey {
    /// Whose key it is.
    pub name: String,
    /// The key.
    pub secret: ApiKeySecret,
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

impl fmt::Debug for ApiKeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reference(reference) => reference.fmt(f),
            // A key that people chose can be found from its hash.
            Self::Sha256(_) => f.write_str("sha256:•••"),
        }
    }
}

pub(super) fn read(root: &Map<String, Value>, cx: &mut Reading<'_>) -> Option<ServerConfig> {
    let table = cx.table(root, "server")?;
    cx.unknown_keys("server", table, &["listen", "api_keys"]);
    let mut own = table.clone();
    own.retain(|key, _| key == "listen");
    let listen =
        cx.unresolved("server", &[SETTINGS], &own).and_then(|settings| listen(&settings, cx));
    let api_keys = cx.tables("server.api_keys", table.get("api_keys"));
    let api_keys: Vec<_> = api_keys
        .into_iter()
        .flatten()
        .map(|(path, table)| (api_key(&path, table, cx), path))
        .collect();
    for (at, (key, path)) in api_keys.iter().enumerate() {
        let name = |key: &Option<ApiKey>| key.as_ref().map(|key| key.name.clone());
        let named = name(key);
        if named.is_some() && api_keys[..at].iter().any(|(key, _)| name(key) == named) {
            cx.mistake(format!("{path}.name"), "another key has this name already");
        }
    }
    Some(ServerConfig {
        listen: listen.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))),
        api_keys: api_keys.into_iter().filter_map(|(key, _)| key).collect(),
    })
}

fn listen(settings: &Settings, cx: &mut Reading<'_>) -> Option<SocketAddr> {
    let parsed = settings.text("listen")?.parse();
    parsed
        .map_err(|_| {
            let message = "must be an address and a port, such as 127.0.0.1:8080 or [::1]:8080";
            cx.mistake("server.listen", message);
        })
        .ok()
}

fn api_key(path: &str, table: &Map<String, Value>, cx: &mut Reading<'_>) -> Option<ApiKey> {
    let settings = cx.unresolved(path, &[API_KEY_SETTINGS], table)?;
    let secret = match (settings.secret("key"), settings.text("key_sha256")) {
        (Some(reference), None) => SecretRef::parse(reference.expose(), cx.allow_literals)
            .map(ApiKeySecret::Reference)
            .map_err(|error| (format!("{path}.key"), error.to_string())),
        (None, Some(hex)) => sha256(hex).map(ApiKeySecret::Sha256).ok_or_else(|| {
            (
                format!("{path}.key_sha256"),
                "must be 64 hex digits; make them with `printf %s \"$KEY\" | sha256sum`".to_owned(),
            )
        }),
        _ => Err((path.to_owned(), "needs exactly one of `key` and `key_sha256`".to_owned())),
    };
    match secret {
        Ok(secret) => Some(ApiKey { name: settings.text("name")?.to_owned(), secret }),
        Err((path, message)) => {
            cx.mistake(path, message);
            None
        }
    }
}

fn sha256(hex: &str) -> Option<[u8; 32]> {
    let digits: Option<Vec<u8>> =
        hex.chars().map(|c| c.to_digit(16).and_then(|digit| digit.try_into().ok())).collect();
    let bytes: Vec<u8> =
        digits?.chunks(2).filter_map(|pair| Some(pair.first()? << 4 | pair.get(1)?)).collect();
    (hex.len() == 64).then(|| bytes.try_into().ok())?
}
