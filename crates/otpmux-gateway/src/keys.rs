//! The valid API keys.

use std::fmt;
use std::sync::Arc;

use otpmux::Scope;
use otpmux::config::settings::ConfigError;
use otpmux::config::{ApiKey, Environment};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;

use crate::pace::Pace;

/// What a key may decide about the texts of messages.
#[derive(Clone, Debug)]
pub(crate) struct TextRights {
    /// The names of the service that it may give.
    pub(crate) brands: Arc<[String]>,
    /// Whether it may give the whole text.
    pub(crate) free_text: bool,
}

/// The valid keys, with the rights of each.
pub(crate) struct Keys(Vec<Key>);

pub(crate) struct Key {
    pub(crate) name: Arc<str>,
    hashes: Vec<[u8; 32]>,
    pub(crate) scope: Scope,
    pub(crate) texts: TextRights,
    pub(crate) admin: bool,
    pub(crate) pace: Arc<Pace>,
    /// The limits that `pace` was made from: a reload that does not change them keeps the counts.
    requests: Vec<otpmux::RateLimit>,
}

impl Keys {
    /// Resolves the secrets of all keys.
    ///
    /// # Errors
    ///
    /// Every key that is missing, too short, or equal to another.
    pub(crate) fn new(
        keys: &[ApiKey],
        environment: &Environment,
        before: Option<&Self>,
    ) -> Result<Self, Vec<ConfigError>> {
        let (mut all, mut errors) = (Vec::<Key>::with_capacity(keys.len()), Vec::new());
        for (at, key) in keys.iter().enumerate() {
            let path = format!("server.api_keys[{at}]");
            match key.hashes(&path, environment) {
                Ok(hashes) => {
                    let known = |hash| all.iter().any(|other| other.hashes.contains(hash));
                    if hashes.iter().any(known) {
                        errors.push(ConfigError::new(path, "another name has the same key"));
                    }
                    let same =
                        |other: &&Key| *other.name == *key.name && other.requests == key.requests;
                    let pace = before.and_then(|before| before.0.iter().find(same));
                    let fresh = || Arc::new(Pace::new(&key.requests, Instant::now()));
                    all.push(Key {
                        name: key.name.as_str().into(),
                        hashes,
                        scope: key.scope.clone(),
                        texts: TextRights {
                            brands: key.brands.iter().flatten().cloned().collect(),
                            free_text: key.free_text,
                        },
                        admin: key.admin,
                        pace: pace.map_or_else(fresh, |key| Arc::clone(&key.pace)),
                        requests: key.requests.clone(),
                    });
                }
                Err(wrong) => errors.extend(wrong),
            }
        }
        if errors.is_empty() { Ok(Self(all)) } else { Err(errors) }
    }

    /// Finds the key with this name.
    pub(crate) fn named(&self, name: &str) -> Option<&Key> {
        self.0.iter().find(|key| *key.name == *name)
    }

    /// Finds the key with this text. Takes the same time for a wrong key as for a right one.
    pub(crate) fn find(&self, text: &[u8]) -> Option<&Key> {
        let hash: [u8; 32] = Sha256::digest(text).into();
        let mut found = None;
        for key in &self.0 {
            for own in &key.hashes {
                if bool::from(own.ct_eq(&hash)) {
                    found = Some(key);
                }
            }
        }
        found
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.name)).finish()
    }
}
