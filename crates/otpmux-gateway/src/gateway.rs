use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use otpmux::config::settings::ConfigError;
use otpmux::config::{ConfigErrors, Environment, ServerConfig};
use otpmux::events::EventDeliverer;
use otpmux::{Config, ErrorKind, OtpClient, Reloaded};
use tokio::net::TcpListener;

use crate::StartError;
use crate::app::{App, Source};
use crate::audit::By;
use crate::doors::Mounted;
use crate::http::serve;
use crate::open_files;
use crate::settings::Settings;
use crate::tls::Tls;

/// The parts of a gateway besides its configuration.
#[derive(Default)]
#[non_exhaustive]
pub struct Options {
    /// The environment that references to API keys are looked up in.
    pub environment: Environment,
    /// The source of the configuration on a reload; `None` disables reloads.
    pub source: Option<Source>,
    /// The metrics that `GET /metrics` shows; `None` means that this page does not exist.
    pub metrics: Option<PrometheusHandle>,
    /// Listens on this address instead of the one in the configuration.
    pub listen: Option<SocketAddr>,
}

/// A gateway that is bound to its addresses.
#[derive(Debug)]
pub struct Gateway {
    app: Arc<App>,
    listener: TcpListener,
    address: SocketAddr,
    metrics: Option<TcpListener>,
    metrics_address: Option<SocketAddr>,
    server: ServerConfig,
}

/// Reloads a gateway's configuration.
#[derive(Clone, Debug)]
pub struct Reloader(Arc<App>);

impl Gateway {
    /// Builds the client that the configuration describes, and listens. Calls no vendor.
    ///
    /// # Errors
    ///
    /// Every mistake in the configuration, missing secrets included; or the address cannot be
    /// listened on.
    pub async fn bind(config: &Config, options: Options) -> Result<Self, StartError> {
        let client = OtpClient::from_config(config)?;
        Self::bind_with(config, client, options).await
    }

    /// Checks whether a gateway would start with this configuration. Reads API keys and
    /// certificates, but does not open the store, call a vendor or listen.
    ///
    /// # Errors
    ///
    /// Every mistake in the configuration.
    pub fn check(config: &Config, environment: &Environment) -> Result<(), ConfigErrors> {
        let server = config.server().cloned().unwrap_or_default();
        prepare(config, &server, environment).map(|_| ())
    }

    /// Like [`bind`](Self::bind), for an existing client.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind).
    pub async fn bind_with(
        config: &Config,
        client: OtpClient,
        options: Options,
    ) -> Result<Self, StartError> {
        let Options { environment, source, metrics, listen } = options;
        let mut server = config.server().cloned().unwrap_or_default();
        let (settings, tls) = prepare(config, &server, &environment)?;
        check_keys(&client).await.map_err(|errors| config.locate(errors))?;
        client.count_approvals(server.api_keys.iter().any(|key| key.admin));
        let (listener, address) = listen_on(listen.unwrap_or(server.listen)).await?;
        let (own, metrics_address) = match server.metrics_listen {
            Some(wanted) => listen_on(wanted).await.map(|(own, at)| (Some(own), Some(at)))?,
            None => (None, None),
        };
        server.max_connections = open_files::fitting(server.max_connections);
        let doors = Mounted::new(config);
        let events = EventDeliverer::start(client.clone(), config.event_targets().clone());
        let events = events
            .map_err(|error| ConfigErrors::from(ConfigError::new("events", error.to_string())))?;
        let app = App::new(client, settings, doors, events, tls, source, environment)
            .with_metrics(metrics);
        let app = Arc::new(app);
        Ok(Self { app, listener, address, metrics: own, metrics_address, server })
    }

    /// Returns the address that the gateway listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address of the separate listener for metrics, if there is one.
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Returns its address as a URL.
    pub fn url(&self) -> String {
        let scheme = if self.app.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Returns a handle that reloads the configuration.
    pub fn reloader(&self) -> Reloader {
        Reloader(Arc::clone(&self.app))
    }

    /// Serves until `stop` completes; then reports that it is not ready, waits for pending
    /// requests, and returns.
    pub async fn run_until(self, stop: impl Future<Output = ()>) {
        serve(self.listener, self.metrics, &self.app, &self.server, stop).await;
        let client = self.app.client.clone();
        // A panic there was reported.
        let _ = tokio::task::spawn_blocking(move || client.flush_audit()).await;
    }
}

/// Reads API keys and certificates, which are outside the configuration.
fn prepare(
    config: &Config,
    server: &ServerConfig,
    environment: &Environment,
) -> Result<(Settings, Option<Tls>), ConfigErrors> {
    let settings = Settings::new(config, server, environment, None);
    let tls = server.tls().as_ref().map(Tls::load).transpose();
    match (settings, tls) {
        (Ok(settings), Ok(tls)) => Ok((settings, tls)),
        (Err(settings), Err(tls)) => Err(config.locate(settings.and(tls))),
        (Err(errors), _) | (_, Err(errors)) => Err(config.locate(errors)),
    }
}

/// Checks the server keys: a gateway with other server keys than the other processes would reject
/// right codes. A store that cannot be reached causes only a warning: each request checks it again.
async fn check_keys(client: &OtpClient) -> Result<(), ConfigErrors> {
    match client.check_keys().await {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::Configuration => {
            Err(ConfigError::new("server_keys", error.detail()).into())
        }
        Err(error) => {
            tracing::warn!(%error, "starting without the store; it is asked again with each request");
            Ok(())
        }
    }
}

async fn listen_on(wanted: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address: wanted, source };
    let listener = TcpListener::bind(wanted).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

impl Reloader {
    /// Reloads the configuration, like [`OtpClient::reload_config`]. The addresses, the connection
    /// limits and the timeouts for stopping do not change.
    ///
    /// # Errors
    ///
    /// Every mistake in the configuration, and nothing has changed; or the gateway has no source to
    /// reload.
    pub async fn reload(&self) -> Result<Reloaded, ConfigErrors> {
        self.0.reload(By::Process).await
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("listen", &self.listen).finish_non_exhaustive()
    }
}
