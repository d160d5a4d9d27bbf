use std::time::Duration;

use otpmux_core::settings::{ConfigError, Setting, Settings};

use crate::BaseUrl;

/// The keys that every HTTP adapter has.
pub const HTTP_SETTINGS: &[Setting] = &[
    Setting::text("base_url", "Where the vendor's API lives; https, or http on loopback."),
    Setting::duration(
        "timeout",
        Duration::from_millis(100)..=Duration::from_mins(2),
        "How long one try may take, from connecting to the end of the answer. Default 10s.",
    ),
    Setting::duration(
        "connect_timeout",
        Duration::from_millis(50)..=Duration::from_mins(1),
        "How long connecting may take; shorter than `timeout`. Default 3s, at most half of `timeout`.",
    ),
    Setting::duration(
        "pool_idle_timeout",
        Duration::ZERO..=Duration::from_mins(5),
        "How long an idle connection is kept: less than the vendor keeps it. 0s uses none again. Default 4s, or less where the vendor announces it.",
    ),
];

/// How to reach a vendor.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HttpConfig {
    /// Where its API lives.
    pub base_url: BaseUrl,
    /// How long one try may take, from connecting to the end of the answer.
    pub timeout: Duration,
    /// How long connecting may take, TLS included. Shorter than `timeout`, so that a vendor that
    /// cannot be reached is told from one that does not answer.
    pub connect_timeout: Duration,
    /// How long a connection is kept idle; zero uses none again. It must be less than the vendor
    /// keeps it: one that the vendor closes while a request is on its way breaks in a way that
    /// cannot be told from a send that was carried out. Where the vendor announces a time
    /// (`Keep-Alive: timeout=5`), the shorter one holds, less a second.
    pub pool_idle_timeout: Duration,
    /// The longest answer that is read.
    pub max_answer: usize,
}

impl HttpConfig {
    /// The defaults: 10 s a try, 3 s to connect, 4 s idle (common servers close after 5), 256 KiB of
    /// answer.
    pub fn new(base_url: BaseUrl) -> Self {
        Self {
            base_url,
            timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(3),
            pool_idle_timeout: Duration::from_secs(4),
            max_answer: 256 * 1024,
        }
    }

    /// Sets how long one try may take; connecting gets at most half of it.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self.connect_timeout = self.connect_timeout.min(timeout / 2);
        self
    }

    /// Reads [`HTTP_SETTINGS`]; `default_url` is the vendor's documented address.
    pub fn from_settings(settings: &Settings, default_url: &str) -> Result<Self, ConfigError> {
        let url = settings.text("base_url").unwrap_or(default_url);
        let url = url.parse().map_err(|error| settings.error("base_url", format!("{error}")))?;
        let mut config = Self::new(url);
        if let Some(timeout) = settings.duration("timeout") {
            config = config.with_timeout(timeout);
        }
        if let Some(connect_timeout) = settings.duration("connect_timeout") {
            if connect_timeout >= config.timeout {
                return Err(settings.error("connect_timeout", "must be shorter than `timeout`"));
            }
            config.connect_timeout = connect_timeout;
        }
        if let Some(idle) = settings.duration("pool_idle_timeout") {
            config.pool_idle_timeout = idle;
        }
        Ok(config)
    }
}
