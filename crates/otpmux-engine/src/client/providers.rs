use std::sync::Arc;
use std::time::SystemTime;

use otpmux_core::{Clock, Entropy, OtpProvider, ProviderId, RateLimit};

use super::BuildError;
use super::send::retry::Retries;
use crate::keyed_map::KeyedMap;
use crate::layers::{Resilience, ResilientProvider};
use crate::{HealthUpdate, LimitHit, LimitScope, ServerKeys, Witness};

/// A provider as an application passes it to the builder.
#[derive(Clone, Debug)]
pub(super) struct NewProvider {
    pub(super) provider: Arc<dyn OtpProvider>,
    pub(super) resilience: Resilience,
    /// Identifies its settings, if known: two providers with equal fingerprints are equal.
    pub(super) fingerprint: Option<[u8; 32]>,
}

/// A provider as the client calls it.
pub(super) struct ProviderEntry {
    pub(super) guarded: ResilientProvider,
    pub(super) retries: Arc<Retries>,
    /// The hit of the limit that counts its messages over all processes.
    pub(super) limit_hit: Option<LimitHit>,
    made_of: NewProvider,
}

/// A provider that gets no further messages, but may have to verify the codes that it sent.
pub(super) struct Retired {
    pub(super) entry: Arc<ProviderEntry>,
    pub(super) until: SystemTime,
}

/// All providers of a client.
#[derive(Default)]
pub(super) struct ProviderSet {
    pub(super) active: KeyedMap<ProviderId, Arc<ProviderEntry>>,
    pub(super) retired: KeyedMap<ProviderId, Retired>,
}

impl ProviderEntry {
    pub(super) fn new(
        made_of: NewProvider,
        keys: &ServerKeys,
        clock: &Arc<dyn Clock>,
        entropy: &Arc<dyn Entropy>,
        process: u64,
    ) -> Result<Self, BuildError> {
        let NewProvider { provider, resilience, .. } = &made_of;
        let documented = &provider.capabilities().limits.requests;
        let windows: Arc<[RateLimit]> =
            resilience.requests.as_ref().unwrap_or(documented)[..].into();
        let key = keys.limit_key(LimitScope::Provider, provider.id().as_str().as_bytes());
        let limit_hit = (!windows.is_empty()).then_some(LimitHit { key, windows });
        let settings = made_of.fingerprint.map(|it| short(keys.tag("provider settings", &it)));
        let guarded = ResilientProvider::new(
            Arc::clone(provider),
            resilience,
            Arc::clone(clock),
            Arc::clone(entropy),
            Witness { process, settings },
        );
        let guarded =
            guarded.map_err(|error| BuildError::Resilience(provider.id().clone(), error))?;
        let retries = Arc::new(Retries::new(resilience, Arc::clone(entropy)));
        Ok(Self { guarded, retries, limit_hit, made_of })
    }

    pub(super) fn port(&self) -> &Arc<dyn OtpProvider> {
        self.guarded.port()
    }

    /// The adapter without layers.
    pub(super) fn adapter(&self) -> &Arc<dyn OtpProvider> {
        &self.made_of.provider
    }

    /// Whether the entry equals one built from this.
    pub(super) fn is(&self, other: &NewProvider) -> bool {
        let mine = &self.made_of;
        let same_fingerprint = mine.fingerprint.is_some() && mine.fingerprint == other.fingerprint;
        mine.resilience == other.resilience
            && (same_fingerprint || Arc::ptr_eq(&mine.provider, &other.provider))
    }
}

impl ProviderSet {
    /// The provider of this name, also a retired one, to be asked about its codes.
    pub(super) fn get(&self, id: &ProviderId) -> Option<&Arc<dyn OtpProvider>> {
        let retired = || self.retired.get(id).map(|retired| &retired.entry);
        self.active.get(id).or_else(retired).map(|entry| entry.port())
    }

    /// The adapter of this name without layers, also a retired one: a receipt is a request of the
    /// vendor, so neither circuits nor limits concern it.
    pub(super) fn adapter(&self, id: &ProviderId) -> Option<&Arc<dyn OtpProvider>> {
        let retired = || self.retired.get(id).map(|retired| &retired.entry);
        self.active.get(id).or_else(retired).map(|entry| entry.adapter())
    }

    /// Whether one of the active providers wants to know how verifications end.
    pub(super) fn want_reports(&self) -> bool {
        self.active.values().any(|entry| entry.adapter().capabilities().report)
    }

    /// The health updates that the store does not have yet, for the next write of any call.
    pub(super) fn take_updates(&self) -> Vec<HealthUpdate> {
        self.active.values().filter_map(|entry| entry.guarded.take_update()).collect()
    }

    /// Requeues health updates whose write failed.
    pub(super) fn requeue(&self, health_updates: Vec<HealthUpdate>) {
        for update in health_updates {
            if let Some(entry) = self.active.get(&update.provider) {
                entry.guarded.requeue(update);
            }
        }
    }

    pub(super) fn apply(&self, updates: &[HealthUpdate], now: SystemTime) {
        if !updates.is_empty() {
            for entry in self.active.values() {
                entry.guarded.apply(updates, now);
            }
        }
    }
}

/// The first bytes of a hash.
fn short(hash: [u8; 16]) -> u64 {
    u64::from_le_bytes(std::array::from_fn(|at| hash[at]))
}
