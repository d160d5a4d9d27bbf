//! Trials of health updates.

use std::slice;
use std::time::{Duration, SystemTime};

use otpmux_core::{ErrorKind, ProviderId, Verdict};
use otpmux_engine::{
    AttemptStarted, Created, HEALTH_TTL, HEALTH_UPDATES_KEPT, HealthUpdate, OpenCircuit,
    RecordOutcome, StartAttempt, State, VerificationId, VerificationStore, Witness,
};

use super::Store;
use super::records::{after, after_ms, approve, begin, limit, limit_hit, now, put, record};
use super::steps::{begin_at, cancel_at, create_at, health_at, in_order, recorded_at};
use super::whole::KINDS;

/// Returns an update: a provider's circuit has opened for a minute.
pub(super) fn open(provider: &str, at: SystemTime, why: ErrorKind) -> HealthUpdate {
    let state = OpenCircuit { since: at, until: at + Duration::from_mins(1), why };
    HealthUpdate { state: Some(state), ..closed(provider, at) }
}

pub(super) fn closed(provider: &str, at: SystemTime) -> HealthUpdate {
    let provider = ProviderId::new(provider).expect("a name");
    HealthUpdate { provider, witness: Witness { process: 1, settings: Some(2) }, at, state: None }
}

/// Writes updates, and nothing else.
pub(super) async fn write(
    store: &dyn VerificationStore,
    health_updates: Vec<HealthUpdate>,
    at: SystemTime,
) {
    let nothing = VerificationId::from_bytes([6; 16]);
    let state = recorded_at(
        store,
        nothing,
        RecordOutcome { health_updates, ..RecordOutcome::default() },
        at,
    )
    .await;
    assert_eq!(state, State::Closed, "there is no such verification");
}

pub(super) async fn updates_come_back_as_they_went_in(store: Store) {
    assert_eq!(health_at(&*store, now()).await, []);
    let mut updates = vec![closed("a", after_ms(7)), closed("z-z_9", now())];
    for (number, why) in (0..).zip(KINDS) {
        let state = OpenCircuit { since: after_ms(number), until: after_ms(86_399_999), why };
        let update = closed(&format!("b-{number}"), after_ms(number * 3));
        updates.push(HealthUpdate { state: Some(state), ..update });
    }
    write(&*store, updates.clone(), after(1)).await;
    let updates = in_order(updates);
    assert_eq!(health_at(&*store, after(1)).await, updates);
    let created = create_at(&*store, record(1), &[], after(1)).await;
    let Created::New(told) = created else { panic!("{created:?}") };
    assert_eq!(in_order(told), updates, "a creation returns them, too");
}

pub(super) async fn the_newest_update_of_a_provider_counts(store: Store) {
    let why = ErrorKind::Timeout;
    let a = [open("a", after(1), why), closed("a", after_ms(1_001)), open("a", after(3), why)];
    let [first, second, third] = a;
    let b = closed("b", after(2));
    // In any order of arrival, in one step or in several.
    write(&*store, vec![second.clone(), first.clone()], after(3)).await;
    assert_eq!(health_at(&*store, after(3)).await, slice::from_ref(&second));
    write(&*store, vec![b.clone()], after(3)).await;
    write(&*store, vec![first.clone()], after(3)).await;
    assert_eq!(health_at(&*store, after(3)).await, [second.clone(), b.clone()]);
    write(&*store, vec![first, third.clone(), second.clone()], after(3)).await;
    assert_eq!(health_at(&*store, after(3)).await, [third.clone(), b.clone()]);
    write(&*store, vec![second], after(4)).await;
    assert_eq!(health_at(&*store, after(4)).await, [third, b.clone()]);
    let last = closed("a", after(4));
    write(&*store, vec![last.clone()], after(4)).await;
    assert_eq!(health_at(&*store, after(4)).await, [last, b]);
}

/// The same update by another process.
fn by(process: u64, update: HealthUpdate) -> HealthUpdate {
    HealthUpdate { witness: Witness { process, settings: None }, ..update }
}

pub(super) async fn each_process_has_a_update_of_its_own(store: Store) {
    let why = ErrorKind::Timeout;
    let (one, other) = (by(1, open("a", after(2), why)), by(u64::MAX, closed("a", after(1))));
    write(&*store, vec![one.clone()], after(3)).await;
    write(&*store, vec![other.clone()], after(3)).await;
    assert_eq!(health_at(&*store, after(3)).await, [one.clone(), other]);
    let other = by(u64::MAX, open("a", after(3), why));
    write(&*store, vec![other.clone(), by(u64::MAX, closed("a", after(2)))], after(3)).await;
    assert_eq!(health_at(&*store, after(3)).await, [one, other]);
}

pub(super) async fn of_too_many_processes_those_that_tell_last_are_kept(store: Store) {
    let most = u64::try_from(HEALTH_UPDATES_KEPT).expect("few");
    let count = most + 5;
    let elsewhere = by(1, closed("b", now()));
    write(&*store, vec![elsewhere.clone()], after(9)).await;
    // In no order of time; the last two at the same time.
    let at = |process: u64| after_ms(process.min(count - 1));
    for process in (1..=count).map(|process| process * 5 % count + 1) {
        write(&*store, vec![by(process, closed("a", at(process)))], after(9)).await;
    }
    let newest = (count + 1 - most..=count).map(|process| by(process, closed("a", at(process))));
    let newest = newest.chain([elsewhere.clone()]).collect::<Vec<_>>();
    assert_eq!(health_at(&*store, after(9)).await, newest);
    // A repeated update removes no other, and one that is older than all is not kept.
    let again = by(count, open("a", after(1), ErrorKind::Timeout));
    write(&*store, vec![again.clone(), by(count + 1, closed("a", now()))], after(9)).await;
    let mut newest = newest;
    let place = newest.len() - 2;
    newest[place] = again;
    assert_eq!(health_at(&*store, after(9)).await, newest);
    // Of two at the same time, that of the higher number is kept.
    let least = newest[0].clone();
    let lower = HealthUpdate { witness: Witness { process: 0, ..least.witness }, ..least.clone() };
    write(&*store, vec![lower], after(9)).await;
    assert_eq!(health_at(&*store, after(9)).await, newest);
    let higher = HealthUpdate { witness: Witness { process: 99, ..least.witness }, ..least };
    write(&*store, vec![higher.clone()], after(9)).await;
    let last = newest.len() - 1;
    let newest = [&newest[1..last], &[higher, elsewhere]].concat();
    assert_eq!(health_at(&*store, after(9)).await, newest);
}

pub(super) async fn updates_fade(store: Store) {
    let older = open("a", now(), ErrorKind::Unauthenticated);
    let newer = closed("b", after_ms(1));
    write(&*store, vec![older.clone(), newer.clone()], now()).await;
    let told = async |at: SystemTime, number| {
        let created = create_at(&*store, record(number), &[], at).await;
        let Created::New(told) = created else { panic!("{created:?}") };
        assert_eq!(in_order(told), health_at(&*store, at).await);
        health_at(&*store, at).await
    };
    let end = now() + HEALTH_TTL;
    let millisecond = Duration::from_millis(1);
    assert_eq!(told(end - millisecond, 1).await, [older, newer.clone()]);
    assert_eq!(told(end, 2).await, [newer], "an hour after it was made");
    assert_eq!(told(end + millisecond, 3).await, []);
    let again = open("a", end, ErrorKind::Transport);
    write(&*store, vec![again.clone()], end + millisecond).await;
    assert_eq!(told(end + millisecond, 4).await, [again]);
}

pub(super) async fn health_updates_travel_with_every_attempt(store: Store) {
    let [live, over] = [put(&*store, record(1)).await, put(&*store, record(2)).await];
    assert!(cancel_at(&*store, over, now()).await);
    let unknown = VerificationId::from_bytes([5; 16]);
    let full = vec![limit_hit(limit(otpmux_engine::LimitScope::Provider, 1), &[(1, 60)])];
    assert!(super::limits::send(&*store, &full, now()).await.is_none());
    let mut known = Vec::new();
    for (provider, id, limit_hits, at, refusal) in [
        ("a", live, Vec::new(), 0, None),
        ("b", live, full, 1, Some("limited")),
        ("c", over, Vec::new(), 2, Some("not_found")),
        ("d", unknown, Vec::new(), 3, Some("not_found")),
        ("e", live, Vec::new(), 300, Some("expired")),
    ] {
        let update = open(provider, after(at), ErrorKind::Timeout);
        known.push(update.clone());
        let begin = StartAttempt { health_updates: vec![update], limit_hits, ..begin("second") };
        let told = match begin_at(&*store, id, begin, after(at)).await {
            AttemptStarted::Started(_) => None,
            AttemptStarted::LimitExceeded(_) => Some("limited"),
            AttemptStarted::Over(verdict) => Some(verdict.as_str()),
            other => panic!("this is no resend: {other:?}"),
        };
        assert_eq!(told, refusal);
        assert_eq!(health_at(&*store, after(at)).await, known, "by {provider}");
    }
}

pub(super) async fn health_updates_travel_with_every_settling(store: Store) {
    let [live, used] = [put(&*store, record(1)).await, put(&*store, record(2)).await];
    assert_eq!(approve(&*store, used).await, Verdict::Approved);
    let unknown = VerificationId::from_bytes([5; 16]);
    let mut known = Vec::new();
    for (provider, id, at, expected) in [
        ("a", live, 0, State::Pending),
        ("b", used, 1, State::Approved),
        ("c", unknown, 2, State::Closed),
        ("d", live, 300, State::Pending),
        ("e", live, 900, State::Closed),
    ] {
        let update = closed(provider, after(at));
        known.push(update.clone());
        let health_updates = vec![update];
        let state = recorded_at(
            &*store,
            id,
            RecordOutcome { health_updates, ..RecordOutcome::default() },
            after(at),
        )
        .await;
        assert_eq!(state, expected, "by {provider}");
        assert_eq!(health_at(&*store, after(at)).await, known, "by {provider}");
    }
}
