//! Trials of guesses that select their verification by recipient and purpose, or by the caller's
//! own id.

use otpmux_core::Verdict;
use otpmux_engine::{
    AttemptState, Create, Created, ExternalId, Guess, GuessEnd, Guessed, RETENTION, Record,
    RecordOutcome, ServerKeys, State, VerificationId, VerificationStore,
};

use super::mailboxes::{GIVEN, OTHER_CASE, TAGGED, record_to, to};
use super::races::{all_at_once, count};
use super::records::{
    CODE, WRONG, after, attempt, code, end, guess, keys, now, purpose, put, read, recipient,
    record, record_outcome, signed, vendor_record, window,
};
use super::steps::{cancel_at, create_at, guess_at, recorded_at};
use super::{Effort, Store};

/// A guess at the newest verification of a recipient for logins.
fn guess_of(number: u32, text: &str) -> Guess {
    keys().guess_of(&recipient(number), &purpose("login"), &code(text))
}

fn external_id(number: u32) -> ExternalId {
    ExternalId::new(format!("order-{number}")).expect("an id")
}

fn guess_external(number: u32, text: &str) -> Guess {
    keys().guess_external(&external_id(number), &purpose("login"), &code(text))
}

/// A record with an external id of this number.
fn record_with(number: u32, external: u32) -> Record {
    let tags = keys().external_tags(&external_id(external), &purpose("login"));
    signed(Record { external: tags.first().copied(), ..record(number) })
}

/// Returns the answer as a word, and the verification that was selected.
async fn told(
    store: &dyn VerificationStore,
    guess: &Guess,
    at: std::time::SystemTime,
) -> (String, Option<VerificationId>) {
    match store.check_guess(guess, at).await.expect("a store that works") {
        Guessed::Verdict { verdict: Verdict::WrongCode { guesses_left: Some(left) }, id } => {
            (format!("wrong {left}"), id)
        }
        Guessed::Verdict { verdict, id } => (verdict.as_str().to_owned(), id),
        Guessed::AskVendors(record) => (format!("ask {}", record.guesses), Some(record.id)),
        Guessed::KeyReused => ("key_reused".to_owned(), None),
    }
}

fn said(word: &str, id: VerificationId) -> (String, Option<VerificationId>) {
    (word.to_owned(), Some(id))
}

fn nothing() -> (String, Option<VerificationId>) {
    ("not_found".to_owned(), None)
}

pub(super) async fn the_newest_of_a_recipient_is_selected(store: Store) {
    assert_eq!(told(&*store, &guess_of(1, CODE), now()).await, nothing());
    let first = put(&*store, record(1)).await;
    assert_eq!(told(&*store, &guess_of(1, WRONG), now()).await, said("wrong 4", first));
    // By its id it is the same count.
    assert_eq!(told(&*store, &guess(first, WRONG), now()).await, said("wrong 3", first));
    let second = put(&*store, record(1)).await;
    assert_eq!(told(&*store, &guess(first, CODE), now()).await, said("not_found", first));
    assert_eq!(told(&*store, &guess_of(1, WRONG), now()).await, said("wrong 4", second));
    assert_eq!(told(&*store, &guess_of(1, CODE), now()).await, said("approved", second));
    assert_eq!(told(&*store, &guess_of(1, CODE), now()).await, said("already_used", second));
    assert_eq!(read(&*store, second).await.guesses, 2);
}

pub(super) async fn what_is_over_gets_its_verdict_by_recipient(store: Store) {
    let cancelled = put(&*store, record(1)).await;
    assert!(cancel_at(&*store, cancelled, now()).await);
    assert_eq!(told(&*store, &guess_of(1, CODE), now()).await, said("not_found", cancelled));

    let locked = put(&*store, record(2)).await;
    for left in (0..5).rev() {
        let wrong = format!("wrong {left}");
        assert_eq!(told(&*store, &guess_of(2, WRONG), now()).await, said(&wrong, locked));
    }
    for guess in [guess_of(2, CODE), guess(locked, CODE)] {
        assert_eq!(told(&*store, &guess, now()).await, said("too_many_guesses", locked));
    }

    let late = put(&*store, record(3)).await;
    assert_eq!(told(&*store, &guess_of(3, CODE), after(300)).await, said("expired", late));
    let last = after(300) + RETENTION - std::time::Duration::from_millis(1);
    assert_eq!(told(&*store, &guess_of(3, CODE), last).await, said("expired", late));
    assert_eq!(told(&*store, &guess_of(3, CODE), after(300) + RETENTION).await, nothing());
}

pub(super) async fn one_whose_newer_failed_is_selected_again(store: Store) {
    let old = put(&*store, record(1)).await;
    let send_attempts = vec![attempt("primary", true, AttemptState::Intended)];
    let new = put(&*store, Record { send_attempts, ..record(1) }).await;
    assert_eq!(told(&*store, &guess_of(1, WRONG), now()).await, said("wrong 4", new));
    let failed = RecordOutcome { close: true, ..record_outcome(end(0, AttemptState::NotSent)) };
    assert_eq!(recorded_at(&*store, new, failed.clone(), now()).await, State::Closed);
    assert_eq!(told(&*store, &guess_of(1, CODE), now()).await, said("approved", old));

    // Without an older one there is none.
    let send_attempts = vec![attempt("primary", true, AttemptState::Intended)];
    let only = put(&*store, Record { send_attempts, ..record(2) }).await;
    recorded_at(&*store, only, failed, now()).await;
    assert_eq!(told(&*store, &guess_of(2, CODE), now()).await, nothing());
}

/// The code of all is the same, so that only what it is bound to keeps them apart.
pub(super) async fn another_recipient_or_purpose_selects_nothing_of_it(store: Store) {
    let payment = signed(Record { purpose: purpose("payment"), ..record(1) });
    let payment = put(&*store, payment).await;
    let login = put(&*store, record(1)).await;
    assert_eq!(told(&*store, &guess_of(2, CODE), now()).await, nothing());
    let other = keys().guess_of(&recipient(1), &purpose("signup"), &code(CODE));
    assert_eq!(told(&*store, &other, now()).await, nothing());
    assert_eq!(read(&*store, login).await.guesses, 0, "what is not found counts nothing");
    assert_eq!(told(&*store, &guess_of(1, CODE), now()).await, said("approved", login));
    let of_payment = keys().guess_of(&recipient(1), &purpose("payment"), &code(CODE));
    assert_eq!(told(&*store, &of_payment, now()).await, said("approved", payment));

    // The further expectations must hold too.
    let id = put(&*store, record(3)).await;
    for foreign in [
        guess_of(3, CODE).for_purpose(purpose("payment")),
        guess_of(3, CODE).for_recipient(&recipient(4), keys()),
    ] {
        assert_eq!(told(&*store, &foreign, now()).await, nothing());
    }
    let own = guess_of(3, CODE).for_purpose(purpose("login")).for_recipient(&recipient(3), keys());
    assert_eq!(told(&*store, &own, now()).await, said("approved", id));
}

/// A code that is bound to another recipient is wrong, even where a record names this one.
pub(super) async fn a_code_is_bound_to_its_recipient_and_purpose(store: Store) {
    let foreign = Record { code: record(2).code, ..record(1) };
    let id = put(&*store, foreign).await;
    assert_eq!(told(&*store, &guess_of(1, CODE), now()).await, said("wrong 4", id));
    let payment = signed(Record { purpose: purpose("payment"), ..record(3) });
    let id = put(&*store, Record { code: payment.code, ..record(3) }).await;
    assert_eq!(told(&*store, &guess_of(3, CODE), now()).await, said("wrong 4", id));
    let none = put(&*store, Record { code: None, ..record(4) }).await;
    assert_eq!(told(&*store, &guess_of(4, CODE), now()).await, said("wrong 4", none));
}

/// A tag may mean another mailbox: a proof for one is no proof for the other.
pub(super) async fn a_recipient_is_selected_in_every_certain_spelling(store: Store) {
    for (sent_to, typed, found) in [
        (GIVEN, OTHER_CASE, true),
        (TAGGED, GIVEN, false),
        (GIVEN, TAGGED, false),
        (TAGGED, "Ann+Shop@example.com", true),
        ("a.nn+x@gmail.com", "ann@googlemail.com", true),
    ] {
        let new = signed(record_to(sent_to));
        let id = put(&*store, new).await;
        let guess = keys().guess_of(&to(typed), &purpose("login"), &code(CODE));
        let expected = if found { said("approved", id) } else { nothing() };
        assert_eq!(told(&*store, &guess, now()).await, expected, "{sent_to}: {typed}");
        assert_eq!(read(&*store, id).await.guesses, u32::from(found));
    }
}

pub(super) async fn windows_count_a_guess_by_recipient_as_one_by_id(store: Store) {
    let id = put(&*store, record_with(1, 1)).await;
    let windowed = |guess: Guess| guess.within([window(3, 60)].into());
    for guess in [guess_of(1, WRONG), guess(id, WRONG), guess_external(1, WRONG)] {
        let verdict = guess_at(&*store, &windowed(guess), now()).await;
        assert_eq!(verdict.as_str(), "wrong_code");
    }
    for guess in [guess_of(1, CODE), guess(id, CODE), guess_external(1, CODE)] {
        let verdict = guess_at(&*store, &windowed(guess), now()).await;
        assert_eq!(verdict.as_str(), "too_many_guesses");
    }
    // One that selects nothing counts nowhere.
    let nobody = windowed(keys().guess_of(&recipient(1), &purpose("signup"), &code(WRONG)));
    for _ in 0..5 {
        assert_eq!(guess_at(&*store, &nobody, after(60)).await, Verdict::NotFound);
    }
    let verdict = guess_at(&*store, &windowed(guess_of(1, CODE)), after(60)).await;
    assert_eq!(verdict, Verdict::Approved);
}

pub(super) async fn a_vendors_code_is_asked_for_by_recipient(store: Store) {
    let id = put(&*store, vendor_record(1)).await;
    let name = |text: &str| keys().guess_name(guess_of(1, text).which(), "a", &code(text));
    let named = guess_of(1, CODE).named(Some(name(CODE))).counted_at(now());
    assert_eq!(told(&*store, &named, now()).await, said("ask 1", id));
    store.end_guess(id, &named, GuessEnd::NotCompared, now()).await.expect("a store that works");
    assert_eq!(read(&*store, id).await.guesses, 0);
    assert_eq!(told(&*store, &named, now()).await, said("ask 1", id), "its name was released");
    // A newer send does not take the guess away from the vendor that is being asked.
    put(&*store, vendor_record(1)).await;
    assert_eq!(told(&*store, &named, now()).await, said("not_found", id), "it is superseded");

    let id = put(&*store, vendor_record(2)).await;
    let named = guess_of(2, CODE);
    let name = keys().guess_name(named.which(), "a", &code(CODE));
    let named = named.named(Some(name)).counted_at(now());
    assert_eq!(told(&*store, &named, now()).await, said("ask 1", id));
    for _ in 0..2 {
        let approved = store.approve(id, &named, now()).await.expect("a store that works");
        assert_eq!(approved, Verdict::Approved, "once, and to each repeat");
        assert_eq!(told(&*store, &named, now()).await, said("approved", id));
    }
    assert_eq!(told(&*store, &guess_of(2, CODE), now()).await, said("already_used", id));
}

/// The codes of both verifications are the same: one name must not approve both.
pub(super) async fn a_name_stays_with_the_verification_of_its_guess(store: Store) {
    let named = |guess: Guess, name: &str, text: &str| {
        let name = keys().guess_name(guess.which(), name, &code(text));
        guess.named(Some(name))
    };
    let first = put(&*store, record_with(1, 1)).await;
    for guess in [guess_of(1, WRONG), guess_external(1, WRONG), guess(first, WRONG)] {
        let wrong = named(guess, "w", WRONG);
        let once = told(&*store, &wrong, now()).await;
        assert_eq!(told(&*store, &wrong, now()).await, once, "counted once");
    }
    assert_eq!(read(&*store, first).await.guesses, 3, "a name for each selection");
    let reused = named(guess_of(1, CODE), "w", CODE);
    assert_eq!(told(&*store, &reused, now()).await.0, "key_reused");
    let right = named(guess_of(1, CODE), "r", CODE);
    assert_eq!(told(&*store, &right, now()).await, said("approved", first));

    let second = put(&*store, record(1)).await;
    for _ in 0..3 {
        assert_eq!(told(&*store, &right, now()).await, said("approved", first));
        let wrong = named(guess_of(1, WRONG), "w", WRONG);
        assert_eq!(told(&*store, &wrong, now()).await, said("wrong 4", first));
    }
    let fresh = read(&*store, second).await;
    assert_eq!((fresh.state, fresh.guesses), (State::Pending, 0));
    let next = named(guess_of(1, CODE), "s", CODE);
    assert_eq!(told(&*store, &next, now()).await, said("approved", second));

    // The name is free again when its verification is gone.
    let at = after(300) + RETENTION;
    let third = Record { expires_at: at + RETENTION, ..record(1) };
    let id = third.id;
    create_at(&*store, third, &[], at).await;
    assert_eq!(told(&*store, &right, at).await, said("approved", id));
}

/// While a server key is replaced, processes make verifications under either key.
pub(super) async fn under_two_server_keys_the_newest_is_selected(store: Store) {
    let ring = |names: &[(&str, &str)]| -> ServerKeys {
        let keys: Vec<_> =
            names.iter().map(|(id, key)| ((*id).to_owned(), key.repeat(43).into())).collect();
        ServerKeys::new(&keys).expect("a key ring")
    };
    // As `keys()` before, and two orders of both after.
    let new_first = ring(&[("new", "g"), ("suite", "k")]);
    let old_first = ring(&[("suite", "k"), ("new", "g")]);
    let only_new = ring(&[("new", "g")]);
    let by = |keys: &ServerKeys, number: u32, text: &str| {
        keys.guess_of(&recipient(number), &purpose("login"), &code(text))
    };
    let made = |keys: &ServerKeys, number: u32, seconds: u64| {
        let mut record = Record { expires_at: after(seconds), ..record(number) };
        record.recipient = keys.hash(&recipient(number));
        record.external =
            keys.external_tags(&external_id(number), &purpose("login")).first().copied();
        record.code = Some(keys.sign(&record, &code(CODE)));
        record
    };
    let old = put(&*store, made(keys(), 1, 300)).await;
    assert_eq!(told(&*store, &by(&only_new, 1, WRONG), now()).await, nothing());
    for keys in [&new_first, &old_first] {
        assert_eq!(told(&*store, &by(keys, 1, WRONG), now()).await.1, Some(old));
        let external = keys.guess_external(&external_id(1), &purpose("login"), &code(WRONG));
        assert_eq!(told(&*store, &external, now()).await.1, Some(old));
    }
    assert_eq!(read(&*store, old).await.guesses, 4);
    // The one that expires last, whichever key has made it.
    let new = put(&*store, Record { external: None, ..made(&new_first, 1, 301) }).await;
    for keys in [&new_first, &old_first] {
        assert_eq!(told(&*store, &by(keys, 1, WRONG), now()).await.1, Some(new));
    }
    let last = put(&*store, Record { external: None, ..made(keys(), 1, 302) }).await;
    for keys in [&new_first, &old_first] {
        assert_eq!(told(&*store, &by(keys, 1, WRONG), now()).await.1, Some(last));
    }
    assert_eq!(told(&*store, &by(&new_first, 1, CODE), now()).await, said("approved", last));
    // The newest decides, also when it is used up: no older code comes back.
    assert_eq!(told(&*store, &by(&new_first, 1, CODE), now()).await, said("already_used", last));

    // An external id is taken under any key.
    let again = Record { recipient: new_first.hash(&recipient(9)), ..made(&new_first, 1, 300) };
    let external = new_first.external_tags(&external_id(1), &purpose("login"));
    let create = Create { record: again, external, limit_hits: Vec::new(), repeat: false };
    let created = store.create(create, now()).await.expect("a store that works");
    assert!(matches!(created, Created::ExternalIdTaken), "{created:?}");
}

pub(super) async fn an_external_id_selects_its_verification(store: Store) {
    assert_eq!(told(&*store, &guess_external(1, CODE), now()).await, nothing());
    let id = put(&*store, record_with(1, 1)).await;
    let other = put(&*store, record_with(2, 2)).await;
    assert_eq!(read(&*store, id).await.external, record_with(1, 1).external);
    assert_eq!(told(&*store, &guess_external(1, WRONG), now()).await, said("wrong 4", id));
    let payment = keys().guess_external(&external_id(1), &purpose("payment"), &code(CODE));
    assert_eq!(told(&*store, &payment, now()).await, nothing());
    let stranger = guess_external(1, CODE).for_recipient(&recipient(2), keys());
    assert_eq!(told(&*store, &stranger, now()).await, nothing());
    assert_eq!(told(&*store, &guess_external(1, CODE), now()).await, said("approved", id));
    for guess in [guess_external(1, CODE), guess(id, CODE), guess_of(1, CODE)] {
        assert_eq!(told(&*store, &guess, now()).await, said("already_used", id));
    }
    // One that is superseded keeps its id.
    let newer = put(&*store, record(2)).await;
    assert_eq!(told(&*store, &guess_external(2, CODE), now()).await, said("not_found", other));
    assert_eq!(told(&*store, &guess_of(2, CODE), now()).await, said("approved", newer));
    // One without a code of otpmux is left to its vendor.
    let tags = keys().external_tags(&external_id(3), &purpose("login"));
    let vendors = Record { external: tags.first().copied(), ..vendor_record(3) };
    let id = put(&*store, vendors).await;
    assert_eq!(told(&*store, &guess_external(3, CODE), now()).await, said("ask 1", id));
}

pub(super) async fn an_external_id_is_taken_while_its_verification_is_known(store: Store) {
    let id = put(&*store, record_with(1, 1)).await;
    let messages = [super::records::limit_hit(
        super::records::limit(otpmux_engine::LimitScope::Global, 1),
        &[(1, 600)],
    )];
    for (number, at) in [(1, now()), (2, after(1)), (2, after(899))] {
        let again = record_with(number, 1);
        let unused = again.id;
        let created = create_at(&*store, again, &messages, at).await;
        assert!(matches!(created, Created::ExternalIdTaken), "{created:?}");
        assert!(super::steps::load_at(&*store, unused, at).await.is_none());
    }
    assert_eq!(read(&*store, id).await.state, State::Pending, "not superseded");
    // Nothing was counted: there is room for the one message.
    let other = create_at(&*store, record_with(2, 2), &messages, now()).await;
    assert!(matches!(other, Created::New(_)), "{other:?}");
    // Another purpose is another id.
    let tags = keys().external_tags(&external_id(1), &purpose("payment"));
    let payment = Record { external: tags.first().copied(), ..record(3) };
    put(&*store, Record { purpose: purpose("payment"), ..payment }).await;
    let gone = after(300) + RETENTION;
    let next = Record { expires_at: gone + RETENTION, ..record_with(1, 1) };
    let id = next.id;
    let created = create_at(&*store, next, &[], gone).await;
    assert!(matches!(created, Created::New(_)), "{created:?}");
    assert_eq!(told(&*store, &guess_external(1, CODE), gone).await, said("approved", id));
}

pub(super) async fn an_external_id_is_released_if_nothing_was_sent(store: Store) {
    let failed = RecordOutcome { close: true, ..record_outcome(end(0, AttemptState::NotSent)) };
    let mut last = None;
    for _ in 0..3 {
        let send_attempts = vec![attempt("primary", true, AttemptState::Intended)];
        let id = put(&*store, Record { send_attempts, ..record_with(1, 1) }).await;
        assert_eq!(recorded_at(&*store, id, failed.clone(), now()).await, State::Closed);
        assert_eq!(told(&*store, &guess_external(1, CODE), now()).await, nothing());
        last = Some(id);
    }
    let id = put(&*store, record_with(1, 1)).await;
    // A late report on the one that failed concerns no other.
    recorded_at(&*store, last.expect("three"), failed, now()).await;
    assert_eq!(told(&*store, &guess_external(1, CODE), now()).await, said("approved", id));
    // One that was cancelled may have been sent, and keeps its id.
    let id = put(&*store, record_with(2, 2)).await;
    assert!(cancel_at(&*store, id, now()).await);
    let created = create_at(&*store, record_with(2, 2), &[], now()).await;
    assert!(matches!(created, Created::ExternalIdTaken), "{created:?}");
}

pub(super) async fn of_many_right_codes_by_any_selection_one_is_approved(
    store: Store,
    effort: Effort,
) {
    for round in 0..effort.some_rounds() {
        let id = put(&*store, record_with(round, round)).await;
        let guesses = [guess(id, CODE), guess_of(round, CODE), guess_external(round, CODE)];
        let verdicts = all_at_once(64, |task| {
            let (store, guess) = (store.clone(), guesses[task % 3].clone());
            async move { guess_at(&*store, &guess, now()).await }
        })
        .await;
        assert_eq!(count(&verdicts, &Verdict::Approved), 1, "round {round}");
        assert_eq!(count(&verdicts, &Verdict::AlreadyUsed), 63, "round {round}");
        assert_eq!(read(&*store, id).await.guesses, 1);
    }
}

pub(super) async fn of_many_wrong_codes_by_any_selection_the_cap_is_compared(
    store: Store,
    effort: Effort,
) {
    for round in 0..effort.some_rounds() {
        let id = put(&*store, record_with(round, round)).await;
        let guesses = [guess(id, WRONG), guess_of(round, WRONG), guess_external(round, WRONG)];
        let verdicts = all_at_once(60, |task| {
            let (store, guess) = (store.clone(), guesses[task % 3].clone());
            async move { guess_at(&*store, &guess, now()).await }
        })
        .await;
        let locked = Verdict::TooManyGuesses { retry_after: None };
        assert_eq!(count(&verdicts, &locked), 55, "round {round}");
        assert_eq!(read(&*store, id).await.guesses, 5);
    }
}

pub(super) async fn of_many_creations_with_one_external_id_one_is_made(
    store: Store,
    effort: Effort,
) {
    for round in 0..effort.some_rounds() {
        let made = all_at_once(24, |task| {
            let store = store.clone();
            let recipient = 100 * round + u32::try_from(task).expect("few tasks");
            async move {
                let created = create_at(&*store, record_with(recipient, round), &[], now()).await;
                matches!(created, Created::New(_))
            }
        })
        .await;
        assert_eq!(count(&made, &true), 1, "round {round}");
    }
}
