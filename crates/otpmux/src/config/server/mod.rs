//! `[server]`: the gateway's own section. A client has no use for it, so only its form is checked
//! and its secrets are not looked up.

mod api_key;
mod network;

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use otpmux_core::settings::{Setting, Settings, read_list};
use serde_json::{Map, Value};

pub(crate) use api_key::SETTINGS as API_KEY_SETTINGS;
pub use api_key::{ApiKey, ApiKeySecret};
pub use network::Network;

use super::reading::Reading;

const PAUSES: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_mins(10);

pub(crate) const SETTINGS: &[Setting] = &[
    Setting::text(
        "listen",
        "The address and port that the gateway listens on. Default 127.0.0.1:8080.",
    ),
    Setting::text(
        "tls_certificate",
        "A file with the certificate and its chain, in PEM. Without it the gateway speaks plain \
         HTTP. Read again on a reload.",
    ),
    Setting::text("tls_private_key", "A file with the certificate's private key, in PEM."),
    Setting::list(
        "trusted_proxies",
        "Addresses and networks, such as 10.0.0.0/8, whose X-Forwarded-For tells the end user's \
         address. From anybody else that header is ignored. Default none.",
    ),
    Setting::text(
        "metrics_listen",
        "Another address and port, for /metrics alone, in plain HTTP. Without it, /metrics is served \
         where the rest is.",
    ),
    Setting::duration(
        "balance_interval",
        Duration::ZERO..=Duration::from_hours(24),
        "How often vendors that tell it are asked what is left on the account, for the metric \
         otpmux_provider_balance: 10s or more, spread at random; 0s never. Default 10m.",
    ),
    Setting::integer(
        "max_connections",
        1..=1_000_000,
        "How many connections may be open; further ones are closed at once. Lowered, with a warning, \
         where the process may not open as many files. Default 16384.",
    ),
    Setting::integer(
        "max_connections_per_address",
        1..=1_000_000,
        "How many of them may come from one address (of IPv6: from one /64); trusted proxies have no \
         such bound. Default half of max_connections.",
    ),
    Setting::duration(
        "drain_delay",
        PAUSES,
        "How long a gateway that is told to stop still takes requests while /readyz says no, so that \
         load balancers notice. Default 0s.",
    ),
    Setting::duration(
        "drain_timeout",
        PAUSES,
        "How long requests under way may then take to end. Default 30s.",
    ),
];

/// What the gateway needs to know.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServerConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its certificate and private key; `None` means plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Who may call it. Without one, nobody may.
    pub api_keys: Vec<ApiKey>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Network>,
    /// Where it listens for those who ask for metrics; `None`: where it listens for everything.
    pub metrics_listen: Option<SocketAddr>,
    /// How often vendors are asked what is left on the account; zero: never.
    pub balance_interval: Duration,
    /// How many connections may be open.
    pub max_connections: usize,
    /// How many of them may come from one address that is no trusted proxy; `None`: half of them.
    pub max_connections_per_address: Option<usize>,
    /// How long it still takes requests when it is told to stop, while it says that it is not ready.
    pub drain_delay: Duration,
    /// How long requests under way may then take to end.
    pub drain_timeout: Duration,
}

/// The files that TLS needs, both in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TlsFiles {
    /// The certificate and its chain.
    pub certificate: PathBuf,
    /// Its private key.
    pub private_key: PathBuf,
}

impl Default for ServerConfig {
    /// On loopback, for nobody.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            tls: None,
            api_keys: Vec::new(),
            trusted_proxies: Vec::new(),
            metrics_listen: None,
            balance_interval: Duration::from_mins(10),
            max_connections: 16_384,
            max_connections_per_address: None,
            drain_delay: Duration::ZERO,
            drain_timeout: Duration::from_secs(30),
        }
    }
}

pub(super) fn read(root: &Map<String, Value>, cx: &mut Reading<'_>) -> Option<ServerConfig> {
    let table = cx.table(root, "server")?;
    let known: Vec<_> = SETTINGS.iter().map(|setting| setting.name).chain(["api_keys"]).collect();
    cx.unknown_keys("server", table, &known);
    let mut own = table.clone();
    // No proxy at all is what is meant by an empty list.
    let none = |key: &str, value: &Value| {
        key == "trusted_proxies" && value.as_array().is_some_and(Vec::is_empty)
    };
    own.retain(|key, value| {
        key != "api_keys" && known.contains(&key.as_str()) && !none(key, value)
    });
    let settings = cx.right_of("server", SETTINGS, &own);
    let mut server = fill(&settings, cx);
    server.api_keys = api_key::read(table.get("api_keys"), cx);
    Some(server)
}

fn fill(settings: &Settings, cx: &mut Reading<'_>) -> ServerConfig {
    let default = ServerConfig::default();
    let count = |key| settings.integer(key).and_then(|count| usize::try_from(count).ok());
    ServerConfig {
        listen: listen("listen", settings, cx).unwrap_or(default.listen),
        tls: tls(settings, cx),
        api_keys: Vec::new(),
        trusted_proxies: settings.list("trusted_proxies").map_or(Vec::new(), |list| {
            let list: Vec<_> = list.iter().map(|text| Value::from(text.as_str())).collect();
            let networks = read_list("server.trusted_proxies", &list, |text| {
                text.parse::<Network>().map_err(|error| error.to_string())
            });
            cx.or_told(networks).unwrap_or_default()
        }),
        metrics_listen: listen("metrics_listen", settings, cx),
        balance_interval: balance_interval(settings, cx).unwrap_or(default.balance_interval),
        max_connections: count("max_connections").unwrap_or(default.max_connections),
        max_connections_per_address: count("max_connections_per_address"),
        drain_delay: settings.duration("drain_delay").unwrap_or(default.drain_delay),
        drain_timeout: settings.duration("drain_timeout").unwrap_or(default.drain_timeout),
    }
}

fn balance_interval(settings: &Settings, cx: &mut Reading<'_>) -> Option<Duration> {
    let interval = settings.duration("balance_interval")?;
    if interval.is_zero() || interval >= Duration::from_secs(10) {
        return Some(interval);
    }
    cx.mistake("server.balance_interval", "must be 0s or at least 10s");
    None
}

fn listen(key: &str, settings: &Settings, cx: &mut Reading<'_>) -> Option<SocketAddr> {
    let parsed = settings.text(key)?.parse();
    parsed
        .map_err(|_| {
            let message = "must be an address and a port, such as 127.0.0.1:8080 or [::1]:8080";
            cx.mistake(format!("server.{key}"), message);
        })
        .ok()
}

fn tls(settings: &Settings, cx: &mut Reading<'_>) -> Option<TlsFiles> {
    match (settings.text("tls_certificate"), settings.text("tls_private_key")) {
        (Some(certificate), Some(key)) => {
            Some(TlsFiles { certificate: certificate.into(), private_key: key.into() })
        }
        (None, None) => None,
        (Some(_), None) => {
            cx.mistake("server.tls_private_key", "missing; `tls_certificate` needs it");
            None
        }
        (None, Some(_)) => {
            cx.mistake("server.tls_certificate", "missing; `tls_private_key` needs it");
            None
        }
    }
}
