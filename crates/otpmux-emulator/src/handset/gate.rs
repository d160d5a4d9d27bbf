//! Keeps other web sites out: a browser on this machine reaches the emulator on behalf of every
//! page that it shows.

use std::net::{IpAddr, SocketAddr};

use http::uri::Authority;

use crate::exchange::{Call, Reply};

/// The refusal of a request that a foreign page made, or may have made.
pub(crate) fn refusal(call: &Call, listen: SocketAddr) -> Option<Reply> {
    let host = call.header("host").unwrap_or_default();
    // A foreign name that resolves to this machine makes its pages same-origin with the emulator.
    if !is_ours(host, listen.ip()) {
        return Some(Reply::error(
            421,
            "the header Host names neither localhost nor the address that the emulator listens on",
        ));
    }
    let reads = matches!(call.method.as_str(), "GET" | "HEAD");
    if !reads && is_foreign(call, host) {
        return Some(Reply::error(403, "pages of other origins change nothing here"));
    }
    None
}

/// What no page of another origin may embed or take for something else.
pub(crate) fn guarded(reply: Reply) -> Reply {
    reply
        .with_header("x-content-type-options", "nosniff")
        .with_header("cross-origin-resource-policy", "same-origin")
}

fn is_ours(host: &str, listen: IpAddr) -> bool {
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host().to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") {
        return true;
    }
    let address = name.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address
        .is_ok_and(|address| address.is_loopback() || address == listen || listen.is_unspecified())
}

/// Programs send neither header; browsers send `Origin` with everything that is no plain read.
fn is_foreign(call: &Call, host: &str) -> bool {
    let other_site =
        call.header("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none"));
    let other_origin = call.headers.get("origin").is_some_and(|origin| {
        !origin.as_bytes().eq_ignore_ascii_case(format!("http://{host}").as_bytes())
    });
    other_site || other_origin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_of_this_machine_are_ours() {
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        let lan: IpAddr = "192.0.2.7".parse().unwrap();
        let everywhere: IpAddr = "0.0.0.0".parse().unwrap();
        for (host, listen, ours) in [
            ("127.0.0.1:4010", loopback, true),
            ("127.9.9.9", loopback, true),
            ("LocalHost:1", loopback, true),
            ("team.localhost:4010", loopback, true),
            ("[::1]:4010", loopback, true),
            ("192.0.2.7:4010", lan, true),
            ("192.0.2.7:4010", everywhere, true),
            ("192.0.2.7:4010", loopback, false),
            ("rebound.example:4010", loopback, false),
            ("rebound.example:4010", everywhere, false),
            ("127.0.0.1.example", loopback, false),
            ("localhost.example", loopback, false),
            ("notlocalhost", loopback, false),
            ("", loopback, false),
        ] {
            assert_eq!(is_ours(host, listen), ours, "{host} at {listen}");
        }
    }
}
