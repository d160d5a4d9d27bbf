//! Receipts through the public client: tokens, marks, and what they prove.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use otpmux_core::{
    Blame, Capabilities, Certainty, Channel, Clock as _, Correlation, Delivery, Error, ErrorKind,
    ProviderId, Receipt, ReceiptAnswer, ReceiptRequest, ReceiptTrust, Receipts, Sent, Status,
    VendorReference,
};
use otpmux_engine::{AttemptState, OtpClient, Resend, ServerKeys, VerificationStore};
use otpmux_testkit::{ManualClock, ScriptedProvider};

use crate::world::{builder, carrier, down, keys, lenient, unknown};

/// A provider that carries otpmux's codes and whose vendor sends receipts.
fn reporter(id: &str) -> Arc<ScriptedProvider> {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    capabilities.receipts = Some(ReceiptTrust::Signed);
    Arc::new(ScriptedProvider::new(id, capabilities))
}

struct World {
    client: OtpClient,
    clock: Arc<ManualClock>,
}

impl World {
    fn of(providers: &[&Arc<ScriptedProvider>]) -> Self {
        let clock = Arc::new(ManualClock::default());
        let store: Arc<dyn VerificationStore> = Arc::new(otpmux_engine::MemoryStore::new(100));
        let client = builder(providers, lenient(), &clock)
            .store(store, keys())
            .receipt_url("https://otp.example.com/v1/receipts/")
            .build()
            .unwrap();
        Self { client, clock }
    }

    async fn send(&self) -> otpmux_engine::Verification {
        let new = otpmux_engine::NewVerification::to(crate::world::phone());
        self.client.send(new).await.unwrap()
    }

    /// The vendor of `provider` reports this.
    async fn report(
        &self,
        provider: &Arc<ScriptedProvider>,
        receipts: impl IntoIterator<Item = Receipt>,
    ) -> Result<ReceiptAnswer, Error> {
        provider.receipts.answer(Ok(Receipts::new(receipts)));
        self.receive(otpmux_core::OtpProvider::id(&**provider).as_str()).await
    }

    async fn receive(&self, provider: &str) -> Result<ReceiptAnswer, Error> {
        let request = ReceiptRequest {
            method: "POST",
            url: "https://otp.example.com/v1/receipts/a?token=x",
            headers: &[("x-signature", b"sig")],
            body: b"{}",
            at: self.clock.now(),
        };
        self.client.receive(&ProviderId::new(provider).unwrap(), &request).await
    }

    async fn delivery(&self, sent: &otpmux_engine::Verification, place: usize) -> Option<Delivery> {
        self.client.status(sent.id).await.unwrap().send_attempts[place].delivery
    }
}

fn token(provider: &ScriptedProvider, call: usize) -> String {
    provider.sends.contexts()[call].receipt.clone().unwrap().token
}

fn receipt(token: &str, delivery: Delivery) -> Receipt {
    Receipt::new(Correlation::Token(token.to_owned()), delivery)
}

#[tokio::test]
async fn only_a_provider_with_receipts_gets_a_target_with_its_own_token() {
    let (a, b) = (reporter("a"), carrier("b"));
    a.sends.answer(Err(down()));
    let world = World::of(&[&a, &b]);
    world.send().await;
    let target = a.sends.contexts()[0].receipt.clone().unwrap();
    assert_eq!(target.url, format!("https://otp.example.com/v1/receipts/a?token={}", target.token));
    assert_eq!(target.token.len(), 39);
    assert_eq!(b.sends.contexts()[0].receipt, None);
    world.send().await;
    assert_ne!(token(&a, 1), target.token, "each send attempt has another");
}

#[tokio::test]
async fn without_a_public_address_nothing_is_asked_for() {
    let a = reporter("a");
    let client = builder(&[&a], lenient(), &Arc::default()).build().unwrap();
    client.send(otpmux_engine::NewVerification::to(crate::world::phone())).await.unwrap();
    assert_eq!(a.sends.contexts()[0].receipt, None);
}

#[tokio::test]
async fn a_reported_delivery_is_in_the_status() {
    let a = reporter("a");
    let world = World::of(&[&a]);
    let sent = world.send().await;
    assert_eq!(sent.send_attempts[0].delivery, None);
    world.clock.advance(Duration::from_secs(30));
    let at = world.clock.now() - Duration::from_secs(20);
    let delivered = receipt(&token(&a, 0), Delivery::Delivered).with_time(Some(at));
    assert_eq!(world.report(&a, [delivered.clone()]).await.unwrap(), ReceiptAnswer::Empty);
    let view = world.client.status(sent.id).await.unwrap();
    assert_eq!(view.send_attempts[0].delivery, Some(Delivery::Delivered));
    assert_eq!(view.send_attempts[0].delivered_at, Some(at));
    // Repeats, and what comes late and out of order, change nothing.
    world.clock.advance(Duration::from_secs(30));
    for again in [
        delivered.clone(),
        receipt(&token(&a, 0), Delivery::Delivered),
        receipt(&token(&a, 0), Delivery::Sent),
        receipt(&token(&a, 0), Delivery::Failed),
    ] {
        world.report(&a, [again]).await.unwrap();
        let view = world.client.status(sent.id).await.unwrap();
        assert_eq!(view.send_attempts[0].delivery, Some(Delivery::Delivered));
        assert_eq!(view.send_attempts[0].delivered_at, Some(at));
    }
}

#[tokio::test]
async fn a_time_of_the_vendor_that_lies_ahead_is_the_time_of_the_receipt() {
    let a = reporter("a");
    let world = World::of(&[&a]);
    let sent = world.send().await;
    let ahead = world.clock.now() + Duration::from_hours(9);
    let delivered = receipt(&token(&a, 0), Delivery::Delivered).with_time(Some(ahead));
    world.report(&a, [delivered]).await.unwrap();
    let view = world.client.status(sent.id).await.unwrap();
    assert_eq!(view.send_attempts[0].delivered_at, Some(world.clock.now()));
}

#[tokio::test]
async fn each_attempt_has_its_own_delivery_and_a_batch_reports_on_many() {
    let (a, b) = (reporter("a"), reporter("b"));
    a.sends.answer(Err(unknown()));
    let world = World::of(&[&a, &b]);
    let sent = world.send().await;
    world.clock.advance(Duration::from_mins(2));
    world.client.resend(sent.id, Resend::new()).await.unwrap();
    let other = world.send().await;
    assert_eq!(a.sends.count() + b.sends.count(), 4);
    let tokens: Vec<_> = b
        .sends
        .contexts()
        .into_iter()
        .chain(a.sends.contexts())
        .filter_map(|cx| Some(cx.receipt?.token))
        .collect();
    assert_eq!(tokens.iter().collect::<std::collections::HashSet<_>>().len(), 4);
    // The tokens of `a` are good at `a` only: its vendor cannot report on messages of `b`.
    let of_b = b.sends.contexts().into_iter().filter_map(|cx| Some(cx.receipt?.token));
    let batch: Vec<_> = of_b.map(|token| receipt(&token, Delivery::Failed)).collect();
    world.report(&a, batch.clone()).await.unwrap();
    for place in 0..3 {
        assert_eq!(world.delivery(&sent, place).await, None);
    }
    world.report(&b, batch).await.unwrap();
    let deliveries = [
        world.delivery(&sent, 0).await,
        world.delivery(&sent, 1).await,
        world.delivery(&sent, 2).await,
        world.delivery(&other, 0).await,
    ];
    let failed = deliveries.iter().filter(|it| **it == Some(Delivery::Failed)).count();
    assert_eq!(failed, b.sends.count(), "{deliveries:?}");
    assert_eq!(deliveries[0], None, "the first went by the other provider");
}

#[tokio::test]
async fn a_receipt_proves_that_a_lost_answer_was_an_acceptance() {
    let a = reporter("a");
    a.sends.answer(Err(unknown()));
    let world = World::of(&[&a]);
    let sent = world.send().await;
    assert_eq!((sent.confirmed, sent.send_attempts[0].state), (false, AttemptState::Unknown));
    world.report(&a, [receipt(&token(&a, 0), Delivery::Failed)]).await.unwrap();
    let view = world.client.status(sent.id).await.unwrap();
    assert_eq!((view.confirmed, view.send_attempts[0].state), (true, AttemptState::Accepted));
    // And a failure takes no code back.
    let code = a.otpmux_codes()[0].parse().unwrap();
    assert!(world.client.verify(sent.id, &code).await.unwrap().is_approved());
}

/// The vendor is faster with its receipt than with its answer.
#[tokio::test]
async fn a_receipt_may_overtake_the_answer() {
    let a = reporter("a");
    a.sends.answer_after(Duration::from_secs(5), Err(unknown()));
    let world = World::of(&[&a]);
    tokio::time::pause();
    let sending = {
        let client = world.client.clone();
        tokio::spawn(async move {
            client.send(otpmux_engine::NewVerification::to(crate::world::phone())).await
        })
    };
    a.sends.called(1).await;
    world.report(&a, [receipt(&token(&a, 0), Delivery::Delivered)]).await.unwrap();
    let sent = sending.await.unwrap().unwrap();
    let view = world.client.status(sent.id).await.unwrap();
    assert_eq!(view.send_attempts[0].state, AttemptState::Accepted);
    assert_eq!(view.send_attempts[0].delivery, Some(Delivery::Delivered));
}

#[tokio::test]
async fn a_forged_unknown_or_late_receipt_changes_nothing() {
    let a = reporter("a");
    let world = World::of(&[&a]);
    let sent = world.send().await;
    let good = token(&a, 0);
    // Not the vendor's, and not readable.
    for kind in [ErrorKind::Unauthenticated, ErrorKind::Protocol] {
        a.receipts.answer(Err(Error::new(kind, Certainty::NotSent, Blame::Caller)));
        assert_eq!(world.receive("a").await.unwrap_err().kind(), kind);
    }
    // A token that other keys have made, and texts that are none.
    let elsewhere = ServerKeys::new(&[("test".to_owned(), "g".repeat(43).into())]).unwrap();
    let store: Arc<dyn VerificationStore> = Arc::new(otpmux_engine::MemoryStore::new(100));
    let elsewhere = builder(&[&a], lenient(), &world.clock)
        .store(store, elsewhere)
        .receipt_url("https://otp.example.com/v1/receipts")
        .build()
        .unwrap();
    elsewhere.send(otpmux_engine::NewVerification::to(crate::world::phone())).await.unwrap();
    for bad in [token(&a, 1), String::new(), "0".repeat(39), good.to_uppercase(), good[1..].into()]
    {
        world.report(&a, [receipt(&bad, Delivery::Failed)]).await.unwrap();
    }
    // A reference, although this vendor's receipts name tokens.
    let by_reference =
        Receipt::new(Correlation::Reference(VendorReference::new("r-1")), Delivery::Failed);
    world.report(&a, [by_reference]).await.unwrap();
    assert_eq!(world.delivery(&sent, 0).await, None);
    // After the retention.
    world.clock.advance(Duration::from_hours(2));
    world.report(&a, [receipt(&good, Delivery::Delivered)]).await.unwrap();
    assert!(world.client.status(sent.id).await.is_err());
}

#[tokio::test]
async fn a_provider_without_receipts_takes_none() {
    let (a, b) = (reporter("a"), carrier("b"));
    let world = World::of(&[&a, &b]);
    for name in ["b", "nobody"] {
        let error = world.receive(name).await.unwrap_err();
        assert_eq!((error.kind(), error.blame()), (ErrorKind::NotFound, Blame::Caller));
    }
    assert_eq!(b.receipts.count(), 0);
}

#[tokio::test]
async fn a_vendor_whose_receipts_name_its_reference_is_found_by_it() {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    capabilities.receipts = Some(ReceiptTrust::SecretInUrl);
    capabilities.receipts_by_reference = true;
    let a = Arc::new(ScriptedProvider::new("a", capabilities));
    let numbers = Mutex::new(0);
    a.sends.always(move |_, _| {
        let mut number = numbers.lock().unwrap();
        *number += 1;
        // A reference that shows the recipient, as some vendors derive it from the number.
        let text = format!("m-{number}-919876543210");
        Ok(Sent::new().with_reference(VendorReference::new(text)))
    });
    let world = World::of(&[&a]);
    let (first, second) = (world.send().await, world.send().await);
    let by = |text: &str, delivery| {
        Receipt::new(Correlation::Reference(VendorReference::new(text)), delivery)
    };
    world.report(&a, [by("m-2-919876543210", Delivery::Delivered)]).await.unwrap();
    world.report(&a, [by("m-3-919876543210", Delivery::Failed)]).await.unwrap();
    assert_eq!(world.delivery(&first, 0).await, None);
    assert_eq!(world.delivery(&second, 0).await, Some(Delivery::Delivered));
}

#[tokio::test]
async fn a_vendor_may_name_its_messages_otherwise_in_receipts() {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    capabilities.receipts = Some(ReceiptTrust::SecretInUrl);
    capabilities.receipts_by_reference = true;
    let a = Arc::new(ScriptedProvider::new("a", capabilities));
    a.sends.always(|_, _| {
        let sent = Sent::new().with_reference(VendorReference::new("pin"));
        Ok(sent.with_receipt_reference(VendorReference::new("message")))
    });
    let world = World::of(&[&a]);
    let sent = world.send().await;
    let by = |text: &str| {
        Receipt::new(Correlation::Reference(VendorReference::new(text)), Delivery::Delivered)
    };
    world.report(&a, [by("pin")]).await.unwrap();
    assert_eq!(world.delivery(&sent, 0).await, None);
    world.report(&a, [by("message")]).await.unwrap();
    assert_eq!(world.delivery(&sent, 0).await, Some(Delivery::Delivered));
}

#[tokio::test]
async fn a_final_receipt_saves_the_question_and_others_do_not() {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    capabilities.receipts = Some(ReceiptTrust::Signed);
    capabilities.status = true;
    let a = Arc::new(ScriptedProvider::new("a", capabilities));
    let reference = VendorReference::new("r");
    a.sends.always(move |_, _| Ok(Sent::new().with_reference(reference.clone())));
    a.statuses.always(|_, _| Ok(Status::new(Delivery::Sent)));
    let world = World::of(&[&a]);
    let sent = world.send().await;
    assert_eq!(world.delivery(&sent, 0).await, Some(Delivery::Sent));
    let accepted = receipt(&token(&a, 0), Delivery::Accepted);
    world.report(&a, [accepted]).await.unwrap();
    assert_eq!(world.delivery(&sent, 0).await, Some(Delivery::Sent), "the vendor knows more");
    assert_eq!(a.statuses.count(), 2);
    world.report(&a, [receipt(&token(&a, 0), Delivery::Failed)]).await.unwrap();
    assert_eq!(world.delivery(&sent, 0).await, Some(Delivery::Failed));
    assert_eq!(a.statuses.count(), 2, "not asked again");
}

#[tokio::test]
async fn a_retired_provider_still_takes_receipts() {
    let (a, b) = (reporter("a"), reporter("b"));
    let world = World::of(&[&a, &b]);
    let sent = world.send().await;
    let next = builder(&[&b], lenient(), &world.clock).server_keys(keys());
    world.client.reload(next).await.unwrap();
    world.report(&a, [receipt(&token(&a, 0), Delivery::Delivered)]).await.unwrap();
    assert_eq!(world.delivery(&sent, 0).await, Some(Delivery::Delivered));
}

#[tokio::test]
async fn sec_09_a_token_of_before_a_key_change_is_good() {
    let a = reporter("a");
    let world = World::of(&[&a]);
    let sent = world.send().await;
    let old = ("test".to_owned(), "k".repeat(43).into());
    let rotated = ServerKeys::new(&[("new".to_owned(), "g".repeat(43).into()), old]).unwrap();
    let next = builder(&[&a], lenient(), &world.clock).server_keys(rotated);
    world.client.reload(next).await.unwrap();
    world.report(&a, [receipt(&token(&a, 0), Delivery::Delivered)]).await.unwrap();
    assert_eq!(world.delivery(&sent, 0).await, Some(Delivery::Delivered));
}

#[tokio::test]
async fn the_answer_that_a_vendor_wants_is_given() {
    let a = reporter("a");
    let world = World::of(&[&a]);
    a.receipts.answer(Ok(Receipts::answering("challenge")));
    let answer = world.receive("a").await.unwrap();
    assert_eq!(answer, ReceiptAnswer::Text("challenge".to_owned()));
    let seen = &a.receipts.requests()[0];
    assert_eq!((&*seen.method, &*seen.body), ("POST", &b"{}"[..]));
    assert_eq!(seen.headers, [("x-signature".to_owned(), b"sig".to_vec())]);
}
