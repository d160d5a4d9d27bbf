//! `[[server_keys]]`

use otpmux_core::Secret;
use otpmux_core::settings::Setting;
use otpmux_engine::{KeyError, ServerKeys};
use serde_json::{Map, Value};

use super::reading::Reading;

pub(crate) const SETTINGS: &[Setting] = &[
    Setting::text("id", "The key's name, stored with what it has signed.").required(),
    Setting::secret(
        "key",
        "The key, 32 to 64 bytes in base64: make one with `openssl rand -base64 32`.",
    )
    .required(),
];

/// What the engine calls a random key.
pub(super) const EPHEMERAL: &str = "ephemeral";

/// The key ring, and the names of its keys.
pub(super) type Ring = (ServerKeys, Vec<String>);

pub(super) fn read(root: &Map<String, Value>, cx: &mut Reading<'_>) -> Option<Ring> {
    let tables = cx.tables("server_keys", root.get("server_keys"))?;
    let mut keys: Vec<(String, Secret)> = Vec::with_capacity(tables.len());
    for (path, table) in tables {
        let Some(settings) = cx.settings(&path, &[SETTINGS], table) else {
            continue;
        };
        let (Some(id), Some(key)) = (settings.text("id"), settings.secret("key")) else {
            continue;
        };
        if keys.iter().any(|(other, _)| other == id) {
            cx.mistake(format!("{path}.id"), KeyError::Twice(id.to_owned()).to_string());
            continue;
        }
        // A reload tells by this name that there is no keeping it.
        if id == EPHEMERAL {
            let message = "is the name of the random key of a file without any; choose another";
            cx.mistake(format!("{path}.id"), message);
        }
        // By itself, so that every key's mistake is told and has its path.
        let alone = [(id.to_owned(), key)];
        match ServerKeys::new(&alone) {
            Ok(_) => keys.extend(alone),
            Err(error @ KeyError::Id) => cx.mistake(format!("{path}.id"), error.to_string()),
            Err(error) => cx.mistake(format!("{path}.key"), error.to_string()),
        }
    }
    let ids = keys.iter().map(|(id, _)| id.clone()).collect();
    // Empty only if every one had a mistake, which was told.
    Some((ServerKeys::new(&keys).ok()?, ids))
}
