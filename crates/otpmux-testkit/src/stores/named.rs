//! Trials of named requests.

use std::time::{Duration, SystemTime};

use otpmux_engine::{
    AttemptState, Created, IdempotencyRecord, LimitScope, RETENTION, Record, RecordOutcome, State,
    VerificationId, VerificationStore,
};

use super::Store;
use super::records::{
    CODE, WRONG, after, awkward_bits, end, limit, limit_hit, now, put, read, record,
    record_outcome, try_code,
};
use super::steps::{begin_at, cancel_at, create_at, load_at, recorded_at};
use super::whole::spelled;

/// A record of a recipient, requested with a name.
pub(super) fn named(number: u32, name: u8, content: u8) -> Record {
    let tag = IdempotencyRecord { name: [name; 16], content: [content; 16] };
    Record { request: Some(Box::new(tag)), ..record(number) }
}

/// Returns the result of the request in one word, and its verification.
pub(super) async fn ask(
    store: &dyn VerificationStore,
    record: Record,
    at: SystemTime,
) -> (&'static str, VerificationId) {
    let id = record.id;
    match create_at(store, record, &[], at).await {
        Created::New(_) => ("new", id),
        Created::Replayed(before) => ("before", before.id),
        Created::KeyReused => ("other content", id),
        Created::Live(live) => ("live", live.id),
        Created::ExternalIdTaken => ("external id taken", id),
        Created::LimitExceeded(_) => ("limited", id),
        Created::GivenUp => ("given up", id),
    }
}

pub(super) async fn a_request_said_twice_is_made_once(store: Store) {
    let first = named(1, 1, 1);
    let id = first.id;
    assert_eq!(ask(&*store, first, now()).await, ("new", id));
    // The answer is the present state, not the original one.
    try_code(&*store, id, WRONG).await;
    begin_at(&*store, id, super::records::begin("second"), now()).await;
    recorded_at(&*store, id, record_outcome(end(1, AttemptState::Rejected)), now()).await;
    let again = named(1, 1, 1);
    let unused = again.id;
    let created = create_at(&*store, again, &[], after(1)).await;
    let Created::Replayed(before) = created else { panic!("{created:?}") };
    assert_eq!(spelled(&before), spelled(&read(&*store, id).await));
    assert_eq!((before.guesses, before.send_attempts.len()), (1, 2));
    assert!(load_at(&*store, unused, after(1)).await.is_none(), "nothing is written");
    assert_eq!(try_code(&*store, id, CODE).await, "approved", "it was not superseded");
    assert_eq!(ask(&*store, named(1, 1, 1), after(2)).await, ("before", id), "used or not");
}

pub(super) async fn other_content_under_a_key_is_reported(store: Store) {
    let (_, id) = ask(&*store, named(1, 1, 1), now()).await;
    let bystander = put(&*store, record(2)).await;
    for number in [1, 2] {
        let other = named(number, 1, 2);
        let unused = other.id;
        assert_eq!(ask(&*store, other, now()).await.0, "other content");
        assert!(load_at(&*store, unused, now()).await.is_none(), "nothing is written");
    }
    let mut almost = named(1, 1, 1);
    almost.request.as_mut().expect("a name").content[15] = 0;
    assert_eq!(ask(&*store, almost, now()).await.0, "other content");
    for live in [id, bystander] {
        assert_eq!(try_code(&*store, live, CODE).await, "approved", "nothing is closed");
    }
}

pub(super) async fn a_repeat_limit_hits_no_limit(store: Store) {
    let limit_hits = [limit_hit(limit(LimitScope::Ip, 1), &[(2, 60)])];
    let first = create_at(&*store, named(1, 1, 1), &limit_hits, now()).await;
    assert!(matches!(first, Created::New(_)));
    for content in [1, 2, 1] {
        let repeat = create_at(&*store, named(1, 1, content), &limit_hits, now()).await;
        assert!(!matches!(repeat, Created::New(_) | Created::LimitExceeded(_)), "{repeat:?}");
    }
    let second = create_at(&*store, record(2), &limit_hits, now()).await;
    assert!(matches!(second, Created::New(_)), "repeats were counted: {second:?}");
    // A repeat is answered also when there is no room.
    let repeat = create_at(&*store, named(1, 1, 1), &limit_hits, now()).await;
    assert!(matches!(repeat, Created::Replayed(_)), "{repeat:?}");
    let refused = create_at(&*store, named(3, 3, 3), &limit_hits, now()).await;
    assert!(matches!(refused, Created::LimitExceeded(_)), "{refused:?}");
    assert_eq!(ask(&*store, named(3, 3, 4), now()).await.0, "new", "a refusal takes no name");
}

pub(super) async fn a_request_that_came_to_nothing_frees_its_name(store: Store) {
    for (name, state) in [(1, AttemptState::NotSent), (2, AttemptState::Rejected)] {
        let mut first = named(1, name, 1);
        first.send_attempts[0].state = AttemptState::Intended;
        let (_, id) = ask(&*store, first, now()).await;
        recorded_at(&*store, id, record_outcome(end(0, state)), now()).await;
        assert_eq!(ask(&*store, named(1, name, 1), now()).await.0, "before", "still pending");
        let closing = RecordOutcome { close: true, ..RecordOutcome::default() };
        assert_eq!(recorded_at(&*store, id, closing, now()).await, State::Closed);
        // With another content as well: nothing is known under this name.
        let second = named(1, name, 2);
        let new = second.id;
        assert_eq!(ask(&*store, second, now()).await, ("new", new));
        assert_eq!(ask(&*store, named(1, name, 2), now()).await, ("before", new));
        assert_eq!(ask(&*store, named(1, name, 1), now()).await.0, "other content");
    }
}

pub(super) async fn a_request_that_may_have_sent_keeps_its_name(store: Store) {
    let states = [AttemptState::Intended, AttemptState::Accepted, AttemptState::Unknown];
    for (name, state) in (1..).zip(states) {
        let mut first = named(1, name, 1);
        first.send_attempts[0].state = state;
        let (_, cancelled) = ask(&*store, first, now()).await;
        assert!(cancel_at(&*store, cancelled, now()).await);
        assert_eq!(ask(&*store, named(1, name, 1), now()).await, ("before", cancelled));
        assert_eq!(ask(&*store, named(1, name, 2), now()).await.0, "other content");
    }
    let (_, superseded) = ask(&*store, named(1, 9, 1), now()).await;
    put(&*store, record(1)).await;
    assert_eq!(read(&*store, superseded).await.state, State::Superseded);
    assert_eq!(ask(&*store, named(1, 9, 1), now()).await, ("before", superseded));
}

pub(super) async fn a_name_is_good_as_long_as_its_record(store: Store) {
    let (_, id) = ask(&*store, named(1, 1, 1), now()).await;
    let end = after(300) + RETENTION;
    let just_before = end - Duration::from_millis(1);
    assert_eq!(ask(&*store, named(1, 1, 1), after(300)).await, ("before", id), "expired");
    assert_eq!(ask(&*store, named(1, 1, 1), just_before).await, ("before", id));
    assert_eq!(ask(&*store, named(1, 1, 2), just_before).await.0, "other content");
    assert_eq!(ask(&*store, named(1, 1, 2), end).await.0, "new");
}

pub(super) async fn a_name_that_was_given_on_outlives_its_first_record(store: Store) {
    let mut first = named(1, 1, 1);
    first.send_attempts[0].state = AttemptState::NotSent;
    let (_, id) = ask(&*store, first, now()).await;
    assert!(cancel_at(&*store, id, now()).await);
    let second = Record { expires_at: after(900), ..named(1, 1, 1) };
    let (_, new) = ask(&*store, second, after(10)).await;
    // The first one is gone by then, with all its data.
    let gone = after(300) + RETENTION;
    assert_eq!(ask(&*store, record(2), gone).await.0, "new");
    assert!(load_at(&*store, id, gone).await.is_none());
    assert_eq!(ask(&*store, named(1, 1, 1), gone).await, ("before", new));
}

pub(super) async fn names_do_not_mix(store: Store) {
    let names = awkward_bits();
    let request = |number: usize, name| {
        let tag = IdempotencyRecord { name, content: [1; 16] };
        let number = u32::try_from(number).expect("a small number");
        Record { request: Some(Box::new(tag)), ..record(number) }
    };
    let mut ids = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let (answer, id) = ask(&*store, request(number, *name), now()).await;
        assert_eq!(answer, "new", "{name:?}");
        ids.push(id);
    }
    for (number, (name, id)) in names.iter().zip(ids).enumerate() {
        assert_eq!(ask(&*store, request(number, *name), now()).await, ("before", id));
    }
    assert_eq!(ask(&*store, record(1), now()).await.0, "new", "no name is no name");
    assert_eq!(ask(&*store, record(1), now()).await.0, "new", "no name is no name");
}
