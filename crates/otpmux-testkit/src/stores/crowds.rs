//! Many tasks at one limit, one name, one recipient, or at different parts of one record.

use std::time::Duration;

use otpmux_core::{ErrorKind, ProviderId, VendorReference, Verdict};
use otpmux_engine::{
    AttemptEnd, AttemptStarted, AttemptState, LimitScope, Record, RecordOutcome, Skip, SkipReason,
    StartAttempt, State,
};

use super::health::{closed, open, write};
use super::limits::{messages_to, refund, send};
use super::named::{ask, named};
use super::races::{all_at_once, count};
use super::records::{
    WRONG, after_ms, begin, end, guess, limit, limit_hit, now, purpose, put, read, record,
    record_outcome, window,
};
use super::steps::{begin_at, guess_at, health_at, recorded_at};
use super::{Effort, Store};

pub(super) async fn of_many_limit_hits_the_count_is_admitted(store: Store, effort: Effort) {
    for round in 0..effort.some_rounds() {
        let limit_hits = [
            limit_hit(limit(LimitScope::Global, round), &[(10, 60), (20, 600)]),
            limit_hit(limit(LimitScope::Ip, round), &[(15, 60)]),
        ];
        let id = put(&*store, record(round)).await;
        let admitted = all_at_once(64, |task| {
            let (store, limit_hits) = (store.clone(), limit_hits.clone());
            async move {
                if task % 4 == 0 {
                    let begin = StartAttempt { limit_hits: limit_hits.to_vec(), ..begin("second") };
                    matches!(begin_at(&*store, id, begin, now()).await, AttemptStarted::Started(_))
                } else {
                    send(&*store, &limit_hits, now()).await.is_none()
                }
            }
        });
        assert_eq!(count(&admitted.await, &true), 10, "round {round}");
        // The other limit has not counted the refused hits, either.
        for left in (0..5).rev() {
            let full = send(&*store, &limit_hits[1..], now()).await;
            assert_eq!(full, None, "round {round}: {left} left");
        }
        assert!(send(&*store, &limit_hits[1..], now()).await.is_some(), "round {round}");
    }
}

pub(super) async fn of_many_refunds_each_takes_one_back(store: Store, effort: Effort) {
    for round in 0..effort.some_rounds() {
        let limit_hits = [limit_hit(messages_to(round), &[(16, 60)])];
        let id = put(&*store, record(round)).await;
        for _ in 0..16 {
            assert_eq!(send(&*store, &limit_hits, now()).await, None);
        }
        all_at_once(8, |_| {
            let store = store.clone();
            let record_outcome = RecordOutcome {
                refunds: vec![refund(messages_to(round), now())],
                ..RecordOutcome::default()
            };
            async move { recorded_at(&*store, id, record_outcome, now()).await }
        })
        .await;
        let mut room = 0;
        while send(&*store, &limit_hits, now()).await.is_none() {
            room += 1;
        }
        assert_eq!(room, 8, "round {round}");
    }
}

pub(super) async fn of_many_requests_of_one_name_one_is_made(store: Store, effort: Effort) {
    for round in 0..effort.some_rounds() {
        let asked = all_at_once(50, |_| {
            let (store, mut record) = (store.clone(), named(round, 1, 1));
            let tag = record.request.as_mut().expect("a name");
            tag.name[..4].copy_from_slice(&round.to_be_bytes());
            async move { ask(&*store, record, now()).await }
        })
        .await;
        let new: Vec<_> = asked.iter().filter(|(answer, _)| *answer == "new").collect();
        assert_eq!(new.len(), 1, "round {round}");
        let same = ("before", new[0].1);
        assert_eq!(count(&asked, &same), 49, "round {round}");
    }
}

pub(super) async fn of_many_guesses_at_a_recipient_the_windows_count_is_compared(
    store: Store,
    effort: Effort,
) {
    for round in 0..effort.some_rounds() {
        let mut guesses = Vec::new();
        for name in ["a", "b", "c", "d"] {
            let record = Record { purpose: purpose(name), max_guesses: 50, ..record(round) };
            let id = put(&*store, record).await;
            guesses.push((id, guess(id, WRONG).within([window(20, 600), window(10, 60)].into())));
        }
        let verdicts = all_at_once(100, |task| {
            let (store, (_, guess)) = (store.clone(), guesses[task % 4].clone());
            async move { guess_at(&*store, &guess, now()).await }
        })
        .await;
        let retry_after = Some(Duration::from_mins(1));
        let refused = Verdict::TooManyGuesses { retry_after };
        assert_eq!(count(&verdicts, &refused), 90, "round {round}");
        let mut compared = 0;
        for (id, _) in guesses {
            compared += read(&*store, id).await.guesses;
        }
        assert_eq!(compared, 10, "round {round}");
        let words: Vec<_> = verdicts.iter().map(Verdict::as_str).collect();
        assert_eq!(count(&words, &"wrong_code"), 10, "round {round}");
    }
}

/// Every task begins a send attempt, records its outcome, and guesses.
pub(super) async fn of_many_changes_to_one_record_none_is_lost(store: Store, effort: Effort) {
    for round in 0..effort.some_rounds() {
        let id = put(&*store, Record { max_guesses: 100, ..record(round) }).await;
        let wrong = guess(id, WRONG);
        let begun = all_at_once(16, |task| {
            let (store, wrong) = (store.clone(), wrong.clone());
            async move {
                let provider = ProviderId::new(format!("provider-{task}")).expect("a name");
                let skip = Skip { before: 0, provider, reason: SkipReason::Limit };
                let skips = vec![skip.clone()];
                let begin = StartAttempt { skips, ..begin(&format!("provider-{task}")) };
                let AttemptStarted::Started(attempt) = begin_at(&*store, id, begin, now()).await
                else {
                    panic!("nothing is over")
                };
                let verdict = guess_at(&*store, &wrong, now()).await;
                assert_eq!(verdict.as_str(), "wrong_code");
                let reference = Some(VendorReference::new(format!("reference-{task}")));
                let end = AttemptEnd { reference, ..end(attempt, AttemptState::Accepted) };
                let record_outcome = RecordOutcome { skips: vec![skip], ..record_outcome(end) };
                recorded_at(&*store, id, record_outcome, now()).await;
                (task, attempt)
            }
        })
        .await;
        let back = read(&*store, id).await;
        assert_eq!((back.state, back.guesses), (State::Pending, 16), "round {round}");
        assert_eq!((back.send_attempts.len(), back.skips.len()), (17, 32), "round {round}");
        for (task, place) in begun {
            let attempt = &back.send_attempts[place];
            assert_eq!(attempt.provider.as_str(), format!("provider-{task}"), "round {round}");
            let reference = attempt.reference.as_ref().expect("a reference").as_str();
            assert_eq!(
                (attempt.state, reference),
                (AttemptState::Accepted, &*format!("reference-{task}"))
            );
            let mine = back.skips.iter().filter(|skip| skip.provider == attempt.provider).count();
            assert_eq!(mine, 2, "round {round}");
        }
    }
}

/// Failed send attempts close the verification, unless another was begun in time; after it, none is
/// begun.
pub(super) async fn of_a_new_attempt_and_a_closing_one_comes_first(store: Store, effort: Effort) {
    for round in 0..effort.some_rounds() {
        let mut first = record(round);
        first.send_attempts[0].state = AttemptState::Intended;
        let id = put(&*store, first).await;
        let begun = all_at_once(24, |task| {
            let store = store.clone();
            async move {
                if task % 3 == 1 {
                    return Some(begin_at(&*store, id, begin("second"), now()).await);
                }
                let record_outcome = RecordOutcome {
                    close: task % 3 == 0,
                    ..record_outcome(end(0, AttemptState::Rejected))
                };
                recorded_at(&*store, id, record_outcome, now()).await;
                None
            }
        })
        .await;
        let back = read(&*store, id).await;
        let begun: Vec<_> = begun.into_iter().flatten().collect();
        let send_attempts =
            begun.iter().filter(|begun| matches!(begun, AttemptStarted::Started(_))).count();
        assert_eq!(back.send_attempts.len(), send_attempts + 1, "round {round}");
        let (state, told) = match send_attempts {
            0 => (State::Closed, AttemptStarted::Over(Verdict::NotFound)),
            8 => (State::Pending, begun[0].clone()),
            _ => panic!(
                "round {round}: {send_attempts} of eight send_attempts, though the first keeps it open"
            ),
        };
        assert_eq!((back.state, &begun[0]), (state, &told), "round {round}");
    }
}

pub(super) async fn of_many_updates_the_newest_stays(store: Store, effort: Effort) {
    for round in 0..effort.some_rounds() {
        let at = move |task: usize| after_ms(u64::from(round) * 1_000 + task as u64);
        all_at_once(32, |task| {
            let store = store.clone();
            // In no order of time.
            let time = at(task * 13 % 32);
            let health_updates = vec![open("a", time, ErrorKind::Timeout), closed("b", time)];
            async move { write(&*store, health_updates, at(0)).await }
        })
        .await;
        let newest = [open("a", at(31), ErrorKind::Timeout), closed("b", at(31))];
        assert_eq!(health_at(&*store, at(0)).await, newest, "round {round}");
    }
}
