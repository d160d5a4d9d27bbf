//! A client with scripted providers, a clock and a store, and helpers for the tests.

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{
    Blame, Capabilities, Certainty, Channel, Clock, Code, Error, ErrorKind, Purpose, Recipient,
    Sent, VendorReference, Verdict,
};
use otpmux_engine::{
    ClientBuilder, MemoryStore, MessageLimits, NewVerification, OtpClient, Policy, Resilience,
    ServerKeys, Verification, VerificationStore,
};
use otpmux_testkit::{ManualClock, ScriptedProvider};

pub(crate) const PHONE: &str = "+919876543210";

pub(crate) struct World {
    pub(crate) client: OtpClient,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<MemoryStore>,
}

/// A provider that carries otpmux's codes.
pub(crate) fn carrier(id: &str) -> Arc<ScriptedProvider> {
    let capabilities = Capabilities::new([Channel::Sms, Channel::Voice]).with_otpmux_codes(4..=10);
    Arc::new(ScriptedProvider::new(id, capabilities))
}

/// A provider that honours idempotency keys.
pub(crate) fn idempotent_carrier(id: &str) -> Arc<ScriptedProvider> {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    capabilities.idempotent = true;
    Arc::new(ScriptedProvider::new(id, capabilities))
}

/// A provider that always generates its codes.
pub(crate) fn vendor(id: &str) -> Arc<ScriptedProvider> {
    let capabilities = Capabilities::new([Channel::Sms]).with_vendor_codes(Some(4..=8));
    let provider = Arc::new(ScriptedProvider::new(id, capabilities));
    let reference = VendorReference::new(format!("{id}-1"));
    provider.sends.always(move |_, _| Ok(Sent::new().with_reference(reference.clone())));
    provider
}

/// The vendor approves this code only.
pub(crate) fn approves(provider: &ScriptedProvider, code: &'static str) {
    provider.verifies.always(move |_, request| {
        let right = request.code.expose() == code;
        Ok(if right { Verdict::Approved } else { Verdict::WrongCode { guesses_left: None } })
    });
}

impl World {
    pub(crate) fn of(providers: &[&Arc<ScriptedProvider>]) -> Self {
        Self::with(providers, lenient())
    }

    pub(crate) fn with(providers: &[&Arc<ScriptedProvider>], policy: Policy) -> Self {
        Self::resilient(providers, policy, &Resilience::default())
    }

    pub(crate) fn resilient(
        providers: &[&Arc<ScriptedProvider>],
        policy: Policy,
        resilience: &Resilience,
    ) -> Self {
        let clock = Arc::new(ManualClock::default());
        let store = Arc::new(MemoryStore::new(1_000));
        let shared: Arc<dyn VerificationStore> = Arc::<MemoryStore>::clone(&store);
        let builder = providers.iter().fold(builder(&[], policy, &clock), |builder, provider| {
            builder.provider_with(provider.port(), resilience.clone(), None)
        });
        let client = builder.store(shared, keys()).build().unwrap();
        Self { client, clock, store }
    }

    pub(crate) async fn send(&self) -> Result<Verification, Error> {
        self.client.send(NewVerification::to(phone())).await
    }

    pub(crate) async fn send_for(&self, purpose: &str) -> Verification {
        let new = NewVerification::to(phone()).for_purpose(Purpose::new(purpose).unwrap());
        self.client.send(new).await.unwrap()
    }

    pub(crate) async fn verify(&self, sent: &Verification, code: &str) -> &'static str {
        let code: Code = code.parse().unwrap();
        self.client.verify(sent.id, &code).await.unwrap().as_str()
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) fn seconds_until(&self, then: std::time::SystemTime) -> u64 {
        then.duration_since(self.clock.now()).unwrap().as_secs()
    }
}

pub(crate) fn builder(
    providers: &[&Arc<ScriptedProvider>],
    policy: Policy,
    clock: &Arc<ManualClock>,
) -> ClientBuilder {
    let clock: Arc<dyn Clock> = Arc::<ManualClock>::clone(clock);
    let builder = OtpClient::builder().policy(policy).clock(clock);
    providers.iter().fold(builder, |builder, provider| builder.provider(provider.port()))
}

/// The default policy without limits on messages: most tests send more than a user would.
pub(crate) fn lenient() -> Policy {
    let mut policy = Policy::default();
    policy.limits = MessageLimits::none();
    policy
}

pub(crate) fn keys() -> ServerKeys {
    ServerKeys::new(&[("test".to_owned(), "k".repeat(43).into())]).unwrap()
}

pub(crate) fn phone() -> Recipient {
    PHONE.parse().unwrap()
}

pub(crate) fn error(certainty: Certainty, blame: Blame) -> Error {
    Error::new(ErrorKind::Unavailable, certainty, blame)
}

/// The vendor may have sent the message.
pub(crate) fn unknown() -> Error {
    error(Certainty::Unknown, Blame::Provider)
}

/// The vendor has not sent the message, and another one may.
pub(crate) fn down() -> Error {
    error(Certainty::Rejected, Blame::Provider)
}

/// A code that differs from this one, of the same length.
pub(crate) fn wrong(code: &str) -> String {
    let last = if code.ends_with('0') { "1" } else { "0" };
    format!("{}{last}", &code[..code.len() - 1])
}
