use std::time::Duration;

use otpmux_core::Entropy;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::MOST;
use crate::OtpClient;
use crate::background;
use crate::client::{Looks, metrics};

/// So that processes that started together do not ask together.
const JITTER: Duration = Duration::from_millis(500);

/// How long to wait while no more can be begun, or when there is more than was taken.
const SOON: Duration = Duration::from_millis(20);

/// The task of [`OtpClient::spawn_timers`]. It ends when this is dropped; what it has begun is
/// finished all the same.
#[derive(Debug)]
#[must_use = "the task ends when this is dropped"]
pub struct Timers {
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Timers {
    pub(in crate::client) fn spawn(client: OtpClient) -> Self {
        metrics::no_escalations_yet();
        let (stop, stopped) = watch::channel(());
        Self { stop, task: background::spawn(run(client, stopped)) }
    }

    /// Ends the task, and returns when all that it has begun has ended.
    pub async fn stop(self) {
        drop(self.stop);
        // A panic was reported where it happened.
        let _ = self.task.await;
    }
}

async fn run(client: OtpClient, mut stopped: watch::Receiver<()>) {
    let mut looks = Looks::for_timers();
    let mut begun: Vec<JoinHandle<()>> = Vec::new();
    let mut wait = Duration::ZERO;
    loop {
        tokio::select! {
            biased;
            _ = stopped.changed() => break,
            () = tokio::time::sleep(wait) => {}
        }
        let inner = client.inner();
        wait = looks.pause() + JITTER.mul_f64(fraction(&*inner.entropy));
        if !inner.watches_due() {
            continue;
        }
        // A vendor that hangs holds its own verifications up, and no other.
        begun.retain(|step| !step.is_finished());
        let room = MOST - begun.len().min(MOST);
        if room == 0 {
            wait = SOON;
            continue;
        }
        match inner.take_due(room).await {
            Ok(taken) => {
                if !taken.is_empty() {
                    looks.worked();
                    wait = wait.min(looks.pause() + JITTER);
                }
                if taken.len() == room {
                    wait = SOON;
                }
                begun.extend(taken);
            }
            Err(error) => tracing::debug!(%error, "the store could not return due verifications"),
        }
    }
    for step in begun {
        let _ = step.await;
    }
}

/// A random number from 0 to 1; 1 without randomness.
fn fraction(entropy: &dyn Entropy) -> f64 {
    let mut random = [u8::MAX];
    let _ = entropy.fill(&mut random);
    f64::from(random[0]) / 255.0
}
