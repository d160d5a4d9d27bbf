use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use otpmux::config::settings::ConfigError;
use otpmux::config::{ConfigErrors, Environment, ServerConfig};
use otpmux::{Config, ErrorKind, OtpClient, Reloaded};
use tokio::net::TcpListener;

use crate::StartError;
use crate::app::{App, Source};
use crate::http::serve;
use crate::open_files;
use crate::settings::Settings;
use crate::tls::Tls;

/// What a gateway is made of, besides its configuration.
#[derive(Default)]
#[non_exhaustive]
pub struct Options {
    /// Where the references to API keys point to.
    pub environment: Environment,
    /// Where a reload takes the configuration from; `None` means that there is no reload.
    pub source: Option<Source>,
    /// What `GET /metrics` shows; `None` means that there is no such page.
    pub metrics: Option<PrometheusHandle>,
    /// Another address than that of the configuration.
    pub listen: Option<SocketAddr>,
}

/// A gateway that listens.
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
    /// Every mistake of the configuration, secrets that are not there included; the address cannot
    /// be listened on.
    pub async fn bind(config: &Config, options: Options) -> Result<Self, StartError> {
        let client = OtpClient::from_config(config)?;
        Self::bind_with(config, client, options).await
    }

    /// Whether a gateway would start with this configuration, as far as that can be told without
    /// opening the store, calling a vendor or listening: API keys and certificates are read.
    ///
    /// # Errors
    ///
    /// Every mistake.
    pub fn check(config: &Config, environment: &Environment) -> Result<(), ConfigErrors> {
        let server = config.server().cloned().unwrap_or_default();
        prepare(config, &server, environment).map(|_| ())
    }

    /// As [`bind`](Self::bind), for a client that is there already.
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
        let (listener, address) = listen_on(listen.unwrap_or(server.listen)).await?;
        let (own, metrics_address) = match server.metrics_listen {
            Some(wanted) => listen_on(wanted).await.map(|(own, at)| (Some(own), Some(at)))?,
            None => (None, None),
        };
        server.max_connections = open_files::fitting(server.max_connections);
        let app = Arc::new(App::new(client, settings, tls, source, environment, metrics));
        Ok(Self { app, listener, address, metrics: own, metrics_address, server })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens for those who ask for metrics, if they have a listener of their own.
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.metrics_address
    }

    /// Its address as a URL.
    pub fn url(&self) -> String {
        let scheme = if self.app.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// What reloads it.
    pub fn reloader(&self) -> Reloader {
        Reloader(Arc::clone(&self.app))
    }

    /// Serves until `stop` completes; then says that it is not ready, lets requests under way end,
    /// and returns.
    pub async fn run_until(self, stop: impl Future<Output = ()>) {
        serve(self.listener, self.metrics, &self.app, &self.server, stop).await;
    }
}

/// What is read from elsewhere than the configuration: API keys and certificates.
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

/// A gateway whose server keys are not those of the others would call right codes wrong. A store
/// that is out of reach does not say so: it is asked before it is used.
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
    /// Takes the configuration anew, as [`OtpClient::reload_config`] does. The addresses, the numbers
    /// of connections and the times of stopping stay as they were.
    ///
    /// # Errors
    ///
    /// Every mistake; nothing has changed then. Without a source there is nothing to reload.
    pub async fn reload(&self) -> Result<Reloaded, ConfigErrors> {
        self.0.reload().await
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("listen", &self.listen).finish_non_exhaustive()
    }
}
