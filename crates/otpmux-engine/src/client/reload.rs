use std::collections::HashMap;
use std::sync::Arc;

use otpmux_core::{Clock, ProviderId};

use super::build::NewStore;
use super::key_check::checked;
use super::limits::PolicyLimits;
use super::members::{Member, Members, Retired};
use super::store_time::StoreTime;
use super::{BuildError, ClientBuilder, ClientConfig, Inner, OtpClient};
use crate::{Policy, RETENTION};

/// What a reload has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reloaded {
    /// Providers that go on as they were, with their connections and their health.
    pub kept: Vec<ProviderId>,
    /// Providers that are new, or whose settings have changed.
    pub fresh: Vec<ProviderId>,
    /// Providers that get no further messages. The codes that they have sent still verify.
    pub retired: Vec<ProviderId>,
}

impl OtpClient {
    /// Goes on with other providers, routes, keys and rules: everything is made anew, then swapped
    /// in one step. Calls under way end as they began; verifications that are pending still verify,
    /// at their own providers. What is unchanged keeps its health. On an error nothing has changed.
    ///
    /// The builder's clock and source of randomness are ignored, and where it has no store or no
    /// keys the present ones stay.
    ///
    /// # Errors
    ///
    /// As [`ClientBuilder::build`]; besides, a store other than the present one
    /// ([`BuildError::StoreChanged`]), and a key ring without the key that signs now
    /// ([`BuildError::KeyGone`]), with a new key that other processes of the store do not have under its
    /// id ([`BuildError::KeyDiffers`]), or one of which the store cannot tell
    /// ([`BuildError::KeyUnchecked`]).
    pub async fn reload(&self, mut builder: ClientBuilder) -> Result<Reloaded, BuildError> {
        let _reloading = self.0.reloading.lock().await;
        let old = self.inner();
        let routes = builder.checked_routes()?;
        let same_store = match &builder.store {
            None => true,
            Some(NewStore::Open(store)) => Arc::ptr_eq(store, &old.store),
            Some(NewStore::Named { name, .. }) => old.store_name.as_deref() == Some(&**name),
        };
        if !same_store {
            return Err(BuildError::StoreChanged);
        }
        let keys = builder.keys.take().unwrap_or_else(|| old.keys.clone());
        if !keys.holds_signing_key_of(&old.keys) {
            return Err(BuildError::KeyGone(old.keys.signing_id().to_string()));
        }
        old.check_new_keys(&keys).await?;
        let clock: Arc<dyn Clock> = Arc::<StoreTime>::clone(&old.clock);
        let mut reloaded = Reloaded::default();
        let mut active = HashMap::new();
        for new in builder.providers {
            let id = new.provider.id().clone();
            let same = old.members.active.get(&id).filter(|member| member.is(&new));
            let member = if let Some(member) = same {
                reloaded.kept.push(id.clone());
                Arc::clone(member)
            } else {
                reloaded.fresh.push(id.clone());
                Arc::new(Member::new(new, &keys, &clock, &old.entropy, old.process)?)
            };
            active.insert(id, member);
        }
        let retired = old.retire(&active, &mut reloaded);
        let inner = Inner {
            members: Members { active, retired },
            routes,
            store: Arc::clone(&old.store),
            store_name: old.store_name.clone(),
            keys_checked: checked(&old, &keys),
            keys,
            limit_hits: PolicyLimits::new(&builder.policy.limits),
            policy: builder.policy,
            late: Arc::clone(&old.late),
            clock: Arc::clone(&old.clock),
            entropy: Arc::clone(&old.entropy),
            process: old.process,
        };
        self.0.inner.store(Arc::new(inner));
        Ok(reloaded)
    }

    /// [`reload`](Self::reload), from a configuration.
    ///
    /// # Errors
    ///
    /// As [`reload`](Self::reload), in the configuration's own words.
    pub async fn reload_config<C: ClientConfig + ?Sized>(
        &self,
        config: &C,
    ) -> Result<Reloaded, C::Error> {
        let builder = config.client_builder()?;
        Ok(self.reload(builder).await?)
    }
}

impl Inner {
    /// The providers that are not among these, for as long as a code of theirs may be good.
    fn retire(
        &self,
        active: &HashMap<ProviderId, Arc<Member>>,
        reloaded: &mut Reloaded,
    ) -> HashMap<ProviderId, Retired> {
        let now = self.clock.now();
        let until = now + Policy::MAX_TTL + RETENTION;
        let gone = |id: &&ProviderId| !active.contains_key(*id);
        let mut retired = HashMap::new();
        for (id, old) in self.members.retired.iter().filter(|(id, _)| gone(id)) {
            if now < old.until {
                let member = Arc::clone(&old.member);
                retired.insert(id.clone(), Retired { member, until: old.until });
            }
        }
        for (id, member) in self.members.active.iter().filter(|(id, _)| gone(id)) {
            reloaded.retired.push(id.clone());
            retired.insert(id.clone(), Retired { member: Arc::clone(member), until });
        }
        reloaded.retired.sort_unstable();
        retired
    }
}
