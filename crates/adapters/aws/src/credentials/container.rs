use std::time::Duration;

use otpmux_core::{Blame, Certainty, Context, Error, ErrorKind, ProviderId};
use otpmux_http::{BaseUrl, Call, HttpConfig, Transport};

use super::{Environment, Lease, read_document};

/// The endpoint of a container: ECS, or the pod identity of EKS.
#[derive(Debug)]
pub(super) struct Container {
    transport: Transport,
    path: String,
    token: Token,
}

#[derive(Clone, Debug)]
enum Token {
    None,
    /// Its content changes; it is read for each call.
    File(String),
    Fixed(otpmux_core::Secret),
}

impl Container {
    pub(super) fn find(
        provider: &ProviderId,
        environment: &Environment,
    ) -> Result<Option<Self>, String> {
        let relative = environment.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
        let full = match &relative {
            Some(path) => Some(format!("http://169.254.170.2{path}")),
            None => environment.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"),
        };
        let Some(full) = full else { return Ok(None) };
        let wrong = || {
            "the URI of the container's credentials must be https, or http at a loopback or \
                        link-local address"
                .to_owned()
        };
        let (origin, path) = split(&full).ok_or_else(wrong)?;
        let url = BaseUrl::local_service(origin).map_err(|_| wrong())?;
        let config = HttpConfig::new(url).with_timeout(Duration::from_secs(2));
        let transport = Transport::new(provider.clone(), config, &[])
            .map_err(|error| error.detail().to_owned())?;
        let token = environment
            .get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
            .map(Token::File)
            .or_else(|| {
                let token = environment.get("AWS_CONTAINER_AUTHORIZATION_TOKEN");
                token.map(|token| Token::Fixed(token.into()))
            });
        let token = token.unwrap_or(Token::None);
        Ok(Some(Self { transport, path: path.to_owned(), token }))
    }

    pub(super) async fn fetch(&self, cx: &Context) -> Result<Lease, Error> {
        let token = match &self.token {
            Token::None => None,
            Token::Fixed(token) => Some(token.expose().to_owned()),
            Token::File(path) => {
                let text = std::fs::read_to_string(path);
                Some(text.map_err(|_| self.failure("its token file cannot be read"))?)
            }
        };
        let (path, query) = self.path.split_once('?').unwrap_or((&self.path, ""));
        let mut call = Call::get("/").with_path(path);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            call = call.with_query(name.into_owned(), value.into_owned());
        }
        if let Some(token) = token {
            call = call
                .with_header("authorization", token.trim())
                .map_err(|_| self.failure("its token cannot be sent in a header"))?;
        }
        read_document(&self.transport.call(cx, call).await?)
    }

    fn failure(&self, detail: &'static str) -> Error {
        Error::new(ErrorKind::Configuration, Certainty::NotSent, Blame::Provider)
            .with_provider(self.transport.provider().clone())
            .with_detail(detail)
    }
}

/// Splits a URL before its path.
fn split(url: &str) -> Option<(&str, &str)> {
    let host = url.find("://")? + 3;
    let path = url.get(host..)?.find('/').map_or(url.len(), |at| host + at);
    let (origin, path) = url.split_at_checked(path)?;
    Some((origin, if path.is_empty() { "/" } else { path }))
}
