use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::header::{HeaderMap, HeaderName};

use crate::HttpConfig;
use crate::client::resolver::Resolver;
use crate::client::{ConnectorOptions, HttpClient, proxies, tls};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// The HTTP client with its connection pool. No connection stays idle for longer than the vendor
/// announces.
#[derive(Debug)]
pub(crate) struct Connections(Mutex<Kept>);

#[derive(Debug)]
struct Kept {
    client: Arc<HttpClient>,
    /// How long a connection may be idle. Only gets shorter.
    idle: Duration,
}

impl Connections {
    /// Opens no connection.
    ///
    /// # Errors
    ///
    /// The TLS library cannot start, or the proxy variables cannot be read.
    pub(crate) fn new(config: &HttpConfig) -> Result<Self, &'static str> {
        let (url, idle) = (&config.base_url, config.pool_idle_timeout);
        let https_only = url.is_https();
        let tls = if https_only { tls::with_system_roots() } else { tls::without_roots() };
        // A local address needs no proxy.
        let proxies =
            if url.is_local() { None } else { Some(Arc::new(proxies::of_environment()?)) };
        let options = ConnectorOptions {
            timeout: config.connect_timeout,
            tls: tls?,
            https_only,
            resolver: Resolver::system(),
            proxies,
        };
        let client = Arc::new(HttpClient::new(options, idle));
        Ok(Self(Mutex::new(Kept { client, idle })))
    }

    pub(crate) fn client(&self) -> Arc<HttpClient> {
        Arc::clone(&self.kept().client)
    }

    /// Shortens the idle time if the vendor announces a shorter one. Replaces the pool, so that no
    /// connection of the old one is used again, not even the one of this answer.
    pub(crate) fn heed(&self, headers: &HeaderMap) {
        let Some(idle) = headers.get(KEEP_ALIVE).and_then(|value| idle(value.to_str().ok()?))
        else {
            return;
        };
        let mut kept = self.kept();
        if idle < kept.idle {
            *kept = Kept { client: Arc::new(kept.client.with_idle(idle)), idle };
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
