//! Who calls.

use std::fmt;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use otpmux::settings::ConfigError;
use otpmux::{ApiKey, Environment, OtpClient, Scope, ScopedClient};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::time::Instant;

use crate::gateway::App;
use crate::pace::Pace;
use crate::problem::Problem;

/// The keys that may call, with what each may do.
pub(crate) struct Keys(Vec<Key>);

struct Key {
    name: Arc<str>,
    hashes: Vec<[u8; 32]>,
    scope: Scope,
    admin: bool,
    pace: Arc<Pace>,
    /// What `pace` was made of: a reload that does not change it keeps what was counted.
    requests: Vec<otpmux::RateLimit>,
}

/// The key of a request that may go on.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) name: Arc<str>,
    pub(crate) client: ScopedClient,
    pub(crate) admin: bool,
}

impl Keys {
    /// Looks the secrets of all keys up.
    ///
    /// # Errors
    ///
    /// Every one that is not there, too short, or the same as another.
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

    /// The key that this text is. Takes as long for a wrong one as for the right one.
    fn find(&self, text: &[u8]) -> Option<&Key> {
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

    fn admit(&self, parts: &Parts, client: &OtpClient) -> Result<Caller, Problem> {
        let header = parts.headers.get(AUTHORIZATION).ok_or_else(Problem::unauthenticated)?;
        let key = bearer(header.as_bytes()).and_then(|text| self.find(text));
        let key = key.ok_or_else(Problem::unauthenticated)?;
        key.pace.take(Instant::now()).map_err(Problem::too_many_requests)?;
        Ok(Caller {
            name: Arc::clone(&key.name),
            client: client.within(key.scope.clone()),
            admin: key.admin,
        })
    }
}

/// What follows the scheme, whose name may be in any case.
fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = header.split_at_checked(7)?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| rest.trim_ascii())
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.name)).finish()
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        app.settings().keys.admit(parts, &app.client)
    }
}
