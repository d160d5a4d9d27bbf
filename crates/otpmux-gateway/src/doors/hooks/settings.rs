//! The hooks of a configuration, with their secrets.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use otpmux::Scope;
use otpmux::config::settings::ConfigError;
use otpmux::config::{Environment, HookCheck, HookDoor};
use otpmux::http::signature::{DEFAULT_WINDOW, ReceiptSecrets};
use tokio::time::Instant;

use crate::pace::Pace;

/// The hooks in force.
#[derive(Default)]
pub(crate) struct Hooks(Vec<Arc<Hook>>);

pub(super) struct Hook {
    pub(super) name: Arc<str>,
    pub(super) door: HookDoor,
    pub(super) scope: Scope,
    pub(super) secrets: ReceiptSecrets,
    pub(super) pace: Arc<Pace>,
}

impl Hooks {
    /// Resolves the secrets of all hooks.
    ///
    /// # Errors
    ///
    /// Every secret that is missing.
    pub(crate) fn new(
        doors: &[HookDoor],
        environment: &Environment,
        before: Option<&Self>,
    ) -> Result<Self, Vec<ConfigError>> {
        let (mut all, mut errors) = (Vec::with_capacity(doors.len()), Vec::new());
        for (at, door) in doors.iter().enumerate() {
            let (secret, old) = match door.secrets(environment) {
                Ok(secrets) => secrets,
                Err((key, error)) => {
                    let path = format!("doors.hooks[{at}].{key}");
                    errors.push(ConfigError::new(path, error.to_string()));
                    continue;
                }
            };
            // A reload that does not change the limits keeps the counts.
            let same = |other: &&Arc<Hook>| {
                *other.name == *door.name && other.door.requests == door.requests
            };
            let pace = before.and_then(|before| before.0.iter().find(same));
            let fresh = || Arc::new(Pace::new(&door.requests, Instant::now()));
            all.push(Arc::new(Hook {
                name: door.name.as_str().into(),
                scope: Scope::of([door.purpose.clone()]),
                secrets: ReceiptSecrets::new(secret).with_old(old),
                pace: pace.map_or_else(fresh, |hook| Arc::clone(&hook.pace)),
                door: door.clone(),
            }));
        }
        if errors.is_empty() { Ok(Self(all)) } else { Err(errors) }
    }

    pub(super) fn find(&self, name: &str) -> Option<Arc<Hook>> {
        self.0.iter().find(|hook| *hook.name == *name).cloned()
    }
}

impl Hook {
    /// How far a signed time may be from now. A request can be repeated for twice this time (from
    /// the past limit to the future one); as long, the delivery of the first is known, so that the
    /// repeat sends nothing.
    pub(super) fn window(&self) -> Duration {
        DEFAULT_WINDOW.min(self.door.ttl / 2)
    }

    /// Whether the check covers the body.
    pub(super) fn signs_body(&self) -> bool {
        !matches!(
            self.door.check,
            HookCheck::Bearer | HookCheck::Basic { .. } | HookCheck::Header { .. }
        )
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|hook| &hook.name)).finish()
    }
}
