//! The proxies of the environment.

use std::env;
use std::ffi::OsString;

use http::Uri;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use url::Url;

use super::no_proxy::NoProxy;

const NOT_TEXT: &str =
    "one of the environment variables HTTPS_PROXY, ALL_PROXY and NO_PROXY is not UTF-8 text";
const NOT_URL: &str = "the environment variable HTTPS_PROXY or ALL_PROXY is not the URL of a proxy, such as \
                       http://proxy.example:3128";

/// The proxy, and the hosts that are called without it.
pub(crate) struct Proxies {
    proxy: Matcher,
    no_proxy: NoProxy,
}

impl Proxies {
    /// Returns the proxy for this address, if there is one.
    pub(super) fn intercept(&self, to: &Uri) -> Option<Intercept> {
        if self.no_proxy.holds(to) { None } else { self.proxy.intercept(to) }
    }
}

/// Reads `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`.
///
/// # Errors
///
/// A variable that cannot be read; nothing of its value. The library would ignore it, and bypass the
/// proxy.
pub(crate) fn of_environment() -> Result<Proxies, &'static str> {
    read(|name| env::var_os(name))
}

/// The variables are read here, because the library ignores all of them in a CGI program. That protects
/// `HTTP_PROXY` only, which a request can set there, and which is of no use here: plain HTTP is for local
/// addresses.
fn read(variable: impl Fn(&str) -> Option<OsString>) -> Result<Proxies, &'static str> {
    // An empty variable is an absent one.
    let text = |name: &str| {
        let mut values = [variable(name), variable(&name.to_lowercase())].into_iter().flatten();
        let value = values
            .find(|value| !value.as_encoded_bytes().trim_ascii().is_empty())
            .unwrap_or_default();
        value.into_string().map_err(|_| NOT_TEXT)
    };
    let https = text("HTTPS_PROXY")?;
    let proxy = if https.is_empty() { text("ALL_PROXY")? } else { https };
    let (proxy, no_proxy) = (proxy.trim(), text("NO_PROXY")?);
    let matcher = Matcher::builder().https(proxy).build();
    if proxy.is_empty() {
        return Ok(Proxies { proxy: matcher, no_proxy: NoProxy::default() });
    }
    if !is_proxy(proxy, &matcher) {
        return Err(NOT_URL);
    }
    Ok(Proxies { proxy: matcher, no_proxy: NoProxy::read(&no_proxy)? })
}

/// Whether the library understands this text as it is meant. A password with one of `/?#` in it would end
/// the URL, and the login would be taken for the proxy.
fn is_proxy(text: &str, matcher: &Matcher) -> bool {
    let after_scheme = text.split_once("://").map_or(text, |(_, it)| it);
    let is_address = !after_scheme.trim_end_matches('/').contains(['/', '?', '#']);
    let found = matcher.intercept(&Uri::from_static("https://vendor.invalid/"));
    is_address && found.is_some_and(|it| Url::parse(&it.uri().to_string()).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the address and the login of the proxy for a vendor, in an environment with these variables.
    fn proxy(variables: &[(&str, &str)]) -> Result<Option<(String, Option<String>)>, &'static str> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(it, _)| *it == name);
            found.map(|(_, value)| OsString::from(value))
        };
        let found = read(variable)?.intercept(&Uri::from_static("https://vendor.invalid/x"));
        Ok(found.map(|it| {
            let login = it.basic_auth().map(|it| it.to_str().unwrap().to_owned());
            (it.uri().to_string(), login)
        }))
    }

    #[test]
    fn the_first_variable_that_is_not_empty() {
        let a = Ok(Some(("http://a:3128/".to_owned(), None)));
        for variables in [
            &[("HTTPS_PROXY", "http://a:3128"), ("ALL_PROXY", "http://b")][..],
            &[("https_proxy", " a:3128\n"), ("ALL_PROXY", "http://b")],
            &[("HTTPS_PROXY", ""), ("https_proxy", "http://a:3128")],
            &[("HTTPS_PROXY", " "), ("ALL_PROXY", ""), ("all_proxy", "http://a:3128")],
            &[("HTTPS_PROXY", "http://a:3128"), ("NO_PROXY", "a,other.invalid")],
            &[("HTTPS_PROXY", "http://a:3128/")],
            &[("HTTPS_PROXY", "http://a:3128"), ("REQUEST_METHOD", "GET")],
        ] {
            assert_eq!(proxy(variables), a, "{variables:?}");
        }
        for variables in [
            &[][..],
            &[("HTTP_PROXY", "http://a:3128")],
            &[("HTTPS_PROXY", " ")],
            &[("HTTPS_PROXY", "http://a:3128"), ("NO_PROXY", ""), ("no_proxy", ".invalid")],
            &[("HTTPS_PROXY", "http://a:3128"), ("NO_PROXY", "*")],
            &[("HTTPS_PROXY", "http://a:3128"), ("NO_PROXY", "other.invalid, *.invalid:443")],
            // Without a proxy, it has no meaning.
            &[("NO_PROXY", "vendor.*")],
        ] {
            assert_eq!(proxy(variables), Ok(None), "{variables:?}");
        }
    }

    #[test]
    fn the_login_may_be_percent_encoded() {
        let found = proxy(&[("ALL_PROXY", "https://us%40er:p%2Fw@a")]);
        let login = "Basic dXNAZXI6cC93".to_owned();
        assert_eq!(found, Ok(Some(("https://a/".to_owned(), Some(login)))));
    }

    /// The library ignores most of these.
    #[test]
    fn a_proxy_that_cannot_be_read_is_not_bypassed() {
        for value in [
            "socks://a:1080",
            "ftp://a",
            "http://",
            "http:/a",
            "http://user:pa#ss@a:3128",
            "http://user:12/ss@a:3128",
            "http://user:12?ss@a:3128",
            "http://a:proxy",
            "http://:3128",
            "http://a b:3128",
            "a:3128/",
            "\"http://a:3128\"",
        ] {
            for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
                assert_eq!(proxy(&[(name, value)]), Err(NOT_URL), "{name}={value}");
            }
        }
    }

    #[test]
    fn an_exception_that_is_not_understood_is_refused() {
        let found = proxy(&[("ALL_PROXY", "http://a:3128"), ("no_proxy", "localhost,vendor.*")]);
        assert!(found.is_err_and(|it| it.contains("NO_PROXY")));
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_not_text_is_refused() {
        use std::os::unix::ffi::OsStringExt as _;
        for name in ["HTTPS_PROXY", "all_proxy", "NO_PROXY"] {
            let read = read(|it| (it == name).then(|| OsString::from_vec(b"http://a\xff".into())));
            assert_eq!(read.err(), Some(NOT_TEXT), "{name}");
        }
    }
}
