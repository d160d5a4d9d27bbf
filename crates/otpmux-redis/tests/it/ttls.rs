//! No key stays: every key has a time to live, and expires.

use std::collections::BTreeSet;
use std::time::Duration;

use otpmux_core::{
    Blame, Capabilities, Certainty, Channel, Delivery, Error, ErrorKind, ProviderId, RateLimit,
    Sent, Verdict,
};
use otpmux_engine::{
    AttemptState, DeliveryMark, EndpointName, EndpointState, EventId, EventType, ExternalId,
    HEALTH_TTL, HealthUpdate, IdempotencyRecord, LimitHit, LimitKey, LimitScope, MessageLimits,
    NewEvent, NewVerification, Once, OpenCircuit, Outbox, RETENTION, ReceiptOf, Record,
    RecordOutcome, Refund, Resend, VerificationStore, Verify, Wanted, Witness,
};
use otpmux_redis::RedisStore;
use otpmux_testkit::{RedisReply, RedisServer, ScriptedProvider};
use tokio::time::Instant;

use crate::world::{
    CODE, all_keys, begin, client, code, create, now, provider, put, recipient, record,
    record_outcome, store, unhex,
};

const DAY: Duration = Duration::from_hours(24);

/// Runs a flow of every kind, to its end.
async fn flows(server: &RedisServer) {
    let store = store(server);
    let ours = provider("ours");
    let capabilities = Capabilities::new([Channel::Voice]).with_vendor_codes(None);
    let theirs = std::sync::Arc::new(ScriptedProvider::new("theirs", capabilities));
    let client = client(&store, &[&ours, &theirs], |policy| {
        policy.limits = MessageLimits::default();
        policy.limits.purpose = vec![RateLimit::new(1_000, Duration::from_mins(1))];
        policy.limits.global = vec![RateLimit::new(1_000, Duration::from_mins(1))];
        policy.resend_delay = Duration::ZERO;
    });
    let new = |number: u32| NewVerification::to(recipient(number * 10_000));
    let external = ExternalId::new("order-1").unwrap();
    let last = || code(ours.otpmux_codes().last().expect("a code"));

    let due = Record { due_at: Some(now() + Duration::from_secs(30)), ..record(99) };
    put(&store, due).await;
    let approved = client.send(new(1).with_external_id(external)).await.unwrap().id;
    client.verify(approved, &code("000000")).await.unwrap();
    assert!(client.verify(approved, &last()).await.unwrap().is_approved());
    let named = Verify::new().with_idempotency_key("named");
    let again = client.send(new(9)).await.unwrap().id;
    assert!(client.verify_with(again, &last(), named).await.unwrap().is_approved());

    let locked = client.send(new(2)).await.unwrap().id;
    for _ in 0..6 {
        client.verify(locked, &code("000000")).await.unwrap();
    }
    let cancelled = client.send(new(3)).await.unwrap().id;
    assert!(client.cancel(cancelled).await.unwrap());
    let resent = client.send(new(4)).await.unwrap().id;
    client.resend(resent, Resend::new()).await.unwrap();
    let superseded = client.send(new(5)).await.unwrap().id;
    client.send(new(5)).await.unwrap();
    assert_eq!(client.verify(superseded, &last()).await.unwrap(), Verdict::NotFound);

    let down = Error::new(ErrorKind::Unavailable, Certainty::NotSent, Blame::Provider);
    for _ in 0..3 {
        ours.sends.answer(Err(Error::new(down.kind(), down.certainty(), down.blame())));
    }
    client.send(new(6).with_idempotency_key("failed")).await.unwrap_err();
    client.send(new(7).with_idempotency_key("named")).await.unwrap();
    client.send(new(7).with_idempotency_key("named")).await.unwrap();

    theirs.sends.answer(Ok(Sent::new()));
    let vendors = client.send(new(8).by(Channel::Voice)).await.unwrap().id;
    theirs.verifies.answer(Ok(Verdict::Approved));
    assert!(client.verify(vendors, &code("123456")).await.unwrap().is_approved());

    // A send attempt that is found by its vendor's reference.
    let at = now();
    let referred = put(&store, record(10)).await;
    let mut found = record_outcome(AttemptState::Accepted);
    found.ends[0].found_by = Some([7; 16]);
    store.record_outcome(referred, found, at).await.unwrap();
    let sent = DeliveryMark::new(Delivery::Sent, at, false);
    store.receive(ReceiptOf::Reference([7; 16]), sent, at).await.unwrap();

    // An update about a provider, and records that are about to expire.
    let at = now();
    let open = OpenCircuit { since: at, until: at, why: ErrorKind::Unavailable };
    let update = HealthUpdate {
        provider: ProviderId::new("ours").unwrap(),
        witness: Witness::default(),
        at,
        state: Some(open),
    };
    let key = LimitKey::of_recipient(LimitScope::Recipient, &record(9).recipient);
    let refunds = vec![Refund { key, at }];
    let settling = RecordOutcome {
        health_updates: vec![update],
        refunds,
        ..record_outcome(AttemptState::Rejected)
    };
    let expired = put(&store, record(9)).await;
    store.record_outcome(expired, settling, now()).await.unwrap();
    let late = now() + Duration::from_mins(6);
    assert_eq!(
        store.approve(expired, &crate::world::guess(expired, CODE), late).await.unwrap(),
        Verdict::Expired
    );
    store.start_attempt(expired, begin(), late).await.unwrap();
}

/// Returns the longest time to live of the keys with this letter.
fn longest(letter: char) -> Duration {
    match letter {
        // The recipient, and guesses.
        'R' | 'O' | 'T' => DAY,
        'N' => Duration::from_mins(10),
        'P' | 'G' => Duration::from_mins(1),
        'I' => Duration::from_hours(1),
        'h' => HEALTH_TTL,
        'v' | 'q' | 'g' | 'x' | 'f' => Duration::from_mins(5) + RETENTION,
        // The due set: longer than its records, so that few of them renew it.
        'd' => 2 * (Duration::from_mins(5) + RETENTION),
        other => panic!("an unknown key: {other}"),
    }
}

fn remaining(server: &RedisServer, key: &str) -> i64 {
    server.command(&[&b"PTTL"[..], &unhex(key)]).number()
}

/// Waits until Redis holds no key at all. Between two checks, Redis waits for an item that never
/// comes.
fn until_empty(server: &RedisServer) {
    let begun = Instant::now();
    while server.command(&["DBSIZE"]).number() > 0 {
        let left = all_keys(server);
        assert!(begun.elapsed() < Duration::from_secs(20), "still there: {left:?}");
        assert_eq!(server.command(&["BLPOP", "nothing", "0.05"]), RedisReply::Nothing);
    }
}

#[tokio::test]
async fn every_key_has_a_time_to_live() {
    let server = RedisServer::start();
    flows(&server).await;
    let mut kinds = BTreeSet::new();
    for (letter, key) in all_keys(&server) {
        // One field for each server key, in every case.
        if letter == 'k' {
            assert_eq!(server.command(&[&b"HLEN"[..], &unhex(&key)]).number(), 1);
            continue;
        }
        let left = remaining(&server, &key);
        let longest = i64::try_from(longest(letter).as_millis()).unwrap();
        assert!(left > 0, "{letter} {key} never goes");
        assert!(left <= longest, "{letter} {key} is kept for {left} ms, not {longest}");
        kinds.insert(letter);
    }
    assert_eq!(kinds.into_iter().collect::<String>(), "GNOPRTdfghqvx");

    // With all remaining times divided by 100,000: no key is left.
    for (_, key) in all_keys(&server) {
        let soon = (remaining(&server, &key) / 100_000).to_string();
        server.command(&[&b"PEXPIRE"[..], &unhex(&key), soon.as_bytes()]);
    }
    until_empty(&server);
}

/// Creates a verification that expires in 300 ms, and hits in windows of 300 ms.
async fn short_lived(store: &RedisStore, number: u32) {
    let mut record = record(number);
    let name = u128::from(number).to_be_bytes();
    record.request = Some(Box::new(IdempotencyRecord { name, content: [1; 16] }));
    let soon = now() + Duration::from_millis(300);
    record.expires_at = soon - RETENTION;
    let key = |scope| LimitKey::of_recipient(scope, &record.recipient);
    let windows = [RateLimit::new(1_000, Duration::from_millis(300))];
    let limit_hit = |scope| LimitHit { key: key(scope), windows: windows.into() };
    let limit_hits = vec![limit_hit(LimitScope::Recipient), limit_hit(LimitScope::Ip)];
    let id = record.id;
    let create = otpmux_engine::Create { limit_hits: limit_hits.clone(), ..create(record) };
    store.create(create, now()).await.unwrap();
    let begin = otpmux_engine::StartAttempt { limit_hits, ..begin() };
    store.start_attempt(id, begin, now()).await.unwrap();
    let name = crate::world::keys().guess_name(&id.into(), "a", &code("000000"));
    let guess = crate::world::guess(id, "000000").within(windows.into()).named(Some(name));
    store.check_guess(&guess, now() - RETENTION).await.unwrap();
    store.record_outcome(id, record_outcome(AttemptState::Accepted), now()).await.unwrap();
    store.cancel(id, now()).await.unwrap();
}

#[tokio::test]
async fn ended_records_are_removed() {
    let server = RedisServer::start();
    let store = store(&server);
    for number in 0..50 {
        short_lived(&store, number).await;
    }
    until_empty(&server);
}

/// Events are kept for as long as a process asks for them, also while their endpoint is paused; what an operator has
/// decided about an endpoint stays for good.
#[tokio::test]
async fn events_are_kept_for_a_month_after_the_last_look_and_states_of_endpoints_for_good() {
    let server = RedisServer::start();
    let store = store(&server);
    let billing = EndpointName::new("billing").unwrap();
    let put = async |number: u8, once| {
        let event = NewEvent {
            endpoints: vec![billing.clone()],
            id: EventId::of_hash([number; 16], EventType::ProviderDown),
            facts: "{}".into(),
            reason: None,
            once,
        };
        assert!(store.put_event(event, now()).await.unwrap());
    };
    let once = Once { key: [1; 16], until: now() + Duration::from_mins(30), releases: None };
    put(1, Some(once)).await;
    store.set_endpoint(&billing, EndpointState::Paused).await.unwrap();
    // Returns the letters of the keys whose remaining time is about this.
    let kept_for = |time: Duration| {
        let mut letters: Vec<_> = all_keys(&server)
            .into_iter()
            .filter(|(_, key)| {
                let left = Duration::from_millis(remaining(&server, key).try_into().unwrap_or(0));
                left <= time && left + Duration::from_mins(1) > time
            })
            .map(|(letter, _)| letter)
            .collect();
        letters.sort_unstable();
        letters.into_iter().collect::<String>()
    };
    assert_eq!(kept_for(30 * DAY), "AEU");
    assert_eq!(kept_for(Duration::from_mins(30)), "H");
    let forever = all_keys(&server).into_iter().filter(|(_, key)| remaining(&server, key) == -1);
    assert_eq!(forever.map(|(letter, _)| letter).collect::<String>(), "e");

    let pass = |left: Duration| {
        let left = left.as_millis().to_string();
        for (_, key) in all_keys(&server).iter().filter(|(letter, _)| "AEU".contains(*letter)) {
            server.command(&[&b"PEXPIRE"[..], &unhex(key), left.as_bytes()]);
        }
    };
    let look = async || {
        let wanted = [Wanted { endpoint: billing.clone(), most: 9 }];
        store.events_due(&wanted, Duration::from_mins(1), now()).await.unwrap().events.len()
    };
    // A look renews it when half has passed, and not before.
    pass(20 * DAY);
    assert_eq!(look().await, 0);
    assert_eq!(kept_for(20 * DAY), "AEU");
    put(2, None).await;
    assert_eq!(kept_for(20 * DAY), "AEU");
    pass(14 * DAY);
    assert_eq!(look().await, 0);
    assert_eq!(kept_for(30 * DAY), "AEU");
    // So does an event.
    pass(14 * DAY);
    put(3, None).await;
    assert_eq!(kept_for(30 * DAY), "AEU");
    store.set_endpoint(&billing, EndpointState::On).await.unwrap();
    assert_eq!(look().await, 3);
}
