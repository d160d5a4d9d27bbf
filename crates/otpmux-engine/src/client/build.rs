use std::collections::HashMap;
use std::sync::Arc;

use otpmux_core::{Clock, Entropy, EntropyError, OsEntropy, OtpProvider, ProviderId, SystemClock};

use super::{Inner, OtpClient};
use crate::{MemoryStore, Policy, PolicyError, Route, Routes, ServerKeys, VerificationStore};

/// An [`OtpClient`] in the making.
#[derive(Debug)]
pub struct ClientBuilder {
    providers: Vec<Arc<dyn OtpProvider>>,
    routes: Option<Routes>,
    store: Option<Arc<dyn VerificationStore>>,
    keys: Option<ServerKeys>,
    policy: Policy,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

/// A client that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No provider at all.
    #[error("at least one provider is needed")]
    NoProvider,
    /// Two providers of one name.
    #[error("two providers are named `{0}`")]
    Twice(ProviderId),
    /// A route names a provider that is not there.
    #[error("a route names the provider `{0}`, which does not exist")]
    UnknownProvider(ProviderId),
    /// A route that cannot fit anything.
    #[error("{0}")]
    Route(String),
    /// A policy that would not be safe.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// No randomness for a key.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

/// What holds everything that a client needs, such as a configuration file that was read; see
/// [`OtpClient::from_config`].
pub trait ClientConfig {
    /// Why there can be no such client.
    type Error: From<BuildError>;

    /// A builder with all of it.
    fn client_builder(&self) -> Result<ClientBuilder, Self::Error>;
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            providers: Vec::new(),
            routes: None,
            store: None,
            keys: None,
            policy: Policy::default(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(OsEntropy),
        }
    }
}

impl ClientBuilder {
    /// Adds a provider. Without routes, the order of adding is the order of preference.
    pub fn provider(mut self, provider: Arc<dyn OtpProvider>) -> Self {
        self.providers.push(provider);
        self
    }

    /// Sets which providers may send what. Default: all of them, everything, in their order.
    pub fn routes(mut self, routes: Routes) -> Self {
        self.routes = Some(routes);
        self
    }

    /// Sets where verifications live, and the keys that protect them there. Default: a
    /// [`MemoryStore`] under a random key.
    pub fn store(mut self, store: Arc<dyn VerificationStore>, keys: ServerKeys) -> Self {
        self.store = Some(store);
        self.keys = Some(keys);
        self
    }

    /// Sets the rules for every verification.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Takes the time from another clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Takes randomness from another source.
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// Makes the client. Calls nobody.
    ///
    /// # Errors
    ///
    /// The first thing that does not fit together.
    pub fn build(self) -> Result<OtpClient, BuildError> {
        self.policy.check()?;
        let order: Vec<_> = self.providers.iter().map(|provider| provider.id().clone()).collect();
        let mut providers = HashMap::new();
        for provider in self.providers {
            let id = provider.id().clone();
            if providers.insert(id.clone(), provider).is_some() {
                return Err(BuildError::Twice(id));
            }
        }
        if providers.is_empty() {
            return Err(BuildError::NoProvider);
        }
        let routes = self.routes.unwrap_or_else(|| Routes::new([Route::to(order)]));
        for route in routes.as_slice() {
            if let Some(mistake) = route.mistake() {
                return Err(BuildError::Route(mistake));
            }
            if let Some(id) = route.providers.iter().find(|id| !providers.contains_key(*id)) {
                return Err(BuildError::UnknownProvider(id.clone()));
            }
        }
        let keys = match self.keys {
            Some(keys) => keys,
            None => ServerKeys::ephemeral(&*self.entropy)?,
        };
        Ok(OtpClient(Arc::new(Inner {
            providers,
            routes,
            store: self.store.unwrap_or_else(|| Arc::new(MemoryStore::default())),
            keys,
            policy: self.policy,
            clock: self.clock,
            entropy: self.entropy,
        })))
    }
}
