//! Limits, compared with a naive count over long random walks.

use std::time::{Duration, SystemTime};

use otpmux_core::Verdict;
use otpmux_engine::{
    AttemptStarted, Created, Guess, LimitExceeded, LimitHit, LimitKey, LimitScope, Record,
    RecordOutcome, Refund, StartAttempt, VerificationId, VerificationStore,
};

use super::dice::Dice;
use super::limits::send;
use super::naive::Naive;
use super::records::{
    CODE, WRONG, begin, guess, keys, limit, limit_hit, now, purpose, recipient, record, window,
};
use super::steps::{approve_at, begin_at, create_at, guess_at, recorded_at};
use super::{Effort, Store};

const DAY: Duration = Duration::from_hours(24);

/// The limits of one walk: some are hit often, some wait long, some have several windows.
fn limit_hits(walk: u32) -> Vec<LimitHit> {
    let other = |scope, number| limit(scope, walk * 10 + number);
    vec![
        limit_hit(recipient_key(LimitScope::Recipient, walk * 2), &[(2, 60), (5, 600), (9, 3_600)]),
        limit_hit(recipient_key(LimitScope::Recipient, walk * 2 + 1), &[(3, 30), (3, 45)]),
        limit_hit(other(LimitScope::Ip, 1), &[(1, 7)]),
        limit_hit(other(LimitScope::Ip, 2), &[(8, 120), (20, 900), (30, 86_400)]),
        limit_hit(other(LimitScope::Purpose, 1), &[(40, 3_600), (4, 1)]),
        limit_hit(other(LimitScope::NumberRange, 1), &[(6, 300)]),
        limit_hit(other(LimitScope::Provider, 1), &[(2, 1), (10, 60)]),
        limit_hit(other(LimitScope::Global, 1), &[(25, 600), (60, 7_200)]),
    ]
}

fn recipient_key(scope: LimitScope, number: u32) -> LimitKey {
    LimitKey::of_recipient(scope, &keys().hash(&recipient(number)))
}

/// Returns a later time; sometimes exactly the one at which there will be room, or just before it.
fn later(dice: &mut Dice, now: SystemTime, room: &[LimitExceeded]) -> SystemTime {
    match (dice.below(8), room.first()) {
        (0, Some(limited)) => now + limited.retry_after,
        (1, Some(limited)) => now + limited.retry_after - Duration::from_millis(1),
        _ => now + dice.pause(),
    }
}

/// Creates a verification that outlives its walk.
async fn put(store: &dyn VerificationStore, record: Record, at: SystemTime) -> VerificationId {
    let record = Record { expires_at: at + 30 * DAY, max_guesses: u32::MAX, ..record };
    let id = record.id;
    let created = create_at(store, record, &[], at).await;
    assert!(matches!(created, Created::New(_)), "{created:?}");
    id
}

pub(super) async fn limits_answer_as_a_naive_count_does(store: Store, effort: Effort) {
    let mut now = now();
    for walk in 0..effort.walks() {
        let (mut dice, mut naive) = (Dice::new(u64::from(walk)), Naive::default());
        let (all, mut hits, mut expected) = (limit_hits(walk), Vec::new(), Vec::new());
        let mut id = put(&*store, record(walk * 2), now).await;
        for step in 0..400 {
            now = later(&mut dice, now, &expected);
            if dice.percent(10) {
                let mut refunds = Vec::new();
                for limit_hit in dice.some(&all, 25) {
                    refunds.push(Refund { key: limit_hit.key, at: hit_at(&mut dice, &hits, now) });
                }
                for refund in &refunds {
                    naive.take_back(refund.key, refund.at);
                }
                recorded_at(
                    &*store,
                    id,
                    RecordOutcome { refunds, ..RecordOutcome::default() },
                    now,
                )
                .await;
            }
            if step % 40 == 39 {
                id = put(&*store, record(walk * 2), now).await;
            }
            let limit_hits = dice.some(&all, 25);
            let told = if dice.percent(30) {
                attempt(&*store, id, &limit_hits, now).await
            } else {
                send(&*store, &limit_hits, now).await
            };
            expected = naive.full(&limit_hits, now);
            let same = told.map_or(expected.is_empty(), |told| expected.contains(&told));
            assert!(same, "walk {walk}, step {step}: {told:?} and not {expected:?}");
            if expected.is_empty() {
                naive.hit(&limit_hits, now);
                hits.push(now);
            }
        }
    }
}

/// Returns the time of a hit, most often.
fn hit_at(dice: &mut Dice, hits: &[SystemTime], now: SystemTime) -> SystemTime {
    if hits.is_empty() || dice.percent(20) {
        now - dice.pause()
    } else {
        hits[hits.len() - 1 - dice.place(hits.len().min(10))]
    }
}

async fn attempt(
    store: &dyn VerificationStore,
    id: VerificationId,
    limit_hits: &[LimitHit],
    now: SystemTime,
) -> Option<LimitExceeded> {
    let begin = StartAttempt { limit_hits: limit_hits.to_vec(), ..begin("second") };
    match begin_at(store, id, begin, now).await {
        AttemptStarted::Started(_) => None,
        AttemptStarted::LimitExceeded(limited) => Some(limited),
        other => panic!("it is neither over nor a resend: {other:?}"),
    }
}

pub(super) async fn guesses_answer_as_a_naive_count_does(store: Store, effort: Effort) {
    let mut now = now();
    let windows = [window(3, 20), window(7, 120), window(12, 3_600)];
    for walk in 0..effort.walks() {
        let (mut dice, mut naive) = (Dice::new(u64::from(walk)), Naive::default());
        // Two recipients, with two purposes each.
        let fresh = |place: usize| {
            let number = walk * 2 + u32::from(place % 2 == 1);
            let purpose = purpose(if place < 2 { "login" } else { "payment" });
            Record { purpose, ..record(number) }
        };
        let mut ids = Vec::new();
        for place in 0..4 {
            ids.push(put(&*store, fresh(place), now).await);
        }
        let mut expected = Vec::new();
        for step in 0..400 {
            now = later(&mut dice, now, &expected);
            let place = dice.place(4);
            let recipient = keys().hash(&recipient(walk * 2 + u32::from(place % 2 == 1)));
            let key = LimitKey::of_guesses(LimitScope::Guesses, &recipient, [0; 8]);
            let limit_hits = [LimitHit { key, windows: windows.into() }];
            if dice.percent(3) {
                assert_eq!(approve_at(&*store, ids[place], now).await, Verdict::Approved);
                naive.empty(key);
                ids[place] = put(&*store, fresh(place), now).await;
                continue;
            }
            let right = dice.percent(10);
            let guess = in_windows(ids[place], if right { CODE } else { WRONG }, &limit_hits[0]);
            let verdict = guess_at(&*store, &guess, now).await;
            expected = naive.full(&limit_hits, now);
            let wait = expected.first().map(|limited| limited.retry_after);
            match verdict {
                Verdict::Approved if right && wait.is_none() => {
                    naive.empty(key);
                    ids[place] = put(&*store, fresh(place), now).await;
                }
                Verdict::WrongCode { .. } if !right && wait.is_none() => {
                    naive.hit(&limit_hits, now);
                }
                Verdict::TooManyGuesses { retry_after } if wait.is_some() => {
                    assert_eq!(retry_after, wait, "walk {walk}, step {step}");
                }
                _ => panic!("walk {walk}, step {step}: {verdict:?} and not a wait of {wait:?}"),
            }
        }
    }
}

fn in_windows(id: VerificationId, text: &str, limit_hit: &LimitHit) -> Guess {
    guess(id, text).within(limit_hit.windows.clone())
}
