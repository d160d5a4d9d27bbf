use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::{HeaderMap, HeaderName};

use crate::HttpConfig;

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// The HTTP client with its connection pool. No connection stays idle for longer than the vendor
/// announces.
#[derive(Debug)]
pub(crate) struct Connections {
    config: HttpConfig,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    client: reqwest::Client,
    /// How long a connection may be idle. Only gets shorter.
    idle: Duration,
}

impl Connections {
    pub(crate) fn new(config: HttpConfig) -> reqwest::Result<Self> {
        let idle = config.pool_idle_timeout;
        let client = client(&config, idle)?;
        Ok(Self { config, kept: Mutex::new(Kept { client, idle }) })
    }

    pub(crate) fn client(&self) -> reqwest::Client {
        self.kept().client.clone()
    }

    /// Shortens the idle time if the vendor announces a shorter one. Replaces the pool, so that no
    /// connection of the old one is used again, not even the one of this answer.
    pub(crate) fn heed(&self, headers: &HeaderMap) {
        let Some(idle) = headers.get(KEEP_ALIVE).and_then(|value| idle(value.to_str().ok()?))
        else {
            return;
        };
        if idle >= self.kept().idle {
            return;
        }
        // An earlier client had the same settings, so this does not fail; if it did, the answer
        // would still be valid.
        let Ok(client) = client(&self.config, idle) else { return };
        let mut kept = self.kept();
        if idle < kept.idle {
            *kept = Kept { client, idle };
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the idle time for the vendor's announced time: one second less, or half of a short time,
/// because the way to the vendor takes time.
fn idle(announced: &str) -> Option<Duration> {
    let timeout = announced.split(',').find_map(|part| {
        let (name, value) = part.split_once('=')?;
        let value = value.trim().trim_matches('"');
        name.trim().eq_ignore_ascii_case("timeout").then(|| value.parse::<u32>().ok())?
    })?;
    let timeout = Duration::from_secs(u64::from(timeout));
    let second = Duration::from_secs(1);
    Some(if timeout < 2 * second { timeout / 2 } else { timeout.saturating_sub(second) })
}

fn client(config: &HttpConfig, idle: Duration) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("otpmux/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(config.connect_timeout)
        .pool_idle_timeout(idle)
        .https_only(!config.base_url.is_local());
    let builder = if idle.is_zero() { builder.pool_max_idle_per_host(0) } else { builder };
    // A loopback address needs no proxy.
    if config.base_url.is_local() { builder.no_proxy() } else { builder }.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_announcement_leaves_time_for_the_way() {
        for (announced, expected) in [
            ("timeout=5", Some(4_000)),
            ("timeout=2, max=100", Some(1_000)),
            ("max=100, Timeout = \"1\"", Some(500)),
            ("timeout=0", Some(0)),
            ("timeout=4294967295", Some(4_294_967_294_000)),
            ("timeout=99999999999", None),
            ("timeout=-1", None),
            ("timeout", None),
            ("max=3", None),
            ("", None),
        ] {
            assert_eq!(idle(announced), expected.map(Duration::from_millis), "{announced}");
        }
    }
}
