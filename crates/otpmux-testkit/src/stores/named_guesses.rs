//! Trials of named guesses, and of guesses that were never compared.

use std::time::SystemTime;

use otpmux_core::Verdict;
use otpmux_engine::{Guess, GuessEnd, Guessed, VerificationId, VerificationStore};

use super::records::{
    CODE, WRONG, after, after_ms, code, guess, keys, now, put, read, record, vendor_record, window,
};
use super::steps::cancel_at;
use super::{Effort, Store};

fn named(id: VerificationId, text: &str, name: &str) -> Guess {
    guess(id, text)
        .named(Some(keys().guess_name(&id.into(), name, &code(text))))
        .within([window(3, 60)].into())
        .within_total([window(4, 60)].into())
}

async fn told(store: &dyn VerificationStore, guess: &Guess, at: SystemTime) -> String {
    match store.check_guess(guess, at).await.expect("a store that works") {
        Guessed::Verdict { verdict: Verdict::WrongCode { guesses_left: Some(left) }, .. } => {
            format!("wrong {left}")
        }
        Guessed::Verdict { verdict, .. } => verdict.as_str().to_owned(),
        Guessed::AskVendors(record) => format!("ask {}", record.guesses),
        Guessed::KeyReused => "key_reused".to_owned(),
    }
}

async fn end(store: &dyn VerificationStore, id: VerificationId, guess: &Guess, end: GuessEnd) {
    store.end_guess(id, guess, end, now()).await.expect("a store that works");
}

pub(super) async fn a_guess_said_twice_is_counted_once(store: Store) {
    let id = put(&*store, record(1)).await;
    let (wrong, right) = (named(id, WRONG, "a"), named(id, CODE, "b"));
    for _ in 0..10 {
        assert_eq!(told(&*store, &wrong, now()).await, "wrong 4");
    }
    assert_eq!(read(&*store, id).await.guesses, 1);
    for reused in [named(id, CODE, "a"), named(id, "999999", "a")] {
        assert_eq!(told(&*store, &reused, now()).await, "key_reused");
    }
    assert_eq!(told(&*store, &named(id, WRONG, "c"), now()).await, "wrong 3");
    for at in [now(), after(1), after(299), after(899)] {
        assert_eq!(told(&*store, &right, at).await, "approved");
    }
    // The same code under another name, or without one, is another guess.
    assert_eq!(told(&*store, &named(id, CODE, "d"), now()).await, "already_used");
    assert_eq!(told(&*store, &guess(id, CODE), now()).await, "already_used");
    assert_eq!(told(&*store, &wrong, now()).await, "wrong 4");
    assert_eq!(read(&*store, id).await.guesses, 3);
    assert_eq!(told(&*store, &right, after(900)).await, "not_found", "gone with its record");
}

pub(super) async fn a_guess_that_was_not_counted_keeps_no_name(store: Store) {
    let id = put(&*store, record(1)).await;
    for name in ["a", "b", "c"] {
        told(&*store, &named(id, WRONG, name), now()).await;
    }
    assert_eq!(told(&*store, &named(id, WRONG, "d"), now()).await, "too_many_guesses");
    assert_eq!(told(&*store, &named(id, CODE, "d"), after(60)).await, "approved");
    let cancelled = put(&*store, record(2)).await;
    assert!(cancel_at(&*store, cancelled, now()).await);
    for text in [CODE, WRONG] {
        assert_eq!(told(&*store, &named(cancelled, text, "a"), now()).await, "not_found");
    }
}

pub(super) async fn names_of_guesses_belong_to_their_verification(store: Store) {
    let [one, two] = [put(&*store, record(1)).await, put(&*store, record(2)).await];
    assert_eq!(told(&*store, &named(one, WRONG, "a"), now()).await, "wrong 4");
    assert_eq!(told(&*store, &named(two, CODE, "a"), now()).await, "approved");
    let stranger = named(two, CODE, "a").for_purpose(super::records::purpose("payment"));
    assert_eq!(told(&*store, &stranger, now()).await, "not_found", "a caller that may not see it");
}

pub(super) async fn a_repeat_asks_the_vendor_again_and_counts_nothing(store: Store) {
    let id = put(&*store, vendor_record(1)).await;
    let asked = named(id, CODE, "a").counted_at(now());
    for _ in 0..10 {
        assert_eq!(told(&*store, &asked, now()).await, "ask 1");
    }
    assert_eq!(told(&*store, &named(id, WRONG, "a"), now()).await, "key_reused");
    for _ in 0..2 {
        let approved = store.approve(id, &asked, now()).await.expect("a store that works");
        assert_eq!(approved, Verdict::Approved, "once, and to each repeat");
        assert_eq!(told(&*store, &asked, now()).await, "approved");
    }
    let other = store.approve(id, &named(id, CODE, "b"), now()).await.expect("a store that works");
    assert_eq!(other, Verdict::AlreadyUsed);

    // A vendor's "wrong code" is returned again, without asking the vendor.
    let id = put(&*store, vendor_record(2)).await;
    let wrong = named(id, WRONG, "a").counted_at(now());
    assert_eq!(told(&*store, &wrong, now()).await, "ask 1");
    end(&*store, id, &wrong, GuessEnd::Wrong(2)).await;
    assert_eq!(told(&*store, &wrong, now()).await, "wrong 2");
    end(&*store, id, &wrong, GuessEnd::NotCompared).await;
    assert_eq!(told(&*store, &wrong, now()).await, "wrong 2", "it was compared after all");
    assert_eq!(read(&*store, id).await.guesses, 1);

    // An expired one returns `expired`.
    let id = put(&*store, vendor_record(3)).await;
    let late = named(id, CODE, "a");
    assert_eq!(told(&*store, &late, now()).await, "ask 1");
    assert_eq!(told(&*store, &late, after(300)).await, "expired");
}

pub(super) async fn a_guess_that_was_not_compared_is_given_back(store: Store) {
    let id = put(&*store, vendor_record(1)).await;
    for turn in 0..10 {
        let at = after_ms(turn);
        let guess = match turn % 2 {
            0 => named(id, CODE, "a"),
            _ => named(id, CODE, "a").named(None),
        };
        assert_eq!(told(&*store, &guess, at).await, "ask 1", "{turn}");
        // Much later, since a vendor may be slow.
        end(&*store, id, &guess.counted_at(at), GuessEnd::NotCompared).await;
        assert_eq!(read(&*store, id).await.guesses, 0);
    }
    // A name that was released is free.
    assert_eq!(told(&*store, &named(id, WRONG, "a"), now()).await, "ask 1");
    // Only a counted guess is taken back, and never below zero.
    for _ in 0..3 {
        end(&*store, id, &guess(id, CODE), GuessEnd::NotCompared).await;
    }
    assert_eq!(read(&*store, id).await.guesses, 0);
    let room = [named(id, WRONG, "b"), named(id, WRONG, "c")];
    for guess in &room {
        assert!(told(&*store, guess, now()).await.starts_with("ask"), "two left of three");
    }
    assert_eq!(told(&*store, &named(id, WRONG, "d"), now()).await, "too_many_guesses");
}

pub(super) async fn after_an_approval_nothing_is_given_back(store: Store) {
    let id = put(&*store, vendor_record(1)).await;
    let slow = guess(id, WRONG).counted_at(now());
    assert_eq!(told(&*store, &slow, now()).await, "ask 1");
    assert_eq!(told(&*store, &guess(id, CODE), now()).await, "ask 2");
    let approved = store.approve(id, &guess(id, CODE), now()).await.expect("a store that works");
    assert_eq!(approved, Verdict::Approved);
    end(&*store, id, &slow, GuessEnd::NotCompared).await;
    assert_eq!(read(&*store, id).await.guesses, 2);
}

pub(super) async fn the_last_call_without_a_verdict_gives_back(store: Store) {
    let id = put(&*store, vendor_record(1)).await;
    let twice = named(id, CODE, "a").counted_at(now());
    for _ in 0..2 {
        assert_eq!(told(&*store, &twice, now()).await, "ask 1");
    }
    end(&*store, id, &twice, GuessEnd::NotCompared).await;
    assert_eq!(read(&*store, id).await.guesses, 1, "the other call may bring a verdict");
    end(&*store, id, &twice, GuessEnd::NotCompared).await;
    assert_eq!(read(&*store, id).await.guesses, 0);
}

pub(super) async fn guessers_have_windows_of_their_own_within_the_total(store: Store) {
    let id = put(&*store, otpmux_engine::Record { max_guesses: 100, ..record(1) }).await;
    let by = |text: &str, who: u8| named(id, text, "").named(None).by([who; 8], [9; 8]);
    for _ in 0..3 {
        assert!(told(&*store, &by(WRONG, 1), now()).await.starts_with("wrong"));
    }
    assert_eq!(told(&*store, &by(CODE, 1), now()).await, "too_many_guesses");
    assert!(told(&*store, &by(WRONG, 2), after(10)).await.starts_with("wrong"));
    // Four in all: no guesser of this tenant may guess, and the longest wait is returned.
    assert_eq!(told(&*store, &by(CODE, 3), after(20)).await, "too_many_guesses");
    // Another tenant has a separate total; its approval takes nothing from this one.
    let other = || by(CODE, 4).by([4; 8], [8; 8]);
    assert_eq!(told(&*store, &other(), after(20)).await, "approved");
    let next = put(&*store, record(1)).await;
    let by = |who: u8| named(next, CODE, "").named(None).by([who; 8], [9; 8]);
    assert_eq!(told(&*store, &by(3), after(20)).await, "too_many_guesses");
    let verdict = store.check_guess(&by(1), after(20)).await.expect("a store that works");
    let wait = Some(std::time::Duration::from_secs(40));
    assert!(
        matches!(verdict, Guessed::Verdict { verdict: Verdict::TooManyGuesses { retry_after }, .. } if retry_after == wait),
        "{verdict:?}"
    );
    assert_eq!(told(&*store, &by(3), after(60)).await, "approved");
}

pub(super) async fn an_approval_empties_its_own_windows_and_not_the_total(store: Store) {
    let by = |id, text: &str, who: u8| named(id, text, "").named(None).by([who; 8], [9; 8]);
    let id = put(&*store, record(1)).await;
    for _ in 0..2 {
        assert!(told(&*store, &by(id, WRONG, 1), now()).await.starts_with("wrong"));
    }
    assert_eq!(told(&*store, &by(id, CODE, 1), now()).await, "approved");
    let id = put(&*store, record(1)).await;
    for _ in 0..2 {
        assert!(told(&*store, &by(id, WRONG, 1), now()).await.starts_with("wrong"));
    }
    assert_eq!(told(&*store, &by(id, WRONG, 1), now()).await, "too_many_guesses", "in all");

    // A right code of a vendor's does not count in the total.
    let approved = async |number| {
        let id = put(&*store, vendor_record(number)).await;
        let right = by(id, CODE, 1).counted_at(now());
        assert_eq!(told(&*store, &right, now()).await, "ask 1");
        store.approve(id, &right, now()).await.expect("a store that works")
    };
    for _ in 0..10 {
        assert_eq!(approved(2).await, Verdict::Approved);
    }
}

pub(super) async fn of_many_repeats_of_a_guess_one_counts(store: Store, effort: Effort) {
    for round in 0..effort.some_rounds() {
        let id = put(&*store, record(round)).await;
        let repeats = (0..8).map(|turn| {
            let store = std::sync::Arc::clone(&store);
            let text = if turn % 2 == 0 { WRONG } else { CODE };
            let guess = named(id, text, text);
            tokio::spawn(async move { told(&*store, &guess, now()).await })
        });
        let mut wrong = Vec::new();
        for repeat in repeats.collect::<Vec<_>>() {
            let verdict = repeat.await.expect("no panic");
            if verdict != "approved" {
                wrong.push(verdict);
            }
        }
        // Each wrong guess came before the right one, or after it, or was a repeat.
        let counted = read(&*store, id).await.guesses;
        assert!(counted <= 2, "{counted}");
        assert!(wrong.iter().all(|it| it == "wrong 4" || it == "already_used"), "{wrong:?}");
    }
}
