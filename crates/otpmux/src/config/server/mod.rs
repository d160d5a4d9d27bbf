//! `[server]`: the section of the gateway. A client does not use it, so only its form is checked
//! and its secrets are not looked up.

mod api_key;
mod network;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use otpmux_core::RateLimit;
use otpmux_core::settings::{ConfigError, Section as _, parse_duration, parses};
use serde_json::{Map, Value};

pub(crate) use api_key::ApiKeySettings;
pub use api_key::{ApiKey, ApiKeySecret};
pub use network::Network;

use super::reading::Reading;
use super::sections::names;

otpmux_core::settings! {
    /// The gateway: the section `[server]` of a configuration file.
    #[derive(Clone, Debug)]
    pub struct ServerConfig {
        /// The address and port that the gateway listens on.
        pub listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            text().check(check_address), example "0.0.0.0:8080";
        /// A file with the certificate and its chain, in PEM, read again on a reload. Absent: the
        /// gateway speaks plain HTTP. Needs `tls_private_key`.
        pub tls_certificate: Option<PathBuf> = None, text(), example "/etc/otpmux/tls.crt";
        /// A file with the private key of the certificate, in PEM. Needs `tls_certificate`.
        pub tls_private_key: Option<PathBuf> = None, text(), example "/etc/otpmux/tls.key";
        /// The addresses and networks of proxies whose `X-Forwarded-For` header gives the address
        /// of the end user. The header is ignored when it comes from any other address.
        pub trusted_proxies: Vec<Network> = Vec::new(),
            list_or_empty().check(parses::<Network>), example ["10.0.0.0/8"];
        /// The address of the gateway as the world sees it, proxies included: https, or http on
        /// loopback. Vendors get addresses below it to report deliveries to, and sign them. Absent:
        /// no vendor is asked for receipts.
        pub public_url: Option<String> = None, text().check(check_public_url),
            example "https://otp.example.com";
        /// The largest body of a receipt, in bytes.
        pub receipt_body: usize = 256 * 1024, integer(1_024..=16_777_216), example 65536;
        /// The receipts that each provider may send to this process, batches counted as one. Further
        /// ones are refused before they are read, and their vendors repeat them. An empty list means
        /// no limit.
        pub receipt_requests: Vec<RateLimit> = vec![RateLimit::new(1_000, Duration::from_secs(1))],
            limits(1..=1_000_000, Duration::from_secs(1)..=Duration::from_hours(24), 4),
            example ["100/1s"];
        /// Another address and port, for `/metrics` alone, in plain HTTP. Absent: `/metrics` is
        /// served at `listen`.
        pub metrics_listen: Option<SocketAddr> = None,
            text().check(check_address), example "127.0.0.1:9090";
        /// How often vendors are asked for the balance of the account, for the metric
        /// `otpmux_provider_balance`: 10s or more, spread at random. 0s is never.
        pub balance_interval: Duration = Duration::from_mins(10),
            duration(Duration::ZERO..=Duration::from_hours(24)).check(check_interval), example "1h";
        /// Open connections; further ones are closed at once. Lowered, with a warning, where the
        /// process may not open as many files.
        pub max_connections: usize = 16_384, integer(1..=1_000_000), example 1000;
        /// Open connections from one address (of IPv6: from one /64). It does not hold for trusted
        /// proxies. Absent: half of `max_connections`.
        pub max_connections_per_address: Option<usize> = None, integer(1..=1_000_000), example 100;
        /// How long a gateway that is stopped still takes requests while `/readyz` reports that it
        /// is not ready, so that load balancers notice.
        pub drain_delay: Duration = Duration::ZERO,
            duration(Duration::ZERO..=Duration::from_mins(10)), example "5s";
        /// How long requests under way may then take to end.
        pub drain_timeout: Duration = Duration::from_secs(30),
            duration(Duration::ZERO..=Duration::from_mins(10)), example "1m";
        plain {
            /// The keys of the applications that may call the gateway. Without one, none may.
            pub api_keys: Vec<ApiKey> = Vec::new();
        }
    }
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

impl ServerConfig {
    /// Returns the certificate and its private key; `None` means plain HTTP.
    pub fn tls(&self) -> Option<TlsFiles> {
        let (certificate, private_key) =
            (self.tls_certificate.clone()?, self.tls_private_key.clone()?);
        Some(TlsFiles { certificate, private_key })
    }

    /// Returns the address below which vendors report deliveries: a slash and the provider's name
    /// follow it.
    pub fn receipt_url(&self) -> Option<String> {
        let url = self.public_url.as_deref()?.trim_end_matches('/');
        Some(format!("{url}/v1/receipts"))
    }

    /// Reports a missing TLS file by its key.
    fn conflicts(&self) -> Option<ConfigError> {
        match (&self.tls_certificate, &self.tls_private_key) {
            (Some(_), None) => {
                Some(ConfigError::new("tls_private_key", "missing; `tls_certificate` needs it"))
            }
            (None, Some(_)) => {
                Some(ConfigError::new("tls_certificate", "missing; `tls_private_key` needs it"))
            }
            _ => None,
        }
    }
}

pub(super) fn read(root: &Map<String, Value>, cx: &mut Reading<'_>) -> Option<ServerConfig> {
    let mut own = cx.table(root, "server")?.clone();
    let known: Vec<_> = names(ServerConfig::KEYS).chain(["api_keys"]).collect();
    cx.unknown_keys("server", &own, &known);
    own.retain(|key, _| known.contains(&key.as_str()));
    let api_keys = own.remove("api_keys");
    let mut server = ServerConfig::default();
    cx.apply("server", &own, &mut server);
    cx.errors.extend(server.conflicts().map(|error| error.within("server")));
    server.api_keys = api_key::read(api_keys.as_ref(), cx);
    Some(server)
}

fn check_address(text: &str) -> Result<(), String> {
    let rule = "must be an address and a port, such as 127.0.0.1:8080 or [::1]:8080";
    text.parse::<SocketAddr>().map(drop).map_err(|_| rule.to_owned())
}

fn check_public_url(text: &str) -> Result<(), String> {
    let rule = "must begin with https:// (plain http:// is for 127.0.0.1, [::1] and localhost only), \
        and hold a host, perhaps a port and a path, and nothing else";
    let loopback = ["127.0.0.1", "[::1]", "localhost"];
    let (scheme, rest) = text.split_once("://").ok_or(rule)?;
    let authority = rest.split('/').next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let scheme_fits = scheme == "https" || (scheme == "http" && loopback.contains(&host));
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok());
    let plain = text.bytes().all(|b| b.is_ascii_graphic() && !b"?#@\\\"<>".contains(&b));
    if scheme_fits && port_fits && plain && !host.is_empty() {
        Ok(())
    } else {
        Err(rule.to_owned())
    }
}

fn check_interval(text: &str) -> Result<(), String> {
    match parse_duration(text) {
        Some(time) if time.is_zero() || time >= Duration::from_secs(10) => Ok(()),
        _ => Err("must be 0s or at least 10s".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses() {
        for good in [
            "https://otp.example.com",
            "https://otp.example.com/",
            "https://otp.example.com:8443/otp",
            "https://[2001:db8::1]:8443",
            "https://[2001:db8::1]",
            "http://127.0.0.1:8080",
            "http://[::1]",
            "http://localhost:1/x",
        ] {
            assert_eq!(check_public_url(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "otp.example.com",
            "http://otp.example.com",
            "http://127.0.0.1.example.com",
            "ftp://otp.example.com",
            "https://",
            "https://:8080",
            "https:///x",
            "https://user:password@otp.example.com",
            "https://otp.example.com?x=1",
            "https://otp.example.com/#x",
            "https://otp.example.com:port",
            "https://otp .example.com",
        ] {
            assert!(check_public_url(bad).is_err(), "{bad}");
        }
        let server = ServerConfig::default().public_url("https://a.example/otp/");
        assert_eq!(server.receipt_url().as_deref(), Some("https://a.example/otp/v1/receipts"));
        assert_eq!(ServerConfig::default().receipt_url(), None);
    }
}
