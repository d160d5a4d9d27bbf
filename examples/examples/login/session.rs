//! Who is at which step. The browser holds a random name and nothing else; what the name stands for
//! stays here. An application of several processes keeps this in its database.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use otpmux::Verification;
use otpmux::provider::{Entropy as _, OsEntropy};
use tokio::time::Instant;

const TTL: Duration = Duration::from_secs(3600);
/// Whoever asks for more must wait until old ones have ended.
const MOST: usize = 10_000;

/// Where somebody stands.
#[derive(Clone, Default)]
pub(crate) enum Step {
    /// Has shown nothing yet.
    #[default]
    Number,
    /// Has been sent a code. The id of the verification is bound to this browser by being here.
    Code(Box<Verification>),
    /// Is in; this is the masked number.
    In(String),
}

#[derive(Clone, Default)]
pub(crate) struct Session {
    pub(crate) step: Step,
    /// Shown on the next page.
    pub(crate) notice: Option<String>,
}

#[derive(Clone, Default)]
pub(crate) struct Sessions(Arc<Mutex<HashMap<String, (Instant, Session)>>>);

impl Sessions {
    /// The session that a request belongs to, and its name.
    pub(crate) fn of(&self, headers: &HeaderMap) -> Option<(String, Session)> {
        let name = cookie(headers)?;
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, session) = all.get(name)?;
        (since.elapsed() < TTL).then(|| (name.to_owned(), session.clone()))
    }

    /// Keeps a session under a new name, and forgets the old name: one that somebody else has put
    /// into this browser is worth nothing after a step.
    ///
    /// Gives the cookie; `None` if there are too many sessions, or no randomness.
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
