//! Guesses are counted over all verifications of a recipient.

use std::time::{Duration, SystemTime};

use otpmux_core::Verdict;
use otpmux_engine::{Guess, Guessed, LimitScope, Record, VerificationId, VerificationStore};

use super::Store;
use super::limits::{messages_to, send};
use super::records::{
    CODE, WRONG, after, after_ms, guess, keys, limit_hit, now, purpose, put, read, recipient,
    record, vendor_record, window,
};
use super::steps::{approve_at, cancel_at, create_at, guess_at};

/// A guess that is counted in two windows: three in a minute, five in an hour.
pub(super) fn windowed(id: VerificationId, text: &str) -> Guess {
    guess(id, text).within([window(3, 60), window(5, 3_600)].into())
}

/// Returns the result of such a guess: a word, and the wait in milliseconds if there is one.
async fn tried(
    store: &dyn VerificationStore,
    id: VerificationId,
    text: &str,
    at: SystemTime,
) -> (&'static str, Option<u128>) {
    let verdict = guess_at(store, &windowed(id, text), at).await;
    let Verdict::TooManyGuesses { retry_after } = verdict else { return (verdict.as_str(), None) };
    (verdict.as_str(), retry_after.map(|wait| wait.as_millis()))
}

/// A verification of a recipient for a purpose, with many guesses left.
fn roomy(number: u32, name: &str) -> Record {
    let record = record(number);
    Record { purpose: purpose(name), max_guesses: 100, expires_at: after(7_200), ..record }
}

pub(super) async fn guesses_count_over_all_verifications_of_a_recipient(store: Store) {
    let [login, payment] = ["login", "payment"].map(|name| roomy(1, name));
    let [login, payment] = [put(&*store, login).await, put(&*store, payment).await];
    assert_eq!(tried(&*store, login, WRONG, after(0)).await.0, "wrong_code");
    assert_eq!(tried(&*store, payment, WRONG, after(10)).await.0, "wrong_code");
    // A superseded one removes no counted guess.
    let login = {
        put(&*store, roomy(1, "login")).await;
        assert_eq!(tried(&*store, login, WRONG, after(10)).await.0, "not_found");
        put(&*store, roomy(1, "login")).await
    };
    assert_eq!(tried(&*store, login, WRONG, after(20)).await.0, "wrong_code");
    for id in [login, payment] {
        let refused = tried(&*store, id, CODE, after_ms(20_001)).await;
        assert_eq!(refused, ("too_many_guesses", Some(39_999)), "right or not");
    }
    assert_eq!(tried(&*store, login, CODE, after_ms(59_999)).await.1, Some(1));
    assert_eq!(tried(&*store, login, WRONG, after(60)).await.0, "wrong_code");
    assert_eq!(tried(&*store, payment, WRONG, after(80)).await.0, "wrong_code");
    // Five within the hour: the longer wait is returned.
    let refused = tried(&*store, payment, CODE, after(90)).await;
    assert_eq!(refused, ("too_many_guesses", Some(3_510_000)));
    assert_eq!(tried(&*store, payment, CODE, after_ms(3_599_999)).await.1, Some(1));
    assert_eq!(tried(&*store, payment, CODE, after(3_600)).await.0, "approved");
    let counted = [read(&*store, login).await.guesses, read(&*store, payment).await.guesses];
    assert_eq!(counted, [2, 3], "a refused repeat is no guess");
}

pub(super) async fn guesses_outlive_their_verification(store: Store) {
    let first = Record { max_guesses: 100, ..record(1) };
    let id = put(&*store, first).await;
    for at in [0, 60, 120, 180, 240] {
        assert_eq!(tried(&*store, id, WRONG, after(at)).await.0, "wrong_code");
    }
    let second = Record { expires_at: after(4_000), ..record(1) };
    let new = second.id;
    create_at(&*store, second, &[], after(2_000)).await;
    assert_eq!(tried(&*store, id, WRONG, after(2_000)).await.0, "not_found");
    assert_eq!(tried(&*store, new, CODE, after(2_000)).await.1, Some(1_600_000));
    assert_eq!(tried(&*store, new, CODE, after(3_600)).await.0, "approved");
}

pub(super) async fn an_approval_empties_the_windows_of_guesses(store: Store) {
    let full = async || {
        let id = put(&*store, roomy(1, "login")).await;
        for _ in 0..2 {
            assert_eq!(tried(&*store, id, WRONG, now()).await.0, "wrong_code");
        }
        id
    };
    let by_code = full().await;
    assert_eq!(tried(&*store, by_code, CODE, now()).await.0, "approved");
    // The third guess fills them; a vendor's approval does not count, and is not refused for them.
    let by_vendor = full().await;
    assert_eq!(tried(&*store, by_vendor, WRONG, now()).await.0, "wrong_code");
    assert_eq!(tried(&*store, by_vendor, WRONG, now()).await.0, "too_many_guesses");
    assert_eq!(approve_at(&*store, by_vendor, now()).await, Verdict::Approved);
    let last = full().await;
    assert_eq!(tried(&*store, last, WRONG, now()).await.0, "wrong_code");
    assert_eq!(tried(&*store, last, WRONG, now()).await.1, Some(60_000));
    // Neither of these is an approval.
    assert_eq!(approve_at(&*store, by_vendor, now()).await, Verdict::AlreadyUsed);
    assert_eq!(tried(&*store, by_code, CODE, now()).await.0, "already_used");
    assert_eq!(tried(&*store, last, WRONG, now()).await.1, Some(60_000));
    assert_eq!(read(&*store, last).await.guesses, 3);
}

pub(super) async fn another_recipients_guesses_are_their_own(store: Store) {
    let [mine, theirs] = [put(&*store, record(1)).await, put(&*store, record(2)).await];
    for id in [mine, theirs] {
        for _ in 0..3 {
            assert_eq!(tried(&*store, id, WRONG, now()).await.0, "wrong_code");
        }
    }
    assert_eq!(approve_at(&*store, mine, now()).await, Verdict::Approved);
    assert_eq!(tried(&*store, theirs, CODE, now()).await.1, Some(60_000), "still full");
    assert_eq!(tried(&*store, theirs, CODE, after(60)).await.0, "approved");
}

pub(super) async fn a_guess_that_looks_at_no_code_counts_nothing(store: Store) {
    let id = put(&*store, roomy(1, "login")).await;
    let [cancelled, used, expired, locked] = ["a", "b", "c", "d"].map(|name| roomy(1, name));
    let expired = Record { expires_at: after(1), ..expired };
    let locked = Record { max_guesses: 0, ..locked };
    let cancelled = put(&*store, cancelled).await;
    let used = put(&*store, used).await;
    let [expired, locked] = [put(&*store, expired).await, put(&*store, locked).await];
    assert!(cancel_at(&*store, cancelled, now()).await);
    assert_eq!(approve_at(&*store, used, now()).await, Verdict::Approved);
    for _ in 0..10 {
        for (id, expected) in [
            (cancelled, "not_found"),
            (used, "already_used"),
            (expired, "expired"),
            (locked, "too_many_guesses"),
            (VerificationId::from_bytes([8; 16]), "not_found"),
        ] {
            assert_eq!(tried(&*store, id, WRONG, after(1)).await, (expected, None));
        }
        let wrong = || windowed(id, WRONG);
        let to = wrong().for_recipient(&recipient(2), keys());
        for foreign in [to, wrong().for_purpose(purpose("payment"))] {
            assert_eq!(guess_at(&*store, &foreign, after(1)).await, Verdict::NotFound);
        }
    }
    for _ in 0..3 {
        assert_eq!(tried(&*store, id, WRONG, after(1)).await.0, "wrong_code", "nothing counted");
    }
    assert_eq!(tried(&*store, id, WRONG, after(1)).await.1, Some(60_000));
    // The verification's own verdict comes first.
    assert_eq!(tried(&*store, locked, WRONG, after(1)).await.1, None);
    assert_eq!(tried(&*store, expired, WRONG, after(1)).await.0, "expired");
}

pub(super) async fn guesses_at_a_vendors_code_count(store: Store) {
    let id = put(&*store, vendor_record(1)).await;
    for _ in 0..3 {
        let guessed = store.check_guess(&windowed(id, CODE), now()).await;
        let guessed = guessed.expect("a store that works");
        assert!(matches!(guessed, Guessed::AskVendors(_)), "{guessed:?}");
    }
    let wait = Some(Duration::from_secs(60));
    let verdict = guess_at(&*store, &windowed(id, CODE), now()).await;
    assert_eq!(verdict, Verdict::TooManyGuesses { retry_after: wait });
    assert_eq!(read(&*store, id).await.guesses, 3);
}

pub(super) async fn guesses_and_messages_do_not_mix(store: Store) {
    let id = put(&*store, roomy(1, "login")).await;
    let messages = [limit_hit(messages_to(1), &[(3, 60)])];
    assert_eq!(messages[0].key.scope, LimitScope::Recipient);
    for _ in 0..3 {
        assert_eq!(tried(&*store, id, WRONG, now()).await.0, "wrong_code");
        assert_eq!(send(&*store, &messages, now()).await, None);
    }
    assert_eq!(tried(&*store, id, WRONG, now()).await.0, "too_many_guesses");
    assert_eq!(approve_at(&*store, id, now()).await, Verdict::Approved);
    assert!(send(&*store, &messages, now()).await.is_some(), "an approval empties guesses only");
}

pub(super) async fn a_guess_without_windows_counts_nowhere(store: Store) {
    let id = put(&*store, roomy(1, "login")).await;
    for _ in 0..10 {
        let verdict = guess_at(&*store, &guess(id, WRONG), now()).await;
        assert!(matches!(verdict, Verdict::WrongCode { .. }), "{verdict:?}");
    }
    assert_eq!(tried(&*store, id, CODE, now()).await.0, "approved");
}
