//! Records of deliveries: codes that their callers check.

use std::time::Duration;

use otpmux_core::{OsEntropy, Verdict};
use otpmux_engine::{
    AttemptStarted, AttemptState, Create, Created, DeliveryId, GuessEnd, LimitScope, Record,
    RecordOutcome, ResendTerms, StartAttempt, State,
};

use super::Store;
use super::named::{ask, named};
use super::records::{
    CODE, after, begin, end, guess, limit, limit_hit, now, put, read, record, record_outcome,
    try_code,
};
use super::steps::{approve_at, begin_at, cancel_at, create_at, guess_at, load_at, recorded_at};
use super::whole::spelled;

/// The record of a delivery to this recipient.
fn delivery(number: u32) -> Record {
    of_delivery(record(number))
}

fn of_delivery(record: Record) -> Record {
    let id = DeliveryId::generate(&OsEntropy).expect("randomness").record_id();
    Record { id, code: None, ..record }
}

pub(super) async fn a_delivery_takes_no_place_and_gives_none(store: Store) {
    let verification = put(&*store, record(1)).await;
    let before = spelled(&read(&*store, verification).await);
    let first = put(&*store, delivery(1)).await;
    let second = put(&*store, delivery(1)).await;
    assert_eq!(spelled(&read(&*store, verification).await), before);
    for id in [first, second] {
        let record = read(&*store, id).await;
        assert_eq!((record.state, record.supersedes), (State::Pending, None));
    }
    // A delivery that fails changes no verification either.
    let closing = RecordOutcome { close: true, ..record_outcome(end(0, AttemptState::NotSent)) };
    assert_eq!(recorded_at(&*store, second, closing, now()).await, State::Closed);
    assert_eq!(spelled(&read(&*store, verification).await), before);
    // Nor is one repeated.
    let create =
        Create { record: record(1), external: Vec::new(), limit_hits: Vec::new(), repeat: true };
    let created = store.create(create, now()).await.expect("a store that works");
    assert!(matches!(created, Created::Live(live) if live.id == verification));
    let create =
        Create { record: delivery(1), external: Vec::new(), limit_hits: Vec::new(), repeat: true };
    let created = store.create(create, now()).await.expect("a store that works");
    assert!(matches!(created, Created::New(_)), "{created:?}");
    // A newer verification supersedes the older one, and no delivery.
    let newer = put(&*store, record(1)).await;
    assert_eq!(read(&*store, newer).await.supersedes, Some(verification));
    assert_eq!(read(&*store, first).await.state, State::Pending);
    assert_eq!(try_code(&*store, newer, CODE).await, "approved");
    // Limits count it like any message.
    let limit_hits = [limit_hit(limit(LimitScope::Ip, 1), &[(1, 60)])];
    assert!(matches!(create_at(&*store, delivery(2), &limit_hits, now()).await, Created::New(_)));
    let refused = create_at(&*store, delivery(2), &limit_hits, now()).await;
    assert!(matches!(refused, Created::LimitExceeded(_)), "{refused:?}");
}

pub(super) async fn no_guess_finds_a_delivery(store: Store) {
    // Also one whose record holds a code, or whose code a vendor made: neither is ever written.
    let id = DeliveryId::generate(&OsEntropy).expect("randomness").record_id();
    let code = super::records::code(CODE);
    let mut signed = Record { id, ..record(1) };
    signed.code = Some(super::records::keys().sign(&signed, &code));
    for record in [signed, delivery(2), of_delivery(super::records::vendor_record(3))] {
        let id = put(&*store, record).await;
        let before = spelled(&read(&*store, id).await);
        for _ in 0..8 {
            let verdict = guess_at(&*store, &guess(id, CODE), now()).await;
            assert_eq!(verdict, Verdict::NotFound);
        }
        assert_eq!(approve_at(&*store, id, now()).await, Verdict::NotFound);
        let ended = store.end_guess(id, &guess(id, CODE), GuessEnd::NotCompared, now()).await;
        ended.expect("a store that works");
        assert_eq!(spelled(&read(&*store, id).await), before, "nothing is counted");
    }
}

pub(super) async fn a_delivery_is_sent_again_and_ended(store: Store) {
    let id = put(&*store, delivery(1)).await;
    let terms = ResendTerms { max_resends: 1, next_after: after(90) };
    let again = |name: &str| StartAttempt { resend: Some(terms), ..begin(name) };
    let soon = begin_at(&*store, id, again("second"), after(10)).await;
    assert_eq!(soon, AttemptStarted::TooSoon(Duration::from_secs(20)));
    let begun = begin_at(&*store, id, again("second"), after(30)).await;
    assert_eq!(begun, AttemptStarted::Started(1));
    let often = begin_at(&*store, id, again("third"), after(120)).await;
    assert_eq!(often, AttemptStarted::TooMany);
    assert!(cancel_at(&*store, id, after(120)).await);
    assert!(!cancel_at(&*store, id, after(120)).await, "once");
    let over = begin_at(&*store, id, again("third"), after(120)).await;
    assert!(matches!(over, AttemptStarted::Over(_)), "{over:?}");
    assert_eq!(read(&*store, id).await.send_attempts.len(), 2, "its history stays");
}

/// At once, because its code is of no further use; so is its idempotency key.
pub(super) async fn a_delivery_is_gone_when_it_expires(store: Store) {
    let (_, id) = ask(&*store, of_delivery(named(1, 1, 1)), now()).await;
    let verification = put(&*store, record(1)).await;
    let just_before = after(300) - Duration::from_millis(1);
    assert_eq!(load_at(&*store, id, just_before).await.map(|it| it.id), Some(id));
    assert_eq!(ask(&*store, of_delivery(named(1, 1, 1)), just_before).await, ("before", id));
    assert!(load_at(&*store, id, after(300)).await.is_none());
    assert!(load_at(&*store, verification, after(300)).await.is_some(), "it answers `expired`");
    let over = begin_at(&*store, id, begin("second"), after(300)).await;
    assert!(matches!(over, AttemptStarted::Over(_)), "{over:?}");
    let again = Record { expires_at: after(600), ..of_delivery(named(1, 1, 2)) };
    assert_eq!(ask(&*store, again, after(300)).await.0, "new");
}
