//! What processes tell each other about providers.

use std::slice;
use std::time::{Duration, SystemTime};

use otpmux_core::{ErrorKind, ProviderId, Verdict};
use otpmux_engine::{
    BeginLeg, Begun, Created, HEALTH_KEPT, HealthMark, OpenMark, Settle, State, VerificationId,
    VerificationStore,
};

use super::Store;
use super::records::{after, after_ms, begin, charge, limit, now, put, record};
use super::steps::{begin_at, cancel_at, create_at, health_at, in_order, settle_at};
use super::whole::KINDS;

/// Says that a provider's breaker has opened for a minute.
pub(super) fn open(provider: &str, at: SystemTime, why: ErrorKind) -> HealthMark {
    let state = OpenMark { since: at, until: at + Duration::from_mins(1), why };
    HealthMark { state: Some(state), ..closed(provider, at) }
}

pub(super) fn closed(provider: &str, at: SystemTime) -> HealthMark {
    HealthMark { provider: ProviderId::new(provider).expect("a name"), at, state: None }
}

/// Writes marks down along with nothing else.
pub(super) async fn tell(store: &dyn VerificationStore, news: Vec<HealthMark>, at: SystemTime) {
    let nothing = VerificationId::from_bytes([6; 16]);
    let state = settle_at(store, nothing, Settle { news, ..Settle::default() }, at).await;
    assert_eq!(state, State::Closed, "there is no such verification");
}

pub(super) async fn marks_come_back_as_they_went_in(store: Store) {
    assert_eq!(health_at(&*store, now()).await, []);
    let mut marks = vec![closed("a", after_ms(7)), closed("z-z_9", now())];
    for (number, why) in (0..).zip(KINDS) {
        let state = OpenMark { since: after_ms(number), until: after_ms(86_399_999), why };
        let mark = closed(&format!("b-{number}"), after_ms(number * 3));
        marks.push(HealthMark { state: Some(state), ..mark });
    }
    tell(&*store, marks.clone(), after(1)).await;
    let marks = in_order(marks);
    assert_eq!(health_at(&*store, after(1)).await, marks);
    let created = create_at(&*store, record(1), &[], after(1)).await;
    let Created::New(told) = created else { panic!("{created:?}") };
    assert_eq!(in_order(told), marks, "whoever creates is told, too");
}

pub(super) async fn the_newest_mark_of_a_provider_counts(store: Store) {
    let why = ErrorKind::Timeout;
    let a = [open("a", after(1), why), closed("a", after_ms(1_001)), open("a", after(3), why)];
    let [first, second, third] = a;
    let b = closed("b", after(2));
    // Whatever the order in which they arrive, in one step or in several.
    tell(&*store, vec![second.clone(), first.clone()], after(3)).await;
    assert_eq!(health_at(&*store, after(3)).await, slice::from_ref(&second));
    tell(&*store, vec![b.clone()], after(3)).await;
    tell(&*store, vec![first.clone()], after(3)).await;
    assert_eq!(health_at(&*store, after(3)).await, [second.clone(), b.clone()]);
    tell(&*store, vec![first, third.clone(), second.clone()], after(3)).await;
    assert_eq!(health_at(&*store, after(3)).await, [third.clone(), b.clone()]);
    tell(&*store, vec![second], after(4)).await;
    assert_eq!(health_at(&*store, after(4)).await, [third, b.clone()]);
    let last = closed("a", after(4));
    tell(&*store, vec![last.clone()], after(4)).await;
    assert_eq!(health_at(&*store, after(4)).await, [last, b]);
}

pub(super) async fn marks_fade(store: Store) {
    let older = open("a", now(), ErrorKind::Unauthenticated);
    let newer = closed("b", after_ms(1));
    tell(&*store, vec![older.clone(), newer.clone()], now()).await;
    let told = async |at: SystemTime, number| {
        let created = create_at(&*store, record(number), &[], at).await;
        let Created::New(told) = created else { panic!("{created:?}") };
        assert_eq!(in_order(told), health_at(&*store, at).await);
        health_at(&*store, at).await
    };
    let end = now() + HEALTH_KEPT;
    let millisecond = Duration::from_millis(1);
    assert_eq!(told(end - millisecond, 1).await, [older, newer.clone()]);
    assert_eq!(told(end, 2).await, [newer], "an hour after it was made");
    assert_eq!(told(end + millisecond, 3).await, []);
    let again = open("a", end, ErrorKind::Transport);
    tell(&*store, vec![again.clone()], end + millisecond).await;
    assert_eq!(told(end + millisecond, 4).await, [again]);
}

pub(super) async fn news_travel_with_every_leg(store: Store) {
    let [live, over] = [put(&*store, record(1)).await, put(&*store, record(2)).await];
    assert!(cancel_at(&*store, over, now()).await);
    let unknown = VerificationId::from_bytes([5; 16]);
    let full = vec![charge(limit(otpmux_engine::LimitScope::Provider, 1), &[(1, 60)])];
    assert!(super::limits::send(&*store, &full, now()).await.is_none());
    let mut known = Vec::new();
    for (provider, id, charges, at, refusal) in [
        ("a", live, Vec::new(), 0, None),
        ("b", live, full, 1, Some("limited")),
        ("c", over, Vec::new(), 2, Some("not_found")),
        ("d", unknown, Vec::new(), 3, Some("not_found")),
        ("e", live, Vec::new(), 300, Some("expired")),
    ] {
        let mark = open(provider, after(at), ErrorKind::Timeout);
        known.push(mark.clone());
        let begin = BeginLeg { news: vec![mark], charges, ..begin("second") };
        let told = match begin_at(&*store, id, begin, after(at)).await {
            Begun::Leg(_) => None,
            Begun::Limited(_) => Some("limited"),
            Begun::Over(verdict) => Some(verdict.as_str()),
            other => panic!("this is no resend: {other:?}"),
        };
        assert_eq!(told, refusal);
        assert_eq!(health_at(&*store, after(at)).await, known, "by {provider}");
    }
}

pub(super) async fn news_travel_with_every_settling(store: Store) {
    let [live, used] = [put(&*store, record(1)).await, put(&*store, record(2)).await];
    assert_eq!(store.approve(used, now()).await.expect("a store that works"), Verdict::Approved);
    let unknown = VerificationId::from_bytes([5; 16]);
    let mut known = Vec::new();
    for (provider, id, at, expected) in [
        ("a", live, 0, State::Pending),
        ("b", used, 1, State::Approved),
        ("c", unknown, 2, State::Closed),
        ("d", live, 300, State::Pending),
        ("e", live, 900, State::Closed),
    ] {
        let mark = closed(provider, after(at));
        known.push(mark.clone());
        let news = vec![mark];
        let state = settle_at(&*store, id, Settle { news, ..Settle::default() }, after(at)).await;
        assert_eq!(state, expected, "by {provider}");
        assert_eq!(health_at(&*store, after(at)).await, known, "by {provider}");
    }
}
