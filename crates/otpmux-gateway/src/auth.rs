//! Authentication of callers.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use otpmux::provider::typed;
use otpmux::{Scope, ScopedClient};
use tokio::time::Instant;

use crate::app::App;
use crate::audit;
use crate::keys::{Key, TextRights};
use crate::problem::Problem;

/// The API key of an authenticated request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) name: Arc<str>,
    pub(crate) client: ScopedClient,
    /// The purposes that the client is for.
    pub(crate) scope: Scope,
    pub(crate) texts: TextRights,
    pub(crate) admin: bool,
}

impl Caller {
    /// Refuses a key that may not administer.
    pub(crate) fn administers(&self) -> Result<(), Problem> {
        if self.admin {
            return Ok(());
        }
        Err(Problem::forbidden("this API key may not administer (`admin = true`)"))
    }
}

/// The address of the other end of the socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let header = parts.headers.get(AUTHORIZATION).ok_or_else(Problem::unauthenticated)?;
        let key = bearer(header.as_bytes()).ok_or_else(Problem::unauthenticated)?;
        Self::of_key(app, key).map_err(|refused| match refused {
            Refused::Unknown => Problem::unauthenticated(),
            Refused::TooMany { wait } => Problem::too_many_requests(wait),
        })
    }
}

/// Why a request is not served.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Refused {
    /// No API key is like this.
    Unknown,
    /// The API key has made as many requests as it may.
    TooMany {
        /// The time until the next request is allowed.
        wait: Duration,
    },
}

impl Caller {
    /// Finds the caller by its API key, and counts the request.
    ///
    /// # Errors
    ///
    /// The key is unknown, or its limit of requests is reached.
    pub(crate) fn of_key(app: &App, key: &[u8]) -> Result<Self, Refused> {
        Self::of(app, app.settings().keys.find(key))
    }

    /// Finds the caller by the name of its API key, for requests that are authenticated in another
    /// way, and counts the request.
    ///
    /// # Errors
    ///
    /// As [`of_key`](Self::of_key).
    pub(crate) fn named(app: &App, name: &str) -> Result<Self, Refused> {
        Self::of(app, app.settings().keys.named(name))
    }

    fn of(app: &App, key: Option<&Key>) -> Result<Self, Refused> {
        let key = key.ok_or(Refused::Unknown)?;
        key.pace.take(Instant::now()).map_err(|wait| {
            audit::too_many_requests(&app.client, &key.name);
            Refused::TooMany { wait }
        })?;
        Ok(Self {
            name: Arc::clone(&key.name),
            scope: key.scope.clone(),
            client: app.client.scoped(key.scope.clone()).of_tenant(Arc::clone(&key.name)),
            texts: key.texts.clone(),
            admin: key.admin,
        })
    }
}

/// Returns the token after the scheme (in any case), without the white space that a paste may add.
pub(crate) fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, rest) = header.split_at_checked(7)?;
    let key = str::from_utf8(rest).ok()?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| typed::trim(key).as_bytes())
}
