//! The step of each visitor. The browser holds only a random name; its data stay on the server. An
//! application with several processes keeps them in its database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use otpmux::Verification;
use otpmux::provider::{Entropy as _, OsEntropy};
use tokio::time::Instant;

const TTL: Duration = Duration::from_secs(3600);
/// The most sessions. New visitors must wait until old sessions have ended.
const MOST: usize = 10_000;

/// Step of a visitor.
#[derive(Clone, Default)]
pub(crate) enum Step {
    /// Nothing is proven yet.
    #[default]
    Number,
    /// A code was sent. The id of the verification is bound to this browser by being here.
    Code(Box<Verification>),
    /// Signed in; this is the masked number.
    In(String),
}

#[derive(Clone, Default)]
pub(crate) struct Session {
    pub(crate) step: Step,
    /// A notice for the next page.
    pub(crate) notice: Option<String>,
}

#[derive(Clone, Default)]
pub(crate) struct Sessions(Arc<Mutex<HashMap<String, (Instant, Session)>>>);

impl Sessions {
    /// Returns the session of a request, and its name.
    pub(crate) fn of(&self, headers: &HeaderMap) -> Option<(String, Session)> {
        let name = cookie(headers)?;
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, session) = all.get(name)?;
        (since.elapsed() < TTL).then(|| (name.to_owned(), session.clone()))
    }

    /// Stores a session under a new name, and removes the old name: a name that an attacker has put
    /// into this browser is invalid after a step.
    ///
    /// Returns the cookie; `None` if there are too many sessions, or no randomness.
    pub(crate) fn put(&self, old: Option<&str>, session: Session) -> Option<HeaderValue> {
        let mut random = [0; 16];
        OsEntropy.fill(&mut random).ok()?;
        let name = format!("{:032x}", u128::from_be_bytes(random));
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        old.map(|old| all.remove(old));
        if all.len() >= MOST {
            all.retain(|_, (since, _)| since.elapsed() < TTL);
        }
        if all.len() >= MOST {
            return None;
        }
        let cookie = format!("session={name}; HttpOnly; SameSite=Lax; Path=/; Max-Age=3600");
        all.insert(name, (Instant::now(), session));
        HeaderValue::try_from(cookie).ok()
    }
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split("; ")).find_map(|pair| pair.strip_prefix("session="))
}
