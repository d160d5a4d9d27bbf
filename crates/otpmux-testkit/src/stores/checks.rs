//! Trials of guesses.

use otpmux_core::Verdict;
use otpmux_engine::{AttemptState, Guess, Guessed, Record, ServerKeys, State};

use super::Store;
use super::records::{
    CODE, WRONG, approve, attempt, code, guess, keys, now, purpose, put, read, recipient, record,
    try_code, vendor_record,
};

pub(super) async fn the_right_code_is_approved_once(store: Store) {
    let id = put(&*store, record(1)).await;
    assert_eq!(try_code(&*store, id, WRONG).await, "wrong_code");
    assert_eq!(try_code(&*store, id, CODE).await, "approved");
    assert_eq!(try_code(&*store, id, CODE).await, "already_used");
    assert_eq!(read(&*store, id).await.state, State::Approved);
}

pub(super) async fn wrong_codes_count_down_to_the_lock(store: Store) {
    let id = put(&*store, record(1)).await;
    for left in (0..5).rev() {
        let guessed =
            store.check_guess(&guess(id, WRONG), now()).await.expect("a store that works");
        let expected = Verdict::WrongCode { guesses_left: Some(left) };
        assert!(matches!(guessed, Guessed::Verdict { verdict, .. } if verdict == expected));
    }
    assert_eq!(try_code(&*store, id, CODE).await, "too_many_guesses");
    assert_eq!(try_code(&*store, id, CODE).await, "too_many_guesses");
    assert_eq!(read(&*store, id).await.guesses, 5);
}

pub(super) async fn a_code_that_was_not_sent_approves_nothing(store: Store) {
    for state in [AttemptState::NotSent, AttemptState::Rejected] {
        let mut unsent = record(1);
        unsent.send_attempts = vec![attempt("primary", true, state)];
        let id = put(&*store, unsent).await;
        assert_eq!(try_code(&*store, id, CODE).await, "wrong_code");
        assert_eq!(read(&*store, id).await.guesses, 1);
    }
    for state in [AttemptState::Intended, AttemptState::Unknown] {
        let mut maybe = record(1);
        maybe.send_attempts = vec![attempt("primary", true, state)];
        let id = put(&*store, maybe).await;
        assert_eq!(try_code(&*store, id, CODE).await, "approved", "it may have been sent");
    }
}

pub(super) async fn a_vendors_code_is_left_to_its_vendor_and_counted(store: Store) {
    let id = put(&*store, vendor_record(1)).await;
    for counted in 1..=5 {
        let guessed = store.check_guess(&guess(id, CODE), now()).await.expect("a store that works");
        let Guessed::AskVendors(record) = guessed else { panic!("only the vendor can tell") };
        assert_eq!(record.guesses, counted);
        assert_eq!(record.send_attempts[0].provider.as_str(), "vendor");
    }
    assert_eq!(try_code(&*store, id, CODE).await, "too_many_guesses");
}

pub(super) async fn a_vendors_approval_is_consumed_once(store: Store) {
    let id = put(&*store, vendor_record(1)).await;
    assert_eq!(approve(&*store, id).await, Verdict::Approved);
    assert_eq!(approve(&*store, id).await, Verdict::AlreadyUsed);
    let cancelled = put(&*store, vendor_record(2)).await;
    assert!(store.cancel(cancelled, now()).await.expect("a store that works"));
    assert_eq!(approve(&*store, cancelled).await, Verdict::NotFound);
}

pub(super) async fn a_code_is_compared_under_the_key_that_signed_it(store: Store) {
    let (old, new) = ("k".repeat(43), "g".repeat(43));
    let ring = |names: &[(&str, &str)]| -> ServerKeys {
        let keys: Vec<_> =
            names.iter().map(|(id, key)| ((*id).to_owned(), (*key).into())).collect();
        ServerKeys::new(&keys).expect("a key ring")
    };
    let rotated = ring(&[("new", &new), ("suite", &old)]);
    let replaced = ring(&[("suite", &new)]);
    let id = put(&*store, record(1)).await;
    let tried = |guess: Guess| {
        let store = &store;
        async move {
            match store.check_guess(&guess, now()).await.expect("a store that works") {
                Guessed::Verdict { verdict, .. } => verdict.as_str(),
                Guessed::AskVendors(_) => "ask_vendors",
                Guessed::KeyReused => panic!("no guess has a name"),
            }
        }
    };
    assert_eq!(tried(replaced.guess(id, &code(CODE))).await, "wrong_code", "another key");
    assert_eq!(tried(rotated.guess(id, &code(CODE))).await, "approved", "the older key");
}

pub(super) async fn another_recipient_or_purpose_finds_nothing(store: Store) {
    let id = put(&*store, record(1)).await;
    let keys = keys();
    let guess = || keys.guess(id, &code(CODE));
    for (guess, expected) in [
        (guess().for_recipient(&recipient(2), keys), "not_found"),
        (guess().for_purpose(purpose("payment")), "not_found"),
        (guess().for_recipient(&recipient(1), keys).for_purpose(purpose("payment")), "not_found"),
        (guess().for_recipient(&recipient(1), keys).for_purpose(purpose("login")), "approved"),
    ] {
        match store.check_guess(&guess, now()).await.expect("a store that works") {
            Guessed::Verdict { verdict, .. } => assert_eq!(verdict.as_str(), expected),
            Guessed::AskVendors(_) => panic!("otpmux made the code"),
            Guessed::KeyReused => panic!("no guess has a name"),
        }
    }
    assert_eq!(read(&*store, id).await.guesses, 1, "a code that is not found counts no guess");
}

pub(super) async fn another_verifications_code_is_wrong(store: Store) {
    let (mine, theirs) = (record(1), record(2));
    let foreign = Record { code: theirs.code, ..mine };
    let id = put(&*store, foreign).await;
    let guessed = store.check_guess(&guess(id, CODE), now()).await.expect("a store that works");
    assert!(matches!(guessed, Guessed::Verdict { verdict: Verdict::WrongCode { .. }, .. }));
}
