use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use otpmux_core::settings::ConfigError;
use otpmux_core::{Clock, Entropy, EntropyError, IntoProvider, OsEntropy, ProviderId, SystemClock};

use super::OtpClient;
use super::audit::NewAudit;
use super::events::Events;
use super::inner::Inner;
use super::key_check::differs;
use super::metrics::MessageMetrics;
use super::providers::{NewProvider, ProviderEntry, ProviderSet};
use super::send::accepted_queue::AcceptedQueue;
use super::send::limits::PolicyLimits;
use super::send::outcome_queue::OutcomeQueue;
use super::store_time::StoreTime;
use crate::layers::Resilience;
use crate::{
    AuditSink, EventSettings, MemoryStore, Messages, Policy, PolicyError, Route, RouteError,
    Routes, ServerKeys, VerificationStore,
};

/// Builds an [`OtpClient`].
#[derive(Debug, Default)]
#[must_use]
pub struct ClientBuilder {
    pub(super) providers: Vec<NewProvider>,
    pub(super) routes: Option<Routes>,
    pub(super) store: Option<NewStore>,
    pub(super) keys: Option<ServerKeys>,
    pub(super) policy: Policy,
    pub(super) messages: Option<Messages>,
    pub(super) clock: Option<Arc<dyn Clock>>,
    pub(super) entropy: Option<Arc<dyn Entropy>>,
    pub(super) receipt_url: Option<String>,
    pub(super) request_steps: bool,
    pub(super) audit: Option<NewAudit>,
    pub(super) events: EventSettings,
}

/// A store that is open, or that is opened when a client is built.
pub(super) enum NewStore {
    Open(Arc<dyn VerificationStore>),
    Named { name: String, open: Box<OpenStore> },
}

/// Opens a store.
type OpenStore = dyn FnOnce() -> Result<Arc<dyn VerificationStore>, OpenStoreError> + Send;

/// Error returned when a store or an audit log cannot be opened. Its text is that of the cause, which never
/// contains an address with a password.
#[derive(Clone)]
pub struct OpenStoreError(Arc<dyn std::error::Error + Send + Sync>);

impl OpenStoreError {
    /// Wraps the cause, or a text that says what to do.
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(cause.into().into())
    }
}

impl fmt::Display for OpenStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for OpenStoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// Two errors are equal if their texts are equal.
impl PartialEq for OpenStoreError {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for OpenStoreError {}

otpmux_core::debug_as_display!(OpenStoreError);

/// Error returned by [`ClientBuilder::build`] and [`OtpClient::reload`].
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No provider was added.
    #[error("at least one provider is needed")]
    NoProvider,
    /// A provider sends texts that otpmux writes, and no messages are set.
    #[error(
        "the provider `{0}` sends texts that otpmux writes: set messages with the name of your service"
    )]
    NoMessages(ProviderId),
    /// Two providers have the same name.
    #[error("two providers are named `{0}`")]
    Twice(ProviderId),
    /// A route names a provider that does not exist.
    #[error("a route names the provider `{0}`, which does not exist")]
    UnknownProvider(ProviderId),
    /// A route is invalid; with its index in the list, from 0.
    #[error("routes[{0}]: {1}")]
    Route(usize, RouteError),
    /// The policy is invalid or not safe.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The resilience settings of a provider are invalid.
    #[error("provider `{0}`: {1}")]
    Resilience(ProviderId, ConfigError),
    /// The store could not be opened.
    #[error(transparent)]
    Store(#[from] OpenStoreError),
    /// The audit log could not be opened.
    #[error("the audit log cannot be opened: {0}")]
    Audit(OpenStoreError),
    /// A reload would change the store.
    #[error("the store cannot change while the client runs; restart the process")]
    StoreChanged,
    /// A reload would remove the signing key.
    #[error(
        "the server key `{0}` has signed pending verifications; keep it in the list, after the new one"
    )]
    KeyGone(String),
    /// A server key differs from the one that other processes of this store use under its id.
    #[error("{detail}", detail = differs(.0))]
    KeyDiffers(String),
    /// The store could not report whether other processes have the same new keys.
    #[error("whether other processes have the same server keys is not known: {0}")]
    KeyUnchecked(String),
    /// Endpoints get events, and the store keeps none.
    #[error("the store keeps no events: use another store, or configure no endpoints for events")]
    NoOutbox,
    /// No randomness for a key.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

otpmux_core::debug_as_display!(BuildError);

/// A source of everything that a client needs, such as a parsed configuration file; see
/// [`OtpClient::from_config`].
pub trait ClientConfig {
    /// The error when the configuration describes no valid client.
    type Error: From<BuildError>;

    /// Returns a builder with everything that the configuration sets.
    fn client_builder(&self) -> Result<ClientBuilder, Self::Error>;
}

impl ClientBuilder {
    /// Adds a provider with [default](Resilience::default) layers. Without routes, the order in
    /// which providers are added is the order of preference.
    pub fn provider(self, provider: impl IntoProvider) -> Self {
        self.provider_with(provider, Resilience::default(), None)
    }

    /// Adds a provider with these layers. `fingerprint` identifies its settings, such as a hash of
    /// them: a [reload](OtpClient::reload) keeps a provider of the same name, fingerprint and
    /// layers, with its connections and its health.
    pub fn provider_with(
        mut self,
        provider: impl IntoProvider,
        resilience: Resilience,
        fingerprint: Option<[u8; 32]>,
    ) -> Self {
        let provider = provider.into_provider();
        self.providers.push(NewProvider { provider, resilience, fingerprint });
        self
    }

    /// Sets which providers may send what. Default: all providers, for everything, in their order.
    pub fn routes(mut self, routes: Routes) -> Self {
        self.routes = Some(routes);
        self
    }

    /// Sets the store of verifications and the keys that protect them there. Default: a
    /// [`MemoryStore`] with a random key.
    pub fn store(mut self, store: Arc<dyn VerificationStore>, keys: ServerKeys) -> Self {
        self.store = Some(NewStore::Open(store));
        self.keys = Some(keys);
        self
    }

    /// Sets a lazily opened store. `open` runs once, in [`build`](Self::build); a
    /// [reload](OtpClient::reload) that passes the same `name` keeps the open store. The name stays
    /// in memory and is never shown.
    pub fn open_store(
        mut self,
        name: impl Into<String>,
        open: impl FnOnce() -> Result<Arc<dyn VerificationStore>, OpenStoreError> + Send + 'static,
    ) -> Self {
        self.store = Some(NewStore::Named { name: name.into(), open: Box::new(open) });
        self
    }

    /// Sets the keys that protect verifications in the store. Default: a random key, which is lost
    /// with the client.
    pub fn server_keys(mut self, keys: ServerKeys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// Sets the rules for every verification.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sets the texts of messages. Default: none. A provider that sends a text of otpmux's needs
    /// them; other providers use the text of their own settings or of their vendor.
    pub fn messages(mut self, messages: Messages) -> Self {
        self.messages = Some(messages);
        self
    }

    /// Sets the clock.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Sets the source of randomness.
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = Some(entropy);
        self
    }

    /// Sets the public address of the service that passes vendors' receipts to
    /// [`OtpClient::receive`]: a slash, the provider's name and a token follow it. Default: none, so
    /// vendors are not asked for receipts of single messages.
    ///
    /// ```
    /// # use otpmux_engine::OtpClient;
    /// // `POST https://otp.example.com/v1/receipts/twilio?token=..` comes from the provider `twilio`.
    /// let builder = OtpClient::builder().receipt_url("https://otp.example.com/v1/receipts");
    /// ```
    pub fn receipt_url(mut self, url: impl Into<String>) -> Self {
        let url: String = url.into();
        self.receipt_url = Some(url.trim_end_matches('/').to_owned());
        self
    }

    /// Allows [steps of escalation](crate::NewVerification::steps) in requests. Then the
    /// [timers](OtpClient::spawn_timers) ask the store what is due although no route escalates. Default:
    /// not allowed, and a request with steps is refused.
    pub fn request_steps(mut self, allowed: bool) -> Self {
        self.request_steps = allowed;
        self
    }

    /// Records each call and each change of a message's delivery in this audit log. Default: none.
    pub fn audit(mut self, sink: Arc<dyn AuditSink>) -> Self {
        self.audit = Some(NewAudit::Open(sink));
        self
    }

    /// Sets a lazily opened audit log. `open` runs once, in [`build`](Self::build); a
    /// [reload](OtpClient::reload) that passes the same `name` keeps the open one, and one without an
    /// audit log ends it.
    pub fn open_audit(
        mut self,
        name: impl Into<String>,
        open: impl FnOnce() -> Result<Arc<dyn AuditSink>, OpenStoreError> + Send + 'static,
    ) -> Self {
        self.audit = Some(NewAudit::Named { name: name.into(), open: Box::new(open) });
        self
    }

    /// Sets who gets events. Default: none, which costs nothing. The client only writes them:
    /// [`OtpClient::events`] reads those of one endpoint, and a gateway delivers them to the others.
    pub fn events(mut self, events: EventSettings) -> Self {
        self.events = events;
        self
    }

    /// Removes the audit log, for a client that only reads.
    pub fn without_audit(mut self) -> Self {
        self.audit = None;
        self
    }

    /// Builds the client. Calls no vendor.
    ///
    /// # Errors
    ///
    /// The first setting that is invalid or contradicts another one.
    pub fn build(mut self) -> Result<OtpClient, BuildError> {
        let routes = self.checked_routes()?;
        let clock = self.clock.take().unwrap_or_else(|| Arc::new(SystemClock));
        let entropy = self.entropy.take().unwrap_or_else(|| Arc::new(OsEntropy));
        let keys = match self.keys.take() {
            Some(keys) => keys,
            None => ServerKeys::ephemeral(&*entropy)?,
        };
        let (store_name, store) = match self.store.take() {
            None => (None, Arc::new(MemoryStore::default()) as Arc<dyn VerificationStore>),
            Some(NewStore::Open(store)) => (None, store),
            Some(NewStore::Named { name, open }) => (Some(name.into()), open()?),
        };
        if !self.events.is_empty() && store.outbox().is_none() {
            return Err(BuildError::NoOutbox);
        }
        let clock = Arc::new(StoreTime::new(clock, Arc::clone(&store)));
        let corrected: Arc<dyn Clock> = Arc::<StoreTime>::clone(&clock);
        let mut process = [0; 8];
        entropy.fill(&mut process)?;
        let process = u64::from_le_bytes(process);
        let mut providers = ProviderSet::default();
        for new in self.providers {
            let id = new.provider.id().clone();
            let entry = ProviderEntry::new(new, &keys, &corrected, &entropy, process)?;
            providers.active.insert(id, Arc::new(entry));
        }
        let limit_hits = PolicyLimits::new(&self.policy.limits);
        let policy = self.policy;
        let audit = self.audit.map(|audit| audit.open(None)).transpose();
        let audit = audit.map_err(BuildError::Audit)?;
        let outcomes = OutcomeQueue::new(Arc::clone(&store), Arc::clone(&corrected));
        let accepted =
            AcceptedQueue::new(Arc::clone(&store), Arc::clone(&corrected), Arc::clone(&outcomes));
        Ok(OtpClient::of(Inner {
            providers,
            routes,
            store,
            store_name,
            keys,
            keys_checked: Arc::default(),
            limit_hits,
            policy,
            messages: self.messages,
            outcomes,
            accepted,
            reports: Arc::default(),
            rates: Arc::default(),
            metrics: MessageMetrics::default(),
            audit,
            events: Events::new(self.events, None),
            receipt_url: self.receipt_url.map(Into::into),
            request_steps: self.request_steps,
            clock,
            entropy,
            process,
        }))
    }

    /// Returns the routes, after checking that all settings agree.
    pub(super) fn checked_routes(&mut self) -> Result<Routes, BuildError> {
        self.policy.check()?;
        let mut known = HashSet::new();
        for new in &self.providers {
            let id = new.provider.id();
            new.resilience.check().map_err(|error| BuildError::Resilience(id.clone(), error))?;
            if !known.insert(id.clone()) {
                return Err(BuildError::Twice(id.clone()));
            }
            if new.provider.capabilities().needs_message && self.messages.is_none() {
                return Err(BuildError::NoMessages(id.clone()));
            }
        }
        if known.is_empty() {
            return Err(BuildError::NoProvider);
        }
        let order = || self.providers.iter().map(|new| new.provider.id().clone());
        let routes = self.routes.take().unwrap_or_else(|| Routes::new([Route::to(order())]));
        for (place, route) in routes.as_slice().iter().enumerate() {
            route.validate().map_err(|error| BuildError::Route(place, error))?;
            if let Some(id) = route.providers.iter().find(|id| !known.contains(*id)) {
                return Err(BuildError::UnknownProvider(id.clone()));
            }
            if let Some((step, why)) = self.useless_step(route) {
                return Err(BuildError::Route(place, RouteError::Step(step, why)));
            }
        }
        Ok(routes)
    }

    fn useless_step(&self, route: &Route) -> Option<(usize, String)> {
        let of_route =
            self.providers.iter().filter(|new| route.providers.contains(new.provider.id()));
        let of_route: Vec<_> = of_route.map(|new| new.provider.capabilities()).collect();
        route.useless_step(&self.policy, &of_route)
    }
}

impl fmt::Debug for NewStore {
    /// Does not show the name: it may contain a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(store) => f.debug_tuple("Open").field(store).finish(),
            Self::Named { .. } => f.debug_struct("Named").finish_non_exhaustive(),
        }
    }
}
