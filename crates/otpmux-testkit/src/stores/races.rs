//! Many tasks at one record.

use std::future::Future;

use otpmux_core::Verdict;
use otpmux_engine::{BeginLeg, Begun, ResendTerms, State};

use super::Store;
use super::records::{
    CODE, WRONG, after, approve, begin, put, read, record, try_code, vendor_record,
};

const ROUNDS: u32 = 100;

/// Runs one task so many times at once, and gives what each came to.
async fn all_at_once<T, F, Task>(times: usize, task: F) -> Vec<T>
where
    F: Fn() -> Task,
    Task: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let tasks: Vec<_> = (0..times).map(|_| tokio::spawn(task())).collect();
    let mut results = Vec::with_capacity(times);
    for task in tasks {
        results.push(task.await.expect("a task that ends"));
    }
    results
}

fn count<T: PartialEq>(results: &[T], wanted: &T) -> usize {
    results.iter().filter(|result| *result == wanted).count()
}

pub(super) async fn of_many_right_codes_one_is_approved(store: Store) {
    for round in 0..ROUNDS {
        let id = put(&*store, record(round)).await;
        let store = store.clone();
        let verdicts = all_at_once(64, move || {
            let store = store.clone();
            async move { try_code(&*store, id, CODE).await }
        });
        assert_eq!(count(&verdicts.await, &"approved"), 1, "round {round}");
    }
}

pub(super) async fn of_many_wrong_codes_the_cap_is_compared(store: Store) {
    for round in 0..ROUNDS {
        let id = put(&*store, record(round)).await;
        let shared = store.clone();
        let verdicts = all_at_once(100, move || {
            let store = shared.clone();
            async move { try_code(&*store, id, WRONG).await }
        });
        assert_eq!(count(&verdicts.await, &"wrong_code"), 5, "round {round}");
        assert_eq!(read(&*store, id).await.attempts, 5);
    }
}

pub(super) async fn of_many_vendors_approvals_one_counts(store: Store) {
    for round in 0..ROUNDS {
        let id = put(&*store, vendor_record(round)).await;
        let store = store.clone();
        let verdicts = all_at_once(64, move || {
            let store = store.clone();
            async move { approve(&*store, id).await }
        });
        assert_eq!(count(&verdicts.await, &Verdict::Approved), 1, "round {round}");
    }
}

pub(super) async fn of_many_resends_one_begins(store: Store) {
    for round in 0..ROUNDS {
        let id = put(&*store, record(round)).await;
        let shared = store.clone();
        let begun = all_at_once(32, move || {
            let store = shared.clone();
            let terms = ResendTerms { max_resends: 4, next_after: after(60) };
            let begin = BeginLeg { resend: Some(terms), ..begin("second") };
            async move { store.begin_leg(id, begin, after(30)).await.expect("a store that works") }
        });
        assert_eq!(count(&begun.await, &Begun::Leg(1)), 1, "round {round}");
        assert_eq!(read(&*store, id).await.legs.len(), 2);
    }
}

pub(super) async fn of_many_creations_one_stays_live(store: Store) {
    for round in 0..ROUNDS {
        let shared = store.clone();
        let ids = all_at_once(16, move || {
            let store = shared.clone();
            async move { put(&*store, record(round)).await }
        });
        let mut live = 0;
        for id in ids.await {
            live += usize::from(read(&*store, id).await.state == State::Pending);
        }
        assert_eq!(live, 1, "round {round}");
    }
}
