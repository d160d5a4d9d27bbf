//! Redis is down, hangs, is full, or has lost its data: no code is approved, and the store recovers
//! by itself.

use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Blame, Certainty, ErrorKind, RateLimit, Verdict};
use otpmux_engine::{
    Guessed, InFlight, NewVerification, State, VerificationId, VerificationStore, Verify,
};
use otpmux_redis::{Options, RedisStore};
use otpmux_testkit::{RedisReply, RedisServer, leaks};
use tokio::time::Instant;

use crate::world::{
    CODE, WRONG, all_keys, assert_all_fail, client, code, create, damage, every_operation, guess,
    now, provider, put, recipient, record, record_key, store, store_at, verdict,
};

const CONNECT: Duration = Duration::from_millis(300);
const ANSWER: Duration = Duration::from_millis(500);
/// Both timeouts together, and time for a busy machine.
const LIMIT: Duration = Duration::from_secs(3);

fn impatient(server: &RedisServer) -> Arc<RedisStore> {
    let options = Options::default().with_connect_timeout(CONNECT).with_answer_timeout(ANSWER);
    Arc::new(RedisStore::connect([server.url()], options).unwrap())
}

#[tokio::test]
async fn a_store_can_be_there_before_its_server() {
    let mut server = RedisServer::start();
    let store = store(&server);
    server.kill();
    let id = record(1).id;
    assert_all_fail(every_operation(&store, id).await, "no connection to Redis");
    server.restart();
    put(&store, record(1)).await;
}

#[tokio::test]
async fn a_store_that_is_down_approves_no_code_and_comes_back_by_itself() {
    let mut server = RedisServer::start_with(&["--appendonly", "yes", "--appendfsync", "always"]);
    let store = impatient(&server);
    let id = put(&store, record(1)).await;
    for _ in 0..3 {
        server.kill();
        let begun = Instant::now();
        let outcomes = every_operation(&store, id).await;
        assert!(begun.elapsed() < 8 * LIMIT);
        assert_all_fail(outcomes, "Redis");
        server.restart();
        assert_eq!(store.load(id, now()).await.unwrap().unwrap().state, State::Pending);
    }
    assert_eq!(verdict(&store, id, CODE).await, Verdict::Approved);
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
    let (other, id) = (put(&store, record(1)).await, put(&store, record(2)).await);
    // Redis has the script from now on.
    assert!(store.approve(other, &guess(other, CODE), now()).await.unwrap().is_approved());
    server.pause();
    let begun = Instant::now();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.approve(id, &guess(id, CODE), now()).await })
        })
        .collect();
    for call in calls {
        let error = call.await.unwrap().expect_err("there was no answer");
        assert_eq!(error.kind(), ErrorKind::Store);
        assert!(error.detail().contains("may have been carried out"), "{error}");
    }
    // From now on, connections are made, and no answer comes over them.
    let error = store.approve(id, &guess(id, CODE), now()).await.unwrap_err();
    assert!(error.detail().contains("no connection"), "{error}");
    assert!(begun.elapsed() < LIMIT, "{:?}", begun.elapsed());
    server.resume();
    // The store works again, and the earlier call is carried out once Redis continues.
    let approved = async || store.load(id, now()).await.unwrap().unwrap().state == State::Approved;
    let begun = Instant::now();
    while !approved().await {
        assert!(begun.elapsed() < LIMIT, "this is why the errors said so");
    }
}

/// Redis stalls for longer than a send waits for it, and then carries out the calls that were given
/// up.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_creation_blocks_no_other_send() {
    let server = RedisServer::start();
    let provider = provider("primary");
    let [first, second] = [(); 2].map(|()| {
        client(&impatient(&server), &[&provider], |policy| {
            policy.resend_delay = Duration::from_mins(5);
            policy.limits.global = vec![RateLimit::new(3, Duration::from_hours(1))];
        })
    });
    let new = || NewVerification::to(recipient(1));
    let named = || {
        let mut named = new().with_idempotency_key("k");
        named.options.in_flight = InFlight::Refuse;
        named
    };
    // Redis has the scripts from now on.
    let older = first.send(new()).await.unwrap();
    second.send(NewVerification::to(recipient(2))).await.unwrap();
    let calls = provider.sends.count();
    server.pause();
    for client in [&first, &second] {
        let error = client.send(named()).await.unwrap_err();
        assert_eq!((error.kind(), error.certainty()), (ErrorKind::Store, Certainty::NotSent));
    }
    assert_eq!(provider.sends.count(), calls, "nothing is sent that is not written down");
    server.resume();
    let begun = Instant::now();
    let typed = code(&provider.otpmux_codes()[0]);
    while !first.verify(older.id, &typed).await.is_ok_and(|verdict| verdict.is_approved()) {
        assert!(begun.elapsed() < LIMIT, "the code that the user holds is as good as it was");
    }
    let sent = loop {
        match second.send(named()).await {
            Ok(sent) => break sent,
            Err(error) => {
                assert!(begun.elapsed() < LIMIT, "{error}");
                let left = error.retry_after().unwrap_or_default();
                assert!(left <= Duration::from_secs(20), "longer than a send can last: {error}");
            }
        }
    };
    assert!(sent.confirmed, "{sent:?}");
    assert_eq!(first.send(named()).await.unwrap().id, sent.id);
    assert_eq!(provider.sends.count(), calls + 1);
    // Two messages before, and this one: the given-up ones are not counted.
    let limited = first.send(new()).await.unwrap_err();
    assert_eq!(limited.kind(), ErrorKind::RateLimited, "{limited}");
}

/// Redis stalls for longer than the time limit while the right code is checked, and carries it out
/// afterwards. A repeat of the named guess returns the approval, also from another process.
#[tokio::test]
async fn a_right_code_whose_answer_was_lost_is_approved_to_who_asks_again_under_its_name() {
    let server = RedisServer::start();
    let provider = provider("ours");
    let stores = [impatient(&server), impatient(&server)];
    let [here, there] = [0, 1].map(|at| client(&stores[at], &[&provider], |_| {}));
    let named = || Verify::new().with_idempotency_key("form 7");
    for named in [named(), Verify::new()] {
        let sent = here.send(NewVerification::to(recipient(1))).await.unwrap();
        let right = code(&provider.otpmux_codes().pop().unwrap());
        // Redis has the script from now on.
        let wrong = code(if right.expose() == WRONG { CODE } else { WRONG });
        assert!(!here.verify(sent.id, &wrong).await.unwrap().is_approved());
        server.pause();
        let error = here.verify_with(sent.id, &right, named.clone()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.certainty(), error.blame()),
            (ErrorKind::Store, Certainty::Unknown, Blame::Internal)
        );
        let text = error.to_string();
        assert!(text.contains("the code may have been checked"), "{text}");
        assert!(!text.contains("nothing was sent"), "{text}");
        server.resume();
        let begun = Instant::now();
        let approved = async || here.status(sent.id).await.unwrap().status.as_str() == "approved";
        while !approved().await {
            assert!(begun.elapsed() < LIMIT, "it is carried out now that Redis goes on");
        }
        if named.idempotency_key.is_none() {
            assert!(text.contains("only a guess with an idempotency key"), "{text}");
            assert_eq!(there.verify(sent.id, &right).await.unwrap(), Verdict::AlreadyUsed);
            continue;
        }
        assert!(text.contains("repeat it with the same idempotency key"), "{text}");
        for client in [&there, &here] {
            let again = client.verify_with(sent.id, &right, named.clone()).await.unwrap();
            assert_eq!(again, Verdict::Approved);
            assert_eq!(client.verify(sent.id, &right).await.unwrap(), Verdict::AlreadyUsed);
            let other = client.verify_with(sent.id, &wrong, named.clone()).await.unwrap_err();
            assert_eq!(
                (other.kind(), other.certainty()),
                (ErrorKind::KeyReused, Certainty::NotSent)
            );
        }
        assert_eq!(here.status(sent.id).await.unwrap().guesses_left, 3, "each counted once");
    }
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
