//! Relays requests from the handset page to a gateway, so that the gateway's key never reaches the
//! browser.

use std::error::Error;
use std::io;
use std::time::Duration;

use async_trait::async_trait;
use otpmux::Secret;
use otpmux::http::BaseUrl;
use otpmux_emulator::{Relay, RelayAnswer, RelayRequest};
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;

/// A send may try several vendors, each until its timeout.
const TIMEOUT: Duration = Duration::from_secs(60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The size limit of an answer, far above that of any answer of a gateway.
const MOST_BYTES: usize = 256 * 1024;

/// A running gateway and a key for it.
#[derive(Debug)]
pub(crate) struct GatewayRelay {
    client: reqwest::Client,
    url: BaseUrl,
    key: Secret,
    shares_clock: bool,
}

impl GatewayRelay {
    /// A [`BaseUrl`] is always `https` or a loopback address. `shares_clock`: the gateway goes by
    /// the emulator's clock.
    ///
    /// # Errors
    ///
    /// The TLS library cannot start, for example without root certificates.
    pub(crate) fn new(url: BaseUrl, key: Secret, shares_clock: bool) -> io::Result<Self> {
        let mut client = reqwest::Client::builder()
            .user_agent(concat!("otpmux/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT);
        if url.as_str().starts_with("http://") {
            // A loopback address needs no proxy.
            client = client.no_proxy();
        }
        let client = client.build().map_err(io::Error::other)?;
        Ok(Self { client, url, key, shares_clock })
    }
}

#[async_trait]
impl Relay for GatewayRelay {
    async fn relay(&self, request: RelayRequest) -> io::Result<RelayAnswer> {
        let url = format!("{}{}", self.url.as_str().trim_end_matches('/'), request.path);
        let mut call = self.client.request(request.method, url).bearer_auth(self.key.expose());
        if let Some(body) = request.body {
            call = call.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        let mut answer = call.send().await.map_err(told)?;
        let status = answer.status().as_u16();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(told)? {
            if bytes.len() + chunk.len() > MOST_BYTES {
                return Err(io::Error::other("its answer is too long"));
            }
            bytes.extend_from_slice(&chunk);
        }
        let body = match bytes.as_slice() {
            [] => Value::Null,
            bytes => serde_json::from_slice(bytes)
                .map_err(|_| io::Error::other(format!("status {status}, without JSON")))?,
        };
        Ok(RelayAnswer { status, body })
    }

    fn shares_clock(&self) -> bool {
        self.shares_clock
    }
}

/// Returns the innermost cause, which says what is wrong ("connection refused"); the outer ones
/// repeat the URL.
fn told(error: reqwest::Error) -> io::Error {
    if error.is_timeout() {
        return io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
    }
    let error = error.without_url();
    let mut cause: &dyn Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    io::Error::other(cause.to_string())
}
