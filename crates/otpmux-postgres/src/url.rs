//! The URL of a server.

use std::net::IpAddr;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use crate::options::OptionsError;

/// How long a connection may be silent before it is probed.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Parses a URL. Without `sslmode`, a connection needs TLS unless it stays on this machine: a server
/// that another one impersonates could otherwise switch it off.
pub(crate) fn parse(url: &str) -> Result<Config, OptionsError> {
    if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
        return Err(OptionsError::Url);
    }
    let (plain, mode) = without_mode(url);
    let mut config: Config = plain.parse().map_err(|_| OptionsError::Url)?;
    if config.get_hosts().is_empty() {
        return Err(OptionsError::Url);
    }
    let mode = match mode {
        Some("disable") => SslMode::Disable,
        Some("require" | "verify-full") => SslMode::Require,
        Some(_) => return Err(OptionsError::SslMode),
        None if config.get_hosts().iter().all(is_here) => SslMode::Disable,
        None => SslMode::Require,
    };
    config
        .ssl_mode(mode)
        // A replica may be behind, and takes no writes.
        .target_session_attrs(TargetSessionAttrs::ReadWrite)
        .keepalives_idle(KEEPALIVE)
        .keepalives_interval(KEEPALIVE / 3);
    if config.get_application_name().is_none() {
        config.application_name("otpmux");
    }
    Ok(config)
}

/// Returns the URL without its parameter `sslmode`, and the parameter: the client library does not
/// know all of its words.
fn without_mode(url: &str) -> (String, Option<&str>) {
    let Some((base, query)) = url.split_once('?') else { return (url.to_owned(), None) };
    let mut mode = None;
    let mut others = Vec::new();
    for parameter in query.split('&') {
        match parameter.strip_prefix("sslmode=") {
            Some(word) => mode = Some(word),
            None => others.push(parameter),
        }
    }
    let separator = if others.is_empty() { "" } else { "?" };
    (format!("{base}{separator}{}", others.join("&")), mode)
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            let name = name.trim_start_matches('[').trim_end_matches(']');
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> Result<SslMode, OptionsError> {
        parse(url).map(|config| config.get_ssl_mode())
    }

    #[test]
    fn tls_is_needed_unless_the_url_says_otherwise_or_the_server_is_here() {
        for here in [
            "postgres://localhost",
            "postgres://user:p%40ss@127.0.0.1:6432/otpmux",
            "postgresql://[::1]/otpmux?application_name=login",
            "postgres:///otpmux?host=/run/postgresql",
            "postgres://db.internal/otpmux?sslmode=disable",
        ] {
            assert_eq!(mode(here), Ok(SslMode::Disable), "{here}");
        }
        for away in [
            "postgres://db.internal/otpmux",
            "postgres://10.0.0.1,10.0.0.2/otpmux",
            "postgres://localhost,db.internal/otpmux",
            "postgres://localhost/otpmux?sslmode=require",
            "postgres://localhost/otpmux?connect_timeout=3&sslmode=verify-full",
        ] {
            assert_eq!(mode(away), Ok(SslMode::Require), "{away}");
        }
    }

    #[test]
    fn sec_what_cannot_be_is_refused_and_shows_no_password() {
        for url in [
            "",
            "localhost",
            "host=localhost",
            "mysql://localhost",
            "postgres://",
            "postgres:///otpmux",
            "postgres://u:swordfish@h:notaport/d",
            "postgres://u:swordfish@h/d?sslrootcert=a",
        ] {
            let error = parse(url).unwrap_err();
            assert_eq!(error, OptionsError::Url, "{url}");
            assert!(!format!("{error} {error:?}").contains("swordfish"));
        }
        for word in ["prefer", "allow", "verify-ca", "", "REQUIRE"] {
            let url = format!("postgres://h/d?sslmode={word}");
            assert_eq!(mode(&url), Err(OptionsError::SslMode), "{word}");
        }
    }
}
