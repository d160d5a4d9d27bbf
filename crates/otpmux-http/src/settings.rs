use std::time::Duration;

use otpmux_core::settings::{ConfigError, parses};

use crate::BaseUrl;

otpmux_core::settings! {
    /// The keys that every HTTP adapter has, beside its own.
    #[derive(Clone, Debug)]
    pub struct HttpSettings {
        /// The address of the vendor's API: https, or http on loopback. Absent: the address that
        /// the vendor documents.
        pub base_url: Option<String> = None, text().check(parses::<BaseUrl>),
            example "https://api.vendor.example/v1";
        /// How long one try may take, from connecting to the end of the answer.
        pub timeout: Duration = Duration::from_secs(10),
            duration(Duration::from_millis(100)..=Duration::from_mins(2)), example "5s";
        /// How long connecting may take, TLS included. It must be shorter than `timeout`. Absent:
        /// 3s, and at most half of `timeout`.
        pub connect_timeout: Option<Duration> = None,
            duration(Duration::from_millis(50)..=Duration::from_mins(1)), example "2s";
        /// How long an idle connection is kept. It must be less than the vendor keeps it; where the
        /// vendor announces a time, the shorter one holds. 0s uses no connection twice.
        pub pool_idle_timeout: Duration = Duration::from_secs(4),
            duration(Duration::ZERO..=Duration::from_mins(5)), example "10s";
    }
}

impl HttpSettings {
    /// Returns the connection settings; `default_url` is the vendor's documented address.
    ///
    /// # Errors
    ///
    /// An invalid address, or timeouts that contradict each other, with the key as the path.
    pub fn config(&self, default_url: &str) -> Result<HttpConfig, ConfigError> {
        let url = self.base_url.as_deref().unwrap_or(default_url);
        let url = url.parse().map_err(|error| ConfigError::new("base_url", format!("{error}")))?;
        let mut config = HttpConfig::new(url).with_timeout(self.timeout);
        if let Some(connect_timeout) = self.connect_timeout {
            if connect_timeout >= config.timeout {
                let message = "must be shorter than `timeout`";
                return Err(ConfigError::new("connect_timeout", message));
            }
            config.connect_timeout = connect_timeout;
        }
        config.pool_idle_timeout = self.pool_idle_timeout;
        Ok(config)
    }
}

/// The connection settings of a vendor.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpConfig {
    /// The address of the vendor's API.
    pub base_url: BaseUrl,
    /// How long one try may take, from connecting to the end of the answer.
    pub timeout: Duration,
    /// How long connecting may take, TLS included. Shorter than `timeout`, so that a vendor that
    /// cannot be reached differs from one that does not answer.
    pub connect_timeout: Duration,
    /// How long a connection may be idle; zero disables reuse. It must be less than the vendor's
    /// idle time: if the vendor closes a connection while a request is on its way, the failure
    /// looks like that of a send that was carried out. If the vendor announces a time (`Keep-Alive:
    /// timeout=5`), the shorter one holds, less a second.
    pub pool_idle_timeout: Duration,
    /// The size limit of an answer, in bytes.
    pub max_answer: usize,
}

impl HttpConfig {
    /// Returns the defaults: 10 s per call, 3 s to connect, 4 s idle (common servers close after
    /// 5), 256 KiB per answer.
    pub fn new(base_url: BaseUrl) -> Self {
        Self {
            base_url,
            timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(3),
            pool_idle_timeout: Duration::from_secs(4),
            max_answer: 256 * 1024,
        }
    }

    /// Sets how long one call may take; connecting gets at most half of it.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self.connect_timeout = self.connect_timeout.min(timeout / 2);
        self
    }
}
