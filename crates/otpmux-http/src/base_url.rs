use std::str::FromStr;

use url::{Host, Url};

/// The address of a vendor's API. HTTPS, except on loopback addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Returns the URL of an endpoint. `path` begins with `/`; its segments are percent-encoded
    /// already.
    pub(crate) fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        let base = self.0.path().trim_end_matches('/');
        url.set_path(&format!("{base}{path}"));
        url
    }

    /// Parses the address of a service that the platform offers on this machine, such as the metadata
    /// of a cloud's instance: as [`FromStr`], and plain HTTP is allowed at link-local addresses, too.
    ///
    /// # Errors
    ///
    /// As for any base URL.
    pub fn local_service(text: &str) -> Result<Self, BaseUrlError> {
        let url = Url::parse(text).map_err(|_| BaseUrlError::NotUrl)?;
        if url.scheme() != "http" || !is_link_local(&url) {
            return text.parse();
        }
        without_extras(url)
    }

    /// Returns whether the host is this machine, or a service of its platform.
    pub(crate) fn is_local(&self) -> bool {
        is_loopback(&self.0) || is_link_local(&self.0)
    }

    pub(crate) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Returns the URL as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Whether the host is in `169.254.0.0/16`, or in `fd00:ec2::/32`, where a cloud has such services under
/// IPv6.
fn is_link_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_link_local(),
        Some(Host::Ipv6(ip)) => ip.segments()[..2] == [0xfd00, 0xec2],
        _ => false,
    }
}

fn without_extras(url: Url) -> Result<BaseUrl, BaseUrlError> {
    let bare = url.username().is_empty() && url.password().is_none();
    if !bare || url.query().is_some() || url.fragment().is_some() {
        return Err(BaseUrlError::Extras);
    }
    Ok(BaseUrl(url))
}

impl FromStr for BaseUrl {
    type Err = BaseUrlError;

    fn from_str(text: &str) -> Result<Self, BaseUrlError> {
        let url = Url::parse(text).map_err(|_| BaseUrlError::NotUrl)?;
        let fits = match url.scheme() {
            "https" => url.has_host(),
            "http" => is_loopback(&url),
            _ => false,
        };
        if !fits {
            return Err(BaseUrlError::NotHttps);
        }
        without_extras(url)
    }
}

/// Error returned when a text is not a base URL. It does not repeat the text, which may hold
/// credentials.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BaseUrlError {
    /// The text is not a URL.
    #[error("not a URL such as https://api.example.com/v1")]
    NotUrl,
    /// The URL is not `https`, and its host is not a loopback address.
    #[error("must begin with https:// (plain http:// is for 127.0.0.1, [::1] and localhost only)")]
    NotHttps,
    /// The URL holds credentials, a query or a fragment.
    #[error("must not hold credentials, a query or a fragment")]
    Extras,
}

otpmux_core::debug_as_display!(BaseUrlError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_everywhere_else_loopback() {
        use BaseUrlError::{Extras, NotHttps, NotUrl};
        for good in
            ["https://a.example/v1", "http://127.0.0.1:1/", "http://[::1]:1", "http://localhost:1"]
        {
            assert!(good.parse::<BaseUrl>().is_ok(), "{good}");
        }
        for (bad, why) in [
            ("http://a.example", NotHttps),
            ("http://127.0.0.1.a.example", NotHttps),
            ("ftp://a.example", NotHttps),
            ("a.example", NotUrl),
            ("https://user:pw@a.example", Extras),
            ("https://a.example?key=1", Extras),
        ] {
            assert_eq!(bad.parse::<BaseUrl>(), Err(why), "{bad}");
        }
    }

    #[test]
    fn plain_http_reaches_the_services_of_the_platform_and_nothing_else() {
        for good in [
            "http://169.254.169.254",
            "http://169.254.170.23/v1",
            "http://[fd00:ec2::254]",
            "http://127.0.0.1:1",
            "https://a.example",
        ] {
            assert!(BaseUrl::local_service(good).is_ok(), "{good}");
        }
        for bad in
            ["http://a.example", "http://169.253.1.1", "http://[fd00:ec3::1]", "http://10.0.0.1"]
        {
            assert_eq!(BaseUrl::local_service(bad), Err(BaseUrlError::NotHttps), "{bad}");
        }
        let credentials = BaseUrl::local_service("http://a:b@169.254.169.254");
        assert_eq!(credentials, Err(BaseUrlError::Extras));
        assert!("http://169.254.169.254".parse::<BaseUrl>().is_err(), "not for a vendor");
    }

    #[test]
    fn joins_below_the_base_path() {
        let base: BaseUrl = "https://a.example/api/v1/".parse().unwrap();
        assert_eq!(base.join("/send").as_str(), "https://a.example/api/v1/send");
    }
}
