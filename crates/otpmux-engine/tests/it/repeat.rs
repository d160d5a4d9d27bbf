//! A second send while a verification of the same recipient and purpose is live.

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Channel, ErrorKind, Purpose, Sent};
use otpmux_engine::{
    Choice, MessageLimits, NewVerification, OtpClient, Policy, Repeat, VerificationStore,
};
use otpmux_testkit::ManualClock;

use crate::world::{World, builder, carrier, keys, lenient, phone, wrong};

fn same_code() -> Policy {
    let mut policy = lenient();
    policy.repeat = Repeat::SameCode;
    policy
}

fn new() -> NewVerification {
    NewVerification::to(phone())
}

/// The code of the late first message is valid, whichever message arrives.
#[tokio::test]
async fn a_second_send_is_a_resend_with_the_same_code() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::with(&[&a, &b], same_code());
    let first = world.send().await.unwrap();
    assert!(!first.repeated);
    assert_eq!(world.verify(&first, &wrong(&a.otpmux_codes()[0])).await, "wrong_code");
    world.advance(30);
    let second = world.send().await.unwrap();
    assert!(second.repeated);
    assert_eq!((second.id, second.expires_at), (first.id, first.expires_at));
    assert_eq!(second.guesses_left, 4, "guesses are not renewed");
    assert_eq!((a.count(), b.count()), (1, 1));
    assert_eq!(a.otpmux_codes(), b.otpmux_codes());
    assert_eq!(second.send_attempts[1].reason, Choice::Resend);
    assert_eq!(world.verify(&first, &a.otpmux_codes()[0]).await, "approved");
    let third = world.send().await.unwrap();
    assert!(!third.repeated && third.id != first.id, "an approved one is not repeated");
}

#[tokio::test]
async fn by_default_a_second_send_has_a_new_code() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let first = world.send().await.unwrap();
    let second = world.send().await.unwrap();
    assert!(second.id != first.id && !second.repeated);
    assert_eq!(world.verify(&first, &a.otpmux_codes()[0]).await, "not_found");
}

#[tokio::test]
async fn a_request_overrules_the_policy() {
    let a = carrier("a");
    for (policy, repeat, repeated) in
        [(lenient(), Repeat::SameCode, true), (same_code(), Repeat::NewCode, false)]
    {
        let world = World::with(&[&a], policy);
        world.send().await.unwrap();
        world.advance(30);
        let second = world.client.send(new().with_repeat(repeat)).await.unwrap();
        assert_eq!(second.repeated, repeated, "{repeat}");
    }
}

#[tokio::test]
async fn another_recipient_or_purpose_is_not_repeated() {
    let a = carrier("a");
    let world = World::with(&[&a], same_code());
    let first = world.send().await.unwrap();
    let payment = world.send_for("payment").await;
    assert!(!payment.repeated && payment.id != first.id);
    let other = NewVerification::to("+919876543211".parse::<otpmux_core::Recipient>().unwrap());
    assert!(!world.client.send(other).await.unwrap().repeated);
    let purpose = Purpose::new("payment").unwrap();
    world.advance(30);
    let again = world.client.send(new().for_purpose(purpose)).await.unwrap();
    assert_eq!((again.id, again.repeated), (payment.id, true));
}

#[tokio::test]
async fn goes_by_the_channel_and_locale_of_the_new_request() {
    let a = carrier("a");
    let world = World::with(&[&a], same_code());
    world.send().await.unwrap();
    world.advance(30);
    let request = new().by(Channel::Voice).with_locale("pt");
    let second = world.client.send(request).await.unwrap();
    assert_eq!(second.channel, Channel::Voice);
    let requests = a.sends.requests();
    assert_eq!(requests[1].channel, Channel::Voice);
    assert_eq!(requests[1].locale.as_deref(), Some("pt"));
}

/// The limits are those of a resend: its delay, and the number of resends.
#[tokio::test]
async fn too_soon_and_too_often_are_refused_with_a_time() {
    let a = carrier("a");
    let mut policy = same_code();
    policy.max_resends = 1;
    let world = World::with(&[&a], policy);
    world.send().await.unwrap();
    world.advance(10);
    let soon = world.send().await.unwrap_err();
    assert_eq!(soon.kind(), ErrorKind::RateLimited);
    assert_eq!(soon.retry_after(), Some(Duration::from_secs(20)));
    world.advance(20);
    assert!(world.send().await.unwrap().repeated);
    world.advance(120);
    let often = world.send().await.unwrap_err();
    assert_eq!(often.kind(), ErrorKind::RateLimited);
    assert_eq!(often.retry_after(), Some(Duration::from_secs(150)), "then the code has expired");
    assert_eq!(a.count(), 2);
    world.advance(150);
    assert!(!world.send().await.unwrap().repeated);
}

/// A first message that is under way in another call is not doubled, whatever the delay.
#[tokio::test(start_paused = true)]
async fn while_the_first_message_is_on_its_way_a_repeat_is_too_soon() {
    let a = carrier("a");
    let mut policy = same_code();
    policy.resend_delay = Duration::ZERO;
    let world = World::with(&[&a], policy);
    a.sends.answer_after(Duration::from_secs(5), Ok(Sent::new()));
    let client = world.client.clone();
    let sending = tokio::spawn(async move { client.send(new()).await });
    a.sends.called(1).await;
    let soon = world.send().await.unwrap_err();
    assert_eq!(soon.kind(), ErrorKind::RateLimited);
    assert!(soon.retry_after().is_some_and(|wait| wait <= Duration::from_secs(20)));
    let first = sending.await.unwrap().unwrap();
    let second = world.send().await.unwrap();
    assert_eq!((second.id, a.count()), (first.id, 2));
}

/// The idempotency key of a repeat is that of a resend: said twice, one message is sent.
#[tokio::test]
async fn a_repeat_with_an_idempotency_key_is_sent_once() {
    let a = carrier("a");
    let world = World::with(&[&a], same_code());
    let first = world.client.send(new().with_idempotency_key("form-1")).await.unwrap();
    world.advance(30);
    for _ in 0..3 {
        let second = world.client.send(new().with_idempotency_key("form-2")).await.unwrap();
        assert_eq!((second.id, second.repeated, a.count()), (first.id, true, 2));
        let again = world.client.send(new().with_idempotency_key("form-1")).await.unwrap();
        assert_eq!((again.id, again.repeated, a.count()), (first.id, false, 2));
    }
    let other = new().by(Channel::Voice).with_idempotency_key("form-2");
    let refused = world.client.send(other).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::KeyReused);
}

/// The limits of messages count a repeat as they count a resend, also the one by client address.
#[tokio::test]
async fn a_repeat_is_counted_by_the_limits_of_messages() {
    let a = carrier("a");
    let mut policy = same_code();
    policy.limits =
        MessageLimits::none().ip([otpmux_core::RateLimit::new(1, Duration::from_hours(1))]);
    let world = World::with(&[&a], policy);
    let from = |address: &str| {
        let mut client = otpmux_core::ClientContext::new();
        client.ip = Some(address.parse().unwrap());
        new().from_client(client)
    };
    world.client.send(from("192.0.2.1")).await.unwrap();
    world.advance(30);
    let refused = world.client.send(from("192.0.2.1")).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::RateLimited);
    assert!(world.client.send(from("192.0.2.2")).await.unwrap().repeated);
}

/// Two processes that send at once for one recipient make one verification.
#[tokio::test]
async fn of_two_processes_that_send_at_once_one_creates() {
    let (a, clock) = (carrier("a"), Arc::new(ManualClock::default()));
    let store: Arc<dyn VerificationStore> = Arc::new(otpmux_engine::MemoryStore::new(100));
    let client =
        || builder(&[&a], same_code(), &clock).store(Arc::clone(&store), keys()).build().unwrap();
    let clients: Vec<OtpClient> = (0..2).map(|_| client()).collect();
    let sends =
        clients.iter().cloned().map(|client| tokio::spawn(async move { client.send(new()).await }));
    let mut results = Vec::new();
    for send in sends.collect::<Vec<_>>() {
        results.push(send.await.unwrap());
    }
    let (sent, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((sent.len(), refused.len(), a.count()), (1, 1, 1));
    let refused = refused.into_iter().next().unwrap().unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::RateLimited);
    assert!(refused.retry_after().is_some());
}

/// If every guess is used up, its code is of no use to anyone: the send is a new one.
#[tokio::test]
async fn a_locked_one_is_not_repeated() {
    let a = carrier("a");
    let mut policy = same_code();
    policy.max_guesses = 1;
    let world = World::with(&[&a], policy);
    let first = world.send().await.unwrap();
    assert_eq!(world.verify(&first, &wrong(&a.otpmux_codes()[0])).await, "wrong_code");
    let second = world.send().await.unwrap();
    assert!(second.id != first.id && !second.repeated);
    assert_eq!(world.verify(&second, &a.otpmux_codes()[1]).await, "approved");
}
