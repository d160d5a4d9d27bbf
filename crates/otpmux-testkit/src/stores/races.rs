//! Many tasks at one record.

use std::future::Future;

use otpmux_core::Verdict;
use otpmux_engine::{AttemptStarted, ResendTerms, StartAttempt, State};

use super::records::{
    CODE, WRONG, after, approve, begin, guess, now, put, read, record, vendor_record,
};
use super::steps::{cancel_at, guess_at};
use super::{Effort, Store};

/// Runs this many tasks at once, and returns their results.
pub(super) async fn all_at_once<T, F, Task>(tasks: usize, task: F) -> Vec<T>
where
    F: Fn(usize) -> Task,
    Task: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let tasks: Vec<_> = (0..tasks).map(|number| tokio::spawn(task(number))).collect();
    let mut results = Vec::with_capacity(tasks.len());
    for task in tasks {
        results.push(task.await.expect("a task that ends"));
    }
    results
}

pub(super) fn count<T: PartialEq>(results: &[T], wanted: &T) -> usize {
    results.iter().filter(|result| *result == wanted).count()
}

pub(super) async fn of_many_right_codes_one_is_approved(store: Store, effort: Effort) {
    for round in 0..effort.rounds() {
        let id = put(&*store, record(round)).await;
        let guess = guess(id, CODE);
        let verdicts = all_at_once(64, |_| {
            let (store, guess) = (store.clone(), guess.clone());
            async move { guess_at(&*store, &guess, now()).await }
        })
        .await;
        assert_eq!(count(&verdicts, &Verdict::Approved), 1, "round {round}");
        assert_eq!(count(&verdicts, &Verdict::AlreadyUsed), 63, "round {round}");
        assert_eq!(read(&*store, id).await.guesses, 1);
    }
}

pub(super) async fn of_many_wrong_codes_the_cap_is_compared(store: Store, effort: Effort) {
    for round in 0..effort.rounds() {
        let id = put(&*store, record(round)).await;
        let guess = guess(id, WRONG);
        let verdicts = all_at_once(100, |_| {
            let (store, guess) = (store.clone(), guess.clone());
            async move { guess_at(&*store, &guess, now()).await }
        })
        .await;
        let locked = Verdict::TooManyGuesses { retry_after: None };
        assert_eq!(count(&verdicts, &locked), 95, "round {round}");
        for left in 0..5 {
            let wrong = Verdict::WrongCode { guesses_left: Some(left) };
            assert_eq!(count(&verdicts, &wrong), 1, "round {round}: {left} left");
        }
        assert_eq!(read(&*store, id).await.guesses, 5);
    }
}

pub(super) async fn of_many_vendors_approvals_one_counts(store: Store, effort: Effort) {
    for round in 0..effort.some_rounds() {
        let id = put(&*store, vendor_record(round)).await;
        let verdicts = all_at_once(64, |_| {
            let store = store.clone();
            async move { approve(&*store, id).await }
        });
        assert_eq!(count(&verdicts.await, &Verdict::Approved), 1, "round {round}");
    }
}

pub(super) async fn of_many_resends_one_begins(store: Store, effort: Effort) {
    for round in 0..effort.some_rounds() {
        let id = put(&*store, record(round)).await;
        let begun = all_at_once(32, |_| {
            let store = store.clone();
            let terms = ResendTerms { max_resends: 4, next_after: after(60) };
            let begin = StartAttempt { resend: Some(terms), ..begin("second") };
            async move { store.start_attempt(id, begin, after(30)).await.expect("a store that works") }
        });
        assert_eq!(count(&begun.await, &AttemptStarted::Started(1)), 1, "round {round}");
        assert_eq!(read(&*store, id).await.send_attempts.len(), 2);
    }
}

pub(super) async fn of_many_creations_one_stays_live(store: Store, effort: Effort) {
    for round in 0..effort.some_rounds() {
        let ids = all_at_once(16, |_| {
            let store = store.clone();
            async move { put(&*store, record(round)).await }
        });
        let mut live = 0;
        for id in ids.await {
            live += usize::from(read(&*store, id).await.state == State::Pending);
        }
        assert_eq!(live, 1, "round {round}");
    }
}

pub(super) async fn of_an_approval_and_a_cancellation_one_wins(store: Store, effort: Effort) {
    for round in 0..effort.some_rounds() {
        let id = put(&*store, record(round)).await;
        let guess = guess(id, CODE);
        let won = all_at_once(48, |task| {
            let (store, guess) = (store.clone(), guess.clone());
            async move {
                // Each kind is sometimes the first.
                match (task + usize::try_from(round).expect("few rounds")) % 3 {
                    0 => cancel_at(&*store, id, now()).await.then_some(State::Closed),
                    1 => approve(&*store, id).await.is_approved().then_some(State::Approved),
                    _ => {
                        let verdict = guess_at(&*store, &guess, now()).await;
                        verdict.is_approved().then_some(State::Approved)
                    }
                }
            }
        })
        .await;
        let won: Vec<_> = won.into_iter().flatten().collect();
        assert_eq!(won, [read(&*store, id).await.state], "round {round}");
    }
}
