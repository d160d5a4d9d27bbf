use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use http::{Method, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper_util::client::legacy::connect::capture_connection;
use otpmux_core::{
    Blame, Certainty, Clock, Context, Error, ErrorKind, ProviderId, Secret, SystemClock,
};
use tokio::time::Instant;
use tracing::Instrument;
use url::Url;
use zeroize::Zeroizing;

use crate::answer::{Body, Headers, Hidden};
use crate::client::body::{MarkedBody, WriteMarker};
use crate::client::{ClientError, ProxyError, is_timeout, proxy_error, was_never_started};
use crate::connections::Connections;
use crate::retry_after::retry_after_header;
use crate::target::Target;
use crate::{Answer, BaseUrl, Call, HttpConfig, Reading};

/// The transport to one vendor: its address, its credentials, and a connection pool.
///
/// One [`call`](Self::call) sends at most one request.
#[derive(Clone)]
pub struct Transport {
    connections: Arc<Connections>,
    provider: ProviderId,
    config: Arc<HttpConfig>,
    target: Arc<Target>,
    credentials: HeaderMap,
    secrets: Arc<[Secret]>,
    clock: Arc<dyn Clock>,
}

impl Transport {
    /// Creates a transport; opens no connection. `credentials` are headers of every call, sent to
    /// the configured host only.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for a credential that is invalid in a header, timeouts that
    /// contradict each other, a proxy variable that cannot be read, or a machine without TLS roots.
    pub fn new(
        provider: ProviderId,
        config: HttpConfig,
        credentials: &[(&'static str, Secret)],
    ) -> Result<Self, Error> {
        let wrong = |detail: &'static str| {
            Error::new(ErrorKind::Configuration, Certainty::NotSent, Blame::Provider)
                .with_provider(provider.clone())
                .with_detail(detail)
        };
        if config.connect_timeout >= config.timeout {
            return Err(wrong("the connect timeout must be shorter than the timeout"));
        }
        let mut headers = HeaderMap::new();
        for (name, secret) in credentials {
            let mut value = HeaderValue::from_str(secret.expose()).map_err(|_| wrong(NO_HEADER))?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(name), value);
        }
        let target = Target::new(config.base_url.clone())
            .map_err(|_| wrong("the base URL does not fit into a request"))?;
        let connections = Connections::new(&config).map_err(wrong)?;
        Ok(Self {
            connections: Arc::new(connections),
            provider,
            config: Arc::new(config),
            target: Arc::new(target),
            credentials: headers,
            secrets: credentials.iter().map(|(_, secret)| bare(secret)).collect(),
            clock: Arc::new(SystemClock),
        })
    }

    /// Adds a secret that is not in a header of every call, such as a key in the URL or in the body:
    /// it is never shown from the vendor's answers.
    pub fn with_secret(mut self, secret: Secret) -> Self {
        self.secrets = self.secrets.iter().cloned().chain([secret]).collect();
        self
    }

    /// Sets the clock for `Retry-After` dates.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Returns the provider of this transport.
    pub fn provider(&self) -> &ProviderId {
        &self.provider
    }

    /// Returns the URL of a call, for a signature over it.
    pub fn url(&self, call: &Call) -> Url {
        self.target.url(call)
    }

    /// Sends one request and reads the answer to its end. Every status except a redirect is an
    /// answer.
    ///
    /// # Errors
    ///
    /// - not sent: the deadline had passed, there was no connection, or nothing of the request was
    ///   written;
    /// - rejected: a redirect, which is never followed, because it would send the key to another
    ///   host;
    /// - unknown: a 303, which leads to the result of what was carried out, and any other failure.
    ///   The vendor may have received the whole request.
    ///
    /// All are blamed on the provider, with the kind [`ErrorKind::Timeout`],
    /// [`ErrorKind::Transport`], [`ErrorKind::Protocol`] or, for redirects,
    /// [`ErrorKind::Unavailable`].
    pub async fn call(&self, cx: &Context, call: Call) -> Result<Answer, Error> {
        let span = tracing::debug_span!(
            "vendor_call",
            provider = %self.provider,
            method = %call.method,
            endpoint = &*call.endpoint,
            status = tracing::field::Empty,
            error = tracing::field::Empty,
        );
        // Most programs record no spans of this level.
        let result = if span.is_disabled() {
            self.exchange(cx, call).await
        } else {
            self.exchange(cx, call).instrument(span.clone()).await
        };
        match &result {
            Ok(answer) => span.record("status", answer.status),
            Err(error) => span.record("error", error.kind().as_str()),
        };
        result
    }

    async fn exchange(&self, cx: &Context, mut call: Call) -> Result<Answer, Error> {
        let now = Instant::now();
        let attempt_ends = now + self.config.timeout;
        let ends = match cx.deadline.map(Instant::from_std) {
            Some(deadline) if deadline <= now => {
                return Err(self
                    .failure(ErrorKind::Timeout, Certainty::NotSent)
                    .with_detail("the deadline had passed before the call"));
            }
            Some(deadline) => attempt_ends.min(deadline),
            None => attempt_ends,
        };
        let marker = WriteMarker::default();
        let values = std::mem::take(&mut call.hidden);
        let hidden = Hidden { secrets: Arc::clone(&self.secrets), values };
        let mut request = self.request(call, &marker)?;
        // A body that is absent marks nothing: without one, the request may have left as soon as it has a
        // connection.
        let connection = request.body().is_end_stream().then(|| capture_connection(&mut request));
        let nothing_left = || match &connection {
            Some(connection) => connection.connection_metadata().is_none(),
            None => marker.close(),
        };
        // Pinned here, since a timeout would copy it.
        let exchange = pin!(async {
            let response = self.connections.client().send(request).await;
            let response = response.map_err(|error| self.classify(&error, nothing_left()))?;
            self.read(response, hidden).await
        });
        if let Ok(result) = tokio::time::timeout_at(ends, exchange).await {
            return result;
        }
        let (certainty, detail) = if nothing_left() {
            (Certainty::NotSent, "no connection in time")
        } else {
            (Certainty::Unknown, "no whole answer in time")
        };
        Err(self.failure(ErrorKind::Timeout, certainty).with_detail(detail))
    }

    fn request(&self, call: Call, marker: &WriteMarker) -> Result<Request<MarkedBody>, Error> {
        let uri = self.target.uri(&call).map_err(|_| {
            self.failure(ErrorKind::Internal, Certainty::NotSent)
                .with_detail("the address of the call does not fit into a request")
        })?;
        let mut headers = call.headers;
        for (name, value) in &self.credentials {
            if !headers.contains_key(name) {
                headers.append(name, value.clone());
            }
        }
        let body = match call.body {
            Some(bytes) if !bytes.is_empty() => MarkedBody::new(bytes, marker.clone()),
            _ => {
                if matches!(call.method, Method::POST | Method::PUT | Method::PATCH) {
                    headers.entry(CONTENT_LENGTH).or_insert(HeaderValue::from_static("0"));
                }
                MarkedBody::none()
            }
        };
        let mut request = Request::new(body);
        *request.method_mut() = call.method;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        Ok(request)
    }

    /// Classifies a failed exchange. Only a failure to connect, a request that no connection took, or a
    /// body that was never read proves that nothing arrived: a reset and an incomplete message may also
    /// happen after the vendor has read the whole request.
    fn classify(&self, error: &ClientError, nothing_left: bool) -> Error {
        let not_sent = nothing_left || error.is_connect() || was_never_started(error);
        let certainty = if not_sent { Certainty::NotSent } else { Certainty::Unknown };
        let kind = if is_timeout(error) { ErrorKind::Timeout } else { ErrorKind::Transport };
        let detail = match (error.is_connect(), not_sent) {
            (true, _) => "no connection",
            (false, true) => "the connection broke before anything was written",
            (false, false) => "the connection broke, or what came back is not HTTP",
        };
        let detail = proxy_error(error).map_or(detail.into(), ProxyError::detail);
        self.failure(kind, certainty).with_detail(detail)
    }

    async fn read(
        &self,
        mut response: Response<Incoming>,
        hidden: Hidden,
    ) -> Result<Answer, Error> {
        self.connections.heed(response.headers());
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let retry_after = headers
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| retry_after_header(text, self.clock.now()));
        let redirect = response.status().is_redirection();
        let body =
            if redirect { Bytes::new() } else { self.read_body(response.into_body()).await? };
        let provider = self.provider.clone();
        let headers = Headers(headers);
        let answer = Answer { provider, status, headers, retry_after, body: Body(body), hidden };
        if redirect {
            return Err(answer
                .error(Reading::of_status(status, false))
                .with_detail("the vendor redirects, which is not followed; check base_url"));
        }
        Ok(answer)
    }

    async fn read_body(&self, mut body: Incoming) -> Result<Bytes, Error> {
        let limit = self.config.max_answer;
        let cut_off = |_| {
            self.failure(ErrorKind::Transport, Certainty::Unknown)
                .with_detail("the answer was cut off")
        };
        // Most answers come in one piece, which needs no copy.
        let (mut first, mut rest) = (Bytes::new(), BytesMut::new());
        while let Some(frame) = body.frame().await {
            // The other kind of frame is a trailer.
            let Ok(chunk) = frame.map_err(cut_off)?.into_data() else { continue };
            if first.len() + rest.len() + chunk.len() > limit {
                return Err(self
                    .failure(ErrorKind::Protocol, Certainty::Unknown)
                    .with_detail("the answer is longer than any that this vendor documents"));
            }
            if first.is_empty() {
                first = chunk;
            } else {
                rest.extend_from_slice(&chunk);
            }
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok([first, rest.freeze()].concat().into())
    }

    fn failure(&self, kind: ErrorKind, certainty: Certainty) -> Error {
        Error::new(kind, certainty, Blame::Provider).with_provider(self.provider.clone())
    }
}

/// Returns the secret without its authentication scheme: a vendor that repeats a key omits the
/// `Bearer` before it.
fn bare(secret: &Secret) -> Secret {
    let text = secret.expose();
    Secret::new(text.rsplit_once(' ').map_or(text, |(_, token)| token))
}

/// Returns the value of an `Authorization` header with a user and a password.
pub fn basic(user: &str, password: &Secret) -> Secret {
    let pair = Zeroizing::new(format!("{user}:{}", password.expose()));
    Secret::new(format!("Basic {}", BASE64_STANDARD.encode(pair.as_bytes())))
}

const NO_HEADER: &str = "a credential holds characters that no header may hold";

/// Checks that a credential is valid in a header.
///
/// # Errors
///
/// The rule that the credential breaks; nothing of the credential.
pub fn check_credential(secret: &Secret) -> Result<(), &'static str> {
    HeaderValue::from_str(secret.expose()).map(drop).map_err(|_| NO_HEADER)
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("provider", &self.provider)
            .field("base_url", &BaseUrl::as_str(&self.config.base_url))
            .finish_non_exhaustive()
    }
}
