//! Limits of messages and guesses, and the capacity of a store.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{
    Blame, Certainty, ClientContext, Error, ErrorKind, Purpose, RateLimit, Recipient, Sent,
};
use otpmux_engine::{
    MemoryStore, MessageLimits, NewVerification, Policy, Resend, StoreState, Verification,
    VerificationStore,
};

use crate::world::{World, builder, carrier, down, error, keys, lenient, unknown, wrong};

fn number(n: usize) -> NewVerification {
    let to: Recipient = format!("+9198765{n:05}").parse().unwrap();
    NewVerification::to(to)
}

/// A flood of sends is refused, so that it does not displace live verifications.
#[tokio::test]
async fn the_memory_store_is_bounded_and_drops_no_live_verification() {
    let provider = carrier("a");
    let (store, clock) = (Arc::new(MemoryStore::new(10)), Arc::default());
    let shared: Arc<dyn VerificationStore> = Arc::<MemoryStore>::clone(&store);
    let client = builder(&[&provider], lenient(), &clock).store(shared, keys()).build().unwrap();
    let first = client.send(number(0)).await.unwrap();
    for n in 1..10 {
        client.send(number(n)).await.unwrap();
    }
    let error = client.send(number(10)).await.unwrap_err();
    assert_eq!((error.kind(), provider.count()), (ErrorKind::Store, 10));
    assert_eq!(client.ready().await.unwrap(), StoreState::Full);
    let code = provider.otpmux_codes()[0].parse().unwrap();
    assert!(client.verify(first.id, &code).await.unwrap().is_approved());

    clock.advance(std::time::Duration::from_mins(15));
    assert_eq!(client.ready().await.unwrap(), StoreState::Ok);
    client.send(number(11)).await.unwrap();
    assert_eq!(store.len(), 1, "what has expired makes room");
}

fn from(to: usize, ip: &str) -> NewVerification {
    let ip: IpAddr = ip.parse().unwrap();
    number(to).from_client(ClientContext::new().with_ip(ip))
}

fn policy(set: impl FnOnce(&mut MessageLimits)) -> Policy {
    let mut policy = lenient();
    set(&mut policy.limits);
    policy
}

/// Refused by otpmux's limit, before any vendor, and no other provider bypasses it.
fn refused(result: Result<Verification, Error>, limit: &str) -> u64 {
    let error = result.unwrap_err();
    let told = (error.kind(), error.certainty(), error.blame());
    assert_eq!(told, (ErrorKind::RateLimited, Certainty::NotSent, Blame::Policy), "{error}");
    assert!(error.detail().contains(&format!("`{limit}`")), "{error}");
    error.retry_after().unwrap().as_secs()
}

const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn frd_03_a_recipient_gets_2_messages_a_minute_15_an_hour_and_50_a_day() {
    let a = carrier("a");
    let world = World::with(&[&a], Policy::default());
    // A caller that asks again as soon as allowed, for a little more than a day.
    let (mut seconds, mut sent_at) = (0u64, Vec::new());
    while seconds < 25 * 3_600 {
        match world.client.send(number(1)).await {
            Ok(_) => sent_at.push(seconds),
            Err(error) => {
                let wait = error.retry_after().unwrap().as_secs();
                assert!(wait > 0);
                seconds += wait;
                world.advance(wait);
            }
        }
    }
    for (count, per) in [(2, 60), (15, 3_600), (50, 86_400)] {
        for at in &sent_at {
            let within = sent_at.iter().filter(|other| (*at..at + per).contains(other)).count();
            assert!(within <= count, "{within} in {per} s from {at} s on");
        }
    }
    assert_eq!(sent_at[..3], [0, 0, 60], "and as soon as it says");
    let first_day = sent_at.iter().filter(|at| **at < 86_400).count();
    assert_eq!(first_day, 50, "no fewer than allowed");
    assert_eq!(a.count(), sent_at.len());
}

#[tokio::test]
async fn frd_03_a_client_address_or_network_is_limited_over_recipients() {
    let a = carrier("a");
    let limits = policy(|limits| limits.ip = vec![RateLimit::new(3, MINUTE)]);
    let world = World::with(&[&a], limits);
    for n in 0..3 {
        world.client.send(from(n, "192.0.2.1")).await.unwrap();
    }
    assert_eq!(refused(world.client.send(from(3, "192.0.2.1")).await, "ip"), 60);
    world.client.send(from(3, "192.0.2.2")).await.unwrap();
    world.client.send(number(4)).await.unwrap();
    for n in 10..13 {
        let ip = format!("2001:db8:7:1::{n}");
        world.client.send(from(n, &ip)).await.unwrap();
    }
    refused(world.client.send(from(13, "2001:db8:7:1:ffff::1")).await, "ip");
    world.client.send(from(13, "2001:db8:7:2::1")).await.unwrap();
}

#[tokio::test]
async fn frd_03_purpose_block_of_numbers_and_all_together_are_limited() {
    let three = || vec![RateLimit::new(3, MINUTE)];
    let a = carrier("a");
    let login = || Purpose::new("login").unwrap();

    let world = World::with(&[&a], policy(|limits| limits.purpose = three()));
    for n in 0..3 {
        world.client.send(number(n).for_purpose(login())).await.unwrap();
    }
    refused(world.client.send(number(3).for_purpose(login())).await, "purpose");
    world.client.send(number(3)).await.unwrap();

    let world = World::with(&[&a], policy(|limits| limits.number_range = three()));
    for n in 0..3 {
        world.client.send(number(n)).await.unwrap();
    }
    refused(world.client.send(number(9_999)).await, "number_range");
    world.client.send(number(10_000)).await.unwrap();

    let world = World::with(&[&a], policy(|limits| limits.global = three()));
    for n in 0..3 {
        world.client.send(number(n * 10_000)).await.unwrap();
    }
    assert_eq!(refused(world.client.send(number(77_777)).await, "global"), 60);
    world.advance(60);
    world.client.send(number(77_777)).await.unwrap();
}

#[tokio::test]
async fn a_refused_send_counts_nowhere_and_leaves_the_older_verification_good() {
    let a = carrier("a");
    let limits = policy(|limits| {
        limits.recipient = vec![RateLimit::new(1, MINUTE)];
        limits.global = vec![RateLimit::new(2, MINUTE)];
    });
    let world = World::with(&[&a], limits);
    let sent = world.client.send(number(1)).await.unwrap();
    for _ in 0..5 {
        refused(world.client.send(number(1)).await, "recipient");
    }
    world.client.send(number(2)).await.unwrap();
    assert_eq!(world.verify(&sent, &a.otpmux_codes()[0]).await, "approved");
}

#[tokio::test]
async fn a_resend_is_a_message_too() {
    let a = carrier("a");
    let world =
        World::with(&[&a], policy(|limits| limits.recipient = vec![RateLimit::new(2, 5 * MINUTE)]));
    let sent = world.send().await.unwrap();
    world.advance(30);
    world.client.resend(sent.id, Resend::new()).await.unwrap();
    world.advance(66);
    assert_eq!(refused(world.client.resend(sent.id, Resend::new()).await, "recipient"), 204);
    assert_eq!(a.count(), 2);
}

/// One of the limits.
type Limit = fn(&mut MessageLimits) -> &mut Vec<RateLimit>;

/// A vendor's outage is the fault of no user: a message that certainly reached no recipient counts
/// only for the address that requested it.
#[tokio::test(start_paused = true)]
async fn a_send_that_reached_no_recipient_counts_for_the_client_alone() {
    let outcomes = [
        (Certainty::NotSent, Blame::Provider),
        (Certainty::Rejected, Blame::Provider),
        (Certainty::NotSent, Blame::Policy),
        (Certainty::NotSent, Blame::Caller),
        (Certainty::NotSent, Blame::Recipient),
    ];
    let one = || vec![RateLimit::new(1, MINUTE)];
    let scopes: [(&str, Limit); 4] = [
        ("recipient", |limits| &mut limits.recipient),
        ("purpose", |limits| &mut limits.purpose),
        ("number_range", |limits| &mut limits.number_range),
        ("global", |limits| &mut limits.global),
    ];
    for (certainty, blame) in outcomes {
        let a = carrier("a");
        let fails = || a.sends.always(move |_, _| Err(error(certainty, blame)));
        let works = || a.sends.always(|_, _| Ok(Sent::new()));
        for (scope, limit) in scopes {
            let of = format!("{scope} after {certainty:?} by {blame:?}");
            let world = World::with(&[&a], policy(|limits| *limit(limits) = one()));
            fails();
            assert!(world.send().await.is_err());
            works();
            let sent = world.send().await;
            let sent = sent.unwrap_or_else(|error| panic!("{of}: {error}"));
            refused(world.send().await, scope);
            // The same holds for the message of a resend.
            world.advance(60);
            fails();
            assert!(world.client.resend(sent.id, Resend::new()).await.is_err());
            works();
            let sent = world.send().await;
            sent.unwrap_or_else(|error| panic!("a resend, {of}: {error}"));
            refused(world.send().await, scope);
        }
        let world = World::with(&[&a], policy(|limits| limits.ip = one()));
        fails();
        assert!(world.client.send(from(1, "192.0.2.1")).await.is_err());
        works();
        refused(world.client.send(from(1, "192.0.2.1")).await, "ip");
        world.client.send(from(1, "192.0.2.2")).await.unwrap();
    }
    let a = carrier("a");
    let world = World::with(&[&a], policy(|limits| limits.global = one()));
    a.sends.answer(Err(unknown()));
    assert!(!world.send().await.unwrap().confirmed);
    refused(world.send().await, "global");
}

/// After twenty sends that failing vendors refused, the next user is served.
#[tokio::test(start_paused = true)]
async fn an_outage_does_not_outlive_itself() {
    let (a, b) = (carrier("a"), carrier("b"));
    let limits = policy(|limits| limits.global = vec![RateLimit::new(20, 60 * MINUTE)]);
    let world = World::with(&[&a, &b], limits);
    a.sends.always(|_, _| Err(down()));
    b.sends.always(|_, _| Err(error(Certainty::NotSent, Blame::Provider)));
    for n in 0..20 {
        world.client.send(number(n)).await.unwrap_err();
        world.advance(1);
    }
    a.sends.always(|_, _| Ok(Sent::new()));
    b.sends.always(|_, _| Ok(Sent::new()));
    world.advance(60);
    for n in 20..40 {
        world.client.send(number(n)).await.unwrap();
    }
    refused(world.client.send(number(40)).await, "global");
}

/// A request that the vendor read counts there; one that never reached it does not.
#[tokio::test(start_paused = true)]
async fn a_provider_counts_what_reached_it() {
    let limited = || {
        let mut capabilities =
            otpmux_core::Capabilities::new([otpmux_core::Channel::Sms]).with_otpmux_codes(4..=10);
        capabilities.limits.requests = vec![RateLimit::new(1, MINUTE)];
        Arc::new(otpmux_testkit::ScriptedProvider::new("a", capabilities))
    };
    // Each process has a local rate limit beside the shared count.
    let (store, clock) = (Arc::new(MemoryStore::new(100)), Arc::default());
    let process = |providers: &[&Arc<otpmux_testkit::ScriptedProvider>]| {
        let shared: Arc<dyn VerificationStore> = Arc::<MemoryStore>::clone(&store);
        builder(providers, lenient(), &clock).store(shared, keys()).build().unwrap()
    };
    let passed_over = async |providers: [&Arc<otpmux_testkit::ScriptedProvider>; 2]| {
        let sent = process(&providers).send(number(1)).await.unwrap();
        !sent.send_attempts.iter().any(|attempt| attempt.provider.as_str() == "a")
    };
    for (certainty, counted) in [(Certainty::NotSent, false), (Certainty::Rejected, true)] {
        // As the first of its route, after a failure, and as the last candidate.
        let (a, b) = (limited(), carrier("b"));
        a.sends.always(move |_, _| Err(error(certainty, Blame::Provider)));
        process(&[&a, &b]).send(number(1)).await.unwrap();
        assert_eq!(passed_over([&limited(), &carrier("b")]).await, counted, "{certainty:?}");
        clock.advance(60 * MINUTE);

        b.sends.always(|_, _| Err(down()));
        process(&[&b, &a]).send(number(1)).await.unwrap_err();
        assert_eq!(passed_over([&limited(), &carrier("b")]).await, counted, "{certainty:?}");
        clock.advance(60 * MINUTE);

        process(&[&a]).send(number(1)).await.unwrap_err();
        assert_eq!(passed_over([&limited(), &carrier("b")]).await, counted, "{certainty:?}");
        clock.advance(60 * MINUTE);
    }
}

#[tokio::test]
async fn sec_06_guesses_are_capped_over_all_verifications_of_a_recipient() {
    let a = carrier("a");
    let limits = policy(|limits| limits.guesses = vec![RateLimit::new(10, 60 * MINUTE)]);
    let world = World::with(&[&a], limits);
    let mut looked_at = 0;
    for _ in 0..5 {
        let sent = world.send().await.unwrap();
        let code = a.otpmux_codes().pop().unwrap();
        for _ in 0..4 {
            looked_at += usize::from(world.verify(&sent, &wrong(&code)).await == "wrong_code");
        }
        if looked_at == 10 {
            let typed = code.parse().unwrap();
            let verdict = world.client.verify(sent.id, &typed).await.unwrap();
            let retry_after = Some(60 * MINUTE);
            assert_eq!(verdict, otpmux_core::Verdict::TooManyGuesses { retry_after });
        }
    }
    assert_eq!(looked_at, 10, "a new verification does not refill the budget");
    world.advance(3_600);
    let sent = world.send().await.unwrap();
    let code = a.otpmux_codes().pop().unwrap();
    assert_eq!(world.verify(&sent, &code).await, "approved", "and its time is over some day");

    // Another recipient was never touched.
    let sent = world.client.send(number(5)).await.unwrap();
    assert_eq!(world.verify(&sent, &wrong(&a.otpmux_codes().pop().unwrap())).await, "wrong_code");
}

/// A provider at its documented limit is skipped; only when all are, the send is refused.
#[tokio::test]
async fn a_provider_that_has_had_its_requests_is_passed_over() {
    let limited = |id: &str, count| {
        let mut capabilities =
            otpmux_core::Capabilities::new([otpmux_core::Channel::Sms]).with_otpmux_codes(4..=10);
        capabilities.limits.requests = vec![RateLimit::new(count, MINUTE)];
        Arc::new(otpmux_testkit::ScriptedProvider::new(id, capabilities))
    };
    let (a, b) = (limited("a", 2), limited("b", 3));
    let world = World::of(&[&a, &b]);
    for n in 0..5 {
        let sent = world.client.send(number(n)).await.unwrap();
        let by = if n < 2 { "a" } else { "b" };
        assert_eq!(sent.send_attempts[0].provider.as_str(), by);
        assert_eq!(sent.skipped.len(), usize::from(n >= 2));
    }
    let error = world.client.send(number(5)).await.unwrap_err();
    assert_eq!((error.kind(), error.blame()), (ErrorKind::RateLimited, Blame::Provider));
    assert!(error.retry_after().is_some());
    assert_eq!((a.count(), b.count()), (2, 3));
}

#[tokio::test]
async fn frd_01_countries_that_are_not_allowed_are_refused_before_any_vendor_and_any_limit_hit() {
    let a = carrier("a");
    let mut strict = policy(|limits| limits.global = vec![RateLimit::new(1, MINUTE)]);
    strict.countries = Some(vec!["IN".into()]);
    let world = World::with(&[&a], strict);
    // Another country, one within a shared code, a satellite, an unassigned code; a kind that costs,
    // of the country itself.
    for to in ["+447700900123", "+12425550123", "+881612345678", "+99912345678", "+911861234567890"]
    {
        let to: Recipient = to.parse().unwrap();
        let error = world.client.send(NewVerification::to(to)).await.unwrap_err();
        let told = (error.kind(), error.certainty(), error.blame());
        assert_eq!(told, (ErrorKind::Unsupported, Certainty::NotSent, Blame::Policy));
    }
    assert_eq!((a.count(), world.store.len()), (0, 0));
    world.send().await.unwrap();
}

/// Auth0's values are 1 to 32 minutes; otpmux's follow the policy.
#[tokio::test]
async fn frd_04_the_wait_before_a_resend_grows_with_some_jitter() {
    let a = carrier("a");
    let mut growing = lenient();
    growing.ttl = Duration::from_mins(10);
    growing.max_resends = 10;
    growing.resend_delay_max = Duration::from_mins(2);
    let world = World::with(&[&a], growing);
    let sent = world.send().await.unwrap();
    let mut waits = vec![world.seconds_until(sent.resend_after)];
    for _ in 0..4 {
        world.advance(waits[waits.len() - 1] + 1);
        let again = world.client.resend(sent.id, Resend::new()).await.unwrap();
        waits.push(world.seconds_until(again.resend_after));
    }
    for (wait, base) in waits.iter().zip([30, 60, 120, 120, 120]) {
        assert!((base..=base + base / 10).contains(wait), "{waits:?}");
    }
}
