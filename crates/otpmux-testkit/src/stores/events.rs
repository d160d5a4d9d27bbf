//! Events: the outbox, and that every step writes what it makes true.

use std::time::Duration;

use otpmux_core::{Delivery, ErrorKind};
use otpmux_engine::{
    AttemptState, EndedEvent, EndpointName, EndpointState, EndpointStatus, EventEnd, EventId,
    EventTerms, EventType, EventTypes, EventsEnded, NewEvent, Once, Outbox, QueuedEvent, ReceiptOf,
    Record, RecordOutcome, StartAttempt, Unconfirmed, VerificationId, VerificationStore, Want,
    Wanted,
};

use super::Store;
use super::races::all_at_once;
use super::receipts::mark;
use super::records::{
    CODE, WRONG, after, after_ms, begin, end, guess, now, put, record, record_outcome,
    vendor_record,
};
use super::steps::{approve_at, begin_at, cancel_at, create_at, guess_at, receive_at, recorded_at};

pub(super) const LEASE: Duration = Duration::from_mins(1);

/// The outbox of a store that keeps events.
pub(super) fn outbox(store: &dyn VerificationStore) -> &dyn Outbox {
    store.outbox().expect("an outbox")
}

pub(super) fn endpoint(name: &str) -> EndpointName {
    EndpointName::new(name).expect("a name")
}

/// Terms by which `all` gets everything, and `few` only approvals.
pub(super) fn terms(facts: &str) -> EventTerms {
    let few: EventTypes = [EventType::VerificationApproved].into_iter().collect();
    let wants = [Want(endpoint("all"), EventTypes::all()), Want(endpoint("few"), few)];
    EventTerms { wants: wants.into(), facts: facts.into() }
}

fn with_events(record: Record) -> Record {
    Record { events: Some(Box::new(terms("{\"u\":\"login\"}"))), ..record }
}

pub(super) async fn due(
    store: &dyn VerificationStore,
    name: &str,
    most: usize,
    at: u64,
) -> Vec<QueuedEvent> {
    let wanted = [Wanted { endpoint: endpoint(name), most }];
    outbox(store).events_due(&wanted, LEASE, after(at)).await.expect("a store that works").events
}

/// Takes and removes all that is due, and returns it as words.
async fn drain(store: &dyn VerificationStore, name: &str, at: u64) -> Vec<String> {
    let mut words = Vec::new();
    for entry in due(store, name, 100, at).await {
        let place = entry.id.place().map(|it| format!(" {it}")).unwrap_or_default();
        let reason = entry.reason.as_deref().map(|it| format!(" {it}")).unwrap_or_default();
        words.push(format!("{}{place}{reason}", entry.id.event()));
        end_at(store, &entry, EventEnd::Delivered, at).await;
    }
    words
}

async fn end_at(
    store: &dyn VerificationStore,
    entry: &QueuedEvent,
    end: EventEnd,
    at: u64,
) -> Option<u64> {
    let ended = EndedEvent { endpoint: entry.endpoint.clone(), id: entry.id, end };
    let ended = ended_at(store, &[ended], at).await;
    assert!(ended.failing_since.keys().all(|it| *it == entry.endpoint), "another endpoint");
    let since = ended.failing_since.get(&entry.endpoint)?;
    Some(since.duration_since(now()).expect("a later time").as_secs())
}

async fn ended_at(store: &dyn VerificationStore, ended: &[EndedEvent], at: u64) -> EventsEnded {
    outbox(store).end_events(ended, after(at)).await.expect("a store that works")
}

/// The endpoints of all trials, and one that no record names.
pub(super) fn names() -> Vec<EndpointName> {
    ["none", "all", "few"].map(endpoint).into()
}

async fn statuses(store: &dyn VerificationStore) -> Vec<EndpointStatus> {
    outbox(store).endpoints(&names()).await.expect("a store that works")
}

pub(super) async fn every_step_writes_the_event_that_it_makes_true(store: Store) {
    let store = &*store;
    let drained = async |at| drain(store, "all", at).await;

    let id = put(store, with_events(record(1))).await;
    assert_eq!(drained(0).await, ["verification.created"]);
    assert!(guess_at(store, &guess(id, CODE), after(1)).await.is_approved());
    assert_eq!(drained(1).await, ["verification.approved"]);

    let id = put(store, with_events(Record { max_guesses: 2, ..record(2) })).await;
    guess_at(store, &guess(id, WRONG), after(1)).await;
    assert_eq!(drained(1).await, ["verification.created"]);
    guess_at(store, &guess(id, WRONG), after(2)).await;
    guess_at(store, &guess(id, WRONG), after(3)).await;
    assert_eq!(drained(3).await, ["check.exhausted"]);
    assert!(cancel_at(store, id, after(4)).await);
    assert!(!cancel_at(store, id, after(4)).await);
    assert_eq!(drained(4).await, ["verification.failed cancelled"]);

    let id = put(store, with_events(vendor_record(3))).await;
    assert!(approve_at(store, id, after(1)).await.is_approved());
    assert!(!approve_at(store, id, after(1)).await.is_approved());
    let mut words = drained(1).await;
    words.sort();
    assert_eq!(words, ["verification.approved", "verification.created"]);

    let id = put(store, with_events(record(4))).await;
    drained(0).await;
    let unconfirmed = Some(Unconfirmed { place: 0, reason: ErrorKind::Timeout });
    let outcome = record_outcome(end(0, AttemptState::Unknown));
    let outcome = RecordOutcome { close: true, unconfirmed, ..outcome };
    recorded_at(store, id, outcome, after(1)).await;
    assert_eq!(drained(1).await, ["send.unconfirmed 0 timeout"]);
    let closing = record_outcome(end(0, AttemptState::NotSent));
    recorded_at(store, id, RecordOutcome { close: true, ..closing }, after(2)).await;
    assert_eq!(drained(2).await, ["verification.failed not_sent"]);
}

pub(super) async fn a_message_that_did_not_arrive_is_reported_once(store: Store) {
    let store = &*store;
    let id = put(store, with_events(record(1))).await;
    drain(store, "all", 0).await;
    let attempt = ReceiptOf::Attempt { id, place: 0 };
    for (delivery, is_final) in [
        (Delivery::Sent, false),
        (Delivery::Failed, false),
        (Delivery::Expired, true),
        (Delivery::Failed, true),
        (Delivery::Failed, true),
    ] {
        receive_at(store, attempt, mark(delivery, 1, is_final), after(1)).await;
    }
    assert_eq!(drain(store, "all", 1).await, ["delivery.failed 0 expired"]);
    // A receipt that came before its reference.
    let id = put(store, with_events(record(2))).await;
    drain(store, "all", 1).await;
    let tag = [7; 16];
    receive_at(store, ReceiptOf::Reference(tag), mark(Delivery::Failed, 2, true), after(2)).await;
    assert_eq!(drain(store, "all", 2).await, Vec::<String>::new());
    let mut found = end(0, AttemptState::Accepted);
    found.found_by = Some(tag);
    recorded_at(store, id, record_outcome(found), after(3)).await;
    assert_eq!(drain(store, "all", 3).await, ["delivery.failed 0 failed"]);
}

pub(super) async fn each_endpoint_gets_its_types_and_the_newest_facts(store: Store) {
    let store = &*store;
    let id = put(store, with_events(record(1))).await;
    let facts = Some("{\"p\":\"second\"}".into());
    begin_at(store, id, StartAttempt { facts, ..begin("second") }, after(1)).await;
    // One that does not start changes nothing.
    let again = StartAttempt { facts: Some("{}".into()), ..begin("third") };
    let again = StartAttempt {
        resend: Some(otpmux_engine::ResendTerms { max_resends: 0, next_after: after(9) }),
        ..again
    };
    begin_at(store, id, again, after(1)).await;
    assert!(guess_at(store, &guess(id, CODE), after(2)).await.is_approved());
    let few = due(store, "few", 100, 2).await;
    let approved = EventId::of(id, EventType::VerificationApproved, None);
    let expected = QueuedEvent {
        endpoint: endpoint("few"),
        id: approved,
        at: after(2),
        facts: "{\"p\":\"second\"}".into(),
        reason: None,
        tries: 0,
        due_at: after(2) + LEASE,
    };
    assert_eq!(few, [expected]);
    assert_eq!(due(store, "all", 100, 2).await.len(), 2);
    // A record without events has none.
    let silent = put(store, record(2)).await;
    guess_at(store, &guess(silent, CODE), after(3)).await;
    assert_eq!(due(store, "all", 100, 3).await, []);
}

pub(super) async fn a_refused_step_writes_no_event(store: Store) {
    let store = &*store;
    let id = put(store, with_events(record(1))).await;
    drain(store, "all", 0).await;
    guess_at(store, &guess(id, WRONG), after(1)).await;
    approve_at(store, VerificationId::from_bytes([2; 16]), after(1)).await;
    guess_at(store, &guess(id, CODE), after(300)).await;
    cancel_at(store, id, after(300)).await;
    // The same request once more.
    let tag = otpmux_engine::IdempotencyRecord { name: [1; 16], content: [1; 16] };
    let named = with_events(Record { request: Some(Box::new(tag)), ..record(2) });
    put(store, named.clone()).await;
    drain(store, "all", 300).await;
    let other = Record { id: VerificationId::from_bytes([4; 16]), ..named };
    create_at(store, other, &[], now()).await;
    assert_eq!(drain(store, "all", 300).await, Vec::<String>::new());
}

pub(super) async fn a_due_event_is_leased_and_comes_again(store: Store) {
    let store = &*store;
    for number in 0..5 {
        put(store, with_events(record(number))).await;
    }
    let first = due(store, "all", 2, 0).await;
    let second = due(store, "all", 9, 0).await;
    assert_eq!((first.len(), second.len()), (2, 3));
    assert!(first.iter().all(|entry| !second.iter().any(|other| other.id == entry.id)));
    assert_eq!(due(store, "all", 9, 59).await, []);
    assert_eq!(due(store, "all", 9, 60).await.len(), 5);
    // A failed try is due when it says; the endpoint fails since the first one.
    assert_eq!(end_at(store, &first[0], EventEnd::Failed(after(100)), 61).await, Some(61));
    assert_eq!(end_at(store, &first[1], EventEnd::Failed(after(90)), 62).await, Some(61));
    assert_eq!(end_at(store, &second[0], EventEnd::Dropped, 63).await, Some(61));
    assert_eq!(end_at(store, &second[1], EventEnd::Again(after(80)), 64).await, Some(61));
    let later = due(store, "all", 9, 100).await;
    let ids: Vec<_> = later.iter().map(|entry| (entry.id, entry.tries)).collect();
    assert_eq!(ids, [(second[1].id, 0), (first[1].id, 1), (first[0].id, 1)]);
    assert_eq!(end_at(store, &first[0], EventEnd::Delivered, 101).await, None);
    // One that is gone changes nothing.
    assert_eq!(end_at(store, &first[0], EventEnd::Failed(after(102)), 102).await, None);
}

pub(super) async fn only_an_event_that_waits_can_be_ended(store: Store) {
    let store = &*store;
    let id = put(store, with_events(record(1))).await;
    let created = EventId::of(id, EventType::VerificationCreated, None);
    let waited = async |name: &str, end| {
        let ended = EndedEvent { endpoint: endpoint(name), id: created, end };
        ended_at(store, &[ended], 1).await.waited == 1
    };
    let [again, failed] = [EventEnd::Again(after(5)), EventEnd::Failed(after(5))];
    // No process has taken it: an operator may make it due all the same.
    assert!(waited("all", again).await);
    assert!(waited("all", failed).await);
    for end in [again, failed, EventEnd::Delivered, EventEnd::Dropped] {
        assert!(!waited("few", end).await, "{end:?} at an endpoint that does not get it");
        assert!(!waited("none", end).await, "{end:?} at an endpoint that no record has named");
    }
    assert!(waited("all", EventEnd::Delivered).await);
    for end in [again, failed, EventEnd::Delivered, EventEnd::Dropped] {
        assert!(!waited("all", end).await, "{end:?} after its delivery");
    }
    assert_eq!(due(store, "all", 9, 9).await, []);
    guess_at(store, &guess(id, CODE), after(2)).await;
    let left = due(store, "few", 9, 2).await;
    let [left] = &left[..] else { panic!("{left:?}") };
    let drop = EndedEvent { endpoint: endpoint("few"), id: left.id, end: EventEnd::Dropped };
    assert_eq!(ended_at(store, &[drop], 3).await.waited, 1);
}

pub(super) async fn many_events_end_in_one_call(store: Store) {
    let store = &*store;
    for number in 0..300 {
        let id = put(store, with_events(record(number))).await;
        if number < 3 {
            assert!(guess_at(store, &guess(id, CODE), after(1)).await.is_approved());
        }
    }
    let (all, few) = (due(store, "all", 290, 1).await, due(store, "few", 9, 1).await);
    assert_eq!((all.len(), few.len()), (290, 3));
    let ended = |entries: &[QueuedEvent], end: EventEnd| {
        let one = |it: &QueuedEvent| EndedEvent { endpoint: it.endpoint.clone(), id: it.id, end };
        entries.iter().map(one).collect::<Vec<_>>()
    };
    // `all` fails, then gets some, then fails again; `few` fails, and another event is gone.
    let failed = EventEnd::Failed(after(20));
    let many = [
        ended(&all[..2], failed),
        ended(&few[..1], failed),
        ended(&all[2..280], EventEnd::Delivered),
        ended(&few[1..2], EventEnd::Again(after(3))),
        ended(&all[280..281], failed),
        ended(&few[2..], EventEnd::Dropped),
    ];
    let failing = |names: &[&str], at| names.iter().map(|it| (endpoint(it), after(at))).collect();
    let told = ended_at(store, &many.concat(), 2).await;
    let expected = EventsEnded { waited: 284, failing_since: failing(&["all", "few"], 2) };
    assert_eq!(told, expected);
    let again = [ended(&all[2..280], EventEnd::Dropped), ended(&few[2..], EventEnd::Delivered)];
    let told = ended_at(store, &again.concat(), 3).await;
    assert_eq!(told, EventsEnded { waited: 0, failing_since: failing(&["all"], 2) });
    let [none, all, few] = &statuses(store).await[..] else { panic!("three are asked for") };
    assert_eq!((none.waiting, all.waiting, few.waiting), (0, 303 - 278, 2));
    assert_eq!((all.failing_since, few.failing_since), (Some(after(2)), None));
    let later = due(store, "few", 9, 20).await;
    assert_eq!(later.iter().map(|it| it.tries).collect::<Vec<_>>(), [0, 1]);
}

pub(super) async fn of_many_who_end_the_same_events_each_ends_once(store: Store) {
    for number in 0..100 {
        let id = put(&*store, with_events(record(number))).await;
        assert!(guess_at(&*store, &guess(id, CODE), after(1)).await.is_approved());
    }
    let mut ended = Vec::new();
    for (name, most) in [("all", 200), ("few", 100)] {
        let entries = due(&*store, name, most, 1).await;
        assert_eq!(entries.len(), most);
        ended.extend(entries.into_iter().enumerate().map(|(place, it)| {
            // The first of each endpoint fails, in every call.
            let end = if place == 0 { EventEnd::Failed(after(20)) } else { EventEnd::Delivered };
            EndedEvent { endpoint: it.endpoint, id: it.id, end }
        }));
    }
    let waited = all_at_once(8, |task| {
        let (store, mut ended) = (store.clone(), ended.clone());
        if task % 2 == 1 {
            ended.reverse();
        }
        async move { ended_at(&*store, &ended, 2).await.waited }
    })
    .await;
    assert_eq!(waited.iter().sum::<usize>(), 298 + 8 * 2);
    let statuses = statuses(&*store).await;
    assert_eq!(statuses.iter().map(|it| it.waiting).collect::<Vec<_>>(), [0, 1, 1]);
}

pub(super) async fn an_endpoint_is_paused_for_all(store: Store) {
    let store = &*store;
    put(store, with_events(record(1))).await;
    for state in [EndpointState::Paused, EndpointState::Off] {
        outbox(store).set_endpoint(&endpoint("all"), state).await.expect("a store that works");
        assert_eq!(due(store, "all", 9, 0).await, []);
        let known = statuses(store).await;
        let known: Vec<_> =
            known.iter().map(|it| (it.endpoint.as_str(), it.state, it.waiting)).collect();
        let on = EndpointState::On;
        assert_eq!(known, [("none", on, 0), ("all", state, 1), ("few", on, 0)]);
    }
    let waiting =
        outbox(store).events_waiting(&endpoint("all"), 9).await.expect("a store that works");
    end_at(store, &waiting[0], EventEnd::Failed(after(5)), 1).await;
    let since = async || statuses(store).await[1].failing_since;
    assert_eq!(since().await, Some(after(1)));
    outbox(store)
        .set_endpoint(&endpoint("all"), EndpointState::On)
        .await
        .expect("a store that works");
    assert_eq!(since().await, None);
    assert_eq!(due(store, "all", 9, 5).await.len(), 1);
}

pub(super) async fn an_event_that_many_notice_is_written_once(store: Store) {
    let store = &*store;
    let put = async |kind: EventType, key: u8, releases: Option<u8>, at: u64| {
        let id = EventId::of_hash([u8::try_from(at).expect("a small time"); 16], kind);
        let once =
            Once { key: [key; 16], until: after(at + 10), releases: releases.map(|it| [it; 16]) };
        let event = NewEvent {
            endpoints: vec![endpoint("all"), endpoint("few")],
            id,
            facts: "{}".into(),
            reason: Some("timeout".into()),
            once: Some(once),
        };
        outbox(store).put_event(event, after(at)).await.expect("a store that works")
    };
    assert!(put(EventType::ProviderDown, 1, Some(2), 1).await);
    assert!(!put(EventType::ProviderDown, 1, Some(2), 2).await);
    assert!(put(EventType::ProviderUp, 2, Some(1), 3).await);
    assert!(put(EventType::ProviderDown, 1, Some(2), 4).await);
    assert!(!put(EventType::ProviderDown, 1, Some(2), 13).await);
    assert!(put(EventType::ProviderDown, 1, Some(2), 14).await);
    let expected = [
        "provider.down timeout",
        "provider.up timeout",
        "provider.down timeout",
        "provider.down timeout",
    ];
    assert_eq!(drain(store, "all", 20).await, expected);
    assert_eq!(drain(store, "few", 20).await, expected);
}

pub(super) async fn waiting_events_are_read_oldest_first(store: Store) {
    let store = &*store;
    let id = put(store, with_events(record(1))).await;
    guess_at(store, &guess(id, CODE), after_ms(1)).await;
    due(store, "all", 1, 0).await;
    let waiting = async |most| {
        let all =
            outbox(store).events_waiting(&endpoint("all"), most).await.expect("a store that works");
        all.into_iter().map(|entry| entry.id.event()).collect::<Vec<_>>()
    };
    let both = [EventType::VerificationCreated, EventType::VerificationApproved];
    assert_eq!(waiting(9).await, both);
    assert_eq!(waiting(1).await, both[..1]);
    assert_eq!(
        outbox(store).events_waiting(&endpoint("none"), 9).await.expect("a store that works"),
        []
    );
}
