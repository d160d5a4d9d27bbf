//! `[[server_keys]]`

use otpmux_core::Secret;
use otpmux_core::settings::Section as _;
use otpmux_engine::{KeyError, ServerKeys};
use serde_json::{Map, Value};

use super::reading::Reading;

otpmux_core::settings! {
    /// A key of the ring that protects verifications in their store.
    #[derive(Clone, Debug)]
    pub(crate) struct ServerKey {
        /// The name of the key, stored with what it has signed.
        pub id: Option<String> = None, text().required(), example "2026-11";
        /// The key, 32 to 64 bytes in base64: make one with `openssl rand -base64 32`. The first
        /// key of the list signs and encrypts, all of them verify.
        pub key: Option<Secret> = None, secret().required(), example "env:OTPMUX_SERVER_KEY";
    }
}

/// The engine's name for a random key.
pub(super) const EPHEMERAL: &str = "ephemeral";

/// The key ring, and the names of its keys.
pub(super) type Ring = (ServerKeys, Vec<String>);

pub(super) fn read(root: &Map<String, Value>, cx: &mut Reading<'_>) -> Option<Ring> {
    let tables = cx.tables("server_keys", root.get("server_keys"))?;
    let mut keys: Vec<(String, Secret)> = Vec::with_capacity(tables.len());
    for (path, table) in tables {
        let Some(settings) = cx.settings(&path, ServerKey::KEYS, table) else {
            continue;
        };
        let mut read = ServerKey::default();
        read.apply(&settings);
        let (Some(id), Some(key)) = (read.id, read.key) else {
            continue;
        };
        if keys.iter().any(|(other, _)| *other == id) {
            cx.mistake(format!("{path}.id"), KeyError::Twice(id).to_string());
            continue;
        }
        // A reload recognises the random key by this name.
        if id == EPHEMERAL {
            let message = "is the name of the random key of a file without any; choose another";
            cx.mistake(format!("{path}.id"), message);
        }
        // Checked separately, so that the mistake of every key is reported with its path.
        let alone = [(id, key)];
        match ServerKeys::new(&alone) {
            Ok(_) => keys.extend(alone),
            Err(error @ KeyError::Id) => cx.mistake(format!("{path}.id"), error.to_string()),
            Err(error) => cx.mistake(format!("{path}.key"), error.to_string()),
        }
    }
    let ids = keys.iter().map(|(id, _)| id.clone()).collect();
    // Empty only if every key had a mistake, which was reported.
    Some((ServerKeys::new(&keys).ok()?, ids))
}
