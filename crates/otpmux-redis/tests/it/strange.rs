//! Answers that no script of this store gives, and refusals of every kind: always an error of the
//! store, never an approval.

use std::time::Duration;

use otpmux_core::ErrorKind;
use otpmux_engine::VerificationStore;

use crate::fake::Fake;
use crate::world::{assert_all_fail, every_operation, now, record, store_at};

#[tokio::test]
async fn no_answer_that_cannot_be_lets_anybody_in() {
    let nested = |word: &str, rest: &str| format!("*2\r\n${}\r\n{word}\r\n{rest}", word.len());
    for answer in [
        "+OK\r\n".to_owned(),
        "+approved\r\n".to_owned(),
        "$9\r\napproved!\r\n".to_owned(),
        "$8\r\nAPPROVED\r\n".to_owned(),
        "$0\r\n\r\n".to_owned(),
        ":1\r\n".to_owned(),
        "_\r\n".to_owned(),
        "#t\r\n".to_owned(),
        "*0\r\n".to_owned(),
        "*1\r\n:1\r\n".to_owned(),
        "*1\r\n*1\r\n$8\r\napproved\r\n".to_owned(),
        "*1\r\n$9\r\napproved!\r\n".to_owned(),
        "*1\r\n$8\r\nAPPROVED\r\n".to_owned(),
        nested("approved", ":1\r\n"),
        nested("approved", "$8\r\napproved\r\n"),
        nested("wrong_code", ":-1\r\n"),
        nested("wrong_code", ":99999999999\r\n"),
        nested("too_many_guesses", ":-5\r\n"),
        nested("ask_vendors", "*0\r\n"),
        nested("ask_vendors", "*2\r\n$4\r\nlegs\r\n$20\r\n18446744073709551615\r\n"),
        nested("record", "*1\r\n$5\r\nstate\r\n"),
        nested("before", "$2\r\nid\r\n"),
        nested("limited", ":0\r\n"),
        nested("limited", ":7\r\n"),
        nested("attempt", ":-1\r\n"),
        nested("over", "$8\r\napproved!\r\n"),
        nested("new", ":1\r\n"),
        nested("updates", "$7\r\nupdates\r\n"),
        "%1\r\n$1\r\na\r\n$1\r\nb\r\n".to_owned(),
        "?\r\n".to_owned(),
        "HTTP/1.1 400 Bad Request\r\n\r\n".to_owned(),
        String::new(),
    ] {
        let fake = Fake::start(answer.clone()).await;
        let store = store_at(&fake.url(), "test");
        for (name, outcome) in every_operation(&store, record(1).id).await {
            let Err(error) = outcome else { panic!("{name} takes {answer:?} for an answer") };
            assert_eq!(error.kind(), ErrorKind::Store, "{name}, {answer:?}: {error}");
            assert!(!error.detail().is_empty());
        }
    }
}

#[tokio::test]
async fn every_refusal_says_what_to_do() {
    for (refusal, words) in [
        ("LOADING Redis is loading the dataset in memory", "ask again shortly"),
        ("OOM command not allowed when used memory > 'maxmemory'.", "raise maxmemory"),
        ("READONLY You can't write against a read only replica.", "must lead to the primary"),
        ("MISCONF Redis is configured to save RDB snapshots", "cannot write its data to disk"),
        ("NOREPLICAS Not enough good replicas to write.", "too few replicas"),
        ("BUSY Redis is busy running a script.", "keeps it busy"),
        ("MASTERDOWN RedisConnection with MASTER is down", "lost its primary"),
        ("CLUSTERDOWN Hash slot not served", "no node for these keys"),
        ("TRYAGAIN Multiple keys request during rehashing of slot", "moving these keys"),
        ("ASK 7000 127.0.0.1:7001", "moving these keys"),
        ("MOVED 7000 127.0.0.1:7001", "set cluster = true"),
        ("NOAUTH Authentication required.", "check the user and password"),
        ("NOPERM this user has no permissions to run the 'evalsha' command", "ACL"),
        ("ERR unknown command 'EVALSHA'", "(ERR): unknown command"),
        ("SOMETHING new for +14155550123", "(SOMETHING): new for …"),
    ] {
        let fake = Fake::start(format!("-{refusal}\r\n")).await;
        let store = store_at(&fake.url(), "test");
        assert_all_fail(every_operation(&store, record(1).id).await, words);
    }
}

#[tokio::test]
async fn a_server_may_take_all_the_time_that_there_is_to_greet() {
    let slow =
        Fake::start_slow(Duration::from_millis(1_300), "*2\r\n$7\r\nupdates\r\n*0\r\n").await;
    let store = store_at(&slow.url(), "test");
    assert_eq!(store.health(now()).await.unwrap(), [], "the default is two seconds");
}

#[tokio::test]
async fn a_lost_answer_may_have_been_carried_out() {
    let fake = Fake::start("").await;
    let store = store_at(&fake.url(), "test");
    for (name, outcome) in every_operation(&store, record(1).id).await {
        let error = outcome.expect_err("no answer");
        let reads = ["load", "health"].contains(&name);
        assert_eq!(error.detail().contains("may have been carried out"), !reads, "{error}");
    }
    assert!(store.health(now()).await.is_err());
}
