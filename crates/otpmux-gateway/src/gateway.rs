use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::{ArcSwap, Guard};
use metrics_exporter_prometheus::PrometheusHandle;
use otpmux::{Config, ConfigErrors, Environment, OtpClient, Reloaded, ServerConfig};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::StartError;
use crate::http::{Tls, serve};
use crate::settings::Settings;

/// Gives the configuration anew whenever a reload is asked for.
type Source = Box<dyn Fn() -> Result<Config, ConfigErrors> + Send + Sync>;

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
    server: ServerConfig,
}

/// Reloads a gateway's configuration.
#[derive(Clone, Debug)]
pub struct Reloader(Arc<App>);

/// What every request can see.
pub(crate) struct App {
    pub(crate) client: OtpClient,
    settings: ArcSwap<Settings>,
    pub(crate) tls: Option<Tls>,
    source: Option<Source>,
    environment: Environment,
    pub(crate) metrics: Option<PrometheusHandle>,
    /// Calls that end although their callers went away.
    pub(crate) calls: TaskTracker,
    draining: AtomicBool,
}

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
        let server = config.server().cloned().unwrap_or_default();
        let settings = Settings::new(config, &server, &environment, None)?;
        let tls = server.tls.as_ref().map(Tls::load).transpose()?;
        let wanted = listen.unwrap_or(server.listen);
        let failed = |source| StartError::Listen { address: wanted, source };
        let listener = TcpListener::bind(wanted).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let app = Arc::new(App {
            client,
            settings: ArcSwap::from_pointee(settings),
            tls,
            source,
            environment,
            metrics,
            calls: TaskTracker::new(),
            draining: AtomicBool::new(false),
        });
        Ok(Self { app, listener, address, server })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
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
        serve(self.listener, &self.app, &self.server, stop).await;
    }
}

impl Reloader {
    /// Takes the configuration anew, as [`OtpClient::reload_config`] does. The address, the number
    /// of connections and the times of stopping stay as they were.
    ///
    /// # Errors
    ///
    /// Every mistake; nothing has changed then. Without a source there is nothing to reload.
    pub fn reload(&self) -> Result<Reloaded, ConfigErrors> {
        self.0.reload()
    }
}

impl App {
    pub(crate) fn settings(&self) -> Guard<Arc<Settings>> {
        self.settings.load()
    }

    pub(crate) fn reload(&self) -> Result<Reloaded, ConfigErrors> {
        let Some(source) = &self.source else {
            let message = "this gateway was started without a configuration file to read again";
            return Err(otpmux::settings::ConfigError::new("configuration", message).into());
        };
        let result = source().and_then(|config| {
            let server = config.server().cloned().unwrap_or_default();
            let before = self.settings.load();
            let settings = Settings::new(&config, &server, &self.environment, Some(&before))?;
            let tls = match (&self.tls, &server.tls) {
                (Some(tls), Some(files)) => Some((tls, Tls::read(files)?)),
                _ => None,
            };
            let reloaded = self.client.reload_config(&config)?;
            self.settings.store(Arc::new(settings));
            if let Some((tls, fresh)) = tls {
                tls.replace(fresh);
            }
            Ok(reloaded)
        });
        match &result {
            Ok(reloaded) => tracing::info!(
                kept = reloaded.kept.len(),
                fresh = reloaded.fresh.len(),
                retired = reloaded.retired.len(),
                "configuration reloaded"
            ),
            Err(errors) => {
                tracing::error!(%errors, "configuration not reloaded; the one before stays");
            }
        }
        result
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("client", &self.client).finish_non_exhaustive()
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("listen", &self.listen).finish_non_exhaustive()
    }
}
