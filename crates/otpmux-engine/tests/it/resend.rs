use otpmux_core::{Blame, Channel, ErrorKind};
use otpmux_engine::{AttemptState, Choice, CodeSourceView, Resend, ResendBy};

use crate::world::{World, approves, carrier, down, lenient, unknown, wrong};

/// Ask 16: by another provider, with the same code.
#[tokio::test]
async fn goes_by_another_provider_with_the_same_code() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::of(&[&a, &b]);
    let sent = world.send().await.unwrap();
    world.advance(30);
    let again = world.client.resend(sent.id, Resend::new()).await.unwrap();
    assert_eq!((a.count(), b.count()), (1, 1));
    assert_eq!(a.otpmux_codes(), b.otpmux_codes());
    assert_eq!(again.id, sent.id);
    assert_eq!(again.expires_at, sent.expires_at, "SEC-03: not renewed");
    assert_eq!(world.verify(&sent, &a.otpmux_codes()[0]).await, "approved");
}

/// Providers that carry otpmux's code and have not failed this user precede those with another
/// code.
#[tokio::test]
async fn the_same_code_comes_first_where_a_fresh_provider_carries_it() {
    let (a, b, c) = (carrier("a"), crate::world::vendor("b"), carrier("c"));
    let world = World::of(&[&a, &b, &c]);
    let sent = world.send().await.unwrap();
    world.advance(30);
    let again = world.client.resend(sent.id, Resend::new()).await.unwrap();
    assert_eq!((a.count(), b.count(), c.count()), (1, 0, 1));
    assert_eq!(a.otpmux_codes(), c.otpmux_codes());
    assert!(!again.new_code && again.code_source == CodeSourceView::Otpmux);
}

/// With the policy "same", the provider stays the same while it accepts messages.
#[tokio::test]
async fn by_the_same_provider_no_other_code_is_sent_while_it_takes_messages() {
    let (a, b) = (carrier("a"), crate::world::vendor("b"));
    let mut policy = lenient();
    policy.resend_by = ResendBy::Same;
    let world = World::with(&[&a, &b], policy);
    let sent = world.send().await.unwrap();
    world.advance(30);
    world.client.resend(sent.id, Resend::new()).await.unwrap();
    assert_eq!((a.count(), b.count()), (2, 0));
    a.sends.always(|_, _| Err(unknown()));
    world.advance(66);
    let unsure = world.client.resend(sent.id, Resend::new()).await.unwrap();
    assert_eq!((a.count(), b.count(), unsure.confirmed), (3, 0, false), "one code in one send");
    world.advance(132);
    let rescued = world.client.resend(sent.id, Resend::new()).await.unwrap();
    assert_eq!((a.count(), b.count(), rescued.new_code), (3, 1, true), "it has failed this user");
}

/// If the first message does not arrive for any reason, a vendor that generates codes gets its
/// turn; then both codes are valid, under one count of guesses, and one of them is approved once.
#[tokio::test]
async fn a_vendor_with_a_code_of_its_own_rescues_whom_ours_did_not_reach() {
    type Fails = fn(&otpmux_testkit::ScriptedProvider);
    let ways: [(&str, Fails); 2] =
        [("lost on the way", |_| {}), ("unknown", |a| a.sends.always(|_, _| Err(unknown())))];
    for (way, fails) in ways {
        for typed in ["ours", "the vendor's"] {
            let (a, b) = (carrier("a"), crate::world::vendor("b"));
            approves(&b, "7777");
            fails(&a);
            let world = World::of(&[&a, &b]);
            let sent = world.send().await.unwrap();
            assert_eq!((a.count(), b.count()), (1, 0), "{way}: never two codes in one send");
            world.advance(30);
            let again = world.client.resend(sent.id, Resend::new()).await.unwrap();
            assert_eq!((a.count(), b.count()), (1, 1), "{way}");
            assert!(again.confirmed && again.new_code, "{way}");
            assert_eq!(again.code_source, CodeSourceView::Vendor);
            assert_eq!((again.code_length, again.guesses_left), (Some(6), 5));
            assert_eq!(
                world.client.status(sent.id).await.unwrap().send_attempts[1].reason,
                Choice::Resend
            );
            assert_eq!(world.verify(&sent, "111111").await, "wrong_code");
            let ours = a.otpmux_codes().remove(0);
            let (first, second) = if typed == "ours" { (&*ours, "7777") } else { ("7777", &*ours) };
            assert_eq!(world.verify(&sent, first).await, "approved", "{way}, {typed}");
            assert_eq!(world.verify(&sent, second).await, "already_used", "{way}, {typed}");
        }
    }
}

/// The guesses of both codes are one count.
#[tokio::test]
async fn two_codes_have_one_count_of_tries() {
    let (a, b) = (carrier("a"), crate::world::vendor("b"));
    approves(&b, "7777");
    let world = World::of(&[&a, &b]);
    let sent = world.send().await.unwrap();
    for _ in 0..2 {
        assert_eq!(world.verify(&sent, "111111").await, "wrong_code");
    }
    world.advance(30);
    assert_eq!(world.client.resend(sent.id, Resend::new()).await.unwrap().guesses_left, 3);
    assert_eq!(b.count(), 1);
    for _ in 0..3 {
        assert_eq!(world.verify(&sent, "111111").await, "wrong_code");
    }
    assert_eq!(world.verify(&sent, "7777").await, "too_many_guesses");
    assert_eq!(world.verify(&sent, &a.otpmux_codes()[0]).await, "too_many_guesses");
}

/// A provider whose circuit is open comes last in a resend too: a vendor that generates codes
/// precedes it.
#[tokio::test]
async fn an_open_breaker_does_not_stand_between_a_user_and_the_vendor_that_works() {
    let (a, b) = (carrier("a"), crate::world::vendor("b"));
    a.sends.always(|_, _| Err(unknown()));
    let mut policy = lenient();
    policy.resend_by = ResendBy::Same;
    let world = World::with(&[&a, &b], policy);
    // One user got otpmux's code before the vendor failed; the sends of others open the circuit.
    a.sends.answer(Ok(otpmux_core::Sent::new()));
    let sent = world.send().await.unwrap();
    for purpose in ["p", "q", "r", "s", "t"] {
        world.send_for(purpose).await;
    }
    assert_eq!((a.count(), b.count()), (6, 0));
    world.advance(30);
    let again = world.client.resend(sent.id, Resend::new()).await.unwrap();
    assert_eq!((a.count(), b.count()), (6, 1), "it takes messages no more");
    assert!(again.confirmed && again.new_code);
    let skipped = &again.skipped[0].reason;
    assert!(matches!(skipped, otpmux_engine::SkipReason::CircuitOpen(_)), "{skipped:?}");
}

/// Within one resend, the vendor with another code follows only providers that certainly sent
/// nothing.
#[tokio::test]
async fn within_a_resend_another_code_follows_only_what_certainly_sent_nothing() {
    for (failure, count) in [(down(), 1), (unknown(), 0)] {
        let (a, b, c) = (carrier("a"), carrier("b"), crate::world::vendor("c"));
        let mut policy = lenient();
        policy.max_duplicates = 0;
        let world = World::with(&[&a, &b, &c], policy);
        let sent = world.send().await.unwrap();
        world.advance(30);
        b.sends.answer(Err(failure));
        let again = world.client.resend(sent.id, Resend::new()).await.unwrap();
        assert_eq!((a.count(), b.count(), c.count()), (1, 1, count));
        assert_eq!(again.new_code, count == 1);
        assert_eq!(again.confirmed, count == 1);
    }
}

/// The provider that was called longest ago is next.
#[tokio::test]
async fn resends_go_round() {
    let (a, b) = (carrier("a"), crate::world::vendor("b"));
    let mut policy = lenient();
    policy.resend_delay_max = policy.resend_delay;
    policy.ttl = std::time::Duration::from_mins(10);
    let world = World::with(&[&a, &b], policy);
    let sent = world.send().await.unwrap();
    let mut by = Vec::new();
    for _ in 0..4 {
        world.advance(34);
        let again = world.client.resend(sent.id, Resend::new()).await.unwrap();
        by.push((again.send_attempts.last().unwrap().provider.to_string(), again.new_code));
    }
    let turn = |provider: &str, new| (provider.to_owned(), new);
    let (ours, theirs) = (turn("a", false), turn("b", true));
    assert_eq!(by, [theirs.clone(), ours.clone(), theirs, ours]);
}

#[tokio::test]
async fn alone_the_same_provider_sends_again_by_the_channel_asked_for() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    world.advance(30);
    let again = world.client.resend(sent.id, Resend::new().by(Channel::Voice)).await.unwrap();
    assert_eq!(again.channel, Channel::Voice);
    let channels: Vec<_> = a.sends.requests().into_iter().map(|r| r.channel).collect();
    assert_eq!(channels, [Channel::Sms, Channel::Voice]);
}

/// SEC-06: a resend does not refill the guesses, and cannot unlock.
#[tokio::test]
async fn sec_06_does_not_refill_the_attempts() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    let code = a.otpmux_codes().remove(0);
    for _ in 0..4 {
        world.verify(&sent, &wrong(&code)).await;
    }
    world.advance(30);
    assert_eq!(world.client.resend(sent.id, Resend::new()).await.unwrap().guesses_left, 1);
    assert_eq!(world.verify(&sent, &wrong(&code)).await, "wrong_code");
    world.advance(30);
    assert_eq!(
        world.client.resend(sent.id, Resend::new()).await.unwrap_err().kind(),
        ErrorKind::NotFound
    );
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
    let error = world.client.resend(sent.id, Resend::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.blame()), (ErrorKind::RateLimited, Blame::Policy));
    assert_eq!(error.retry_after().unwrap().as_secs(), 20);
    for _ in 0..4 {
        world.advance(33);
        world.client.resend(sent.id, Resend::new()).await.unwrap();
    }
    world.advance(33);
    let error = world.client.resend(sent.id, Resend::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::RateLimited, None));
    assert_eq!(a.count(), 5);
}

#[tokio::test]
async fn nothing_is_sent_for_what_is_over() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let [used, cancelled, expired] =
        [world.send_for("x").await, world.send_for("y").await, world.send_for("z").await];
    world.verify(&used, &a.otpmux_codes()[0]).await;
    world.client.cancel(cancelled.id).await.unwrap();
    world.advance(300);
    for sent in [used, cancelled, expired] {
        let error = world.client.resend(sent.id, Resend::new()).await.unwrap_err();
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
    assert!(world.client.resend(sent.id, Resend::new()).await.is_err());
    assert_eq!(world.verify(&sent, &a.otpmux_codes()[0]).await, "approved");
}

/// Each resend is one wanted message, with the same duplicates allowed as the first.
#[tokio::test]
async fn each_resend_has_its_own_message_budget() {
    let (a, b, c) = (carrier("a"), carrier("b"), carrier("c"));
    for provider in [&a, &b, &c] {
        provider.sends.always(|_, _| Err(unknown()));
    }
    let mut policy = lenient();
    policy.max_resends = 1;
    let world = World::with(&[&a, &b, &c], policy);
    let sent = world.send().await.unwrap();
    world.advance(30);
    let again = world.client.resend(sent.id, Resend::new()).await.unwrap();
    assert_eq!(a.count() + b.count() + c.count(), 2 + 2);
    assert!(again.send_attempts.iter().all(|attempt| attempt.state == AttemptState::Unknown));
    let codes = [a.otpmux_codes(), b.otpmux_codes(), c.otpmux_codes()].concat();
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
    let again = world.client.resend(sent.id, Resend::new()).await.unwrap();
    assert_eq!((a.count(), b.count()), (2, 0));
    assert_eq!(again.send_attempts[1].reason, Choice::Resend);
    world.advance(66);
    a.sends.answer(Err(down()));
    world.client.resend(sent.id, Resend::new()).await.unwrap();
    assert_eq!((a.count(), b.count()), (3, 1), "which need not be the only one");
}

#[tokio::test]
async fn a_policy_may_want_the_next_channel_that_a_provider_has() {
    let (a, b) = (carrier("a"), carrier("b"));
    let mut policy = lenient();
    policy.resend_by = ResendBy::NextChannel;
    policy.ttl = std::time::Duration::from_mins(10);
    let world = World::with(&[&a, &b], policy);
    let sent = world.send().await.unwrap();
    let mut channels = Vec::new();
    for wait in [30, 66, 132] {
        world.advance(wait);
        channels.push(world.client.resend(sent.id, Resend::new()).await.unwrap().channel);
    }
    // No provider here sends by WhatsApp.
    assert_eq!(channels, [Channel::Voice, Channel::Sms, Channel::Voice]);
    let codes = [a.otpmux_codes(), b.otpmux_codes()].concat();
    assert!(codes.iter().all(|code| *code == codes[0]), "the same code by every channel");
}
