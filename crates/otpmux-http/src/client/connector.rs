//! New connections: TCP, a proxy if one is configured, and TLS, together within one time limit.

use std::error::Error;
use std::future::{Future, ready};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::proxy::matcher::Intercept;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use super::proxies::Proxies;
use super::resolver::Resolver;
use super::tunnel::{self, ProxyError};

/// Probes of an idle connection: a peer that has gone is noticed after a minute.
const KEEPALIVE: Duration = Duration::from_secs(15);
const KEEPALIVE_PROBES: u32 = 3;
/// How long written bytes may stay without an acknowledgement.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// How connections are made.
pub(crate) struct ConnectorOptions {
    /// The time limit of a whole connection: name, TCP, proxy and TLS.
    pub(crate) timeout: Duration,
    pub(crate) tls: Arc<ClientConfig>,
    /// Whether plain HTTP is refused.
    pub(crate) https_only: bool,
    pub(crate) resolver: Resolver,
    /// The proxies of vendors; none if absent.
    pub(crate) proxies: Option<Arc<Proxies>>,
}

/// The way to the vendor or to its proxy.
type FirstHop = MaybeHttpsStream<TokioIo<TcpStream>>;
type BoxError = Box<dyn Error + Send + Sync>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Makes connections within the time limit.
#[derive(Clone)]
pub(super) struct Connector {
    timeout: Duration,
    tls: HttpsConnector<Way>,
}

impl Connector {
    pub(super) fn new(options: ConnectorOptions) -> Self {
        let ConnectorOptions { timeout, tls, https_only, resolver, proxies } = options;
        let mut tcp = HttpConnector::new_with_resolver(resolver);
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // Each address of a name gets its part of the time: the first may never answer.
        tcp.set_connect_timeout(Some(timeout));
        tcp.set_keepalive(Some(KEEPALIVE));
        tcp.set_keepalive_interval(Some(KEEPALIVE));
        tcp.set_keepalive_retries(Some(KEEPALIVE_PROBES));
        #[cfg(target_os = "linux")]
        tcp.set_tcp_user_timeout(Some(UNACKNOWLEDGED));

        let to_proxy = HttpsConnector::from((tcp.clone(), Arc::clone(&tls)));
        let way = Way { tcp, to_proxy, proxies };
        let builder = HttpsConnectorBuilder::new().with_tls_config((*tls).clone());
        let builder = if https_only { builder.https_only() } else { builder.https_or_http() };
        Self { timeout, tls: builder.enable_http1().wrap_connector(way) }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<FirstHop>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tls.poll_ready(cx)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connecting = timeout(self.timeout, self.tls.call(to));
        Box::pin(async move {
            connecting
                .await
                .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
        })
    }
}

/// Makes the connection that TLS to the vendor runs over: TCP, or a tunnel through a proxy.
#[derive(Clone)]
struct Way {
    tcp: HttpConnector<Resolver>,
    to_proxy: HttpsConnector<HttpConnector<Resolver>>,
    proxies: Option<Arc<Proxies>>,
}

impl Way {
    fn proxy(&self, to: &Uri) -> Option<Intercept> {
        self.proxies.as_ref()?.intercept(to)
    }
}

impl Service<Uri> for Way {
    type Response = FirstHop;
    type Error = BoxError;
    type Future = Connecting<FirstHop>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let Some(proxy) = self.proxy(&to) else {
            let connecting = self.tcp.call(to);
            return Box::pin(async move { Ok(MaybeHttpsStream::Http(connecting.await?)) });
        };
        // A proxy that speaks SOCKS must not be bypassed.
        if !matches!(proxy.uri().scheme_str(), Some("http" | "https")) {
            return Box::pin(ready(Err(ProxyError::Scheme.into())));
        }
        let connecting = self.to_proxy.call(proxy.uri().clone());
        Box::pin(async move {
            let stream = connecting.await.map_err(ProxyError::NoConnection)?;
            Ok(tunnel::open(stream, &to, proxy.basic_auth()).await?)
        })
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::IpAddr;

    use otpmux_testkit::faulty::{FaultyServer, Play};
    use tokio::net::TcpListener;

    use super::super::resolver::Lookup;
    use super::super::tls;
    use super::*;

    struct Two;

    impl Lookup for Two {
        fn lookup(
            &self,
            _: String,
        ) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
            Box::pin(ready(Ok(vec![[127, 0, 0, 1].into(), [127, 0, 0, 2].into()])))
        }
    }

    /// The first address never answers, and takes no more than its part of the time.
    #[tokio::test]
    async fn a_name_is_reached_by_its_second_address() {
        let silent = FaultyServer::start_busy(Play::silence()).await;
        let port = silent.address().port();
        let second = TcpListener::bind(("127.0.0.2", port)).await.unwrap();
        let mut connector = Connector::new(ConnectorOptions {
            // Enough for a machine that is busy.
            timeout: Duration::from_secs(3),
            tls: tls::without_roots().unwrap(),
            https_only: false,
            resolver: Resolver::permitting(Arc::new(Two), |_| true),
            proxies: None,
        });
        let uri = format!("http://vendor.invalid:{port}/").parse().unwrap();
        assert!(connector.call(uri).await.is_ok());
        assert!(second.accept().await.is_ok(), "and it was the second");
    }
}
