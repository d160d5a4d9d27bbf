use std::sync::{Arc, Mutex, PoisonError};

use otpmux_engine::OtpClient;
use otpmux_http::webhook::WebhookSender;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Targets;
use super::work::Work;

/// Delivers the events of a client to their endpoints, in a task beside all calls. Several processes of
/// one store share the work.
///
/// An event is tried at once by the process that has caused it, and then by any process: after 5 s,
/// 5 min, 30 min, 2, 5, 10, 14, 20 and 24 hours. It comes at least once, in no particular order.
#[derive(Debug)]
pub struct EventDeliverer {
    targets: watch::Sender<Arc<Targets>>,
    stop: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// Delivery cannot start.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StartDeliveryError(&'static str);

impl std::fmt::Display for StartDeliveryError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for StartDeliveryError {}

impl EventDeliverer {
    /// Starts the task. Without targets it waits for some and costs nothing.
    ///
    /// # Errors
    ///
    /// The machine has no TLS roots.
    pub fn start(client: OtpClient, targets: Targets) -> Result<Self, StartDeliveryError> {
        let sender = WebhookSender::new().map_err(StartDeliveryError)?;
        Ok(Self::start_with(client, targets, sender))
    }

    /// Like [`start`](Self::start), with another sender.
    pub fn start_with(client: OtpClient, targets: Targets, sender: WebhookSender) -> Self {
        let targets = watch::Sender::new(Arc::new(targets));
        let stop = watch::Sender::new(false);
        let work = Work::new(client, targets.subscribe(), stop.subscribe(), sender);
        let task = Mutex::new(Some(tokio::spawn(work.run())));
        Self { targets, stop, task }
    }

    /// Replaces the targets, after a reload.
    pub fn replace(&self, targets: Targets) {
        self.targets.send_replace(Arc::new(targets));
    }

    /// Ends the task: tries under way end first, and no other begins. Events wait in the store.
    pub async fn stop(&self) {
        self.stop.send_replace(true);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // A task that panicked has ended too.
            let _ = task.await;
        }
    }
}
