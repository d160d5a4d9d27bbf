//! Receipts: what vendors report about the messages of send attempts.

use std::time::SystemTime;

use otpmux_core::Delivery;
use otpmux_engine::{
    AttemptEnd, AttemptState, DeliveryMark, ReceiptOf, Received, Record, RecordOutcome,
    StartAttempt, State, VerificationId, VerificationStore,
};

use super::races::{all_at_once, count};
use super::records::{
    CODE, after, after_ms, approve, attempt, begin, end, keys, now, put, read, record,
    record_outcome, try_code,
};
use super::steps::{begin_at, cancel_at, load_at, receive_at, recorded_at};
use super::whole::{STATES, spelled};
use super::{Effort, Store};

pub(super) fn mark(delivery: Delivery, seconds: u64, is_final: bool) -> DeliveryMark {
    DeliveryMark::new(delivery, after(seconds), is_final)
}

fn of(id: VerificationId, place: u8) -> ReceiptOf {
    ReceiptOf::Attempt { id, place }
}

fn tag(text: &str) -> [u8; 16] {
    keys().tag("reference", text.as_bytes())
}

/// Returns what the store answers, in a word.
async fn receive(
    store: &dyn VerificationStore,
    attempt: ReceiptOf,
    mark: DeliveryMark,
    at: SystemTime,
) -> &'static str {
    match receive_at(store, attempt, mark, at).await {
        Received::Changed { .. } => "changed",
        Received::Same => "same",
        Received::Gone => "gone",
    }
}

pub(super) async fn a_receipt_marks_its_attempt_and_nothing_else(store: Store) {
    let mut whole = record(1);
    whole.send_attempts.push(attempt("second", false, AttemptState::Accepted));
    whole.send_attempts.push(attempt("third", true, AttemptState::Rejected));
    let id = put(&*store, whole.clone()).await;
    let delivered = mark(Delivery::Delivered, 3, true);
    let Received::Changed { record: back, place, before } =
        receive_at(&*store, of(id, 1), delivered, after(4)).await
    else {
        panic!("the first receipt changes its send attempt");
    };
    whole.send_attempts[1].delivery = Some(delivered);
    whole.supersedes = back.supersedes;
    assert_eq!((spelled(&back), place, before), (spelled(&whole), 1, None));
    assert_eq!(spelled(&read(&*store, id).await), spelled(&whole));
}

pub(super) async fn receipts_end_alike_in_every_order_and_number(store: Store) {
    let marks = [
        mark(Delivery::Sent, 1, false),
        mark(Delivery::Failed, 2, true),
        mark(Delivery::Delivered, 4, true),
        mark(Delivery::Delivered, 3, true),
    ];
    let mut number = 0;
    for first in 0..4 {
        for second in (0..4).filter(|it| *it != first) {
            for third in (0..4).filter(|it| ![first, second].contains(it)) {
                let fourth = 6 - first - second - third;
                number += 1;
                let id = put(&*store, record(number)).await;
                for place in [first, second, third, fourth, first, second, third, fourth] {
                    receive(&*store, of(id, 0), marks[place], after(5)).await;
                }
                let back = read(&*store, id).await.send_attempts.remove(0);
                assert_eq!(back.delivery, Some(marks[3]), "{first} {second} {third} {fourth}");
            }
        }
    }
}

pub(super) async fn a_repeat_changes_nothing(store: Store) {
    let id = put(&*store, record(1)).await;
    let failed = mark(Delivery::Failed, 2, true);
    assert_eq!(receive(&*store, of(id, 0), failed, after(2)).await, "changed");
    let before = spelled(&read(&*store, id).await);
    assert_eq!(receive(&*store, of(id, 0), failed, after(9)).await, "same");
    for weaker in [
        mark(Delivery::Sent, 1, false),
        mark(Delivery::Failed, 3, true),
        mark(Delivery::Unknown, 1, true),
    ] {
        assert_eq!(receive(&*store, of(id, 0), weaker, after(9)).await, "same");
    }
    assert_eq!(spelled(&read(&*store, id).await), before);
}

pub(super) async fn a_receipt_settles_an_attempt_without_a_known_outcome(store: Store) {
    let mut whole = record(1);
    whole.send_attempts = STATES.map(|state| attempt("primary", true, state)).to_vec();
    let id = put(&*store, whole).await;
    for place in 0..5 {
        let failed = mark(Delivery::Failed, 1, false);
        assert_eq!(receive(&*store, of(id, place), failed, after(1)).await, "changed");
    }
    let states: Vec<_> =
        read(&*store, id).await.send_attempts.iter().map(|attempt| attempt.state).collect();
    let expected = STATES.map(|state| match state {
        AttemptState::Intended | AttemptState::Unknown => AttemptState::Accepted,
        known => known,
    });
    assert_eq!(states, expected);
}

pub(super) async fn a_lost_answer_takes_nothing_back_from_a_receipt(store: Store) {
    for (number, told, expected) in [
        (1, AttemptState::Unknown, AttemptState::Accepted),
        (2, AttemptState::Rejected, AttemptState::Rejected),
        (3, AttemptState::Accepted, AttemptState::Accepted),
    ] {
        let send_attempts = vec![attempt("primary", true, AttemptState::Intended)];
        let id = put(&*store, Record { send_attempts, ..record(number) }).await;
        let sent = mark(Delivery::Sent, 1, false);
        assert_eq!(receive(&*store, of(id, 0), sent, after(1)).await, "changed");
        recorded_at(&*store, id, record_outcome(end(0, told)), after(2)).await;
        let back = read(&*store, id).await.send_attempts.remove(0);
        assert_eq!((back.state, back.delivery), (expected, Some(sent)), "{told:?}");
    }
    // As well in the step that starts the next one.
    let send_attempts = vec![attempt("primary", true, AttemptState::Intended)];
    let id = put(&*store, Record { send_attempts, ..record(4) }).await;
    receive(&*store, of(id, 0), mark(Delivery::Sent, 1, false), after(1)).await;
    let next = StartAttempt { ends: vec![end(0, AttemptState::Unknown)], ..begin("second") };
    begin_at(&*store, id, next, after(2)).await;
    assert_eq!(read(&*store, id).await.send_attempts[0].state, AttemptState::Accepted);
}

pub(super) async fn a_failed_delivery_takes_no_code_back(store: Store) {
    let id = put(&*store, record(1)).await;
    let failed = mark(Delivery::Failed, 1, true);
    assert_eq!(receive(&*store, of(id, 0), failed, after(1)).await, "changed");
    assert_eq!(try_code(&*store, id, CODE).await, "approved");
}

pub(super) async fn receipts_are_taken_in_every_state(store: Store) {
    let (cancelled, approved) = (put(&*store, record(1)).await, put(&*store, record(2)).await);
    assert!(cancel_at(&*store, cancelled, now()).await);
    assert!(approve(&*store, approved).await.is_approved());
    let older = put(&*store, record(3)).await;
    put(&*store, record(3)).await;
    for (id, state) in
        [(cancelled, State::Closed), (approved, State::Approved), (older, State::Superseded)]
    {
        let delivered = mark(Delivery::Delivered, 2, true);
        assert_eq!(receive(&*store, of(id, 0), delivered, after(2)).await, "changed");
        let back = read(&*store, id).await;
        assert_eq!((back.state, back.send_attempts[0].delivery), (state, Some(delivered)));
    }
}

pub(super) async fn a_missing_verification_takes_no_receipt(store: Store) {
    let delivered = mark(Delivery::Delivered, 1, true);
    let nowhere = VerificationId::from_bytes([7; 16]);
    assert_eq!(receive(&*store, of(nowhere, 0), delivered, now()).await, "gone");
    let id = put(&*store, record(1)).await;
    let before = spelled(&read(&*store, id).await);
    for place in [1, 2, 255] {
        assert_eq!(receive(&*store, of(id, place), delivered, now()).await, "gone", "{place}");
    }
    assert_eq!(spelled(&read(&*store, id).await), before);
    assert_eq!(receive(&*store, ReceiptOf::Reference([7; 16]), delivered, now()).await, "gone");
    // A record without send attempts, and one with skips behind them.
    let empty = put(&*store, Record { send_attempts: Vec::new(), ..record(2) }).await;
    assert_eq!(receive(&*store, of(empty, 0), delivered, now()).await, "gone");
}

pub(super) async fn a_late_receipt_finds_a_record_until_its_retention_has_passed(store: Store) {
    // The record expires after 300 seconds, and stays for ten minutes.
    let id = put(&*store, record(1)).await;
    let sent = mark(Delivery::Sent, 1, false);
    assert_eq!(receive(&*store, of(id, 0), sent, after_ms(899_999)).await, "changed");
    let delivered = mark(Delivery::Delivered, 1, true);
    assert_eq!(receive(&*store, of(id, 0), delivered, after(900)).await, "gone");
    assert!(load_at(&*store, id, after(900)).await.is_none());
}

pub(super) async fn a_reference_finds_its_attempt(store: Store) {
    let mut whole = record(1);
    whole.send_attempts =
        ["a", "b", "c"].map(|provider| attempt(provider, true, AttemptState::Intended)).to_vec();
    let id = put(&*store, whole).await;
    let other = put(&*store, record(2)).await;
    let named = |place, text| AttemptEnd {
        found_by: Some(tag(text)),
        ..end(place, AttemptState::Accepted)
    };
    recorded_at(&*store, id, record_outcome(named(1, "one")), now()).await;
    let next = StartAttempt { ends: vec![named(2, "two")], ..begin("d") };
    begin_at(&*store, id, next, now()).await;
    // A send attempt that is not there gets no reference.
    recorded_at(&*store, id, record_outcome(named(9, "nine")), now()).await;
    recorded_at(&*store, other, record_outcome(named(0, "other")), now()).await;
    let delivered = mark(Delivery::Delivered, 1, true);
    for (text, expected) in [
        ("one", Some((id, 1))),
        ("two", Some((id, 2))),
        ("other", Some((other, 0))),
        ("nine", None),
        ("three", None),
    ] {
        let answer =
            receive_at(&*store, ReceiptOf::Reference(tag(text)), delivered, after(1)).await;
        let found = match answer {
            Received::Changed { record, place, .. } => Some((record.id, place)),
            Received::Same | Received::Gone => None,
        };
        assert_eq!(found, expected, "{text}");
        let again = receive(&*store, ReceiptOf::Reference(tag(text)), delivered, after(2)).await;
        assert_eq!(again, if expected.is_some() { "same" } else { "gone" }, "{text}");
    }
    let back = read(&*store, id).await;
    let deliveries: Vec<_> = back.send_attempts.iter().map(|attempt| attempt.delivery).collect();
    assert_eq!(deliveries, [None, Some(delivered), Some(delivered), None]);
}

pub(super) async fn a_reference_lives_as_long_as_its_record(store: Store) {
    let id = put(&*store, record(1)).await;
    let named = AttemptEnd { found_by: Some(tag("one")), ..end(0, AttemptState::Accepted) };
    recorded_at(&*store, id, record_outcome(named), now()).await;
    let by = ReceiptOf::Reference(tag("one"));
    let sent = mark(Delivery::Sent, 1, false);
    assert_eq!(receive(&*store, by, sent, after_ms(899_999)).await, "changed");
    let delivered = mark(Delivery::Delivered, 1, true);
    assert_eq!(receive(&*store, by, delivered, after(900)).await, "gone");
}

fn named(text: &str, state: AttemptState) -> RecordOutcome {
    record_outcome(AttemptEnd { found_by: Some(tag(text)), ..end(0, state) })
}

async fn intended(store: &dyn VerificationStore, number: u32) -> VerificationId {
    let send_attempts = vec![attempt("primary", true, AttemptState::Intended)];
    put(store, Record { send_attempts, ..record(number) }).await
}

pub(super) async fn a_receipt_that_comes_before_its_reference_is_taken_by_the_outcome(
    store: Store,
) {
    let delivered = mark(Delivery::Delivered, 1, true);
    let by = |text| ReceiptOf::Reference(tag(text));
    // In the step that records the outcome; of an unknown one it is proof.
    for (number, text, told, expected) in [
        (1, "one", AttemptState::Accepted, AttemptState::Accepted),
        (2, "two", AttemptState::Unknown, AttemptState::Accepted),
        (3, "three", AttemptState::Rejected, AttemptState::Rejected),
    ] {
        let id = intended(&*store, number).await;
        assert_eq!(receive(&*store, by(text), delivered, after(1)).await, "gone");
        assert_eq!(read(&*store, id).await.send_attempts[0].delivery, None);
        recorded_at(&*store, id, named(text, told), after(2)).await;
        let back = read(&*store, id).await.send_attempts.remove(0);
        assert_eq!((back.state, back.delivery), (expected, Some(delivered)), "{text}");
        assert_eq!(receive(&*store, by(text), delivered, after(3)).await, "same", "{text}");
    }
    // In the step that starts the next one.
    let id = intended(&*store, 4).await;
    receive(&*store, by("four"), delivered, after(1)).await;
    let ends = named("four", AttemptState::Accepted).ends;
    begin_at(&*store, id, StartAttempt { ends, ..begin("second") }, after(2)).await;
    assert_eq!(read(&*store, id).await.send_attempts[0].delivery, Some(delivered));
    // It is taken once: another record with the same reference gets nothing.
    let other = intended(&*store, 5).await;
    recorded_at(&*store, other, named("four", AttemptState::Accepted), after(3)).await;
    assert_eq!(read(&*store, other).await.send_attempts[0].delivery, None);
}

pub(super) async fn of_early_receipts_the_strongest_counts(store: Store) {
    let (sent, delivered) = (mark(Delivery::Sent, 1, false), mark(Delivery::Delivered, 1, true));
    let by = ReceiptOf::Reference(tag("one"));
    let id = intended(&*store, 1).await;
    for mark in [sent, delivered, sent] {
        assert_eq!(receive(&*store, by, mark, after(1)).await, "gone");
    }
    // A send attempt that is not there takes none.
    let nowhere = AttemptEnd { found_by: Some(tag("one")), ..end(7, AttemptState::Accepted) };
    recorded_at(&*store, id, record_outcome(nowhere), after(2)).await;
    recorded_at(&*store, id, named("one", AttemptState::Accepted), after(2)).await;
    assert_eq!(read(&*store, id).await.send_attempts[0].delivery, Some(delivered));
}

pub(super) async fn an_early_receipt_waits_for_a_minute(store: Store) {
    let delivered = mark(Delivery::Delivered, 1, true);
    for (number, text, at, expected) in
        [(1, "in-time", 60_999, Some(delivered)), (2, "too-late", 61_000, None)]
    {
        let id = intended(&*store, number).await;
        receive(&*store, ReceiptOf::Reference(tag(text)), delivered, after(1)).await;
        recorded_at(&*store, id, named(text, AttemptState::Accepted), after_ms(at)).await;
        assert_eq!(read(&*store, id).await.send_attempts[0].delivery, expected, "{text}");
    }
}

pub(super) async fn of_many_receipts_the_strongest_stays(store: Store, effort: Effort) {
    for round in 0..effort.some_rounds() {
        let send_attempts = vec![attempt("primary", true, AttemptState::Intended)];
        let id = put(&*store, Record { send_attempts, ..record(round) }).await;
        let answers = all_at_once(16, |task| {
            let store = store.clone();
            async move {
                let mark = match task % 4 {
                    0 => mark(Delivery::Delivered, 5, true),
                    1 => mark(Delivery::Sent, 1, false),
                    2 => mark(Delivery::Failed, 2, true),
                    _ => mark(Delivery::Unknown, 3, false),
                };
                if task == 3 {
                    let unknown = record_outcome(end(0, AttemptState::Unknown));
                    recorded_at(&*store, id, unknown, after(1)).await;
                }
                let answer = receive(&*store, of(id, 0), mark, after(6)).await;
                (task % 4, answer)
            }
        })
        .await;
        // Each strength changes it once at most, and the strongest once.
        assert_eq!(count(&answers, &(0, "changed")), 1, "round {round}");
        for task in 1..4 {
            assert!(count(&answers, &(task, "changed")) <= 1, "round {round}");
        }
        let back = read(&*store, id).await.send_attempts.remove(0);
        assert_eq!(back.delivery, Some(mark(Delivery::Delivered, 5, true)), "round {round}");
        assert_eq!(back.state, AttemptState::Accepted, "round {round}");
    }
}
