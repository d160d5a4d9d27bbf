use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{CONTENT_TYPE, RETRY_AFTER};

use super::resolver::{
    Lookup, NotPermitted, Permitted, SystemLookup, permits_loopback, permits_public,
};
use super::{WebhookSecret, WebhookUrl};
use crate::retry_after::retry_after_header;

/// How long one try may take, from the look-up of the name to the status of the answer.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How long the connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Sends webhooks. A try is one request; redirects are not followed, and no proxy is used.
#[derive(Clone)]
pub struct WebhookSender {
    public: reqwest::Client,
    loopback: reqwest::Client,
    lookup: Arc<dyn Lookup>,
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
        Self::build(lookup, TIMEOUT)
    }

    /// Sets how long a try may take. Default: 15 s, as Standard Webhooks recommends.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_timeout(self, timeout: Duration) -> Result<Self, &'static str> {
        Self::build(self.lookup, timeout)
    }

    fn build(lookup: Arc<dyn Lookup>, timeout: Duration) -> Result<Self, &'static str> {
        let of = |permits, https: bool| {
            reqwest::Client::builder()
                .user_agent(concat!("otpmux/", env!("CARGO_PKG_VERSION")))
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                // A proxy would look the name up itself.
                .no_proxy()
                .dns_resolver(Permitted { lookup: Arc::clone(&lookup), permits })
                .connect_timeout(CONNECT)
                .timeout(timeout)
                .pool_idle_timeout(Duration::from_secs(4))
                .https_only(https)
                .build()
                .map_err(|_| "the TLS client cannot start; are root certificates installed?")
        };
        let (public, loopback) = (of(permits_public, true)?, of(permits_loopback, false)?);
        Ok(Self { public, loopback, lookup })
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
        let client = if to.is_loopback() { &self.loopback } else { &self.public };
        let request = client
            .post(to.url().clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signatures.join(" "))
            .body(body);
        match request.send().await {
            Ok(answer) if answer.status().is_success() => Posted::Accepted,
            Ok(answer) => {
                let text = answer.headers().get(RETRY_AFTER).and_then(|it| it.to_str().ok());
                let retry_after = text.and_then(|text| retry_after_header(text, now));
                Posted::Refused { status: answer.status().as_u16(), retry_after }
            }
            Err(error) => Posted::Failed(reason(&error)),
        }
    }
}

/// Texts of the HTTP client may contain the URL.
fn reason(error: &reqwest::Error) -> &'static str {
    let mut cause = error.source();
    while let Some(it) = cause {
        let own = it.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if it.is::<NotPermitted>()
            || own.is_some_and(<dyn std::error::Error + Send + Sync>::is::<NotPermitted>)
        {
            return "the name of the host has no public address";
        }
        cause = it.source();
    }
    if error.is_connect() {
        "no connection"
    } else if error.is_timeout() {
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
