use std::time::Duration;

use otpmux_core::{Blame, Capabilities, Certainty, Channel, Error, ErrorKind};
use otpmux_engine::AttemptState;
use otpmux_testkit::ScriptedProvider;
use tokio::time::Instant;

use crate::world::{World, carrier, down, error, idempotent_carrier, lenient, unknown, vendor};

#[tokio::test]
async fn a_refusal_goes_on_to_the_next_with_the_same_code() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::of(&[&a, &b]);
    a.sends.answer(Err(down()));
    let sent = world.send().await.unwrap();
    assert!(sent.confirmed);
    assert_eq!(a.otpmux_codes(), b.otpmux_codes());
    let states: Vec<_> =
        sent.send_attempts.iter().map(|attempt| (attempt.state, attempt.failure)).collect();
    let refused = (AttemptState::Rejected, Some(ErrorKind::Unavailable));
    assert_eq!(states, [refused, (AttemptState::Accepted, None)]);
    assert_eq!(world.verify(&sent, &b.otpmux_codes()[0]).await, "approved");
}

#[tokio::test]
async fn an_unknown_outcome_allows_one_duplicate_with_the_same_code() {
    let (a, b, c) = (carrier("a"), carrier("b"), carrier("c"));
    let world = World::of(&[&a, &b, &c]);
    a.sends.answer(Err(unknown()));
    b.sends.answer(Err(unknown()));
    let sent = world.send().await.unwrap();
    assert!(!sent.confirmed, "two may be out, and no third may follow");
    assert_eq!((a.count(), b.count(), c.count()), (1, 1, 0));
    assert_eq!(a.otpmux_codes(), b.otpmux_codes());
    assert_eq!(world.verify(&sent, &a.otpmux_codes()[0]).await, "approved");
}

#[tokio::test]
async fn no_duplicates_means_none() {
    let (a, b) = (carrier("a"), carrier("b"));
    let mut policy = lenient();
    policy.max_duplicates = 0;
    let world = World::with(&[&a, &b], policy);
    a.sends.answer(Err(unknown()));
    let sent = world.send().await.unwrap();
    assert!(!sent.confirmed);
    assert_eq!(b.count(), 0);
}

/// The vendor sent a code that it generated in place of otpmux's. The user holds a message whose
/// code cannot be verified: it counts as a message, and a provider that carries otpmux's code
/// follows. Without one the send fails; it never returns an unconfirmed verification for a code
/// that no user has.
#[tokio::test]
async fn a_message_that_carries_another_code_than_ours_is_no_success() {
    let foreign = || Error::new(ErrorKind::Configuration, Certainty::Unknown, Blame::Provider);
    let (a, b, c) = (carrier("a"), vendor("b"), carrier("c"));
    a.sends.answer(Err(foreign()));
    let world = World::of(&[&a, &b, &c]);
    let sent = world.send().await.unwrap();
    assert_eq!((a.count(), b.count(), c.count()), (1, 0, 1), "no third code");
    assert!(sent.confirmed && sent.code_length == Some(6));
    assert_eq!(a.otpmux_codes(), c.otpmux_codes());
    let again = world.send().await.unwrap();
    assert_eq!((a.count(), again.confirmed), (1, true), "it is left alone at once");

    for duplicates in [0, 1] {
        let (a, b) = (carrier("a"), carrier("b"));
        a.sends.always(move |_, _| Err(foreign()));
        b.sends.always(|_, _| Err(down()));
        let mut policy = lenient();
        policy.max_duplicates = duplicates;
        let world = World::with(&[&a, &b], policy);
        let error = world.send().await.unwrap_err();
        assert_eq!(error.certainty(), Certainty::Unknown, "a message is out");
        assert_eq!(b.count(), usize::try_from(duplicates).unwrap(), "and counts as one");
    }
}

/// Rule 1.
#[tokio::test(start_paused = true)]
async fn no_second_send_at_one_provider_after_unknown_without_a_key() {
    let alone = carrier("a");
    let world = World::of(&[&alone]);
    alone.sends.answer(Err(unknown()));
    assert!(!world.send().await.unwrap().confirmed);
    assert_eq!(alone.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_idempotent_provider_is_asked_again_with_the_same_key() {
    let (a, b) = (idempotent_carrier("a"), carrier("b"));
    let world = World::of(&[&a, &b]);
    a.sends.answer(Err(unknown()));
    a.sends.answer(Err(unknown()));
    assert!(world.send().await.unwrap().confirmed);
    assert_eq!((a.count(), b.count()), (3, 0));
    let keys: Vec<_> = a.sends.contexts().iter().map(|cx| cx.idempotency_key).collect();
    assert!(keys.iter().all(|key| *key == keys[0]), "one key over all tries of a attempt");

    a.sends.answer(Err(down()));
    world.send().await.unwrap();
    let next = b.sends.contexts()[0].idempotency_key;
    assert!(
        a.sends.contexts().iter().all(|cx| cx.idempotency_key != next),
        "a new one for the next"
    );
}

/// A refused try does not undo the possible effect of an earlier one.
#[tokio::test(start_paused = true)]
async fn once_unknown_a_attempt_stays_unknown() {
    let (a, b) = (idempotent_carrier("a"), carrier("b"));
    let mut policy = lenient();
    policy.max_duplicates = 0;
    let world = World::with(&[&a, &b], policy);
    a.sends.answer(Err(unknown()));
    a.sends.always(|_, _| Err(down()));
    let sent = world.send().await.unwrap();
    assert_eq!(b.count(), 0, "a second message would be one too many");
    assert_eq!(sent.send_attempts[0].state, AttemptState::Unknown);
    assert!(!sent.confirmed);
}

/// Rule 3.
#[tokio::test]
async fn only_a_providers_own_fault_reaches_another() {
    for blame in [Blame::Policy, Blame::Caller, Blame::Recipient, Blame::Internal] {
        for certainty in [Certainty::NotSent, Certainty::Rejected] {
            let (a, b) = (carrier("a"), carrier("b"));
            let world = World::of(&[&a, &b]);
            a.sends.answer(Err(error(certainty, blame)));
            assert_eq!(world.send().await.unwrap_err().blame(), blame);
            assert_eq!(b.count(), 0, "{blame:?} {certainty:?}");
        }
    }
}

#[tokio::test]
async fn a_limit_after_an_unknown_attempt_keeps_the_verification() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::of(&[&a, &b]);
    a.sends.answer(Err(unknown()));
    b.sends.answer(Err(error(Certainty::Rejected, Blame::Policy)));
    let sent = world.send().await.unwrap();
    assert!(!sent.confirmed);
    assert_eq!(world.verify(&sent, &a.otpmux_codes()[0]).await, "approved");
}

#[tokio::test]
async fn a_vendors_own_code_that_may_be_out_is_not_followed_by_another() {
    let (a, b) = (vendor("a"), carrier("b"));
    let world = World::of(&[&a, &b]);
    a.sends.answer(Err(unknown()));
    assert!(!world.send().await.unwrap().confirmed);
    assert_eq!(b.count(), 0, "the user would hold two codes");
}

#[tokio::test]
async fn an_otpmux_code_that_may_be_out_is_followed_by_the_same_only() {
    let (a, b, c) = (carrier("a"), vendor("b"), carrier("c"));
    let world = World::of(&[&a, &b, &c]);
    a.sends.answer(Err(unknown()));
    assert!(world.send().await.unwrap().confirmed);
    assert_eq!((b.count(), c.count()), (0, 1));
    assert_eq!(a.otpmux_codes(), c.otpmux_codes());
}

#[tokio::test(start_paused = true)]
async fn alone_what_was_not_sent_is_tried_again_after_a_pause() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let not_sent = || error(Certainty::NotSent, Blame::Provider);
    a.sends.answer(Err(not_sent()));
    a.sends.answer(Err(not_sent()));
    let begun = Instant::now();
    assert!(world.send().await.unwrap().confirmed);
    let paused = begun.elapsed().as_millis();
    assert!((125 + 250..=250 + 500).contains(&paused), "half of each pause at the least: {paused}");

    a.sends.always(move |_, _| Err(error(Certainty::NotSent, Blame::Provider)));
    assert_eq!(world.send().await.unwrap_err().certainty(), Certainty::NotSent);
    assert_eq!(a.count(), 3 + 3, "one try and two retries");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_says_when_is_waited_for_within_the_deadline() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    a.sends.answer(Err(down().with_retry_after(Duration::from_secs(3))));
    let begun = Instant::now();
    assert!(world.send().await.unwrap().confirmed);
    assert_eq!(begun.elapsed(), Duration::from_secs(3));

    let far = Duration::from_secs(60);
    a.sends.answer(Err(down().with_retry_after(far)));
    let error = world.send().await.unwrap_err();
    assert_eq!(
        error.retry_after(),
        Some(far),
        "longer than the deadline: the caller gets the time"
    );
    assert_eq!(begun.elapsed(), Duration::from_secs(3));
}

/// During a pause, users cancel and click again.
#[tokio::test(start_paused = true)]
async fn a_verification_that_ends_in_a_pause_is_not_sent() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    a.sends.answer(Err(error(Certainty::NotSent, Blame::Provider)));
    let client = world.client.clone();
    let first = tokio::spawn(async move {
        client.send(otpmux_engine::NewVerification::to(crate::world::phone())).await
    });
    a.sends.called(1).await;
    let second = world.send().await.unwrap();
    let error = first.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.certainty()), (ErrorKind::NotFound, Certainty::NotSent));
    assert_eq!(a.count(), 2, "the first was superseded before its second try");
    assert_eq!(world.verify(&second, &a.otpmux_codes()[1]).await, "approved");
}

#[tokio::test]
async fn a_vendor_that_asks_for_eternity_is_not_waited_for() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    a.sends.answer(Err(down().with_retry_after(Duration::MAX)));
    assert_eq!(world.send().await.unwrap_err().retry_after(), Some(Duration::MAX));
}

/// Each candidate gets its share of the time.
#[tokio::test]
async fn deadlines_are_shared_out() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::of(&[&a, &b]);
    a.sends.answer(Err(down()));
    let begun = Instant::now().into_std();
    world.send().await.unwrap();
    let share = |provider: &ScriptedProvider| {
        provider.sends.contexts()[0].deadline.unwrap().duration_since(begun).as_secs()
    };
    assert!((9..=10).contains(&share(&a)), "half of 20 s");
    assert!((18..=20).contains(&share(&b)), "what is left");
}

#[tokio::test]
async fn providers_that_cannot_are_passed_over_without_a_call() {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=6);
    capabilities.phone_prefixes = &["+1"];
    let american = std::sync::Arc::new(ScriptedProvider::new("us", capabilities));
    let rest = carrier("rest");
    let world = World::of(&[&american, &rest]);
    world.send().await.unwrap();
    assert_eq!((american.count(), rest.count()), (0, 1));
}

#[tokio::test]
async fn all_down_then_one_up_and_the_very_next_send_works() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::of(&[&a, &b]);
    a.sends.always(|_, _| Err(down()));
    b.sends.answer(Err(down()));
    assert!(world.send().await.is_err());
    assert!(world.send().await.unwrap().confirmed);
}
