//! Redis is down, hangs, is full, or has lost its data: no code is approved, and the store recovers
//! by itself.

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::Verdict;
use otpmux_engine::{Guessed, VerificationId, VerificationStore};
use otpmux_redis::{Options, RedisStore};
use otpmux_testkit::shared_store::outage;
use otpmux_testkit::{RedisReply, RedisServer, leaks};

use crate::world::{
    CODE, WRONG, all_keys, assert_all_fail, create, damage, every_operation, guess, now, put,
    record, record_key, store, store_at, verdict,
};

const CONNECT: Duration = Duration::from_millis(300);
const ANSWER: Duration = Duration::from_millis(500);
const UNREACHABLE: &str = "no connection to Redis";

fn impatient(server: &RedisServer) -> Arc<RedisStore> {
    let options = Options::default().with_connect_timeout(CONNECT).with_answer_timeout(ANSWER);
    Arc::new(RedisStore::connect([server.url()], options).unwrap())
}

#[tokio::test]
async fn a_store_can_be_there_before_its_server() {
    let mut server = RedisServer::start();
    let store = store(&server);
    outage::a_store_can_be_there_before_its_server(&mut server, &*store, UNREACHABLE).await;
}

#[tokio::test]
async fn a_server_that_is_down_approves_no_code_and_comes_back_by_itself() {
    let mut server = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = impatient(&server);
    outage::a_server_that_is_down_approves_no_code_and_comes_back_by_itself(
        &mut server,
        &*store,
        "Redis",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unseen_restart_costs_one_call_at_most() {
    let mut server = RedisServer::start();
    let store = store(&server);
    put(&store, record(1)).await;
    let mut unnoticed = 0;
    for _ in 0..5 {
        server.restart();
        // Some time without a call.
        server.command(&["BLPOP", "nothing", "0.1"]);
        if store.health(now()).await.is_err() {
            unnoticed += 1;
            store.health(now()).await.unwrap();
        }
        put(&store, record(1)).await;
    }
    // The loss is noticed without a call, unless a call comes first.
    assert!(unnoticed < 5);
}

#[tokio::test]
async fn forgotten_scripts_are_sent_again_in_the_same_call() {
    let server = RedisServer::start();
    let store = store(&server);
    let id = put(&store, record(1)).await;
    assert_eq!(verdict(&store, id, WRONG).await, Verdict::WrongCode { guesses_left: Some(4) });
    server.command(&["SCRIPT", "FLUSH"]);
    for (name, outcome) in every_operation(&store, id).await {
        outcome.expect(name);
        server.command(&["SCRIPT", "FLUSH"]);
    }
    assert_eq!(verdict(&store, id, CODE).await, Verdict::AlreadyUsed);
}

#[tokio::test]
async fn a_call_that_hangs_is_given_up_in_time() {
    let server = RedisServer::start();
    let store = impatient(&server);
    let unknown = outage::a_call_that_hangs_is_given_up_in_time(&server, store, UNREACHABLE).await;
    assert_eq!(unknown, 50, "all share one connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_creation_blocks_no_other_send() {
    let server = RedisServer::start();
    let stores = [impatient(&server) as _, impatient(&server) as _];
    outage::a_late_creation_blocks_no_other_send(&server, stores).await;
}

#[tokio::test]
async fn a_right_code_whose_answer_was_lost_is_approved_to_a_repeat_under_its_name() {
    let server = RedisServer::start();
    let stores = [impatient(&server) as _, impatient(&server) as _];
    outage::a_right_code_whose_answer_was_lost_is_approved_to_a_repeat_under_its_name(
        &server, stores,
    )
    .await;
}

#[tokio::test]
async fn a_full_redis_refuses_what_begins_and_writes_nothing_of_it() {
    let server = RedisServer::start();
    let store = store(&server);
    let id = put(&store, record(1)).await;
    let before = all_keys(&server).len();
    server.command(&["CONFIG", "SET", "maxmemory", "1"]);
    let outcomes: Vec<_> = every_operation(&store, id).await;
    let (begins, others) =
        outcomes.into_iter().partition(|it| ["create", "start_attempt"].contains(&it.0));
    let others: Vec<_> = others;
    assert_all_fail(begins, "raise maxmemory");
    for (name, done) in others {
        done.expect(name);
    }
    let send_attempts = store.load(id, now()).await.unwrap().unwrap().send_attempts.len();
    server.command(&["CONFIG", "SET", "maxmemory", "0"]);
    // At most the data of other steps: health and the guesses.
    assert!(all_keys(&server).len() <= before + 2, "{:?}", all_keys(&server));
    assert_eq!(send_attempts, 1);
}

#[tokio::test]
async fn a_replica_is_not_written_to() {
    let server = RedisServer::start();
    let store = store(&server);
    let id = put(&store, record(1)).await;
    server.command(&["REPLICAOF", "127.0.0.1", "1"]);
    let error = store.approve(id, &guess(id, CODE), now()).await.unwrap_err();
    assert!(error.detail().contains("the URL must lead to the primary"), "{error}");
    server.command(&["REPLICAOF", "NO", "ONE"]);
    assert_eq!(verdict(&store, id, CODE).await, Verdict::Approved);
}

#[tokio::test]
async fn sec_neither_errors_nor_debug_show_who_logs_in() {
    let server = RedisServer::start_with(&["--requirepass", "swordfish"]);
    let at = |login: &str| {
        let url = format!("redis://{login}127.0.0.1:{}", server.port());
        RedisStore::connect([url], Options::default()).unwrap()
    };
    let ours = at(":swordfish@");
    ours.create(create(record(1)), now()).await.unwrap();
    let mut shown = format!("{ours:?}{ours:#?}");
    for wrong in ["", ":opensesame@", "mallory:opensesame@"] {
        let store = at(wrong);
        let error = store.health(now()).await.unwrap_err();
        assert!(error.detail().contains("check the user and password"), "{error}");
        shown = [shown, leaks::shown(&error), format!("{store:?}{store:#?}")].concat();
    }
    leaks::assert_clean(&shown, &["swordfish", "opensesame", "mallory", "127.0.0.1"]);
}

#[tokio::test]
async fn a_user_who_may_do_what_the_readme_says_can_do_everything() {
    let server = RedisServer::start();
    let rules = include_str!("../../README.md").split_once("`~{otpmux}:* ").unwrap().1;
    let rules = rules.split_once('`').unwrap().0;
    let user = ["ACL", "SETUSER", "otpmux", "on", ">swordfish", "~{otpmux}:*"];
    let words: Vec<&str> = user.into_iter().chain(rules.split(' ')).collect();
    assert_eq!(server.command(&words), RedisReply::Text("OK".into()));
    let url = format!("redis://otpmux:swordfish@127.0.0.1:{}", server.port());
    let store = RedisStore::connect([url.as_str()], Options::default()).unwrap();
    for (name, outcome) in every_operation(&store, record(1).id).await {
        outcome.expect(name);
    }
    let elsewhere = store_at(&url, "other");
    assert_all_fail(every_operation(&elsewhere, record(1).id).await, "its ACL must let this user");
}

#[tokio::test]
async fn foreign_data_approves_no_code() {
    let server = RedisServer::start();
    let store = store(&server);
    let refused = async |id, words| {
        let outcomes = every_operation(&store, id).await.into_iter();
        let outcomes = outcomes.filter(|it| !["create", "health"].contains(&it.0));
        assert_all_fail(outcomes.collect(), words);
    };
    // No record at all.
    let (list, text) = (record(1).id, record(1).id);
    server.command(&[&b"RPUSH"[..], &record_key(list), b"a list"]);
    server.command(&[&b"SET"[..], &record_key(text), b"a text"]);
    refused(list, "WRONGTYPE").await;
    refused(text, "a record").await;

    // Another recipient each, so that older records are not read.
    let mut last = 1;
    let mut next = async || {
        last += 1;
        put(&store, record(last)).await
    };
    let get = |id| server.command(&[&b"GET"[..], &record_key(id)]);
    // Another form, an unknown state: refused, and not even a guess counted.
    for (at, byte, words) in [
        (0, 0, "a record in a form that this version of otpmux does not know"),
        (0, 2, "a record in a form that this version of otpmux does not know"),
        (1, b'o', "a record that cannot be read"),
        (1, b'A', "a record that cannot be read"),
        (1, 0, "a record that cannot be read"),
    ] {
        let id = next().await;
        damage(&server, id, at, &[byte]);
        let before = get(id);
        refused(id, words).await;
        assert_eq!(get(id), before, "{at} {byte}");
    }
    // A record that ends too early.
    let id = next().await;
    let cut =
        b"redis.call('SET', KEYS[1], string.sub(redis.call('GET', KEYS[1]), 1, 59), 'KEEPTTL')";
    server.command(&[&b"EVAL"[..], cut, b"1", &record_key(id)]);
    refused(id, "a record that cannot be read").await;

    // A code that cannot be compared, or that no send attempt has carried, never matches.
    let id = next().await;
    assert!(verdict(&store, id, CODE).await.is_approved(), "it is right if nothing is damaged");
    // The fields begin at 60: one state; then the code, with its number of HMACs and the first one.
    for (at, bytes) in [
        (61, &b"a"[..]),
        (61, b"R"),
        (61, b"?"),
        (62, b"\0"),
        (63, b"\0"),
        (64, b"\0\0\0\0"),
        (64 + 2 * 16, b"tess"),
    ] {
        let id = next().await;
        damage(&server, id, at, bytes);
        let approved = checked(&store, id).await.is_some_and(|verdict| verdict.is_approved());
        assert!(!approved, "{at} {bytes:?}");
    }
}

/// Returns the verdict about the right code, if there is one.
async fn checked(store: &RedisStore, id: VerificationId) -> Option<Verdict> {
    match store.check_guess(&guess(id, CODE), now()).await.ok()? {
        Guessed::Verdict { verdict, .. } => Some(verdict),
        _ => None,
    }
}
