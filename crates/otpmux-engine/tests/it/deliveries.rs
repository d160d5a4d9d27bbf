//! Codes that the caller made and will check.

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{
    Capabilities, Channel, Code, Correlation, Delivery, ErrorKind, Incompatibility, Outcome,
    ProviderId, Purpose, Receipt, ReceiptRequest, ReceiptTrust, Receipts, Sent,
};
use otpmux_engine::{
    AttemptState, CodeDelivery, CodeDeliveryStatus, MemoryStore, MessageLimits, NewDelivery,
    NewVerification, OtpClient, Resend, Scope, SkipReason, VerificationStore,
};
use otpmux_testkit::{ManualClock, ScriptedProvider};

use crate::world::{World, builder, carrier, down, keys, lenient, phone, unknown, vendor};

/// A provider that carries given codes, also with letters.
fn letters(id: &str) -> Arc<ScriptedProvider> {
    let mut capabilities =
        Capabilities::new([Channel::Sms, Channel::Voice]).with_otpmux_codes(4..=10);
    capabilities.letters_in_codes = true;
    Arc::new(ScriptedProvider::new(id, capabilities))
}

fn code() -> Code {
    Code::given("0M53RF").unwrap()
}

fn new() -> NewDelivery {
    NewDelivery::of(code(), phone())
}

async fn deliver(world: &World) -> CodeDelivery {
    world.client.deliver(new()).await.unwrap()
}

#[tokio::test]
async fn the_second_vendor_carries_the_given_code_when_the_first_is_down() {
    let (a, b) = (letters("a"), letters("b"));
    a.sends.always(|_, _| Err(down()));
    let world = World::of(&[&a, &b]);
    let sent = deliver(&world).await;
    assert!(sent.confirmed && sent.status == CodeDeliveryStatus::Pending);
    assert_eq!(
        (a.otpmux_codes(), b.otpmux_codes()),
        (vec!["0M53RF".into()], vec!["0M53RF".into()])
    );
    let found = world.client.delivery(sent.id).await.unwrap();
    let states: Vec<_> = found.send_attempts.iter().map(|attempt| attempt.state).collect();
    assert_eq!(states, [AttemptState::Rejected, AttemptState::Accepted]);
    assert!(!format!("{sent:?} {found:?} {:?}", new()).contains("0M53RF"));
}

#[tokio::test]
async fn only_providers_that_carry_the_code_are_candidates() {
    let (own, digits, any) = (vendor("own"), carrier("digits"), letters("any"));
    let world = World::of(&[&own, &digits, &any]);
    let sent = deliver(&world).await;
    assert_eq!((own.count(), digits.count(), any.count()), (0, 0, 1));
    let skipped: Vec<_> = sent.skipped.iter().map(|skip| skip.reason.clone()).collect();
    let lacks = [Incompatibility::OtpmuxCode, Incompatibility::LettersInCode];
    assert_eq!(skipped, lacks.map(SkipReason::Unable));
    let digits_only = NewDelivery::of(Code::given("004217").unwrap(), phone());
    world.client.deliver(digits_only).await.unwrap();
    assert_eq!(digits.otpmux_codes(), ["004217"]);
    let world = World::of(&[&own, &digits]);
    let refused = world.client.deliver(new()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert_eq!(own.count(), 0);
}

/// No verb for verifications finds it, and no verification is touched by it.
#[tokio::test]
async fn a_delivery_is_no_verification() {
    let a = letters("a");
    let mut policy = lenient();
    policy.repeat = otpmux_engine::Repeat::SameCode;
    let world = World::with(&[&a], policy);
    let verification = world.send().await.unwrap();
    let sent = world
        .client
        .deliver(NewDelivery::of(Code::given("424242").unwrap(), phone()))
        .await
        .unwrap();
    let raw = sent.id.record_id();
    let right: Code = "424242".parse().unwrap();
    for _ in 0..8 {
        assert_eq!(world.client.verify(raw, &right).await.unwrap().as_str(), "not_found");
    }
    let not_found = |kind: ErrorKind| assert_eq!(kind, ErrorKind::NotFound);
    not_found(world.client.status(raw).await.unwrap_err().kind());
    not_found(world.client.resend(raw, Resend::new()).await.unwrap_err().kind());
    assert!(!world.client.cancel(raw).await.unwrap());
    let scoped = world.client.scoped(Scope::all());
    not_found(scoped.cancel(raw).await.unwrap_err().kind());
    not_found(scoped.status(raw).await.unwrap_err().kind());
    assert_eq!(scoped.verify(raw, &right).await.unwrap().as_str(), "not_found");
    let found = world.client.delivery(sent.id).await.unwrap();
    assert_eq!(found.status, CodeDeliveryStatus::Pending, "none of that has ended it");
    assert_eq!(world.verify(&verification, &a.otpmux_codes()[0]).await, "approved");
    assert!(sent.id.to_string().parse::<otpmux_engine::VerificationId>().is_err());
}

#[tokio::test]
async fn another_purpose_is_not_found() {
    let a = letters("a");
    let world = World::of(&[&a]);
    let [login, payment] = ["login", "payment"].map(|name| Purpose::new(name).unwrap());
    let sent = world.client.deliver(new().for_purpose(login.clone())).await.unwrap();
    let other = world.client.scoped(Scope::of([payment]));
    let kinds = [
        other.delivery(sent.id).await.unwrap_err().kind(),
        other.redeliver(sent.id, Resend::new()).await.unwrap_err().kind(),
        other.end_delivery(sent.id, Outcome::Approved).await.unwrap_err().kind(),
    ];
    assert_eq!(kinds, [ErrorKind::NotFound; 3]);
    let refused = other.deliver(new().for_purpose(login.clone())).await.unwrap_err();
    assert_eq!((refused.kind(), a.count()), (ErrorKind::Forbidden, 1));
    let own = world.client.scoped(Scope::of([login]));
    assert!(own.end_delivery(sent.id, Outcome::Approved).await.unwrap());
}

#[tokio::test]
async fn limits_count_deliveries_like_sends() {
    let a = letters("a");
    let mut policy = lenient();
    let once = otpmux_core::RateLimit::new(2, Duration::from_mins(1));
    policy.limits = MessageLimits::none().recipient([once]);
    let world = World::with(&[&a], policy);
    deliver(&world).await;
    world.send().await.unwrap();
    let refused = world.client.deliver(new()).await.unwrap_err();
    assert_eq!((refused.kind(), a.count()), (ErrorKind::RateLimited, 2));
    // One that certainly reached no recipient is not counted.
    world.advance(60);
    a.sends.answer(Err(down()));
    world.client.deliver(new()).await.unwrap_err();
    deliver(&world).await;
    deliver(&world).await;
}

/// In two processes.
#[tokio::test]
async fn a_delivery_with_an_idempotency_key_is_sent_once() {
    let (a, clock) = (letters("a"), Arc::new(ManualClock::default()));
    let store: Arc<dyn VerificationStore> = Arc::new(MemoryStore::new(100));
    let client =
        || builder(&[&a], lenient(), &clock).store(Arc::clone(&store), keys()).build().unwrap();
    let clients: [OtpClient; 2] = [client(), client()];
    let named = || new().with_idempotency_key("hook-1");
    let first = clients[0].deliver(named()).await.unwrap();
    let second = clients[1].deliver(named()).await.unwrap();
    assert_eq!((first.id, a.count()), (second.id, 1));
    let other = NewDelivery::of(Code::given("0M53RG").unwrap(), phone());
    let other = clients[1].deliver(other.with_idempotency_key("hook-1")).await.unwrap_err();
    assert_eq!((other.kind(), a.count()), (ErrorKind::KeyReused, 1));
    // A send with the same key is another request.
    let send = NewVerification::to(phone()).with_idempotency_key("hook-1");
    clients[0].send(send).await.unwrap();
    assert_eq!(a.count(), 2);
    // One that failed releases its key.
    a.sends.answer(Err(down()));
    let named = || new().with_idempotency_key("hook-2");
    clients[0].deliver(named()).await.unwrap_err();
    clients[1].deliver(named()).await.unwrap();
    assert_eq!(a.count(), 4);
}

/// A process that dies in the call leaves a message that may be out.
#[tokio::test(start_paused = true)]
async fn a_crash_leaves_a_message_that_may_be_out() {
    let (a, b) = (letters("a"), letters("b"));
    a.sends.hang();
    let world = World::of(&[&a, &b]);
    let client = world.client.clone();
    let named = || new().with_idempotency_key("hook-1");
    let sending = tokio::spawn(async move { client.deliver(named()).await });
    a.sends.called(1).await;
    sending.abort();
    assert!(sending.await.unwrap_err().is_cancelled());
    world.advance(60);
    let repeated = world.client.deliver(named()).await.unwrap();
    assert_eq!((repeated.confirmed, a.count(), b.count()), (false, 1, 0), "not sent blindly");
    let again = world.client.redeliver(repeated.id, Resend::new()).await.unwrap();
    assert_eq!((again.confirmed, b.otpmux_codes()), (true, vec!["0M53RF".to_owned()]));
}

#[tokio::test]
async fn an_unknown_outcome_costs_one_duplicate_with_the_same_code() {
    let (a, b, c) = (letters("a"), letters("b"), letters("c"));
    for provider in [&a, &b, &c] {
        provider.sends.always(|_, _| Err(unknown()));
    }
    let world = World::of(&[&a, &b, &c]);
    let sent = world.client.deliver(new()).await.unwrap();
    assert!(!sent.confirmed);
    assert_eq!((a.count(), b.count(), c.count()), (1, 1, 0));
    assert_eq!(a.otpmux_codes(), b.otpmux_codes());
}

#[tokio::test(start_paused = true)]
async fn a_slow_vendor_is_hedged_with_the_same_code() {
    let (a, b) = (letters("a"), letters("b"));
    let mut policy = lenient();
    policy.hedge_after = Some(Duration::from_secs(1));
    let world = World::with(&[&a, &b], policy);
    a.sends.answer_after(Duration::from_secs(5), Ok(Sent::new()));
    let sent = deliver(&world).await;
    assert!(sent.confirmed);
    assert_eq!((a.otpmux_codes(), b.count()), (b.otpmux_codes(), 1));
}

#[tokio::test]
async fn is_delivered_again_with_the_same_code_within_the_limits_of_a_resend() {
    let (a, b) = (letters("a"), letters("b"));
    let mut policy = lenient();
    policy.max_resends = 1;
    let world = World::with(&[&a, &b], policy);
    let sent = deliver(&world).await;
    let soon = world.client.redeliver(sent.id, Resend::new()).await.unwrap_err();
    assert_eq!(soon.retry_after(), Some(Duration::from_secs(30)));
    world.advance(30);
    let resend = Resend::new().by(Channel::Voice).with_idempotency_key("again");
    let again = world.client.redeliver(sent.id, resend.clone()).await.unwrap();
    assert_eq!((again.id, again.channel), (sent.id, Channel::Voice));
    assert_eq!(again.expires_at, sent.expires_at);
    assert_eq!((a.count(), b.otpmux_codes()), (1, vec!["0M53RF".to_owned()]));
    world.client.redeliver(sent.id, resend).await.unwrap();
    assert_eq!(b.count(), 1, "said twice, sent once");
    world.advance(120);
    let often = world.client.redeliver(sent.id, Resend::new()).await.unwrap_err();
    assert_eq!(often.kind(), ErrorKind::RateLimited);
}

/// The code is kept only as long as a resend may need it.
#[tokio::test]
async fn is_gone_when_its_ttl_ends() {
    let a = letters("a");
    let world = World::of(&[&a]);
    let sent = world.client.deliver(new().with_ttl(Duration::from_mins(60))).await.unwrap();
    world.advance(3_599);
    assert!(world.client.delivery(sent.id).await.is_ok());
    world.advance(1);
    let gone = world.client.delivery(sent.id).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    let gone = world.client.redeliver(sent.id, Resend::new()).await.unwrap_err();
    assert_eq!(gone.kind(), ErrorKind::NotFound);
    assert!(!world.client.end_delivery(sent.id, Outcome::Approved).await.unwrap());
    world.send().await.unwrap();
    assert_eq!(world.store.len(), 1, "nothing is left of it");
    for ttl in [Duration::from_secs(29), Duration::from_secs(24 * 3_600 + 1)] {
        let error = world.client.deliver(new().with_ttl(ttl)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }
}

#[tokio::test(start_paused = true)]
async fn the_outcome_is_reported_once_and_ends_it() {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    (capabilities.letters_in_codes, capabilities.report) = (true, true);
    let a = Arc::new(ScriptedProvider::new("a", capabilities));
    a.reports.always(|_, _| Ok(()));
    let world = World::of(&[&a]);
    for (round, outcome) in [Outcome::Approved, Outcome::Cancelled].into_iter().enumerate() {
        let sent = deliver(&world).await;
        assert!(world.client.end_delivery(sent.id, outcome).await.unwrap());
        a.reports.called(round + 1).await;
        let report = &a.reports.requests()[round];
        assert_eq!(report.outcome, outcome);
        let told = report.code.as_ref().map(Code::expose);
        assert_eq!(told, (outcome == Outcome::Approved).then_some("0M53RF"));
        assert!(!world.client.end_delivery(sent.id, Outcome::Approved).await.unwrap(), "once");
        let ended = world.client.delivery(sent.id).await.unwrap();
        assert_eq!(ended.status, CodeDeliveryStatus::Ended);
        world.advance(60);
        let again = world.client.redeliver(sent.id, Resend::new()).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::NotFound);
    }
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!((a.reports.count(), a.sends.count()), (2, 2));
}

#[tokio::test]
async fn a_receipt_is_in_the_status() {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    (capabilities.letters_in_codes, capabilities.receipts) = (true, Some(ReceiptTrust::Signed));
    let a = Arc::new(ScriptedProvider::new("a", capabilities));
    let clock = Arc::new(ManualClock::default());
    let store: Arc<dyn VerificationStore> = Arc::new(MemoryStore::new(100));
    let client = builder(&[&a], lenient(), &clock)
        .store(store, keys())
        .receipt_url("https://otp.example.com/v1/receipts/")
        .build()
        .unwrap();
    let sent = client.deliver(new()).await.unwrap();
    let token = a.sends.contexts()[0].receipt.clone().unwrap().token;
    let receipt = Receipt::new(Correlation::Token(token), Delivery::Delivered);
    a.receipts.answer(Ok(Receipts::new([receipt])));
    let request = ReceiptRequest {
        method: "POST",
        url: "https://otp.example.com/v1/receipts/a",
        headers: &[],
        body: b"{}",
        at: otpmux_core::Clock::now(&*clock),
    };
    client.receive(&ProviderId::new("a").unwrap(), &request).await.unwrap();
    let found = client.delivery(sent.id).await.unwrap();
    assert_eq!(found.send_attempts[0].delivery, Some(Delivery::Delivered));
}

/// A finished text: its code becomes a placeholder, so every provider gets text and code apart.
#[tokio::test]
async fn a_finished_text_is_sent_as_it_is() {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    capabilities.message = true;
    let a = Arc::new(ScriptedProvider::new("a", capabilities));
    let world = World::of(&[&a]);
    let text = "Your Acme code: 424242. It is valid for 60 minutes.";
    world.client.deliver(NewDelivery::of_text(text, phone()).unwrap()).await.unwrap();
    let request = &a.sends.requests()[0];
    let code = request.code.otpmux_code().unwrap();
    assert_eq!(*request.message.as_ref().unwrap().text.with_code(code), text);
    assert_eq!(a.otpmux_codes(), ["424242"]);
    let without = NewDelivery::of(code.clone(), phone()).with_message("Your code is secret.");
    let error = world.client.deliver(without).await.unwrap_err();
    assert_eq!((error.kind(), a.count()), (ErrorKind::InvalidRequest, 1));
}
