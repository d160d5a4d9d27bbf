//! Several processes, their timers, and the calls of the store that escalation costs.

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Channel, Clock as _, Code, Purpose};
use otpmux_engine::{Choice, NewVerification, StepBy, VerificationStore};
use otpmux_testkit::ManualClock;

use super::{World, by, client, codes, next};
use crate::crash::{Failing, FailingStore};
use crate::world::{carrier, lenient, phone};

#[tokio::test]
async fn of_two_processes_one_sends_and_the_other_follows_one_that_died() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::of(&[&a, &b], &[next(30)]);
    let other = client(&[&a, &b], &[next(30)], lenient(), &world.store, &world.clock);
    world.send().await;
    world.clock.advance(Duration::from_secs(30));
    let (one, two) = tokio::join!(world.client.run_due(), other.run_due());
    assert_eq!((one.unwrap() + two.unwrap(), b.count()), (1, 1));

    // A process that took one and died.
    let new = NewVerification::to(phone()).for_purpose(Purpose::new("other").unwrap());
    world.client.send(new).await.unwrap();
    world.clock.advance(Duration::from_secs(30));
    let now = world.clock.now();
    assert_eq!(world.store.due(now, Duration::from_secs(10), 9).await.unwrap().len(), 1);
    assert_eq!(world.later(9).await, 0);
    assert_eq!(world.later(1).await, 1);
    assert_eq!(b.count(), 2);
}

/// The lease was too short: both processes have the verification.
#[tokio::test]
async fn a_step_that_two_processes_begin_is_sent_once() {
    let (a, b) = (carrier("a"), carrier("b"));
    b.sends.hang();
    let world = World::of(&[&a, &b], &[next(30)]);
    world.send().await;
    world.clock.advance(Duration::from_secs(30));
    let slow = world.client.clone();
    let slow = tokio::spawn(async move { slow.run_due().await });
    b.sends.called(1).await;
    world.clock.advance(Duration::from_secs(10));
    assert_eq!(world.client.run_due().await.unwrap(), 0, "its step has begun");
    assert_eq!(b.count(), 1);
    slow.abort();
}

#[tokio::test(start_paused = true)]
async fn idle_timers_ask_at_most_every_two_seconds_and_never_if_no_route_escalates() {
    let (a, b) = (carrier("a"), carrier("b"));
    for (steps, fewest, most) in [(vec![next(30)], 20, 31), (Vec::new(), 0, 0)] {
        let store = Failing::after(10_000);
        let shared: Arc<dyn VerificationStore> = Arc::<FailingStore>::clone(&store);
        let client = client(&[&a, &b], &steps, lenient(), &shared, &Arc::default());
        let timers = client.spawn_timers();
        tokio::time::sleep(Duration::from_mins(1)).await;
        timers.stop().await;
        let asked = 10_000 - store.left();
        assert!((fewest..=most).contains(&asked), "{asked} steps in a minute");
        tokio::time::sleep(Duration::from_mins(1)).await;
        assert_eq!(10_000 - store.left(), asked, "stopped");
    }
}

#[tokio::test]
async fn a_flow_makes_as_many_calls_of_the_store_with_escalation_as_without() {
    for steps in [Vec::new(), vec![next(30)]] {
        let (a, b) = (carrier("a"), carrier("b"));
        let store = Failing::after(10_000);
        let shared: Arc<dyn VerificationStore> = Arc::<FailingStore>::clone(&store);
        let clock = Arc::new(ManualClock::default());
        let client = client(&[&a, &b], &steps, lenient(), &shared, &clock);
        client.check_keys().await.unwrap();
        let before = store.left();
        let sent = client.send(NewVerification::to(phone())).await.unwrap();
        assert_eq!(before - store.left(), 2, "create, record_outcome");
        let code: Code = codes(&a)[0].parse().unwrap();
        let before = store.left();
        assert!(client.verify(sent.id, &code).await.unwrap().is_approved());
        assert_eq!(before - store.left(), 1, "check_guess");
        // What was approved is in no due set.
        clock.advance(Duration::from_secs(30));
        let before = store.left();
        assert_eq!(client.run_due().await.unwrap(), 0);
        assert_eq!(before - store.left(), 1, "due");
    }
}

#[tokio::test]
async fn a_step_makes_the_calls_of_a_send_and_two_to_find_it() {
    let (a, b) = (carrier("a"), carrier("b"));
    let store = Failing::after(10_000);
    let shared: Arc<dyn VerificationStore> = Arc::<FailingStore>::clone(&store);
    let clock = Arc::new(ManualClock::default());
    let client = client(&[&a, &b], &[next(30)], lenient(), &shared, &clock);
    client.send(NewVerification::to(phone())).await.unwrap();
    clock.advance(Duration::from_secs(30));
    let before = store.left();
    assert_eq!(client.run_due().await.unwrap(), 1);
    assert_eq!(before - store.left(), 4, "due, load, start_attempt, record_outcome");
    assert_eq!(b.count(), 1);
}

/// A configuration is rolled out: some processes have other steps, or none. The process that takes what
/// is due decides by its own configuration.
#[tokio::test]
async fn processes_with_different_steps_begin_each_step_once() {
    let voice = [by(Channel::Voice, 30)];
    let two = [next(30), by(Channel::Voice, 60)];
    for other_steps in [&voice[..], &two[..1], &[]] {
        // Bit by bit: whether the other process is the first that looks.
        for order in 0..8 {
            let (a, b) = (carrier("a"), carrier("b"));
            let world = World::of(&[&a, &b], &two);
            let other = client(&[&a, &b], other_steps, lenient(), &world.store, &world.clock);
            let sent = world.send().await;
            let (mut due, mut expected) = (true, Vec::new());
            for look in 0..3 {
                world.clock.advance(Duration::from_secs(if look == 0 { 30 } else { 60 }));
                let (mut turns, mut steps) = ([&world.client, &other], [&two[..], other_steps]);
                if order >> look & 1 == 1 {
                    turns.reverse();
                    steps.reverse();
                }
                let looked = turns[0].run_due().await.unwrap();
                assert_eq!((looked, turns[1].run_due().await.unwrap()), (usize::from(due), 0));
                let step = steps[0].get(expected.len()).filter(|_| due);
                expected.extend(step.map(|step| match &step.by {
                    StepBy::Next => Channel::Sms,
                    StepBy::Channel(channel) => channel.clone(),
                }));
                due = step.is_some() && steps[0].len() > expected.len();
            }
            let status = world.client.status(sent.id).await.unwrap();
            assert_eq!(status.next_step_at, None);
            let begun = status.send_attempts.iter().skip(1);
            assert!(begun.clone().all(|attempt| attempt.reason == Choice::Escalation));
            let begun: Vec<_> = begun.map(|attempt| attempt.channel.clone()).collect();
            assert_eq!(begun, expected, "{order:b}, {other_steps:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn timers_begin_what_is_due_and_one_that_hangs_holds_nothing_up() {
    let (a, b) = (carrier("a"), carrier("b"));
    let world = World::of(&[&a, &b], &[next(30)]);
    let timers = world.client.spawn_timers();
    b.sends.hang();
    world.send().await;
    world.clock.advance(Duration::from_secs(30));
    b.sends.called(1).await;
    let new = NewVerification::to(phone()).for_purpose(Purpose::new("other").unwrap());
    world.client.send(new).await.unwrap();
    world.clock.advance(Duration::from_secs(30));
    b.sends.called(2).await;
    drop(timers);
}
