use bytes::Bytes;
use http::uri::{Authority, InvalidUri, PathAndQuery, Scheme};
use http::{Uri, uri};
use url::{Position, Url};

use crate::{BaseUrl, Call};

/// The vendor's API, in the parts that the URI of every call is made of.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    base: BaseUrl,
    scheme: Scheme,
    authority: Authority,
    /// The path of the base URL, without a slash at its end.
    base_path: Box<str>,
}

impl Target {
    /// # Errors
    ///
    /// A base URL that no request line can hold, for example a very long one.
    pub(crate) fn new(base: BaseUrl) -> Result<Self, InvalidUri> {
        let uri::Parts { scheme, authority, path_and_query, .. } =
            base.as_str().parse::<Uri>()?.into_parts();
        // A base URL always has all three.
        let path = path_and_query.as_ref().map_or("", PathAndQuery::path);
        Ok(Self {
            scheme: scheme.unwrap_or(Scheme::HTTPS),
            authority: authority.map_or_else(|| Authority::try_from(""), Ok)?,
            base_path: path.trim_end_matches('/').into(),
            base,
        })
    }

    /// Returns the URL of a call.
    pub(crate) fn url(&self, call: &Call) -> Url {
        let mut url = self.base.join(&call.path);
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        url
    }

    /// Returns the same as [`url`](Self::url), for the request.
    pub(crate) fn uri(&self, call: &Call) -> Result<Uri, http::Error> {
        let path = if call.query.is_empty() && is_verbatim(&call.path) {
            format!("{}{}", self.base_path, call.path)
        } else {
            self.url(call)[Position::BeforePath..].to_owned()
        };
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(PathAndQuery::from_maybe_shared(Bytes::from(path))?)
            .build()
    }
}

/// Whether a URL holds this path as it is. Parsing a URL takes longer than all else in a request.
fn is_verbatim(path: &str) -> bool {
    let dots = ["/.", "%2e", "%2E"].iter().any(|dot| path.contains(dot));
    !dots
        && path.starts_with('/')
        && path
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~/%:@!$&()*+,;=".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn target(base: &str) -> Target {
        Target::new(base.parse().unwrap()).unwrap()
    }

    #[test]
    fn most_paths_are_verbatim() {
        for path in ["/otp/send", "/v1/verify/%2B919876543210", "/messages/a-b_c~d:e"] {
            assert!(is_verbatim(path), "{path}");
        }
        for path in ["/a/../b", "/%2E%2E/b", "/a b", "/é", "/a?b", "/a#b", "/a\\b", "a", "/\t"] {
            assert!(!is_verbatim(path), "{path}");
        }
    }

    proptest! {
        /// A signature over the URL holds for the request.
        #[test]
        fn the_request_goes_to_the_url(
            base in prop::sample::select(vec![
                "https://a.example", "https://a.example/", "https://a.example:8443/api/v1/",
                "http://[::1]:1/x", "https://bücher.example/%7Euser",
            ]),
            path in "/(\\PC|[a-z./%2eE~]){0,24}",
            query in prop::option::of("\\PC{0,12}"),
        ) {
            let (target, mut call) = (target(base), Call::get(path));
            if let Some(value) = query {
                call = call.with_query("q", &value);
            }
            if let Ok(uri) = target.uri(&call) {
                prop_assert_eq!(uri.to_string(), target.url(&call).to_string());
            }
        }
    }
}
