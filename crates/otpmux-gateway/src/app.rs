use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, Guard};
use metrics_exporter_prometheus::PrometheusHandle;
use otpmux::{Certainty, Config, ConfigErrors, Environment, OtpClient, Reloaded};
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use crate::problem::Problem;
use crate::settings::Settings;
use crate::tls::Tls;

/// Gives the configuration anew whenever a reload is asked for.
pub(crate) type Source = Box<dyn Fn() -> Result<Config, ConfigErrors> + Send + Sync>;

/// What every request can see.
pub(crate) struct App {
    pub(crate) client: OtpClient,
    settings: ArcSwap<Settings>,
    pub(crate) tls: Option<Tls>,
    source: Option<Source>,
    /// Held from the reading of the configuration until it is in force.
    reloading: Mutex<()>,
    environment: Environment,
    pub(crate) metrics: Option<PrometheusHandle>,
    /// Calls that end although their callers went away.
    pub(crate) calls: TaskTracker,
    draining: AtomicBool,
}

impl App {
    pub(crate) fn new(
        client: OtpClient,
        settings: Settings,
        tls: Option<Tls>,
        source: Option<Source>,
        environment: Environment,
        metrics: Option<PrometheusHandle>,
    ) -> Self {
        Self {
            client,
            settings: ArcSwap::from_pointee(settings),
            tls,
            source,
            reloading: Mutex::default(),
            environment,
            metrics,
            calls: TaskTracker::new(),
            draining: AtomicBool::new(false),
        }
    }

    pub(crate) fn settings(&self) -> Guard<Arc<Settings>> {
        self.settings.load()
    }

    pub(crate) fn reload(&self) -> Result<Reloaded, ConfigErrors> {
        let Some(source) = &self.source else {
            let message = "this gateway was started without a configuration file to read again";
            return Err(otpmux::settings::ConfigError::new("configuration", message).into());
        };
        // One after the other: two at once must not leave the clients of one file with the keys of
        // another, nor an older file in force after a newer one.
        let _reloading = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
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

    /// Makes a call of vendors a task of its own: a caller that goes away does not stop what it has
    /// begun, for it may ask again under its key.
    pub(crate) fn to_the_end<T: Send + 'static>(
        &self,
        call: impl Future<Output = Result<T, otpmux::Error>> + Send + 'static,
    ) -> impl Future<Output = Result<T, Problem>> {
        // Boxed, for a future of several kilobytes would be copied at each step of becoming a task.
        let task = self.calls.spawn(Box::pin(call).in_current_span());
        async { Ok(task.await.map_err(|_| Problem::internal(Certainty::Unknown))??) }
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
