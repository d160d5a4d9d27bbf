//! Authentication of callers.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::header::AUTHORIZATION;
use http::request::Parts;
use otpmux::ScopedClient;
use otpmux::provider::typed;
use tokio::time::Instant;

use crate::app::App;
use crate::keys::TextRights;
use crate::problem::Problem;

/// The API key of an authenticated request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) name: Arc<str>,
    pub(crate) client: ScopedClient,
    pub(crate) texts: TextRights,
    pub(crate) admin: bool,
}

/// The address of the other end of the socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let header = parts.headers.get(AUTHORIZATION).ok_or_else(Problem::unauthenticated)?;
        let settings = app.settings();
        let key = bearer(header.as_bytes()).and_then(|text| settings.keys.find(text));
        let key = key.ok_or_else(Problem::unauthenticated)?;
        key.pace.take(Instant::now()).map_err(Problem::too_many_requests)?;
        Ok(Self {
            name: Arc::clone(&key.name),
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
