//! The door for clients of Vonage Verify v2: one file per call.

mod cancel;
mod check;
mod failure;
mod id;
mod json;
mod next;
mod session;
mod start;
mod token;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::post;
use otpmux::Purpose;
use otpmux::config::settings::ConfigError;
use otpmux::config::{VonageApplication, VonageDoor};
use otpmux::http::signature::{PublicKey, Scheme};

use crate::app::App;
use failure::Failure;
use session::Session;

/// The settings of the door.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The user name of clients that authenticate without an application.
    user: Option<Box<str>>,
    purpose: Purpose,
    applications: Vec<Application>,
    token_ttl: Duration,
    /// Whether a workflow goes on by itself.
    escalates: bool,
    /// Whether fields without effect were logged already.
    told: AtomicBool,
}

/// An application, whose clients authenticate by a token.
#[derive(Debug)]
struct Application {
    id: Box<str>,
    keys: Vec<PublicKey>,
    /// The name of its API key.
    caller: Box<str>,
    purpose: Option<Purpose>,
}

impl Settings {
    /// Reads the public keys.
    ///
    /// # Errors
    ///
    /// Every file that cannot be read, or holds no such key.
    pub(crate) fn new(door: &VonageDoor) -> Result<Self, Vec<ConfigError>> {
        let (mut applications, mut errors) = (Vec::new(), Vec::new());
        for (at, application) in door.applications.iter().enumerate() {
            match Application::read(application) {
                Ok(application) => applications.push(application),
                Err(message) => errors.push(ConfigError::new(
                    format!("doors.vonage.applications[{at}].public_keys"),
                    message,
                )),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self {
            user: door.api_key.as_deref().map(Into::into),
            purpose: door.purpose.clone().unwrap_or_default(),
            applications,
            token_ttl: door.token_ttl,
            escalates: door.escalate,
            told: AtomicBool::new(false),
        })
    }

    fn takes_user(&self, user: &str) -> bool {
        self.user.as_deref().is_none_or(|known| known == user)
    }

    /// Logs once per configuration that fields have no effect here.
    fn ignore(&self, fields: &str) {
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(fields, "the door for Vonage Verify ignores fields of a request");
        }
    }
}

impl Application {
    fn read(application: &VonageApplication) -> Result<Self, String> {
        let key = |file: std::path::PathBuf| {
            let text = fs::read_to_string(&file)
                .map_err(|error| format!("{}: cannot be read: {error}", file.display()))?;
            PublicKey::parse(Scheme::RsaPkcs1Sha256, &text).map_err(|_| {
                format!("{}: holds no RSA public key in PEM of at least 2048 bits", file.display())
            })
        };
        Ok(Self {
            id: application.id.as_deref().unwrap_or_default().into(),
            keys: application.key_files().map(key).collect::<Result<_, _>>()?,
            caller: application.caller.as_deref().unwrap_or_default().into(),
            purpose: application.purpose.clone(),
        })
    }
}

pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/v2/verify", post(start::start))
        .route("/v2/verify/{id}", post(check::check).delete(cancel::cancel))
        .route("/v2/verify/{id}/next_workflow", post(next::next))
        .method_not_allowed_fallback(|_: Session| async { Failure::method_not_allowed() })
        .fallback(|_: Session| async { Failure::not_found("no such path") })
        .layer(from_fn(failure::with_instance))
}

/// Returns the path of a call below the door's path, for labels.
pub(super) fn label(path: &str) -> &'static str {
    let Some(rest) = path.strip_prefix("/v2/verify") else { return "/vonage/other" };
    let parts: Vec<_> = rest.split('/').skip(1).collect();
    match (rest.is_empty() || rest.starts_with('/'), parts.as_slice()) {
        (true, []) => "/vonage/v2/verify",
        (true, [_]) => "/vonage/v2/verify/{id}",
        (true, [_, "next_workflow"]) => "/vonage/v2/verify/{id}/next_workflow",
        _ => "/vonage/other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_hold_no_id() {
        for (path, end) in [
            ("/v2/verify", "v2/verify"),
            ("/v2/verify/1-2", "v2/verify/{id}"),
            ("/v2/verify/1-2/next_workflow", "v2/verify/{id}/next_workflow"),
            ("/v2/verify/1-2/next-workflow", "other"),
            ("/v2/verifyx", "other"),
            ("/v2/other", "other"),
        ] {
            assert_eq!(label(path), format!("/vonage/{end}"), "{path}");
        }
    }
}
