//! Refusals of every kind, and answers that no function of this store gives: always an error of the
//! store, never an approval.

use otpmux_core::{Certainty, ErrorKind};
use otpmux_engine::VerificationStore;
use otpmux_testkit::PostgresServer;

use crate::world::{CODE, check, guess, now, put, record, store};

/// Replaces the body of a function of the schema `test`.
fn replace(server: &PostgresServer, body: &str) {
    let change = format!(
        "DO $do$ DECLARE f text; BEGIN
           SELECT regexp_replace(pg_get_functiondef(oid), '\\$function\\$.*\\$function\\$',
             '$function$ {body} $function$') INTO f
           FROM pg_proc WHERE proname = 'v1_check_guess' AND pronamespace = 'test'::regnamespace;
           EXECUTE f;
         END $do$"
    );
    server.sql(&change);
}

#[tokio::test]
async fn every_refusal_says_what_to_do_and_what_it_proves() {
    let server = PostgresServer::start();
    let store = store(&server);
    let id = put(&store, record(1)).await;
    for (code, words, certainty) in [
        ("53100", "its disk is full; make room", Certainty::NotSent),
        ("53200", "max_locks_per_transaction", Certainty::NotSent),
        ("25006", "must lead to the primary", Certainty::NotSent),
        ("40001", "ask again", Certainty::NotSent),
        ("40P01", "ask again", Certainty::NotSent),
        ("42501", "lacks a privilege", Certainty::NotSent),
        ("57014", "statement_timeout", Certainty::NotSent),
        ("55P03", "ask again", Certainty::NotSent),
        ("22003", "(SQLSTATE 22003): see the server's log", Certainty::NotSent),
        ("40003", "may have been carried out", Certainty::Unknown),
        ("57P01", "may have been carried out", Certainty::Unknown),
        ("08P01", "the pooler", Certainty::Unknown),
        ("XX000", "may have been carried out", Certainty::Unknown),
    ] {
        let body =
            format!("BEGIN RAISE EXCEPTION ''for +14155550123'' USING ERRCODE = ''{code}''; END");
        replace(&server, &body);
        let error = check(&store, &guess(id, CODE)).await.unwrap_err();
        assert_eq!((error.kind(), error.certainty()), (ErrorKind::Store, certainty), "{error}");
        assert!(error.detail().contains(words) && !error.detail().contains("0123"), "{error}");
    }
    assert_eq!(store.load(id, now()).await.unwrap().unwrap().guesses, 0);
}

#[tokio::test]
async fn an_impossible_answer_approves_no_code() {
    let server = PostgresServer::start();
    let store = store(&server);
    let id = put(&store, record(1)).await;
    let answer = |word: &str, rest: &str| {
        format!(
            "DECLARE answer test.v1_answer; BEGIN answer.word := {word}; {rest} RETURN answer; END"
        )
    };
    for (word, rest) in [
        ("NULL", ""),
        ("''''", ""),
        ("''APPROVED''", ""),
        ("''approved!''", ""),
        ("''approved''", "answer.number := 1;"),
        ("''approved''", "answer.wait := 1;"),
        ("''approved''", "answer.updates := ARRAY[''1''::bytea];"),
        ("''approved''", "answer.record := ''1'';"),
        ("''wrong_code''", ""),
        ("''wrong_code''", "answer.number := -1;"),
        ("''wrong_code''", "answer.number := 99999999999;"),
        ("''too_many_guesses''", "answer.wait := -5;"),
        ("''ask_vendors''", ""),
        ("''ask_vendors''", "answer.record := '''';"),
        ("''ask_vendors''", "answer.record := record_send(ROW(1, 2));"),
    ] {
        replace(&server, &answer(word, rest));
        let error = check(&store, &guess(id, CODE)).await.expect_err(word);
        let expected = (ErrorKind::Store, Certainty::Unknown);
        assert_eq!((error.kind(), error.certainty()), expected, "{word} {rest}: {error}");
    }
    replace(&server, "BEGIN RETURN NULL; END");
    check(&store, &guess(id, CODE)).await.unwrap_err();
}

#[tokio::test]
async fn rows_that_another_program_wrote_approve_no_code() {
    let server = PostgresServer::start();
    let store = store(&server);
    let mut last = 1;
    for change in [
        "state = 'o'",
        "state = ''",
        "purpose = '\\xff'",
        "recipient = '\\x00'",
        "attempt_states = 'x'",
        "attempt_states = 'AA'",
        "attempt_forms = ARRAY['{}'::bytea]",
        "failures = ARRAY['nothing']",
        "vendor_terms = ARRAY['[]']",
        "deliveries = ARRAY[-1]",
        "rest = ''",
        "guesses = -1",
        "code_key = NULL",
        "skips = '{'",
    ] {
        last += 1;
        let id = put(&store, record(last)).await;
        server.sql(&format!("UPDATE test.records SET {change} WHERE id = '\\x{id}'"));
        let error = store.load(id, now()).await.expect_err(change);
        assert!(error.detail().contains("cannot be read"), "{change}: {error}");
    }
    // A code that cannot be compared, or that no send attempt has carried, never matches.
    for change in
        ["code_key = '\\x00'", "attempt_states = 'a'", "attempt_states = ''", "state = 'o'"]
    {
        last += 1;
        let id = put(&store, record(last)).await;
        server.sql(&format!("UPDATE test.records SET {change} WHERE id = '\\x{id}'"));
        let checked = check(&store, &guess(id, CODE)).await;
        let approved = format!("{checked:?}").contains("Approved");
        assert!(!approved, "{change}: {checked:?}");
    }
}
