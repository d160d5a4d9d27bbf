use std::sync::Arc;
use std::time::Duration;

use otpmux::provider::{Entropy, OsEntropy};
use tokio::time::sleep;

use crate::app::App;

/// Reads the balances of the vendors that report them, at intervals; the engine's metric shows the
/// results. Never returns.
///
/// The first read is soon after the start; the times of different processes are spread at random.
pub(crate) async fn watch(app: Arc<App>, interval: Duration) {
    let mut pause = interval / 10;
    loop {
        sleep(pause + interval.mul_f64(chance() / 10.0)).await;
        pause = interval.mul_f64(0.95);
        let client = &app.client;
        let providers = client.providers();
        for provider in providers.iter().filter(|one| one.capabilities().balance) {
            if let Err(error) = client.balance(provider.id()).await {
                tracing::debug!(provider = %provider.id(), %error, "the balance is not known");
            }
        }
    }
}

/// A random number from 0 to 1; 0.5 if there is no randomness.
fn chance() -> f64 {
    let mut random = [0; 4];
    match OsEntropy.fill(&mut random) {
        Ok(()) => f64::from(u32::from_le_bytes(random)) / f64::from(u32::MAX),
        Err(_) => 0.5,
    }
}
