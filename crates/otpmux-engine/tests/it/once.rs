//! A request with an idempotency key is made once, however often it is repeated.

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Blame, Channel, ErrorKind, Purpose, Sent};
use otpmux_engine::{InFlight, NewVerification, Resend};

use crate::world::{World, carrier, down, lenient, phone};

fn named(key: &str) -> NewVerification {
    NewVerification::to(phone()).with_idempotency_key(key)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_50_parallel_sends_with_one_key_one_message_goes_out_and_all_get_its_answer() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let sends: Vec<_> = (0..50)
        .map(|_| {
            let client = world.client.clone();
            tokio::spawn(async move { client.send(named("order-7")).await.unwrap() })
        })
        .collect();
    let mut answers = Vec::new();
    for send in sends {
        let sent = send.await.unwrap();
        answers.push((sent.id, sent.confirmed, sent.expires_at, sent.send_attempts));
    }
    assert_eq!(a.count(), 1);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert!(answers[0].1, "and the answer is that it was sent");
}

#[tokio::test]
async fn another_request_under_the_same_key_is_refused() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let first = world.client.send(named("k")).await.unwrap();
    let login = Purpose::new("login").unwrap();
    let mut alone = named("k");
    alone.escalate = false;
    let others = [
        alone,
        named("k").by(Channel::Voice),
        named("k").for_purpose(login),
        named("k").with_code_length(8),
        named("k").with_ttl(Duration::from_secs(60)),
        named("k").with_message("{code} is yours"),
        NewVerification::to("+919876543211".parse::<otpmux_core::Recipient>().unwrap())
            .with_idempotency_key("k"),
    ];
    for other in others {
        let error = world.client.send(other).await.unwrap_err();
        assert_eq!((error.kind(), error.blame()), (ErrorKind::KeyReused, Blame::Caller));
    }
    assert_eq!(world.client.send(named("k")).await.unwrap().id, first.id);
    assert_ne!(world.client.send(named("l")).await.unwrap().id, first.id);
    assert_eq!(a.count(), 2);
}

#[tokio::test]
async fn a_request_that_came_to_nothing_may_be_made_again() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    a.sends.answer(Err(down()));
    assert!(world.client.send(named("k")).await.is_err());
    assert!(world.client.send(named("k")).await.unwrap().confirmed);
    assert_eq!(a.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn while_the_first_is_under_way_the_second_waits_or_is_refused() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    a.sends.answer_after(Duration::from_secs(3), Ok(Sent::new()));
    let client = world.client.clone();
    let first = tokio::spawn(async move { client.send(named("k")).await.unwrap() });
    a.sends.called(1).await;
    let mut impatient = named("k");
    impatient.options.in_flight = InFlight::Refuse;
    let error = world.client.send(impatient).await.unwrap_err();
    assert_eq!((error.kind(), error.blame()), (ErrorKind::Conflict, Blame::Caller));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(20)), "no later than its deadline");
    let second = world.client.send(named("k")).await.unwrap();
    assert!(second.confirmed, "it has waited for the answer");
    assert_eq!(first.await.unwrap().id, second.id);
    assert_eq!(a.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_repeat_gets_the_failure_of_the_request_that_it_waits_for() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    a.sends.answer_after(Duration::from_secs(3), Err(down()));
    let client = world.client.clone();
    let first = tokio::spawn(async move { client.send(named("k")).await });
    a.sends.called(1).await;
    let error = world.client.send(named("k")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(first.await.unwrap().is_err());
    assert_eq!(a.count(), 1);
}

#[tokio::test]
async fn a_process_that_died_in_the_call_leaves_an_answer_that_is_not_confirmed() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    a.sends.hang();
    let client = world.client.clone();
    let dead = tokio::spawn(async move { client.send(named("k")).await });
    a.sends.called(1).await;
    dead.abort();
    assert!(dead.await.unwrap_err().is_cancelled());
    tokio::time::pause();
    let again = world.client.send(named("k")).await.unwrap();
    assert!(!again.confirmed);
    assert_eq!(a.count(), 1, "it may have gone out, so it is not sent again");
    let code = Arc::clone(&a).otpmux_codes().remove(0);
    assert_eq!(world.verify(&again, &code).await, "approved");
}

#[tokio::test]
async fn a_request_of_a_dead_process_is_not_in_progress_for_ever() {
    let a = carrier("a");
    let mut policy = lenient();
    policy.resend_delay = Duration::from_mins(5);
    let world = World::with(&[&a], policy);
    a.sends.hang();
    let client = world.client.clone();
    let dead = tokio::spawn(async move { client.send(named("k")).await });
    a.sends.called(1).await;
    dead.abort();
    assert!(dead.await.unwrap_err().is_cancelled());
    let mut impatient = named("k");
    impatient.options.in_flight = InFlight::Refuse;
    // It ends at the deadline that it reports, however long a resend has to wait.
    for seconds in [20, 13] {
        let error = world.client.send(impatient.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(seconds)));
        world.advance(7);
    }
    world.advance(6);
    let again = world.client.send(impatient).await.unwrap();
    assert!(!again.confirmed);
    assert_eq!(a.count(), 1);
}

fn again(name: &str) -> Resend {
    Resend::new().with_idempotency_key(name)
}

#[tokio::test]
async fn a_resend_of_one_name_goes_out_once() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    world.advance(30);
    let first = world.client.resend(sent.id, again("r1")).await.unwrap();
    let second = world.client.resend(sent.id, again("r1")).await.unwrap();
    assert_eq!((first.send_attempts.len(), second.send_attempts.len(), a.count()), (2, 2, 2));
    assert_eq!(first.resend_after, second.resend_after);
    let voice = world.client.resend(sent.id, again("r1").by(Channel::Voice)).await;
    assert_eq!(voice.unwrap_err().kind(), ErrorKind::KeyReused);
    // Another idempotency key is another resend, and this one is too soon.
    let other = world.client.resend(sent.id, again("r2")).await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::RateLimited);
    world.advance(120);
    assert_eq!(world.client.resend(sent.id, again("r2")).await.unwrap().send_attempts.len(), 3);
    assert_eq!(world.client.resend(sent.id, again("r1")).await.unwrap().send_attempts.len(), 3);
    assert_eq!(a.count(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_20_parallel_resends_with_one_name_one_message_goes_out_and_all_are_told_so() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    world.advance(30);
    let resends: Vec<_> = (0..20)
        .map(|_| {
            let client = world.client.clone();
            tokio::spawn(async move { client.resend(sent.id, again("r")).await.unwrap() })
        })
        .collect();
    for resend in resends {
        assert!(resend.await.unwrap().confirmed);
    }
    assert_eq!(a.count(), 2);
}

#[tokio::test]
async fn a_resend_that_came_to_nothing_may_be_made_again_under_its_name() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    for (failures, pause) in [(1, 35), (2, 80)] {
        world.advance(pause);
        a.sends.answer(Err(down()));
        world.client.resend(sent.id, again("r")).await.unwrap_err();
        assert_eq!(a.count(), 1 + failures);
    }
    world.advance(150);
    let third = world.client.resend(sent.id, again("r")).await.unwrap();
    assert!(third.confirmed);
    assert_eq!(a.count(), 4);
    world.client.resend(sent.id, again("r")).await.unwrap();
    assert_eq!(a.count(), 4);
}

#[tokio::test]
async fn metadata_comes_back_by_status_and_belongs_to_the_request() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let mut new = named("k");
    new.options.metadata.insert("order".to_owned(), "A-17".to_owned());
    let sent = world.client.send(new.clone()).await.unwrap();
    assert_eq!(world.client.status(sent.id).await.unwrap().metadata, new.options.metadata);
    assert_eq!(world.client.send(new.clone()).await.unwrap().id, sent.id);
    new.options.metadata.insert("order".to_owned(), "A-18".to_owned());
    assert_eq!(world.client.send(new).await.unwrap_err().kind(), ErrorKind::KeyReused);
    let mut large = NewVerification::to(phone());
    large.options.metadata.insert("note".to_owned(), "x".repeat(201));
    assert_eq!(world.client.send(large).await.unwrap_err().kind(), ErrorKind::InvalidRequest);
    assert_eq!(a.count(), 1);
}
