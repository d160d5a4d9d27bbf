//! Trials of the limits on messages.

use std::slice;
use std::time::{Duration, SystemTime};

use otpmux_core::ProviderId;
use otpmux_engine::{
    AttemptState, Created, HealthUpdate, LimitExceeded, LimitHit, LimitKey, LimitScope, Record,
    RecordOutcome, Refund, VerificationStore, Witness,
};

use super::Store;
use super::records::{
    CODE, after, after_ms, awkward_bits, keys, limit, limit_hit, now, put, recipient, record,
    try_code, window,
};
use super::steps::{create_at, health_at, load_at, recorded_at};

const SCOPES: [LimitScope; 7] = [
    LimitScope::Recipient,
    LimitScope::Ip,
    LimitScope::Purpose,
    LimitScope::NumberRange,
    LimitScope::Domain,
    LimitScope::Provider,
    LimitScope::Global,
];

/// Requests a new verification of another recipient each time.
pub(super) async fn send(
    store: &dyn VerificationStore,
    limit_hits: &[LimitHit],
    at: SystemTime,
) -> Option<LimitExceeded> {
    let mut new = record(0);
    new.recipient.0 = [new.id.to_bytes(), [0; 16]].concat().try_into().expect("32 bytes");
    new.expires_at = at + Duration::from_mins(5);
    send_record(store, new, limit_hits, at).await
}

/// Requests a new verification, and returns the limit that had no room.
pub(super) async fn send_record(
    store: &dyn VerificationStore,
    new: Record,
    limit_hits: &[LimitHit],
    at: SystemTime,
) -> Option<LimitExceeded> {
    match create_at(store, new, limit_hits, at).await {
        Created::New(_) => None,
        Created::LimitExceeded(limited) => Some(limited),
        other => panic!("nothing has a name here: {other:?}"),
    }
}

/// The key that counts a recipient's messages.
pub(super) fn messages_to(number: u32) -> LimitKey {
    LimitKey::of_recipient(LimitScope::Recipient, &keys().hash(&recipient(number)))
}

pub(super) async fn a_window_slides(store: Store) {
    let key = limit(LimitScope::Ip, 1);
    let limit_hits = [limit_hit(key, &[(2, 60)])];
    let wait =
        async |at| Some(send(&*store, &limit_hits, after_ms(at)).await?.retry_after.as_millis());
    assert_eq!(wait(0).await, None);
    assert_eq!(wait(50_000).await, None);
    assert_eq!(wait(50_000).await, Some(10_000));
    assert_eq!(wait(59_999).await, Some(1));
    assert_eq!(wait(60_000).await, None, "exactly when it was promised");
    assert_eq!(wait(60_001).await, Some(49_999), "a window that starts anew would have room");
    assert_eq!(wait(109_999).await, Some(1));
    assert_eq!(wait(110_000).await, None);
    assert_eq!(wait(119_999).await, Some(1));
}

pub(super) async fn the_longest_wait_is_reported(store: Store) {
    let [client, purpose] = [LimitScope::Ip, LimitScope::Purpose].map(|scope| limit(scope, 1));
    let client = limit_hit(client, &[(1, 60), (2, 600)]);
    let purpose = limit_hit(purpose, &[(2, 90)]);
    let both = [client.clone(), purpose.clone()];
    assert_eq!(send(&*store, &both, after(0)).await, None);
    let told = |scope, window, retry_after| {
        Some(LimitExceeded { scope, window, retry_after: Duration::from_millis(retry_after) })
    };
    let short = told(LimitScope::Ip, window(1, 60), 59_750);
    assert_eq!(send(&*store, &both, after_ms(250)).await, short);
    assert_eq!(send(&*store, &[purpose], after(1)).await, None);
    let other = told(LimitScope::Purpose, window(2, 90), 88_000);
    assert_eq!(send(&*store, &both, after(2)).await, other, "one limit_hit waits for longer");
    assert_eq!(send(&*store, &[client], after(60)).await, None);
    let long = told(LimitScope::Ip, window(2, 600), 539_000);
    assert_eq!(send(&*store, &both, after(61)).await, long, "one window waits for longer");
}

pub(super) async fn a_refused_send_is_not_counted(store: Store) {
    let full = limit_hit(limit(LimitScope::Global, 1), &[(1, 600)]);
    let open = limit_hit(limit(LimitScope::Ip, 1), &[(1, 60)]);
    assert_eq!(send(&*store, slice::from_ref(&full), now()).await, None);
    for both in [[full.clone(), open.clone()], [open.clone(), full.clone()]] {
        let limited = send(&*store, &both, after(300)).await.expect("one of them is full");
        assert_eq!(limited.scope, LimitScope::Global);
    }
    assert_eq!(
        send(&*store, &[open], after(300)).await,
        None,
        "a refusal has counted for the other"
    );
    assert_eq!(send(&*store, &[full], after(600)).await, None, "a refusal has counted");
}

pub(super) async fn a_refused_send_is_not_written(store: Store) {
    let full = [limit_hit(limit(LimitScope::Global, 1), &[(1, 60)])];
    assert_eq!(send(&*store, &full, now()).await, None);
    let live = put(&*store, record(1)).await;
    let refused = record(1);
    let id = refused.id;
    let created = create_at(&*store, refused, &full, now()).await;
    assert!(matches!(created, Created::LimitExceeded(_)), "{created:?}");
    assert!(load_at(&*store, id, now()).await.is_none());
    assert_eq!(try_code(&*store, id, CODE).await, "not_found");
    assert_eq!(try_code(&*store, live, CODE).await, "approved", "the older one stays live");
}

pub(super) async fn scopes_and_keys_do_not_mix(store: Store) {
    let hashes = awkward_bits();
    let once = |scope, hash| [limit_hit(LimitKey { scope, hash }, &[(1, 60)])];
    for hash in &hashes {
        for scope in SCOPES {
            let limited = send(&*store, &once(scope, *hash), now()).await;
            assert_eq!(limited, None, "{scope:?} of {hash:?}");
        }
    }
    for hash in &hashes {
        for scope in SCOPES {
            let limited = send(&*store, &once(scope, *hash), after(59)).await;
            assert!(limited.is_some_and(|limited| limited.scope == scope), "{scope:?} of {hash:?}");
        }
    }
}

pub(super) async fn many_keys_are_counted_each_by_itself(store: Store) {
    for round in 0..3 {
        for number in 0..300 {
            let limit_hits = [limit_hit(limit(LimitScope::Ip, number), &[(2, 60)])];
            let limited = send(&*store, &limit_hits, after(round)).await;
            assert_eq!(limited.is_some(), round == 2, "key {number}, round {round}");
        }
    }
}

pub(super) async fn a_large_count_is_exact(store: Store) {
    let limit_hits = [limit_hit(limit(LimitScope::Global, 1), &[(1_000, 3_600)])];
    for hit in 0..1_000 {
        assert_eq!(send(&*store, &limit_hits, after_ms(hit * 2)).await, None, "hit {hit}");
    }
    let limited = send(&*store, &limit_hits, after(60)).await.expect("a full window");
    assert_eq!(limited.retry_after, Duration::from_secs(3_540));
    // The first ten are old then, so there is room for ten.
    let later = after(3_600) + Duration::from_millis(19);
    for hit in 0..10 {
        assert_eq!(send(&*store, &limit_hits, later).await, None, "hit {hit}");
    }
    let limited = send(&*store, &limit_hits, later).await.expect("a full window");
    assert_eq!(limited.retry_after, Duration::from_millis(1));
}

pub(super) fn refund(key: LimitKey, at: SystemTime) -> Refund {
    Refund { key, at }
}

pub(super) async fn a_refund_takes_back_one_hit_of_its_time(store: Store) {
    for scope in SCOPES {
        takes_back_one_hit(&store, scope).await;
    }
}

/// Tests the windows of one scope, each time with other recipients.
async fn takes_back_one_hit(store: &Store, scope: LimitScope) {
    let windows = [(3, 600), (5, 3_600)];
    let place = SCOPES.iter().position(|it| *it == scope).expect("one of them");
    let number = 10 * u32::try_from(place).expect("few scopes");
    let [mine, theirs] = [1, 2].map(|it| limit_hit(limit(scope, number + it), &windows));
    let shared = |scope| limit_hit(LimitKey { scope, ..mine.key }, &windows);
    let others: Vec<_> = SCOPES.into_iter().filter(|it| *it != scope).map(shared).collect();
    let all = [&[mine.clone(), theirs.clone()][..], &others].concat();
    for hit in [1_000, 1_000, 2_000] {
        assert_eq!(send(&**store, &all, after_ms(hit)).await, None);
    }
    let id = put(&**store, record(1)).await;
    let refund = async |at| {
        let refunds = vec![refund(mine.key, after_ms(at))];
        recorded_at(&**store, id, RecordOutcome { refunds, ..RecordOutcome::default() }, after(3))
            .await;
    };
    let room = async || send(&**store, slice::from_ref(&mine), after(3)).await.is_none();
    for never in [0, 999, 1_001, 1_500, 2_001, 3_000] {
        refund(never).await;
        assert!(!room().await, "nothing was counted at {never}");
    }
    refund(1_000).await;
    assert!(room().await, "one was taken back");
    assert!(!room().await, "one, not both of its time");
    refund(1_000).await;
    assert!(room().await, "the other of that time");
    refund(1_000).await;
    assert!(!room().await, "there is no third");
    refund(2_000).await;
    assert!(room().await, "the newer one");
    for other in others.iter().chain([&theirs]) {
        let full = send(&**store, slice::from_ref(other), after(3)).await;
        assert!(full.is_some(), "only what is named: {:?}", other.key);
    }
}

pub(super) async fn refunds_of_several_limits_go_in_one_step(store: Store) {
    let limit_hits = SCOPES.map(|scope| limit_hit(limit(scope, 1), &[(1, 600)]));
    assert_eq!(send(&*store, &limit_hits, now()).await, None);
    let id = put(&*store, record(1)).await;
    let refunds: Vec<_> = limit_hits[1..].iter().map(|it| refund(it.key, now())).collect();
    let provider = ProviderId::new("primary").expect("a name");
    let health_updates =
        vec![HealthUpdate { provider, witness: Witness::default(), at: now(), state: None }];
    let record_outcome = RecordOutcome {
        refunds,
        health_updates: health_updates.clone(),
        ..RecordOutcome::default()
    };
    recorded_at(&*store, id, record_outcome, after(1)).await;
    assert_eq!(health_at(&*store, after(1)).await, health_updates);
    assert_eq!(send(&*store, &limit_hits[1..], after(1)).await, None, "each has room again");
    let full = send(&*store, &limit_hits, after(1)).await.expect("one was not taken back");
    assert_ne!(full.scope, limit_hits[0].key.scope, "the newer hits wait for longer");
    assert!(send(&*store, &limit_hits[..1], after(1)).await.is_some());
}

pub(super) async fn a_repeated_refund_is_made_once(store: Store) {
    let limit_hits = [limit_hit(limit(LimitScope::Global, 1), &[(2, 600)])];
    let mut first = record(1);
    first.send_attempts[0].state = AttemptState::Intended;
    let id = first.id;
    for new in [first, record(2)] {
        assert!(matches!(create_at(&*store, new, &limit_hits, now()).await, Created::New(_)));
    }
    let ends = vec![super::records::end(0, AttemptState::NotSent)];
    let refunds = vec![refund(limit_hits[0].key, now())];
    let record_outcome = RecordOutcome { ends, close: true, refunds, ..RecordOutcome::default() };
    for _ in 0..3 {
        recorded_at(&*store, id, record_outcome.clone(), after(1)).await;
    }
    assert_eq!(send(&*store, &limit_hits, after(1)).await, None);
    assert!(send(&*store, &limit_hits, after(1)).await.is_some(), "the other's hit was taken back");
}

pub(super) async fn a_refund_goes_with_what_else_is_recorded(store: Store) {
    let limit_hits = [limit_hit(messages_to(1), &[(1, 600)])];
    let mut first = record(1);
    first.send_attempts[0].state = AttemptState::Intended;
    let id = first.id;
    assert!(matches!(create_at(&*store, first, &limit_hits, now()).await, Created::New(_)));
    let end = super::records::end(0, AttemptState::NotSent);
    let refunds = vec![refund(messages_to(1), now())];
    let record_outcome =
        RecordOutcome { ends: vec![end], close: true, refunds, ..RecordOutcome::default() };
    let state = recorded_at(&*store, id, record_outcome, after(1)).await;
    assert_eq!(state, otpmux_engine::State::Closed);
    let created = create_at(&*store, record(1), &limit_hits, after(1)).await;
    assert!(matches!(created, Created::New(_)), "nothing was sent, so nothing is counted");
    let created = create_at(&*store, record(1), &limit_hits, after(2)).await;
    assert!(matches!(created, Created::LimitExceeded(_)), "{created:?}");
}
