//! The end user's address, from `X-Forwarded-For` as trusted proxies write it.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::FromRequestParts;
use http::request::Parts;
use otpmux::config::Network;

use crate::app::App;
use crate::auth::Peer;
use crate::problem::Problem;

/// The proxies whose `X-Forwarded-For` is trusted.
#[derive(Debug)]
pub(crate) struct Proxies {
    trusted: Vec<Network>,
    warned: AtomicBool,
}

/// The end user's address, if a trusted proxy reported it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientAddress(pub(crate) Option<IpAddr>);

impl FromRequestParts<Arc<App>> for ClientAddress {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        // Every request has its peer set before it is routed.
        let peer = parts.extensions.get::<Peer>();
        let lines = parts.headers.get_all("x-forwarded-for");
        let lines: Vec<_> = lines.iter().map(http::HeaderValue::as_bytes).collect();
        Ok(Self(peer.and_then(|Peer(peer)| app.settings().proxies.client(*peer, &lines))))
    }
}

impl Proxies {
    pub(crate) fn new(trusted: Vec<Network>) -> Self {
        Self { trusted, warned: AtomicBool::new(false) }
    }

    pub(crate) fn trust(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.holds(address))
    }

    /// Reads the header from its last entry backwards, up to the first address that is not a
    /// trusted proxy: anyone can write the entries before it. If an entry of a trusted proxy cannot
    /// be read, the request counts for that proxy, so that a limit always applies. `None`: the peer
    /// is not a trusted proxy, or the header is absent.
    fn client(&self, peer: IpAddr, lines: &[&[u8]]) -> Option<IpAddr> {
        if lines.is_empty() || !self.trust(peer) {
            return None;
        }
        let mut nearest = peer;
        for hop in lines.iter().rev().flat_map(|line| line.rsplit(|byte| *byte == b',')) {
            let Some(address) = address(hop) else {
                self.warn();
                break;
            };
            nearest = address;
            if !self.trust(address) {
                break;
            }
        }
        Some(nearest)
    }

    /// Warns once per configuration, without the unreadable text, which may be personal.
    fn warn(&self) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "a trusted proxy sends an X-Forwarded-For whose near end is no address; requests \
                 like this one count for the proxy's own address"
            );
        }
    }
}

/// Reads an entry as proxies write it: `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`,
/// `[2001:db8::1]`, `[2001:db8::1]:4711`, each with or without quotes, with or without a zone.
fn address(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim();
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let bare = without_zone(bracketed.unwrap_or(text)).parse::<IpAddr>().ok();
    let address = match bracketed {
        Some(_) => bare.filter(IpAddr::is_ipv6),
        None => bare.or_else(|| with_port(text)),
    };
    address.map(|address| address.to_canonical())
}

fn with_port(text: &str) -> Option<IpAddr> {
    if let Some((address, port)) = text.strip_prefix('[').and_then(|text| text.split_once("]:")) {
        port.parse::<u16>().ok()?;
        return without_zone(address).parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    text.parse::<SocketAddr>().ok().map(|address| address.ip())
}

fn without_zone(text: &str) -> &str {
    text.split_once('%').map_or(text, |(address, _)| address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_proxies_write() {
        for (text, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            (" 192.0.2.1:4711 ", "192.0.2.1"),
            ("\"192.0.2.1:80\"", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("fe80::1%eth0", "fe80::1"),
            ("[fe80::1%25eth0]:443", "fe80::1"),
        ] {
            assert_eq!(address(text.as_bytes()), Some(expected.parse().unwrap()), "{text}");
        }
        for text in [
            "",
            " ",
            "unknown",
            "_hidden",
            "192.0.2",
            "192.0.2.1:",
            "192.0.2.1:x",
            "192.0.2.1:99999",
            "[192.0.2.1]",
            "[2001:db8::1",
            "[2001:db8::1]x",
            "[2001:db8::1]:",
            "\"192.0.2.1",
            "\u{0}",
            "host:80",
            "192.0.2.1 192.0.2.2",
        ] {
            assert_eq!(address(text.as_bytes()), None, "{text}");
        }
        assert_eq!(address(b"192.0.2.1\xff"), None);
    }

    #[test]
    fn the_first_from_the_near_end_that_is_no_proxy() {
        let proxies = Proxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let of = |peer: &str, lines: &[&str]| {
            let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
            proxies.client(peer.parse().unwrap(), &lines).map(|address| address.to_string())
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(of("10.0.0.1", &["203.0.113.1"]), some("203.0.113.1"));
        assert_eq!(
            of("10.0.0.1", &["198.51.100.1, 203.0.113.1, 10.2.3.4:80"]),
            some("203.0.113.1")
        );
        assert_eq!(of("10.0.0.1", &["198.51.100.1", "203.0.113.1"]), some("203.0.113.1"));
        // The peer is not trusted, or the header is absent.
        assert_eq!(of("192.0.2.1", &["203.0.113.1"]), None);
        assert_eq!(of("10.0.0.1", &[]), None);
        // A request that a proxy makes itself.
        assert_eq!(of("10.0.0.1", &["10.0.0.2"]), some("10.0.0.2"));
        // An unreadable entry counts for the proxy that passed it on.
        for garbage in ["203.0.113.1, unknown", "203.0.113.1,", ""] {
            assert_eq!(of("10.0.0.1", &[garbage]), some("10.0.0.1"), "{garbage}");
        }
        assert_eq!(of("10.0.0.1", &["203.0.113.1, ?, 10.0.0.2"]), some("10.0.0.2"));
    }
}
