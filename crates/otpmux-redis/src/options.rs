use std::ops::RangeInclusive;
use std::time::Duration;

use redis::io::tcp::socket2::TcpKeepalive;
use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion};

/// Range of both timeouts.
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(10)..=Duration::from_mins(1);
/// How long a connection may be silent before it is probed.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Options of a [`RedisStore`](crate::RedisStore): its keys, its servers and its timeouts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Prefix of all keys, in braces: `{otpmux}:…`. Stores with the same namespace are one store;
    /// in a cluster, a namespace is on one node. 1 to 32 characters of `a-z`, `0-9`, `_` and `-`.
    /// Default `otpmux`.
    pub namespace: String,
    /// Whether the servers are a Redis Cluster. Default `false`.
    pub cluster: bool,
    /// The longest time to get a connection, over all servers that are tried. 10 ms to 1 minute,
    /// default 2 s.
    pub connect_timeout: Duration,
    /// The longest time for Redis to answer. 10 ms to 1 minute, default 2 s. A call takes at most
    /// the sum of both timeouts.
    pub answer_timeout: Duration,
    /// The clock that clients use. Default [`Time::Server`].
    pub time: Time,
}

/// The clock that the clients of a store use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Time {
    /// The server's clock: clients measure how far their own is off, and correct it.
    #[default]
    Server,
    /// The client's own clock: for tests that set the time.
    Caller,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            namespace: "otpmux".to_owned(),
            cluster: false,
            connect_timeout: Duration::from_secs(2),
            answer_timeout: Duration::from_secs(2),
            time: Time::Server,
        }
    }
}

impl Options {
    /// Sets the prefix of all keys.
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Declares that the servers are a Redis Cluster.
    pub fn in_cluster(mut self) -> Self {
        self.cluster = true;
        self
    }

    /// Sets the longest time to get a connection.
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Sets the clock that clients use.
    pub fn with_time(mut self, time: Time) -> Self {
        self.time = time;
        self
    }

    /// Sets the longest time for Redis to answer.
    pub fn with_answer_timeout(mut self, timeout: Duration) -> Self {
        self.answer_timeout = timeout;
        self
    }
}

/// Error returned by [`RedisStore::connect`](crate::RedisStore::connect) for invalid options or
/// URLs. Shows no URL, since it may hold a password; variants such as `Url` count the URLs from 1.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// There is no URL.
    #[error("the URL of a Redis server is needed")]
    NoUrl,
    /// The text is not the URL of a Redis server.
    #[error(
        "Redis URL number {0} is not of the form redis://user:password@host:port/database, \
         rediss://… or unix:///path"
    )]
    Url(usize),
    /// The URL asks for TLS without checking certificates.
    #[error("Redis URL number {0} asks for TLS without certificates; that is not supported")]
    Insecure(usize),
    /// There are several servers, and they are not a cluster.
    #[error("several Redis URLs need cluster = true: they are the nodes of one cluster")]
    SeveralUrls,
    /// The URL cannot be a node of a cluster: it has a socket's path, or a database that no cluster
    /// has.
    #[error("Redis URL number {0} cannot be a cluster's: it has a socket's path or a database")]
    NotOfCluster(usize),
    /// The namespace cannot be part of a key.
    #[error("namespace must be 1 to 32 characters of a-z, 0-9, '_' and '-'")]
    Namespace,
    /// The connect timeout is out of range.
    #[error("connect_timeout must be from 10 ms to 1 m")]
    ConnectTimeout,
    /// The answer timeout is out of range.
    #[error("answer_timeout must be from 10 ms to 1 m")]
    AnswerTimeout,
}

otpmux_core::debug_as_display!(OptionsError);

impl Options {
    /// Checks everything that can be checked without a server; returns the servers.
    pub(crate) fn check<Url: AsRef<str>>(
        &self,
        urls: impl IntoIterator<Item = Url>,
    ) -> Result<Vec<ConnectionInfo>, OptionsError> {
        let allowed = |b: u8| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        if !(1..=32).contains(&self.namespace.len()) || !self.namespace.bytes().all(allowed) {
            return Err(OptionsError::Namespace);
        }
        if !TIMEOUTS.contains(&self.connect_timeout) {
            return Err(OptionsError::ConnectTimeout);
        }
        if !TIMEOUTS.contains(&self.answer_timeout) {
            return Err(OptionsError::AnswerTimeout);
        }
        let servers =
            urls.into_iter().zip(1..).map(|(url, number)| self.server(url.as_ref(), number));
        let servers = servers.collect::<Result<Vec<_>, _>>()?;
        match servers.len() {
            0 => Err(OptionsError::NoUrl),
            2.. if !self.cluster => Err(OptionsError::SeveralUrls),
            _ => Ok(servers),
        }
    }

    fn server(&self, url: &str, number: usize) -> Result<ConnectionInfo, OptionsError> {
        let server = url.into_connection_info().map_err(|_| OptionsError::Url(number))?;
        let socket = match server.addr() {
            ConnectionAddr::TcpTls { insecure: true, .. } => {
                return Err(OptionsError::Insecure(number));
            }
            addr => matches!(addr, ConnectionAddr::Unix(_)),
        };
        if self.cluster && (socket || server.redis_settings().db() != 0) {
            return Err(OptionsError::NotOfCluster(number));
        }
        // With RESP3, the connection reports its loss.
        let login = server.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let login = login.set_lib_name("otpmux", env!("CARGO_PKG_VERSION"));
        // Keepalive detects a connection that is silently lost, even between calls.
        let alive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE / 3);
        let tcp = server.tcp_settings().clone().set_nodelay(true).set_keepalive(alive);
        Ok(server.set_redis_settings(login).set_tcp_settings(tcp))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(change: impl FnOnce(&mut Options), urls: &[&str]) -> Result<usize, OptionsError> {
        let mut options = Options::default();
        change(&mut options);
        options.check(urls).map(|servers| servers.len())
    }

    #[test]
    fn takes_every_kind_of_url() {
        for url in [
            "redis://127.0.0.1",
            "redis://user:p%40ss@redis.internal:6380/3",
            "rediss://:password@redis.internal",
            "unix:///run/redis/redis.sock",
        ] {
            assert_eq!(check(|_| (), &[url]), Ok(1), "{url}");
        }
        let nodes = ["redis://10.0.0.1:7000", "redis://10.0.0.2:7000"];
        assert_eq!(check(|options| options.cluster = true, &nodes), Ok(2));
    }

    #[test]
    fn refuses_what_cannot_be() {
        let cluster = |options: &mut Options| options.cluster = true;
        let good = "redis://127.0.0.1";
        assert_eq!(check(|_| (), &[]), Err(OptionsError::NoUrl));
        assert_eq!(check(|_| (), &["http://127.0.0.1"]), Err(OptionsError::Url(1)));
        assert_eq!(check(|_| (), &["127.0.0.1:6379"]), Err(OptionsError::Url(1)));
        assert_eq!(check(|_| (), &["rediss://r#insecure"]), Err(OptionsError::Insecure(1)));
        assert_eq!(check(|_| (), &[good, good]), Err(OptionsError::SeveralUrls));
        for url in ["unix:///run/redis.sock", "redis://127.0.0.1/1"] {
            assert_eq!(check(cluster, &[good, url]), Err(OptionsError::NotOfCluster(2)));
        }
        for namespace in ["", "Login", "a}b", "a b", &"x".repeat(33)] {
            let named = |options: &mut Options| options.namespace = namespace.to_owned();
            assert_eq!(check(named, &[good]), Err(OptionsError::Namespace), "{namespace:?}");
        }
        let (short, long) = (Duration::from_millis(9), Duration::from_secs(61));
        for time in [Duration::ZERO, short, long] {
            let connect = check(|options| options.connect_timeout = time, &[good]);
            assert_eq!(connect, Err(OptionsError::ConnectTimeout));
            let answer = check(|options| options.answer_timeout = time, &[good]);
            assert_eq!(answer, Err(OptionsError::AnswerTimeout));
        }
    }

    #[test]
    fn sec_shows_no_password() {
        for url in
            ["redis://user:swordfish@host:notaport", "redis:/swordfish", "rediss://:swordfish@h#x"]
        {
            let error = check(|_| (), &[url]).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("swordfish"));
        }
    }
}
