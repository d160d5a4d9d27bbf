//! The providers as an operator sees them.

use std::sync::Arc;

use otpmux_core::{
    Balance, Blame, Capabilities, Certainty, Context, Entropy, Error, ErrorKind, IdempotencyKey,
    OtpProvider, ProviderId, RateLimit,
};

use super::members::Member;
use super::{Inner, OtpClient, metrics, no_entropy};
use crate::Health;

/// A provider of a client, as it is at one moment.
#[derive(Clone, Debug)]
pub struct ProviderView {
    port: Arc<dyn OtpProvider>,
    health: Health,
    is_available: bool,
    requests: Arc<[RateLimit]>,
}

impl ProviderView {
    /// Its name.
    pub fn id(&self) -> &ProviderId {
        self.port.id()
    }

    /// What it can do, and what its vendor documents about its limits.
    pub fn capabilities(&self) -> &Capabilities {
        self.port.capabilities()
    }

    /// How this process sees it, and since when.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// Whether an ordinary send would go to it: the breaker is closed, or a probe is due.
    pub fn is_available(&self) -> bool {
        self.is_available
    }

    /// The messages that it may get, counted over all processes; empty is no limit.
    pub fn requests(&self) -> &[RateLimit] {
        &self.requests
    }
}

impl OtpClient {
    /// All providers that may get messages, in the order of their names, with their health as this
    /// process knows it. Calls nobody; see [`refresh_health`](Self::refresh_health).
    pub fn providers(&self) -> Vec<ProviderView> {
        let inner = self.inner();
        let now = inner.clock.now();
        let view = |member: &Arc<Member>| {
            let health = member.guarded.health();
            ProviderView {
                port: Arc::clone(member.port()),
                is_available: health.is_available(now),
                health,
                requests: member
                    .limit_hit
                    .as_ref()
                    .map_or_else(Arc::default, |limit_hit| Arc::clone(&limit_hit.windows)),
            }
        };
        let mut all: Vec<_> = inner.members.active.values().map(view).collect();
        all.sort_unstable_by(|a, b| a.id().cmp(b.id()));
        all
    }

    /// Takes in what other processes have seen of the providers, as every new verification does.
    ///
    /// # Errors
    ///
    /// The store is out of reach; so this tells, too, whether it is.
    pub async fn refresh_health(&self) -> Result<(), Error> {
        let inner = self.inner();
        let now = inner.clock.now();
        let updates = inner.store.health(now).await?;
        inner.members.learn(&updates, now);
        Ok(())
    }

    /// Asks a vendor what is left on the account, within the policy's deadline. The metric
    /// `otpmux_provider_balance` tells the answer from then on.
    ///
    /// # Errors
    ///
    /// There is no such provider ([`ErrorKind::NotFound`]), its vendor does not tell
    /// ([`ErrorKind::Unsupported`]), or it could not be asked.
    pub async fn balance(&self, provider: &ProviderId) -> Result<Balance, Error> {
        let inner = self.inner();
        let port = inner.members.get(provider).ok_or_else(|| {
            Error::new(ErrorKind::NotFound, Certainty::NotSent, Blame::Caller)
                .with_detail("no provider has this name")
        })?;
        if !port.capabilities().balance {
            return Err(Error::unsupported(provider, "its vendor does not tell the balance"));
        }
        let cx = inner.ask()?;
        let balance = port.balance(&cx).await?;
        metrics::balance_is(provider, &balance);
        Ok(balance)
    }
}

impl Inner {
    /// What a call is given that belongs to no verification.
    fn ask(&self) -> Result<Context, Error> {
        let entropy: &dyn Entropy = &*self.entropy;
        let key = IdempotencyKey::generate(entropy).map_err(no_entropy)?;
        Ok(Context::new(key).with_deadline(self.deadline().into_std()))
    }
}
