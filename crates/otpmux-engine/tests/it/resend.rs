use otpmux_core::{Blame, Channel, ErrorKind};
use otpmux_engine::{Choice, LegState, ResendBy};

use crate::world::{World, carrier, down, lenient, unknown, wrong};

/// Ask 16: by another provider, with the same code.
#[tokio::test]
async fn goes_by_another_provider_with_the_same_code() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::of(&[&a, &b]);
    let sent = world.send().await.unwrap();
    world.advance(30);
    let again = world.client.resend(sent.id, None).await.unwrap();
    assert_eq!((a.count(), b.count()), (1, 1));
    assert_eq!(a.supplied_codes(), b.supplied_codes());
    assert_eq!(again.id, sent.id);
    assert_eq!(again.expires_at, sent.expires_at, "SEC-03: not renewed");
    assert_eq!(world.verify(&sent, &a.supplied_codes()[0]).await, "approved");
}

/// A vendor's own code would be a second one, while the first message may still arrive.
#[tokio::test]
async fn does_not_go_to_a_vendor_with_a_code_of_its_own() {
    let (a, b) = (carrier("a"), crate::world::vendor("b"));
    let world = World::of(&[&a, &b]);
    let sent = world.send().await.unwrap();
    world.advance(30);
    world.client.resend(sent.id, None).await.unwrap();
    assert_eq!((a.count(), b.count()), (2, 0));
    assert_eq!(a.supplied_codes()[0], a.supplied_codes()[1]);
}

#[tokio::test]
async fn alone_the_same_provider_sends_again_by_the_channel_asked_for() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    world.advance(30);
    let again = world.client.resend(sent.id, Some(Channel::Voice)).await.unwrap();
    assert_eq!(again.channel, Channel::Voice);
    let channels: Vec<_> = a.sends.requests().into_iter().map(|r| r.channel).collect();
    assert_eq!(channels, [Channel::Sms, Channel::Voice]);
}

/// SEC-06: a resend does not refill the budget, and cannot unlock.
#[tokio::test]
async fn sec_06_does_not_refill_the_attempts() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    let code = a.supplied_codes().remove(0);
    for _ in 0..4 {
        world.verify(&sent, &wrong(&code)).await;
    }
    world.advance(30);
    assert_eq!(world.client.resend(sent.id, None).await.unwrap().attempts_left, 1);
    assert_eq!(world.verify(&sent, &wrong(&code)).await, "wrong_code");
    world.advance(30);
    assert_eq!(world.client.resend(sent.id, None).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(a.count(), 2, "nothing is sent for a locked one");
}

#[tokio::test]
async fn too_soon_and_too_often_are_refused_before_any_vendor() {
    let a = carrier("a");
    let mut policy = lenient();
    policy.resend_delay_max = policy.resend_delay;
    let world = World::with(&[&a], policy);
    let sent = world.send().await.unwrap();
    world.advance(10);
    let error = world.client.resend(sent.id, None).await.unwrap_err();
    assert_eq!((error.kind(), error.blame()), (ErrorKind::RateLimited, Blame::Policy));
    assert_eq!(error.retry_after().unwrap().as_secs(), 20);
    for _ in 0..4 {
        world.advance(33);
        world.client.resend(sent.id, None).await.unwrap();
    }
    world.advance(33);
    let error = world.client.resend(sent.id, None).await.unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, None));
    assert_eq!(a.count(), 5);
}

#[tokio::test]
async fn nothing_is_sent_for_what_is_over() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let [used, cancelled, expired] =
        [world.send_for("x").await, world.send_for("y").await, world.send_for("z").await];
    world.verify(&used, &a.supplied_codes()[0]).await;
    world.client.cancel(cancelled.id).await.unwrap();
    world.advance(300);
    for sent in [used, cancelled, expired] {
        let error = world.client.resend(sent.id, None).await.unwrap_err();
        assert_eq!((error.kind(), error.blame()), (ErrorKind::NotFound, Blame::Caller));
    }
    assert_eq!(a.count(), 3);
}

#[tokio::test]
async fn a_failed_resend_leaves_the_first_message_good() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::of(&[&a, &b]);
    let sent = world.send().await.unwrap();
    world.advance(30);
    a.sends.always(|_, _| Err(down()));
    b.sends.always(|_, _| Err(down()));
    assert!(world.client.resend(sent.id, None).await.is_err());
    assert_eq!(world.verify(&sent, &a.supplied_codes()[0]).await, "approved");
}

/// Each resend is one wanted message, with the same duplicates allowed as the first.
#[tokio::test]
async fn each_resend_has_its_own_message_budget() {
    let (a, b, c) = (carrier("a"), carrier("b"), carrier("c"));
    for provider in [&a, &b, &c] {
        provider.sends.always(|_, _| Err(unknown()));
    }
    let mut policy = lenient();
    policy.resends = 1;
    let world = World::with(&[&a, &b, &c], policy);
    let sent = world.send().await.unwrap();
    world.advance(30);
    let again = world.client.resend(sent.id, None).await.unwrap();
    assert_eq!(a.count() + b.count() + c.count(), 2 + 2);
    assert!(again.legs.iter().all(|leg| leg.state == LegState::Unknown));
    let codes = [a.supplied_codes(), b.supplied_codes(), c.supplied_codes()].concat();
    assert!(codes.iter().all(|code| *code == codes[0]));
}

#[tokio::test]
async fn a_policy_may_want_the_same_provider_again() {
    let (a, b) = (carrier("a"), carrier("b"));
    let mut policy = lenient();
    policy.resend_by = ResendBy::Same;
    let world = World::with(&[&a, &b], policy);
    let sent = world.send().await.unwrap();
    world.advance(30);
    let again = world.client.resend(sent.id, None).await.unwrap();
    assert_eq!((a.count(), b.count()), (2, 0));
    assert_eq!(again.legs[1].why, Choice::Resend);
    world.advance(66);
    a.sends.answer(Err(down()));
    world.client.resend(sent.id, None).await.unwrap();
    assert_eq!((a.count(), b.count()), (3, 1), "which need not be the only one");
}

#[tokio::test]
async fn a_policy_may_want_the_next_channel_that_somebody_has() {
    let (a, b) = (carrier("a"), carrier("b"));
    let mut policy = lenient();
    policy.resend_by = ResendBy::NextChannel;
    policy.lifetime = std::time::Duration::from_mins(10);
    let world = World::with(&[&a, &b], policy);
    let sent = world.send().await.unwrap();
    let mut channels = Vec::new();
    for wait in [30, 66, 132] {
        world.advance(wait);
        channels.push(world.client.resend(sent.id, None).await.unwrap().channel);
    }
    // Nobody here sends by WhatsApp.
    assert_eq!(channels, [Channel::Voice, Channel::Sms, Channel::Voice]);
    let codes = [a.supplied_codes(), b.supplied_codes()].concat();
    assert!(codes.iter().all(|code| *code == codes[0]), "the same code by every channel");
}
