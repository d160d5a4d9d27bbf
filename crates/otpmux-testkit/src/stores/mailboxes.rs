//! Trials of the spellings of one mailbox.

use otpmux_core::{RateLimit, Recipient};
use otpmux_engine::{Guessed, LimitKey, LimitScope, Record};

use super::Store;
use super::limits::send_record;
use super::records::{
    CODE, WRONG, code, keys, limit_hit, now, purpose, put, record, try_code, window,
};

pub(super) const GIVEN: &str = "ann@example.com";
pub(super) const OTHER_CASE: &str = "ANN@Example.com";
pub(super) const TAGGED: &str = "ann+shop@example.com";

pub(super) fn to(text: &str) -> Recipient {
    text.parse().expect("an address")
}

/// A verification with a separate purpose, so that none closes another.
pub(super) fn record_to(text: &str) -> Record {
    let mut record = record(1);
    record.recipient = keys().hash(&to(text));
    record
}

pub(super) async fn spellings_of_a_mailbox_close_each_other(store: Store) {
    for [older, newer] in [[GIVEN, OTHER_CASE], [OTHER_CASE, TAGGED], [TAGGED, GIVEN]] {
        let old = put(&*store, record_to(older)).await;
        let new = put(&*store, record_to(newer)).await;
        assert_eq!(try_code(&*store, old, CODE).await, "not_found", "{older} after {newer}");
        assert_eq!(try_code(&*store, new, CODE).await, "approved");
    }
    let [ann, bob] = [GIVEN, "bob+shop@example.com"].map(record_to);
    let ids = [put(&*store, ann).await, put(&*store, bob).await];
    for id in ids {
        assert_eq!(try_code(&*store, id, CODE).await, "approved", "another mailbox");
    }
}

pub(super) async fn spellings_of_a_mailbox_share_their_limits(store: Store) {
    for (spelling, room) in [(GIVEN, true), (TAGGED, true), (OTHER_CASE, false), (GIVEN, false)] {
        let new = record_to(spelling);
        let key = LimitKey::of_recipient(LimitScope::Recipient, &new.recipient);
        let limited = send_record(&*store, new, &[limit_hit(key, &[(2, 60)])], now()).await;
        assert_eq!(limited.is_none(), room, "{spelling}");
    }
    let windows: std::sync::Arc<[RateLimit]> = [window(3, 60)].into();
    let mut verdicts = Vec::new();
    for (purpose_name, spelling) in [("a", GIVEN), ("b", TAGGED), ("c", OTHER_CASE), ("d", GIVEN)] {
        let mut new = record_to(spelling);
        new.purpose = purpose(purpose_name);
        let id = put(&*store, new).await;
        let guess = keys().guess(id, &code(WRONG)).within(windows.clone());
        match store.check_guess(&guess, now()).await.expect("a store that works") {
            Guessed::Verdict { verdict, .. } => verdicts.push(verdict.as_str()),
            Guessed::AskVendors(_) => panic!("the code is ours"),
            Guessed::KeyReused => panic!("no guess has a name"),
        }
    }
    assert_eq!(verdicts, ["wrong_code", "wrong_code", "wrong_code", "too_many_guesses"]);
}

/// A tag may mean another mailbox: a proof for one is no proof for the other.
pub(super) async fn the_expected_recipient_is_certainly_the_same_mailbox(store: Store) {
    for (sent_to, expected, verdict) in [
        (GIVEN, OTHER_CASE, "approved"),
        (OTHER_CASE, GIVEN, "approved"),
        (TAGGED, GIVEN, "not_found"),
        (GIVEN, TAGGED, "not_found"),
        (TAGGED, "Ann+Shop@example.com", "approved"),
        ("a.nn+x@gmail.com", "ann@googlemail.com", "approved"),
        (GIVEN, "bob@example.com", "not_found"),
    ] {
        let id = put(&*store, record_to(sent_to)).await;
        let guess = keys().guess(id, &code(CODE)).for_recipient(&to(expected), keys());
        match store.check_guess(&guess, now()).await.expect("a store that works") {
            Guessed::Verdict { verdict: said, .. } => {
                assert_eq!(said.as_str(), verdict, "{sent_to}: {expected}");
            }
            Guessed::AskVendors(_) => panic!("the code is ours"),
            Guessed::KeyReused => panic!("no guess has a name"),
        }
    }
}
