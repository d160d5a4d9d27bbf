//! The HTTP client of vendors and of webhooks: HTTP/1.1 over a connection pool. It follows no redirect,
//! keeps no cookie, and sends a request at most once.

pub(crate) mod body;
mod connector;
mod no_proxy;
pub(crate) mod proxies;
pub(crate) mod resolver;
pub(crate) mod tls;
mod tunnel;

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use http::Request;
use http::header::{ACCEPT, HeaderValue, USER_AGENT};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use self::body::MarkedBody;
use self::connector::Connector;
pub(crate) use self::connector::ConnectorOptions;
pub(crate) use self::tunnel::ProxyError;

/// A failed exchange. [`is_connect`](legacy::Error::is_connect) proves that nothing of the request
/// left; [`is_timeout`] says why.
pub(crate) type ClientError = legacy::Error;

/// A connection pool, and the way to make new connections.
#[derive(Clone)]
pub(crate) struct HttpClient {
    pool: legacy::Client<Connector, MarkedBody>,
    connector: Connector,
}

impl HttpClient {
    /// Creates a client that keeps an idle connection this long; opens no connection.
    pub(crate) fn new(options: ConnectorOptions, idle: Duration) -> Self {
        Self::with_connector(Connector::new(options), idle)
    }

    /// Returns a client with the same settings and another pool.
    pub(crate) fn with_idle(&self, idle: Duration) -> Self {
        Self::with_connector(self.connector.clone(), idle)
    }

    fn with_connector(connector: Connector, idle: Duration) -> Self {
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        // Small bodies are copied behind their head, which costs less than to write both at once.
        builder.http1_writev(false);
        builder.pool_timer(TokioTimer::new()).pool_idle_timeout(idle);
        if idle.is_zero() {
            builder.pool_max_idle_per_host(0);
        }
        Self { pool: builder.build(connector.clone()), connector }
    }

    /// Sends a request; the future ends when the head of the answer is there. The URI is absolute.
    ///
    /// Not an `async fn`: its body would be compiled again, and with it the whole client, in each crate
    /// that awaits it.
    pub(crate) fn send(&self, mut request: Request<MarkedBody>) -> legacy::ResponseFuture {
        let headers = request.headers_mut();
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        headers.entry(USER_AGENT).or_insert(OTPMUX);
        self.pool.request(request)
    }
}

const OTPMUX: HeaderValue = HeaderValue::from_static(concat!("otpmux/", env!("CARGO_PKG_VERSION")));

/// Whether an exchange failed because of a time limit: that of the connection, or one of the operating
/// system.
pub(crate) fn is_timeout(error: &ClientError) -> bool {
    causes(error).any(|cause| {
        cause.downcast_ref::<io::Error>().is_some_and(|it| it.kind() == io::ErrorKind::TimedOut)
    })
}

/// Whether the connection ended before it took the request.
pub(crate) fn was_never_started(error: &ClientError) -> bool {
    causes(error)
        .any(|cause| cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled))
}

/// The failure of the proxy, if an exchange failed because of it.
pub(crate) fn proxy_error(error: &ClientError) -> Option<&ProxyError> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The causes of a failure, from the outermost on.
pub(crate) fn causes(error: &ClientError) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source())
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}
