//! The hosts that are called without the proxy.

use std::net::IpAddr;

use http::Uri;
use http::uri::Scheme;
use url::Host;

const NOT_HOSTS: &str = "the environment variable NO_PROXY has an entry that is not understood; write hosts, separated by \
                         commas, as vendor.example (with all names below it), 192.0.2.7, 10.0.0.0/8 or ::1, with a port as \
                         vendor.example:8443 or [::1]:8443; * is every host";

/// The value of `NO_PROXY`: entries that are separated by commas.
#[derive(Default)]
pub(super) struct NoProxy(Vec<Entry>);

struct Entry {
    hosts: Hosts,
    /// Every port if absent.
    port: Option<u16>,
}

enum Hosts {
    All,
    /// A name, and all names below it.
    Domain(String),
    Network {
        address: IpAddr,
        bits: u32,
    },
}

impl NoProxy {
    /// Understands every form that curl and Go understand. A leading `.` or `*.` changes nothing, as in
    /// curl: with Go, the name itself would go through the proxy.
    ///
    /// # Errors
    ///
    /// An entry that is not understood; nothing of it. To ignore it would call a host through a proxy that
    /// it is meant to be called without.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(|entry| Entry::read(entry).ok_or(NOT_HOSTS)).collect::<Result<_, _>>().map(Self)
    }

    /// Returns whether this address is called without the proxy.
    pub(super) fn holds(&self, to: &Uri) -> bool {
        let Some(host) = to.host() else { return false };
        let host = host.trim_start_matches('[').trim_end_matches([']', '.']).to_ascii_lowercase();
        let standard = if to.scheme() == Some(&Scheme::HTTP) { 80 } else { 443 };
        let port = to.port_u16().unwrap_or(standard);
        let entries = &self.0;
        entries.iter().any(|it| it.port.is_none_or(|own| own == port) && it.hosts.hold(&host))
    }
}

impl Entry {
    fn read(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (address, rest) = rest.split_once(']')?;
                let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) };
                (address, port)
            }
            // Another colon would be part of an IPv6 address.
            None => match text.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (text, None),
            },
        };
        let port = port.map(str::parse).transpose().ok()?;
        Some(Self { hosts: Hosts::read(host)?, port })
    }
}

impl Hosts {
    fn read(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(a, bits)| (a, Some(bits)));
        if let Ok(address) = address.parse::<IpAddr>() {
            let all = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.map_or(Some(all), |bits| bits.parse().ok()).filter(|it| *it <= all)?;
            return Some(Self::Network { address, bits });
        }
        let name = text.strip_prefix("*.").or(text.strip_prefix('.')).unwrap_or(text);
        // As a URL has it: in small letters, and international names in their ASCII form.
        let Ok(Host::Domain(name)) = Host::parse(name.strip_suffix('.').unwrap_or(name)) else {
            return None;
        };
        let is_letter = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'_');
        let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_letter);
        name.split('.').all(is_label).then_some(Self::Domain(name))
    }

    /// `host` is in small letters, without brackets.
    fn hold(&self, host: &str) -> bool {
        match self {
            Self::All => true,
            Self::Domain(name) => {
                host.strip_suffix(&**name).is_some_and(|it| it.is_empty() || it.ends_with('.'))
            }
            Self::Network { address, bits } => match (address, host.parse()) {
                (IpAddr::V4(own), Ok(IpAddr::V4(other))) => {
                    (own.to_bits() ^ other.to_bits()).leading_zeros() >= *bits
                }
                (IpAddr::V6(own), Ok(IpAddr::V6(other))) => {
                    (own.to_bits() ^ other.to_bits()).leading_zeros() >= *bits
                }
                _ => false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_holds_the_hosts_that_curl_and_go_take_it_for() {
        for (entries, holds, leaves) in [
            (
                "vendor.example",
                &["vendor.example", "api.vendor.example", "VENDOR.example.", "vendor.example:8443"]
                    [..],
                &["othervendor.example", "example", "vendor.example.org"][..],
            ),
            (".vendor.example", &["vendor.example", "a.b.vendor.example"], &["xvendor.example"]),
            ("*.vendor.example", &["vendor.example", "a.b.vendor.example"], &["xvendor.example"]),
            ("Vendor.Example.", &["vendor.example"], &[]),
            ("bücher.example", &["xn--bcher-kva.example"], &[]),
            ("*", &["vendor.example", "192.0.2.7", "[2001:db8::1]:8443"], &[]),
            (
                "vendor.example:8443",
                &["vendor.example:8443", "api.vendor.example:8443"],
                &["vendor.example", "vendor.example:443"],
            ),
            (
                "*.vendor.example:443",
                &["vendor.example", "vendor.example:443"],
                &["vendor.example:1"],
            ),
            ("192.0.2.7", &["192.0.2.7", "192.0.2.7:8443"], &["192.0.2.8", "7.192.0.2.7.example"]),
            ("192.0.2.7:443", &["192.0.2.7"], &["192.0.2.7:8443"]),
            ("10.0.0.0/8", &["10.255.1.2"], &["11.0.0.1", "vendor.example", "[::a00:1]"]),
            ("0.0.0.0/0", &["203.0.113.9"], &["vendor.example", "[::1]"]),
            ("2001:db8::1", &["[2001:db8::1]", "[2001:db8::1]:8443"], &["[2001:db8::2]"]),
            ("[2001:db8::1]", &["[2001:db8::1]:8443"], &["[2001:db8::2]"]),
            ("[2001:db8::1]:8443", &["[2001:db8::1]:8443"], &["[2001:db8::1]"]),
            ("2001:db8::/32", &["[2001:db8:ffff::1]"], &["[2001:db9::1]"]),
            (" a.example ,\tb.example,, ", &["a.example", "b.example"], &["c.example"]),
            ("", &[], &["vendor.example", "192.0.2.7"]),
        ] {
            let no_proxy = NoProxy::read(entries).unwrap();
            for (hosts, expected) in [(holds, true), (leaves, false)] {
                for host in hosts {
                    let to = format!("https://{host}/path").parse().unwrap();
                    assert_eq!(no_proxy.holds(&to), expected, "{entries}: {host}");
                }
            }
        }
    }

    #[test]
    fn an_entry_that_is_not_understood_is_refused() {
        for entry in [
            "https://vendor.example",
            "vendor.example/path",
            "a.example b.example",
            "a.example;b.example",
            "vendor.*",
            "192.168.*",
            "192.168.",
            "10.0.0.0/33",
            "2001:db8::/129",
            "vendor.example:https",
            "vendor.example:",
            "vendor.example:65536",
            "[::1]8443",
            "[::1",
            "vendor..example",
            "<local>",
            ".",
            "*.",
            "\"vendor.example\"",
        ] {
            let read = NoProxy::read(&format!("localhost,{entry}"));
            assert_eq!(read.err(), Some(NOT_HOSTS), "{entry}");
        }
    }
}
