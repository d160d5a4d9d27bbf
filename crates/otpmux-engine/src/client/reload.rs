use std::sync::Arc;

use otpmux_core::{Clock, ProviderId};

use super::builder::NewStore;
use super::events::Events;
use super::inner::Inner;
use super::key_check::checked;
use super::metrics::MessageMetrics;
use super::providers::{ProviderEntry, ProviderSet, Retired};
use super::send::limits::PolicyLimits;
use super::store_time::StoreTime;
use super::{BuildError, ClientBuilder, Shared};
use crate::keyed_map::KeyedMap;
use crate::{Policy, RETENTION};

/// The result of a reload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reloaded {
    /// Providers that are unchanged, with their connections and their health.
    pub unchanged: Vec<ProviderId>,
    /// Providers that are new, or whose settings have changed.
    pub changed: Vec<ProviderId>,
    /// Providers that get no further messages. The codes that they sent can still be verified.
    pub retired: Vec<ProviderId>,
}

impl Shared {
    pub(super) async fn reload(&self, mut builder: ClientBuilder) -> Result<Reloaded, BuildError> {
        let _reloading = self.reloading.lock().await;
        let old = self.inner.load_full();
        let routes = builder.checked_routes()?;
        let same_store = match &builder.store {
            None => true,
            Some(NewStore::Open(store)) => Arc::ptr_eq(store, &old.store),
            Some(NewStore::Named { name, .. }) => old.store_name.as_deref() == Some(&**name),
        };
        if !same_store {
            return Err(BuildError::StoreChanged);
        }
        if !builder.events.is_empty() && old.store.outbox().is_none() {
            return Err(BuildError::NoOutbox);
        }
        let keys = builder.keys.take().unwrap_or_else(|| old.keys.clone());
        if !keys.holds_signing_key_of(&old.keys) {
            return Err(BuildError::KeyGone(old.keys.signing_id().to_string()));
        }
        old.check_new_keys(&keys).await?;
        let audit = builder.audit.take().map(|audit| audit.open(old.audit.as_ref())).transpose();
        let audit = audit.map_err(BuildError::Audit)?;
        let clock: Arc<dyn Clock> = Arc::<StoreTime>::clone(&old.clock);
        let mut reloaded = Reloaded::default();
        let mut active = KeyedMap::default();
        for new in builder.providers {
            let id = new.provider.id().clone();
            let same = old.providers.active.get(&id).filter(|entry| entry.is(&new));
            let entry = if let Some(entry) = same {
                reloaded.unchanged.push(id.clone());
                Arc::clone(entry)
            } else {
                reloaded.changed.push(id.clone());
                Arc::new(ProviderEntry::new(new, &keys, &clock, &old.entropy, old.process)?)
            };
            active.insert(id, entry);
        }
        let retired = old.retire(&active, &mut reloaded);
        let inner = Inner {
            providers: ProviderSet { active, retired },
            routes,
            store: Arc::clone(&old.store),
            store_name: old.store_name.clone(),
            keys_checked: checked(&old, &keys),
            keys,
            limit_hits: PolicyLimits::new(&builder.policy.limits),
            policy: builder.policy,
            messages: builder.messages,
            outcomes: Arc::clone(&old.outcomes),
            accepted: Arc::clone(&old.accepted),
            reports: Arc::clone(&old.reports),
            rates: Arc::clone(&old.rates),
            metrics: MessageMetrics::default(),
            audit,
            events: Events::new(builder.events, Some(old.events.waker())),
            receipt_url: builder.receipt_url.map(Into::into),
            request_steps: builder.request_steps,
            clock: Arc::clone(&old.clock),
            entropy: Arc::clone(&old.entropy),
            process: old.process,
        };
        self.inner.store(Arc::new(inner));
        Ok(reloaded)
    }
}

impl Inner {
    /// Keeps the providers that are not among these as long as one of their codes may be valid.
    fn retire(
        &self,
        active: &KeyedMap<ProviderId, Arc<ProviderEntry>>,
        reloaded: &mut Reloaded,
    ) -> KeyedMap<ProviderId, Retired> {
        let now = self.clock.now();
        let until = now + Policy::MAX_TTL + RETENTION;
        let gone = |id: &&ProviderId| !active.contains_key(*id);
        let mut retired = KeyedMap::default();
        for (id, old) in self.providers.retired.iter().filter(|(id, _)| gone(id)) {
            if now < old.until {
                let entry = Arc::clone(&old.entry);
                retired.insert(id.clone(), Retired { entry, until: old.until });
            }
        }
        for (id, entry) in self.providers.active.iter().filter(|(id, _)| gone(id)) {
            reloaded.retired.push(id.clone());
            retired.insert(id.clone(), Retired { entry: Arc::clone(entry), until });
        }
        reloaded.retired.sort_unstable();
        retired
    }
}
