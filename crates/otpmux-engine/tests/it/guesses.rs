//! Which guessers wrong codes lock out, which guesses count, and which can be repeated.

use std::net::IpAddr;
use std::time::Duration;

use otpmux_core::{Certainty, ErrorKind, RateLimit, Verdict};
use otpmux_engine::{MessageLimits, NewVerification, Resend, Scope, Verify};

use crate::world::{World, approves, carrier, down, lenient, phone, unknown, vendor, wrong};

fn at(address: &str) -> Verify {
    Verify::new().from_client(address.parse().unwrap())
}

fn limited(guesses: u32, total: u32) -> otpmux_engine::Policy {
    let hour = Duration::from_hours(1);
    let mut policy = lenient();
    policy.limits.guesses = vec![RateLimit::new(guesses, hour)];
    policy.limits.guesses_total = vec![RateLimit::new(total, hour)];
    policy
}

impl World {
    async fn guess(&self, id: otpmux_engine::VerificationId, code: &str, with: Verify) -> Verdict {
        self.client.verify_with(id, &code.parse().unwrap(), with).await.unwrap()
    }
}

#[tokio::test]
async fn sec_an_attacker_at_one_address_locks_out_no_user_at_another() {
    let a = carrier("a");
    let mut policy = otpmux_engine::Policy::default();
    policy.limits = MessageLimits::default();
    let world = World::with(&[&a], policy);
    for _ in 0..2 {
        let sent = world.send().await.unwrap();
        let code = a.otpmux_codes().pop().unwrap();
        for _ in 0..5 {
            let verdict = world.guess(sent.id, &wrong(&code), at("192.0.2.66")).await;
            assert!(matches!(verdict, Verdict::WrongCode { .. }));
        }
    }
    world.advance(60);
    let sent = world.send().await.unwrap();
    let code = a.otpmux_codes().pop().unwrap();
    let attacker = world.guess(sent.id, &code, at("192.0.2.66")).await;
    let Verdict::TooManyGuesses { retry_after: Some(wait) } = attacker else {
        panic!("{attacker:?}")
    };
    assert_eq!(wait, Duration::from_mins(59), "the first guess was a minute ago");
    assert_eq!(world.guess(sent.id, &code, at("198.51.100.7")).await, Verdict::Approved);
}

#[tokio::test]
async fn sec_many_addresses_together_meet_the_total() {
    let a = carrier("a");
    let world = World::with(&[&a], limited(3, 10));
    let mut compared = 0;
    for turn in 0..100_u32 {
        let sent = world.send().await.unwrap();
        let code = a.otpmux_codes().pop().unwrap();
        let address = IpAddr::from([10, 0, 0, u8::try_from(turn).unwrap()]);
        let wrong = wrong(&code);
        let verdict = world.guess(sent.id, &wrong, Verify::new().from_client(address)).await;
        compared += u32::from(matches!(verdict, Verdict::WrongCode { .. }));
    }
    assert_eq!(compared, 10);
    // An IPv6 network of 64 bits counts as one guesser.
    let world = World::with(&[&a], limited(3, 10));
    let sent = world.send().await.unwrap();
    let right = a.otpmux_codes().pop().unwrap();
    for turn in 0..3 {
        world.guess(sent.id, &wrong(&right), at(&format!("2001:db8::{turn}"))).await;
    }
    let verdict = world.guess(sent.id, &right, at("2001:db8::9")).await;
    assert!(matches!(verdict, Verdict::TooManyGuesses { .. }), "{verdict:?}");
    // Guesses without an address count together, and apart from others.
    let unknown = world.guess(sent.id, &right, Verify::new()).await;
    assert_eq!(unknown, Verdict::Approved);
}

#[tokio::test]
async fn no_tenant_locks_out_the_users_of_another() {
    let a = carrier("a");
    let world = World::with(&[&a], limited(3, 3));
    let tenant = |name: &str| world.client.scoped(Scope::all()).of_tenant(name);
    let (shop, bank) = (tenant("shop"), tenant("bank"));
    let sent = world.send().await.unwrap();
    let code = a.otpmux_codes().pop().unwrap();
    for turn in 0..4 {
        let wrong = wrong(&code).parse().unwrap();
        let verdict = shop.verify(sent.id, &wrong).await.unwrap();
        assert_eq!(matches!(verdict, Verdict::TooManyGuesses { .. }), turn == 3);
    }
    let sent = world.send().await.unwrap();
    let code = a.otpmux_codes().pop().unwrap();
    assert!(!shop.verify(sent.id, &code.parse().unwrap()).await.unwrap().is_approved());
    assert!(bank.verify(sent.id, &code.parse().unwrap()).await.unwrap().is_approved());
}

#[tokio::test]
async fn guesses_that_no_vendor_compared_are_not_counted() {
    let a = vendor("a");
    let world = World::with(&[&a], limited(3, 3));
    let sent = world.send().await.unwrap();
    for turn in 0..10 {
        a.verifies.answer(Err(if turn % 2 == 0 { unknown() } else { down() }));
        let named = Verify::new().with_idempotency_key(turn.to_string());
        let with = if turn < 5 { named } else { Verify::new() };
        let code = "1111".parse().unwrap();
        let error = world.client.verify_with(sent.id, &code, with).await.unwrap_err();
        assert!(!error.to_string().contains("sent"), "it is about a code: {error}");
        world.advance(1);
    }
    assert_eq!(world.client.status(sent.id).await.unwrap().guesses_left, 5);
    // A guess that the vendor compared counts.
    approves(&a, "1111");
    for left in [4, 3] {
        let verdict = world.guess(sent.id, "2222", Verify::new()).await;
        assert_eq!(verdict, Verdict::WrongCode { guesses_left: Some(left) });
    }
    assert_eq!(world.guess(sent.id, "1111", Verify::new()).await, Verdict::Approved);
}

/// One vendor, or otpmux, compared the code: the other vendors change nothing.
#[tokio::test]
async fn guesses_that_were_compared_stay_counted() {
    let (a, b) = (vendor("a"), vendor("b"));
    let world = World::of(&[&a, &b]);
    let sent = world.send().await.unwrap();
    world.advance(30);
    world.client.resend(sent.id, Resend::new()).await.unwrap();
    assert_eq!((a.sends.count(), b.sends.count()), (1, 1));
    approves(&a, "1111");
    b.verifies.answer(Err(unknown()));
    world.client.verify(sent.id, &"2222".parse().unwrap()).await.unwrap_err();
    assert_eq!(world.client.status(sent.id).await.unwrap().guesses_left, 4);

    // A code that otpmux generated was sent beside the vendor's.
    let (ours, theirs) = (carrier("ours"), vendor("theirs"));
    let world = World::of(&[&ours, &theirs]);
    let sent = world.send().await.unwrap();
    world.advance(30);
    let resent = world.client.resend(sent.id, Resend::new()).await.unwrap();
    assert!(
        resent.send_attempts.iter().any(|attempt| attempt.provider.as_str() == "theirs"),
        "{resent:?}"
    );
    let right = ours.otpmux_codes().pop().unwrap();
    let wrong = wrong(&right).parse().unwrap();
    theirs.verifies.always(|_, _| Err(unknown()));
    for left in [4, 3] {
        world.client.verify(sent.id, &wrong).await.unwrap_err();
        assert_eq!(world.client.status(sent.id).await.unwrap().guesses_left, left);
    }
    assert!(world.client.verify(sent.id, &right.parse().unwrap()).await.unwrap().is_approved());
}

#[tokio::test]
async fn a_guess_has_one_verdict_under_its_name() {
    let a = carrier("a");
    let world = World::with(&[&a], limited(3, 3));
    let sent = world.send().await.unwrap();
    let right = a.otpmux_codes().pop().unwrap();
    let named = |name: &str| Verify::new().with_idempotency_key(name);
    for _ in 0..10 {
        let verdict = world.guess(sent.id, &wrong(&right), named("first")).await;
        assert_eq!(verdict, Verdict::WrongCode { guesses_left: Some(4) });
    }
    let error = world
        .client
        .verify_with(sent.id, &right.parse().unwrap(), named("first"))
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.certainty()), (ErrorKind::KeyReused, Certainty::NotSent));
    for seconds in [0, 1, 300, 500] {
        world.advance(seconds);
        assert_eq!(world.guess(sent.id, &right, named("second")).await, Verdict::Approved);
    }
    assert_eq!(world.guess(sent.id, &right, named("third")).await, Verdict::AlreadyUsed);
    assert_eq!(world.verify(&sent, &right).await, "already_used");
}

#[tokio::test]
async fn a_vendors_lost_verdict_is_asked_for_again() {
    let a = vendor("a");
    let world = World::of(&[&a]);
    let sent = world.send().await.unwrap();
    let named = || Verify::new().with_idempotency_key("one try");
    a.verifies.answer(Err(unknown()));
    let code = "1111".parse().unwrap();
    world.client.verify_with(sent.id, &code, named()).await.unwrap_err();
    approves(&a, "1111");
    for _ in 0..3 {
        assert_eq!(world.guess(sent.id, "1111", named()).await, Verdict::Approved);
    }
    assert_eq!(a.verifies.count(), 2, "an approval is not asked for again");

    let again = world.client.send(NewVerification::to(phone())).await.unwrap();
    for _ in 0..3 {
        let verdict = world.guess(again.id, "2222", named()).await;
        assert_eq!(verdict, Verdict::WrongCode { guesses_left: Some(4) });
    }
    assert_eq!(a.verifies.count(), 3, "nor a wrong code");
}
