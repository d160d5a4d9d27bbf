use std::time::Duration;

use otpmux_core::Entropy;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::MOST;
use crate::OtpClient;
use crate::client::metrics;

/// How often the store is asked for due verifications: about once a second while there were some lately,
/// and at most every two seconds while there were none. With the task that delivers events, which does
/// the same, an idle process makes at most one call a second.
const BUSY: Duration = Duration::from_millis(750);
const IDLE: Duration = Duration::from_secs(2);
const LATELY: Duration = Duration::from_secs(10);
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
        Self { stop, task: tokio::spawn(run(client, stopped)) }
    }

    /// Ends the task, and returns when all that it has begun has ended.
    pub async fn stop(self) {
        drop(self.stop);
        // A panic was reported where it happened.
        let _ = self.task.await;
    }
}

async fn run(client: OtpClient, mut stopped: watch::Receiver<()>) {
    let mut looks: Vec<JoinHandle<()>> = Vec::new();
    let mut wait = Duration::ZERO;
    let mut busy_until = Instant::now();
    loop {
        tokio::select! {
            biased;
            _ = stopped.changed() => break,
            () = tokio::time::sleep(wait) => {}
        }
        let inner = client.inner();
        let pause = if Instant::now() < busy_until { BUSY } else { IDLE };
        wait = pause + JITTER.mul_f64(fraction(&*inner.entropy));
        if !inner.watches_due() {
            continue;
        }
        // A vendor that hangs holds its own verifications up, and no other.
        looks.retain(|look| !look.is_finished());
        let room = MOST - looks.len().min(MOST);
        if room == 0 {
            wait = SOON;
            continue;
        }
        match inner.take_due(room).await {
            Ok(taken) => {
                if !taken.is_empty() {
                    busy_until = Instant::now() + LATELY;
                    wait = wait.min(BUSY + JITTER);
                }
                if taken.len() == room {
                    wait = SOON;
                }
                looks.extend(taken);
            }
            Err(error) => tracing::debug!(%error, "the store could not return due verifications"),
        }
    }
    for look in looks {
        let _ = look.await;
    }
}

/// A random number from 0 to 1; 1 without randomness.
fn fraction(entropy: &dyn Entropy) -> f64 {
    let mut random = [u8::MAX];
    let _ = entropy.fill(&mut random);
    f64::from(random[0]) / 255.0
}
