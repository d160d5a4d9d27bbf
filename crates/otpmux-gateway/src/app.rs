use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::{ArcSwap, Guard};
use metrics_exporter_prometheus::PrometheusHandle;
use otpmux::config::{ConfigErrors, Environment};
use otpmux::events::EventDeliverer;
use otpmux::{Blame, Certainty, Config, ErrorKind, OtpClient, Reloaded};
use tokio::sync::Mutex;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::audit::{self, By, Read};
use crate::auth::bearer;
use crate::doors::Mounted;
use crate::http::RequestMetrics;
use crate::readiness::{Readiness, Standing};
use crate::settings::Settings;
use crate::tls::Tls;

/// Returns the new configuration on each reload.
pub(crate) type Source = Box<dyn Fn() -> Result<Config, ConfigErrors> + Send + Sync>;

/// The state that every request shares.
pub(crate) struct App {
    pub(crate) client: OtpClient,
    settings: ArcSwap<Settings>,
    pub(crate) doors: Mounted,
    /// Delivers events.
    pub(crate) events: EventDeliverer,
    pub(crate) tls: Option<Tls>,
    source: Option<Source>,
    /// Held from reading the configuration until it is applied.
    reloading: Mutex<()>,
    environment: Environment,
    pub(crate) metrics: Option<PrometheusHandle>,
    pub(crate) request_metrics: RequestMetrics,
    /// Calls that run to their end although their callers disconnected.
    pub(crate) calls: TaskTracker,
    draining: AtomicBool,
    readiness: Readiness,
}

/// A configuration that was read again and passed all checks that need nothing else.
struct Again {
    config: Config,
    settings: Settings,
    tls: Option<Arc<rustls::ServerConfig>>,
}

fn unread(message: &str) -> ConfigErrors {
    otpmux::config::settings::ConfigError::new("configuration", message).into()
}

impl App {
    pub(crate) fn new(
        client: OtpClient,
        settings: Settings,
        doors: Mounted,
        events: EventDeliverer,
        tls: Option<Tls>,
        source: Option<Source>,
        environment: Environment,
    ) -> Self {
        Self {
            client,
            settings: ArcSwap::from_pointee(settings),
            doors,
            events,
            tls,
            source,
            reloading: Mutex::default(),
            environment,
            metrics: None,
            request_metrics: RequestMetrics::default(),
            calls: TaskTracker::new(),
            draining: AtomicBool::new(false),
            readiness: Readiness::default(),
        }
    }

    /// Sets what `/metrics` shows.
    pub(crate) fn with_metrics(mut self, metrics: Option<PrometheusHandle>) -> Self {
        self.metrics = metrics;
        self
    }

    pub(crate) fn settings(&self) -> Guard<Arc<Settings>> {
        self.settings.load()
    }

    /// One reload at a time: of two, the later one reads the file after the earlier one has ended.
    pub(crate) async fn reload(self: &Arc<Self>, by: By) -> Result<Reloaded, ConfigErrors> {
        let _turn = self.reloading.lock().await;
        tracing::debug!("reading the configuration again");
        let app = Arc::clone(self);
        // Reading files blocks.
        let read = tokio::task::spawn_blocking(move || app.read_again()).await;
        let log = self.client.audit_sink();
        let (read, result) = match read.unwrap_or_else(|_| Err(unread("reading it has failed"))) {
            Ok(again) => {
                let read = Read {
                    fingerprint: again.config.fingerprint(),
                    differs: again.config.differs_from(&self.settings().toml),
                };
                // Boxed: it is as large as all others together.
                (Some(read), Box::pin(self.go_on_with(again)).await)
            }
            Err(errors) => (None, Err(errors)),
        };
        audit::reloaded(&self.client, log, &by, read, &result);
        match &result {
            Ok(reloaded) => tracing::info!(
                unchanged = reloaded.unchanged.len(),
                changed = reloaded.changed.len(),
                retired = reloaded.retired.len(),
                "configuration reloaded"
            ),
            Err(errors) => {
                tracing::error!(%errors, "configuration not reloaded; the one before stays");
            }
        }
        result
    }

    fn read_again(&self) -> Result<Again, ConfigErrors> {
        let Some(source) = &self.source else {
            return Err(unread(
                "this gateway was started without a configuration file to read again",
            ));
        };
        let config = source()?;
        let server = config.server().cloned().unwrap_or_default();
        let before = self.settings.load();
        let settings = Settings::new(&config, &server, &self.environment, Some(&before))?;
        let tls = match (&self.tls, server.tls()) {
            (Some(_), Some(files)) => Some(Tls::read(&files)?),
            _ => None,
        };
        Ok(Again { config, settings, tls })
    }

    async fn go_on_with(&self, again: Again) -> Result<Reloaded, ConfigErrors> {
        let reloaded = self.client.reload_config(&again.config).await?;
        let admins =
            again.config.server().is_some_and(|it| it.api_keys.iter().any(|key| key.admin));
        self.client.count_approvals(admins);
        self.settings.store(Arc::new(again.settings));
        self.events.replace(again.config.event_targets().clone());
        if let (Some(tls), Some(fresh)) = (&self.tls, again.tls) {
            tls.replace(fresh);
        }
        Ok(reloaded)
    }

    /// Runs a call in a separate task, so that it ends even if the caller disconnects: the caller
    /// may repeat it with the same idempotency key.
    pub(crate) fn to_the_end<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, otpmux::Error>> + Send + 'static,
    ) -> impl Future<Output = Result<T, otpmux::Error>> {
        // Boxed, because each step of becoming a task would copy a future of several kilobytes.
        let task = self.calls.spawn(Box::pin(call).in_current_span());
        async {
            task.await.unwrap_or_else(|_| {
                Err(otpmux::Error::new(ErrorKind::Internal, Certainty::Unknown, Blame::Internal)
                    .with_detail("the gateway failed; its log says more"))
            })
        }
    }

    /// Returns whether this header holds one of the API keys.
    pub(crate) fn knows(&self, authorization: &[u8]) -> bool {
        bearer(authorization).is_some_and(|key| self.settings().keys.find(key).is_some())
    }

    /// Returns whether this gateway can verify codes; at most one second old.
    pub(crate) async fn standing(&self) -> Standing {
        self.readiness.ask(&self.client).await
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
