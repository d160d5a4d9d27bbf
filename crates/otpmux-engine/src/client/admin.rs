//! The calls of an operator: providers and their health, balances, readiness.

use std::sync::Arc;

use otpmux_core::{
    Balance, Blame, Capabilities, Certainty, Context, Entropy, Error, ErrorKind, IdempotencyKey,
    OtpProvider, ProviderId, RateLimit,
};

use super::inner::{Inner, no_entropy};
use super::metrics;
use super::providers::ProviderEntry;
use super::rates::LastHour;
use crate::{Health, StoreState};

/// A provider of a client, as it was at one moment.
#[derive(Clone, Debug)]
pub struct ProviderView {
    port: Arc<dyn OtpProvider>,
    health: Health,
    is_available: bool,
    requests: Arc<[RateLimit]>,
    last_hour: LastHour,
}

impl ProviderView {
    /// Its name.
    pub fn id(&self) -> &ProviderId {
        self.port.id()
    }

    /// Its capabilities, and the limits that its vendor documents.
    pub fn capabilities(&self) -> &Capabilities {
        self.port.capabilities()
    }

    /// Its health as this process knows it, and since when.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Whether an ordinary send would use it: the circuit is closed, or a probe is due.
    pub fn is_available(&self) -> bool {
        self.is_available
    }

    /// Counts of its messages within the last hour, as this process has seen them.
    pub fn last_hour(&self) -> LastHour {
        self.last_hour
    }

    /// The limits of its messages, counted over all processes; empty means no limit.
    pub fn requests(&self) -> &[RateLimit] {
        &self.requests
    }
}

impl Inner {
    pub(super) fn providers(&self) -> Vec<ProviderView> {
        let now = self.clock.now();
        let view = |entry: &Arc<ProviderEntry>| {
            let health = entry.guarded.health();
            let [accepted, delivered, approved] = self.rates.last_hour(entry.port().id(), now);
            let receipts = entry.port().capabilities().receipts;
            ProviderView {
                last_hour: LastHour {
                    accepted,
                    delivered: receipts.map(|_| delivered),
                    approved: self.rates.counts_approvals().then_some(approved),
                },
                port: Arc::clone(entry.port()),
                is_available: health.is_available(now),
                health,
                requests: entry
                    .limit_hit
                    .as_ref()
                    .map_or_else(Arc::default, |limit_hit| Arc::clone(&limit_hit.windows)),
            }
        };
        let mut all: Vec<_> = self.providers.active.values().map(view).collect();
        all.sort_unstable_by(|a, b| a.id().cmp(b.id()));
        all
    }

    pub(super) async fn refresh_health(&self) -> Result<(), Error> {
        let now = self.clock.now();
        let updates = self.store.health(now).await?;
        self.providers.apply(&updates, now);
        Ok(())
    }

    pub(super) async fn balance(&self, provider: &ProviderId) -> Result<Balance, Error> {
        let port = self.providers.get(provider).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, Certainty::NotSent, Blame::Caller)
                .with_detail("no provider has this name")
        })?;
        if !port.capabilities().balance {
            return Err(Error::unsupported(provider, "its vendor reports no balance"));
        }
        let cx = self.ask()?;
        let balance = port.balance(&cx).await?;
        metrics::balance_is(provider, &balance);
        Ok(balance)
    }

    pub(super) async fn ready(&self) -> Result<StoreState, Error> {
        self.check_keys().await?;
        let state = self.store.probe(self.clock.now()).await?;
        metrics::store_is(state);
        self.refresh_health().await?;
        Ok(state)
    }

    /// The context of a call that belongs to no verification.
    fn ask(&self) -> Result<Context, Error> {
        let entropy: &dyn Entropy = &*self.entropy;
        let key = IdempotencyKey::generate(entropy).map_err(no_entropy)?;
        Ok(Context::new(key).with_deadline(self.deadline().into_std()))
    }
}
