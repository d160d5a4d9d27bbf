//! Escalation: further messages, with the same code, for users who do not type it.

mod processes;
mod steps;

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{
    Capabilities, Channel, Clock as _, Code, Correlation, Delivery, OtpProvider, Receipt,
    ReceiptRequest, ReceiptTrust, Receipts,
};
use otpmux_engine::{
    Choice, EscalationStep, MemoryStore, NewVerification, OtpClient, Policy, Route, Routes,
    Verification, VerificationStore,
};
use otpmux_testkit::{ManualClock, ScriptedProvider};

use crate::world::{builder, keys, lenient, phone};

struct World {
    client: OtpClient,
    clock: Arc<ManualClock>,
    store: Arc<dyn VerificationStore>,
}

fn next(seconds: u64) -> EscalationStep {
    EscalationStep::next(Duration::from_secs(seconds))
}

fn by(channel: Channel, seconds: u64) -> EscalationStep {
    EscalationStep::by(channel, Duration::from_secs(seconds))
}

/// A provider whose vendor sends receipts.
fn reporter(id: &str) -> Arc<ScriptedProvider> {
    let mut capabilities =
        Capabilities::new([Channel::Sms, Channel::Voice]).with_otpmux_codes(4..=10);
    capabilities.receipts = Some(ReceiptTrust::Signed);
    Arc::new(ScriptedProvider::new(id, capabilities))
}

fn routes(providers: &[&Arc<ScriptedProvider>], steps: &[EscalationStep]) -> Routes {
    let mut route = Route::to(providers.iter().map(|provider| provider.port().id().clone()));
    route.escalate = steps.to_vec();
    Routes::new([route])
}

fn client(
    providers: &[&Arc<ScriptedProvider>],
    steps: &[EscalationStep],
    policy: Policy,
    store: &Arc<dyn VerificationStore>,
    clock: &Arc<ManualClock>,
) -> OtpClient {
    builder(providers, policy, clock)
        .routes(routes(providers, steps))
        .store(Arc::clone(store), keys())
        .receipt_url("https://otp.example.com/v1/receipts")
        .build()
        .unwrap()
}

impl World {
    fn of(providers: &[&Arc<ScriptedProvider>], steps: &[EscalationStep]) -> Self {
        Self::with(providers, steps, lenient())
    }

    fn with(
        providers: &[&Arc<ScriptedProvider>],
        steps: &[EscalationStep],
        policy: Policy,
    ) -> Self {
        let clock = Arc::new(ManualClock::default());
        let store: Arc<dyn VerificationStore> = Arc::new(MemoryStore::new(1_000));
        let client = client(providers, steps, policy, &store, &clock);
        Self { client, clock, store }
    }

    async fn send(&self) -> Verification {
        self.client.send(NewVerification::to(phone())).await.unwrap()
    }

    /// Returns how many verifications were looked at, so many seconds later.
    async fn later(&self, seconds: u64) -> usize {
        self.clock.advance(Duration::from_secs(seconds));
        self.client.run_due().await.unwrap()
    }

    async fn verify(&self, sent: &Verification, text: &str) -> &'static str {
        let code: Code = text.parse().unwrap();
        self.client.verify(sent.id, &code).await.unwrap().as_str()
    }

    async fn reasons(&self, sent: &Verification) -> Vec<(String, Choice, Channel)> {
        let status = self.client.status(sent.id).await.unwrap();
        let of =
            |it: otpmux_engine::SendAttemptView| (it.provider.to_string(), it.reason, it.channel);
        status.send_attempts.into_iter().map(of).collect()
    }

    async fn report(&self, provider: &Arc<ScriptedProvider>, receipt: Receipt) {
        provider.receipts.answer(Ok(Receipts::new([receipt])));
        let request = ReceiptRequest {
            method: "POST",
            url: "https://otp.example.com/v1/receipts/a",
            headers: &[],
            body: b"{}",
            at: self.clock.now(),
        };
        self.client.receive(OtpProvider::id(&**provider), &request).await.unwrap();
    }
}

/// The codes of all messages that a provider was given.
fn codes(provider: &ScriptedProvider) -> Vec<String> {
    let codes = provider.sends.requests();
    codes.iter().map(|it| it.code.otpmux_code().unwrap().expose().to_owned()).collect()
}

fn receipt(provider: &ScriptedProvider, delivery: Delivery) -> Receipt {
    let token = provider.sends.contexts()[0].receipt.clone().unwrap().token;
    Receipt::new(Correlation::Token(token), delivery)
}

fn attempt(provider: &str, reason: Choice, channel: Channel) -> (String, Choice, Channel) {
    (provider.to_owned(), reason, channel)
}
