use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Method, Request};
use tokio::time::timeout;

use super::{Lookup, SystemLookup, WebhookSecret, WebhookUrl, is_public};
use crate::client::body::{MarkedBody, WriteMarker};
use crate::client::resolver::{NotPermitted, Resolver};
use crate::client::{ClientError, ConnectorOptions, HttpClient, causes, is_timeout, tls};
use crate::retry_after::retry_after_header;

/// How long one try may take, from the look-up of the name to the status of the answer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long the connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long an idle connection is kept: common servers close it after 5 s.
const IDLE: Duration = Duration::from_secs(4);

/// Sends webhooks. A try is one request; redirects are not followed, and no proxy is used.
#[derive(Clone)]
pub struct WebhookSender {
    public: HttpClient,
    loopback: HttpClient,
    timeout: Duration,
}

/// The result of one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Posted {
    /// The receiver has it: a 2xx.
    Accepted,
    /// Another status, redirects included.
    Refused {
        /// The status.
        status: u16,
        /// How long the receiver asks to wait, at most a day.
        retry_after: Option<Duration>,
    },
    /// No answer, for this reason; the receiver may have it.
    Failed(&'static str),
}

impl WebhookSender {
    /// Creates a sender; opens no connection.
    ///
    /// # Errors
    ///
    /// The machine has no TLS roots.
    pub fn new() -> Result<Self, &'static str> {
        Self::with_lookup(Arc::new(SystemLookup))
    }

    /// Like [`new`](Self::new), with another way to look up names.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn with_lookup(lookup: Arc<dyn Lookup>) -> Result<Self, &'static str> {
        let tls = tls::with_system_roots()?;
        let of = |https_only, lookup, permits| {
            let options = ConnectorOptions {
                timeout: CONNECT,
                tls: Arc::clone(&tls),
                https_only,
                resolver: Resolver::permitting(lookup, permits),
                // A proxy would look the name up itself.
                proxies: None,
            };
            HttpClient::new(options, IDLE)
        };
        let public = of(true, Arc::clone(&lookup), is_public);
        let loopback = of(false, lookup, is_loopback);
        Ok(Self { public, loopback, timeout: TIMEOUT })
    }

    /// Sets how long a try may take. Default: 15 s, as Standard Webhooks recommends.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends a webhook once. Each of `secrets` adds one signature: during a rotation
    /// the old and the new one. `now` is the time of this try.
    pub async fn post(
        &self,
        to: &WebhookUrl,
        secrets: &[WebhookSecret],
        id: &str,
        now: SystemTime,
        body: String,
    ) -> Posted {
        let timestamp = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let signatures: Vec<_> =
            secrets.iter().map(|secret| secret.sign(id, timestamp, body.as_bytes())).collect();
        let request = request(to, id, timestamp, &signatures.join(" "), body);
        let Ok(request) = request else { return Posted::Failed("the request is not valid HTTP") };
        let client = if to.is_loopback() { &self.loopback } else { &self.public };
        match timeout(self.timeout, client.send(request)).await {
            Ok(Ok(answer)) if answer.status().is_success() => Posted::Accepted,
            Ok(Ok(answer)) => {
                let text = answer.headers().get(RETRY_AFTER).and_then(|it| it.to_str().ok());
                let retry_after = text.and_then(|text| retry_after_header(text, now));
                Posted::Refused { status: answer.status().as_u16(), retry_after }
            }
            Ok(Err(error)) => Posted::Failed(reason(&error)),
            Err(_) => Posted::Failed("no answer in time"),
        }
    }
}

fn request(
    to: &WebhookUrl,
    id: &str,
    timestamp: u64,
    signatures: &str,
    body: String,
) -> Result<Request<MarkedBody>, http::Error> {
    Request::builder()
        .method(Method::POST)
        .uri(to.uri().clone())
        .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .header("webhook-id", id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", signatures)
        .body(MarkedBody::new(Bytes::from(body), WriteMarker::default()))
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Texts of the HTTP client may contain the URL.
fn reason(error: &ClientError) -> &'static str {
    let not_permitted = |cause: &(dyn std::error::Error + 'static)| {
        let own = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        own.is_some_and(<dyn std::error::Error + Send + Sync>::is::<NotPermitted>)
    };
    if causes(error).any(not_permitted) {
        "the name of the host has no public address"
    } else if error.is_connect() {
        "no connection"
    } else if is_timeout(error) {
        "no answer in time"
    } else {
        "the connection broke, or what came back is not HTTP"
    }
}

impl fmt::Debug for WebhookSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSender").finish_non_exhaustive()
    }
}
