use std::fmt;
use std::net::IpAddr;

use http::Uri;
use url::{Host, Url};

use super::address::is_public;

/// The address of a receiver of webhooks: `https` and a public host, or a host of this machine if that
/// is allowed. Its path may hold a secret, so it is never shown whole.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookUrl {
    uri: Uri,
    is_loopback: bool,
}

/// A text is no address for webhooks.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookUrlError {
    /// It is no URL.
    #[error("must be a URL such as https://example.com/otp-events")]
    Unreadable,
    /// It is not HTTPS.
    #[error("must begin with https://")]
    NotHttps,
    /// It is an address of this machine.
    #[error("is an address of this machine, which only `allow_loopback = true` allows")]
    Loopback,
    /// It is an address of a private network.
    #[error("is an address of a private network, to which no event is sent")]
    Private,
    /// No HTTP request can hold it.
    #[error("is too long for an HTTP request")]
    TooLong,
    /// It has a user name or a password.
    #[error("must have no user name and no password: receivers check the signature")]
    Credentials,
}

otpmux_core::debug_as_display!(WebhookUrlError);

impl WebhookUrl {
    /// Reads an address. `allow_loopback` allows hosts of this machine, also by plain HTTP.
    ///
    /// # Errors
    ///
    /// The rule that it breaks; nothing of the text.
    pub fn parse(text: &str, allow_loopback: bool) -> Result<Self, WebhookUrlError> {
        let url = Url::parse(text).map_err(|_| WebhookUrlError::Unreadable)?;
        let is_loopback = match url.host().ok_or(WebhookUrlError::Unreadable)? {
            Host::Domain(name) => {
                let name = name.trim_end_matches('.');
                name == "localhost" || name.ends_with(".localhost")
            }
            Host::Ipv4(address) => checked(address.into())?,
            Host::Ipv6(address) => checked(address.into())?,
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(WebhookUrlError::Credentials);
        }
        if is_loopback && !allow_loopback {
            return Err(WebhookUrlError::Loopback);
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback => {}
            _ => return Err(WebhookUrlError::NotHttps),
        }
        // A URL that was parsed holds no character that a request may not.
        let uri = url.as_str().parse().map_err(|_| WebhookUrlError::TooLong)?;
        Ok(Self { uri, is_loopback })
    }

    pub(super) fn uri(&self) -> &Uri {
        &self.uri
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// The host, without the path.
    pub fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }
}

/// Returns whether an address is one of this machine.
fn checked(address: IpAddr) -> Result<bool, WebhookUrlError> {
    let is_loopback = address.to_canonical().is_loopback();
    if is_loopback || is_public(address) { Ok(is_loopback) } else { Err(WebhookUrlError::Private) }
}

/// Shows only the host.
impl fmt::Debug for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookUrl({})", self.host())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_https_addresses_and_loopback_with_the_flag() {
        for text in
            ["https://example.com/x?y=z", "https://8.8.8.8/", "https://[2606:4700::1]:8443/"]
        {
            assert!(WebhookUrl::parse(text, false).is_ok(), "{text}");
        }
        for text in
            ["http://127.0.0.1:9/", "http://localhost:9/x", "https://[::1]/", "http://a.localhost/"]
        {
            assert_eq!(WebhookUrl::parse(text, false), Err(WebhookUrlError::Loopback), "{text}");
            assert!(WebhookUrl::parse(text, true).is_ok(), "{text}");
        }
    }

    #[test]
    fn nothing_else() {
        use WebhookUrlError::{Credentials, Loopback, NotHttps, Private, TooLong, Unreadable};
        for (text, expected) in [
            ("", Unreadable),
            ("example.com", Unreadable),
            ("mailto:a@example.com", Unreadable),
            ("http://example.com/", NotHttps),
            ("ftp://example.com/", NotHttps),
            ("https://user:pass@example.com/", Credentials),
            ("https://169.254.169.254/latest", Private),
            ("https://[fd00:ec2::254]/", Private),
            ("https://[::ffff:10.0.0.1]/", Private),
            ("https://0xa000001/", Private),
            ("https://167772161/", Private),
            ("https://2130706433/", Loopback),
            ("https://0x7f.1/", Loopback),
            ("https://[::ffff:127.0.0.1]/", Loopback),
            ("https://127.0.0.1./", Loopback),
        ] {
            assert_eq!(WebhookUrl::parse(text, false), Err(expected), "{text}");
        }
        assert_eq!(WebhookUrl::parse("http://10.0.0.1/", true), Err(Private));
        let six = WebhookUrl::parse("https://[2606:4700::1]:8443/x", false).unwrap();
        assert_eq!(six.host(), "[2606:4700::1]");
        let long = format!("https://example.com/{}", "x".repeat(70_000));
        assert_eq!(WebhookUrl::parse(&long, false), Err(TooLong));
        assert_eq!(
            format!("{:?}", WebhookUrl::parse("https://a.example/s3cret", false)),
            "Ok(WebhookUrl(a.example))"
        );
    }
}
