//! Hedging: the next provider is called while one is slow.

use std::time::Duration;

use otpmux_core::{Blame, Certainty, ErrorKind, Sent};
use otpmux_engine::{AttemptState, Choice, Policy};
use tokio::time::Instant;

use crate::world::{World, carrier, down, error, idempotent_carrier, lenient, unknown, vendor};

const SLOW: Duration = Duration::from_secs(4);

fn hedged() -> Policy {
    let mut policy = lenient();
    policy.hedge_after = Some(Duration::from_millis(800));
    policy
}

#[tokio::test(start_paused = true)]
async fn the_next_is_asked_beside_one_that_is_slow_with_the_same_code() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::with(&[&a, &b], hedged());
    a.sends.answer_after(SLOW, Ok(Sent::new()));
    let begun = Instant::now();
    let sent = world.send().await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_millis(800));
    assert!(sent.confirmed || sent.send_attempts[1].state == AttemptState::Accepted);
    assert_eq!(a.otpmux_codes(), b.otpmux_codes());
    assert_eq!(sent.send_attempts[1].reason, Choice::Hedge);
    assert_eq!(
        sent.send_attempts[0].state,
        AttemptState::Unknown,
        "its message may go out as well"
    );
    assert_eq!(world.verify(&sent, &a.otpmux_codes()[0]).await, "approved");
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_time_is_not_hedged() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::with(&[&a, &b], hedged());
    a.sends.answer_after(Duration::from_millis(799), Ok(Sent::new()));
    assert_eq!(world.send().await.unwrap().send_attempts.len(), 1);
    assert_eq!(b.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_first_may_still_win() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::with(&[&a, &b], hedged());
    a.sends.answer_after(Duration::from_secs(2), Ok(Sent::new()));
    b.sends.answer_after(SLOW, Ok(Sent::new()));
    let begun = Instant::now();
    let sent = world.send().await.unwrap();
    assert_eq!(begun.elapsed(), Duration::from_secs(2));
    let states: Vec<_> = sent.send_attempts.iter().map(|attempt| attempt.state).collect();
    assert_eq!(states, [AttemptState::Accepted, AttemptState::Unknown]);
}

#[tokio::test(start_paused = true)]
async fn when_one_fails_the_other_is_waited_for() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::with(&[&a, &b], hedged());
    a.sends.answer_after(SLOW, Ok(Sent::new()));
    b.sends.answer(Err(down()));
    let sent = world.send().await.unwrap();
    let states: Vec<_> = sent.send_attempts.iter().map(|attempt| attempt.state).collect();
    assert_eq!(states, [AttemptState::Accepted, AttemptState::Rejected]);
}

#[tokio::test(start_paused = true)]
async fn when_both_fail_a_third_follows_only_while_a_duplicate_is_left() {
    for (first, second, thirds) in [(down(), down(), 1), (unknown(), unknown(), 0)] {
        let (a, b, c) = (carrier("a"), carrier("b"), carrier("c"));
        let world = World::with(&[&a, &b, &c], hedged());
        a.sends.answer_after(SLOW, Err(first));
        b.sends.answer_after(SLOW, Err(second));
        let sent = world.send().await;
        assert_eq!(c.count(), thirds, "{sent:?}");
        assert!(sent.is_ok(), "accepted by the third, or possibly out");
    }
}

/// Rule 3.
#[tokio::test(start_paused = true)]
async fn a_recipient_that_cannot_be_reached_stops_a_hedged_send_too() {
    let (a, b, c) = (carrier("a"), carrier("b"), carrier("c"));
    let world = World::with(&[&a, &b, &c], hedged());
    a.sends.answer_after(SLOW, Err(error(Certainty::Rejected, Blame::Recipient)));
    b.sends.answer_after(2 * SLOW, Err(down()));
    let error = world.send().await.unwrap_err();
    assert_eq!((error.blame(), error.kind()), (Blame::Recipient, ErrorKind::Unavailable));
    assert_eq!(c.count(), 0);
}

/// Rule 2, and the user never holds two codes.
#[tokio::test(start_paused = true)]
async fn no_hedge_without_a_duplicate_or_by_another_code() {
    let (a, b) = (carrier("a"), carrier("b"));
    let mut policy = hedged();
    policy.max_duplicates = 0;
    let world = World::with(&[&a, &b], policy);
    a.sends.answer_after(SLOW, Ok(Sent::new()));
    assert_eq!(world.send().await.unwrap().send_attempts.len(), 1);

    for (a, b) in [(carrier("a"), vendor("b")), (vendor("a"), carrier("b"))] {
        let world = World::with(&[&a, &b], hedged());
        a.sends.answer_after(SLOW, Ok(Sent::new()));
        assert_eq!(world.send().await.unwrap().send_attempts.len(), 1);
        assert_eq!(b.count(), 0);
    }
}

/// Rule 3: the first send attempt pauses before a further try when the second is refused for all
/// providers.
#[tokio::test(start_paused = true)]
async fn a_refusal_for_all_ends_the_further_tries_of_the_attempt_beside_it() {
    for blame in [Blame::Caller, Blame::Policy, Blame::Recipient, Blame::Internal] {
        let (a, b) = (idempotent_carrier("a"), carrier("b"));
        let world = World::with(&[&a, &b], hedged());
        let later = unknown().with_retry_after(Duration::from_secs(3));
        a.sends.answer(Err(later));
        b.sends.answer(Err(error(Certainty::Rejected, blame)));
        let sent = world.send().await.unwrap();
        assert!(!sent.confirmed, "the first try may have been sent");
        assert_eq!((a.count(), b.count()), (1, 1), "{blame:?}");
    }
}
