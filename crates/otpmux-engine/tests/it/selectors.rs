//! Verifying by recipient and purpose, and by the caller's own id.

use std::sync::Arc;

use otpmux_core::{Blame, Certainty, Code, ErrorKind, Purpose, Recipient, Verdict};
use otpmux_engine::{
    Checked, ExternalId, MemoryStore, NewVerification, OtpClient, Scope, Selector, ServerKeys,
    VerificationStore, Verify,
};
use otpmux_testkit::ManualClock;

use crate::world::{World, approves, builder, carrier, down, lenient, phone, vendor, wrong};

fn purpose(name: &str) -> Purpose {
    Purpose::new(name).unwrap()
}

fn by_recipient(name: &str) -> Selector {
    Selector::recipient(phone(), purpose(name))
}

fn external(id: &str, name: &str) -> Selector {
    Selector::external(ExternalId::new(id).unwrap(), purpose(name))
}

fn code(text: &str) -> Code {
    text.parse().unwrap()
}

async fn check(client: &OtpClient, which: Selector, text: &str) -> Checked {
    client.check(which, &code(text), Verify::new()).await.unwrap()
}

fn login() -> NewVerification {
    NewVerification::to(phone()).for_purpose(purpose("login"))
}

#[tokio::test]
async fn nothing_is_kept_between_send_and_verify_but_the_number() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let none = check(&world.client, by_recipient("login"), "123456").await;
    assert_eq!((none.verdict, none.id), (Verdict::NotFound, None));
    let sent = world.send_for("login").await;
    let right = a.otpmux_codes().pop().unwrap();
    let told = check(&world.client, by_recipient("login"), &wrong(&right)).await;
    assert_eq!(told.verdict, Verdict::WrongCode { guesses_left: Some(4) });
    assert_eq!(told.id, Some(sent.id));
    assert_eq!(world.client.status(sent.id).await.unwrap().guesses_left, 4);
    let elsewhere = check(&world.client, by_recipient("payout"), &right).await;
    assert_eq!((elsewhere.verdict, elsewhere.id), (Verdict::NotFound, None));
    let told = check(&world.client, by_recipient("login"), &right).await;
    assert_eq!((told.verdict, told.id), (Verdict::Approved, Some(sent.id)));
    let told = check(&world.client, by_recipient("login"), &right).await;
    assert_eq!(told.verdict, Verdict::AlreadyUsed);
    assert_eq!(world.verify(&sent, &right).await, "already_used");
}

#[tokio::test]
async fn the_code_of_the_message_that_may_have_gone_out_last_is_good() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    world.send_for("login").await;
    let first = a.otpmux_codes().pop().unwrap();
    // A send that certainly failed leaves the older code.
    a.sends.answer(Err(down()));
    world.client.send(login()).await.unwrap_err();
    let told = check(&world.client, by_recipient("login"), &wrong(&first)).await;
    assert_eq!(told.verdict.as_str(), "wrong_code");
    let second = world.send_for("login").await;
    let right = a.otpmux_codes().pop().unwrap();
    assert_ne!(first, right, "one in a million");
    let told = check(&world.client, by_recipient("login"), &first).await;
    assert_eq!((told.verdict.as_str(), told.id), ("wrong_code", Some(second.id)));
    world.client.cancel(second.id).await.unwrap();
    let told = check(&world.client, by_recipient("login"), &right).await;
    assert_eq!((told.verdict, told.id), (Verdict::NotFound, Some(second.id)));
}

#[tokio::test]
async fn a_vendors_code_is_verified_by_recipient_and_reported_once() {
    let vendor = vendor("v");
    approves(&vendor, "4217");
    let world = World::of(&[&vendor]);
    let sent = world.send_for("login").await;
    assert_eq!(check(&world.client, by_recipient("login"), "4218").await.id, Some(sent.id));
    let told = check(&world.client, by_recipient("login"), "4217").await;
    assert_eq!((told.verdict, told.id), (Verdict::Approved, Some(sent.id)));
    let asked = vendor.verifies.requests().len();
    let told = check(&world.client, by_recipient("login"), "4217").await;
    assert_eq!(told.verdict, Verdict::AlreadyUsed);
    assert_eq!(vendor.verifies.requests().len(), asked, "no vendor is asked again");
}

/// The application repeats a verify whose answer was lost; its user has asked for another code
/// meanwhile.
#[tokio::test]
async fn a_repeat_gets_the_verdict_of_its_guess_after_a_newer_send() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let first = world.send_for("login").await;
    let right = a.otpmux_codes().pop().unwrap();
    let named = || Verify::new().with_idempotency_key("guess-1");
    let ask =
        async |text: &str| world.client.check(by_recipient("login"), &code(text), named()).await;
    assert!(ask(&right).await.unwrap().verdict.is_approved());
    let second = world.send_for("login").await;
    let told = ask(&right).await.unwrap();
    assert_eq!((told.verdict, told.id), (Verdict::Approved, Some(first.id)));
    assert_eq!(world.client.status(second.id).await.unwrap().guesses_left, 5);
    let error = ask(&wrong(&right)).await.unwrap_err();
    assert_eq!((error.kind(), error.certainty()), (ErrorKind::KeyReused, Certainty::NotSent));
}

#[tokio::test]
async fn a_scope_limits_every_selection() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let new = login().with_external_id(ExternalId::new("order-7").unwrap());
    let sent = world.client.send(new).await.unwrap();
    let right = code(&a.otpmux_codes().pop().unwrap());
    let scope = |names: &[&str]| Scope::of(names.iter().map(|name| purpose(name)));
    for names in [&["payout"][..], &["payout", "signup"], &[]] {
        let foreign = world.client.scoped(scope(names));
        for which in [sent.id.into(), by_recipient("login"), external("order-7", "login")] {
            let told = foreign.check(which, &right, Verify::new()).await.unwrap();
            assert_eq!((told.verdict, told.id), (Verdict::NotFound, None));
        }
    }
    for (which, expected) in
        [(by_recipient("login"), "payout"), (external("order-7", "login"), "payout")]
    {
        let verify = Verify::new().for_purpose(purpose(expected));
        let told = world.client.check(which, &right, verify).await.unwrap();
        assert_eq!((told.verdict, told.id), (Verdict::NotFound, None));
    }
    let stranger: Recipient = "+14155550123".parse().unwrap();
    for which in [sent.id.into(), by_recipient("login"), external("order-7", "login")] {
        let verify = Verify::new().for_recipient(stranger.clone());
        let told = world.client.check(which, &right, verify).await.unwrap();
        assert_eq!((told.verdict, told.id), (Verdict::NotFound, None));
    }
    assert_eq!(world.client.status(sent.id).await.unwrap().guesses_left, 5, "nothing is counted");
    let own = world.client.scoped(scope(&["login", "payout"])).of_tenant("shop");
    let verdict = own.verify_with(by_recipient("login"), &right, Verify::new()).await.unwrap();
    assert_eq!(verdict, Verdict::Approved);
}

#[tokio::test]
async fn an_external_id_is_unique_while_its_verification_is_known() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let id = || ExternalId::new("order-7").unwrap();
    a.sends.answer(Err(down()));
    world.client.send(login().with_external_id(id())).await.unwrap_err();
    assert_eq!(check(&world.client, external("order-7", "login"), "123456").await.id, None);
    // The failed send has released it.
    let new = || login().with_external_id(id()).with_idempotency_key("order-7-send");
    let sent = world.client.send(new()).await.unwrap();
    assert_eq!(world.client.send(new()).await.unwrap().id, sent.id, "a repeat of the request");
    let other = new().with_external_id(ExternalId::new("order-8").unwrap());
    let error = world.client.send(other).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeyReused, "another external id is another request");
    let elsewhere: Recipient = "+14155550123".parse().unwrap();
    for again in [
        login().with_external_id(id()),
        NewVerification::to(elsewhere).for_purpose(purpose("login")).with_external_id(id()),
    ] {
        let error = world.client.send(again).await.unwrap_err();
        let facts = (error.kind(), error.certainty(), error.blame());
        assert_eq!(facts, (ErrorKind::Conflict, Certainty::NotSent, Blame::Caller));
        assert!(!error.to_string().contains("order-7"), "{error}");
    }
    assert_eq!(a.count(), 2);
    // Within another purpose it is another id.
    let payout = NewVerification::to(phone()).for_purpose(purpose("payout"));
    let payout = world.client.send(payout.with_external_id(id())).await.unwrap();
    let told = check(&world.client, external("order-7", "payout"), "000000").await;
    assert_eq!(told.id, Some(payout.id));
    let right = a.otpmux_codes()[1].clone();
    let told = check(&world.client, external("order-7", "login"), &right).await;
    assert_eq!((told.verdict, told.id), (Verdict::Approved, Some(sent.id)));
    // After the ttl and the retention it is free.
    world.advance(300 + 600);
    world.client.send(login().with_external_id(id())).await.unwrap();
}

/// A process with the new key first, another with the old key first, one store.
#[tokio::test]
async fn verifications_are_found_while_a_server_key_is_replaced() {
    let ring = |names: &[&str]| {
        let key = |name: &&str| ((*name).to_owned(), format!("{name:k<42}A").into());
        ServerKeys::new(&names.iter().map(key).collect::<Vec<_>>()).unwrap()
    };
    let a = carrier("a");
    let clock = Arc::new(ManualClock::default());
    let store: Arc<dyn VerificationStore> = Arc::new(MemoryStore::new(100));
    let client = |names: &[&str]| {
        let builder = builder(&[&a], lenient(), &clock);
        builder.store(Arc::clone(&store), ring(names)).build().unwrap()
    };
    let (before, old, new) = (client(&["old"]), client(&["old", "new"]), client(&["new", "old"]));
    let id = ExternalId::new("order-7").unwrap();
    before.send(login().with_external_id(id.clone())).await.unwrap();
    let right = a.otpmux_codes().pop().unwrap();
    for client in [&old, &new] {
        for which in [by_recipient("login"), external("order-7", "login")] {
            assert_eq!(check(client, which, &wrong(&right)).await.verdict.as_str(), "wrong_code");
        }
        let error = client.send(login().with_external_id(id.clone())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
    }
    clock.advance(std::time::Duration::from_secs(1));
    let sent = new.send(login()).await.unwrap();
    let newest = a.otpmux_codes().pop().unwrap();
    for client in [&old, &new] {
        assert_eq!(check(client, by_recipient("login"), &wrong(&newest)).await.id, Some(sent.id));
    }
    assert!(check(&old, by_recipient("login"), &newest).await.verdict.is_approved());
    let told = check(&new, by_recipient("login"), &right).await;
    assert_eq!((told.verdict, told.id), (Verdict::AlreadyUsed, Some(sent.id)));
}

/// Rule 4 for every selection: two clients share the store.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_64_parallel_right_codes_by_any_selection_one_is_approved() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let other = World::of(&[&a]);
    let shared: Arc<dyn VerificationStore> = Arc::<MemoryStore>::clone(&world.store);
    let second = builder(&[&a], lenient(), &other.clock).store(shared, crate::world::keys());
    let clients = [world.client.clone(), second.build().unwrap()];
    for round in 0..100 {
        let id = format!("order-{round}");
        let new = login().with_external_id(ExternalId::new(&id).unwrap());
        let sent = clients[round % 2].send(new).await.unwrap();
        let right = code(&a.otpmux_codes().pop().unwrap());
        let ways = [sent.id.into(), by_recipient("login"), external(&id, "login")];
        let tasks: Vec<_> = (0..64)
            .map(|task| {
                let (client, which) = (clients[task % 2].clone(), ways[task % 3].clone());
                let right = right.clone();
                tokio::spawn(async move {
                    client.check(which, &right, Verify::new()).await.unwrap().verdict
                })
            })
            .collect();
        let mut approved = 0;
        for task in tasks {
            approved += u32::from(task.await.unwrap().is_approved());
        }
        assert_eq!(approved, 1, "round {round}");
    }
}
