//! Events: what happens is written by its step, read as a stream, and survives a dead receiver.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Purpose, RateLimit};
use otpmux_engine::{
    EndpointName, EventEnd, EventEndpoint, EventId, EventSettings, EventType, EventTypes,
    MOST_EVENTS, MemoryStore, NewEvent, NewVerification, OtpClient, Policy, VerificationStore,
    Wanted,
};
use otpmux_testkit::{CountingStore, ManualClock, ScriptedProvider};

use crate::world::{
    approves, builder, carrier, down, keys, lenient, phone, unknown, vendor, wrong,
};

struct Stage {
    client: OtpClient,
    clock: Arc<ManualClock>,
    store: Arc<MemoryStore>,
}

fn endpoint(metadata: bool) -> EventEndpoint {
    EventEndpoint::new("app", EventTypes::all().iter()).unwrap().with_metadata(metadata)
}

fn stage(providers: &[&Arc<ScriptedProvider>], policy: Policy, metadata: bool) -> Stage {
    let clock = Arc::new(ManualClock::default());
    let store = Arc::new(MemoryStore::new(1_000));
    let shared: Arc<dyn VerificationStore> = Arc::<MemoryStore>::clone(&store);
    let client = builder(providers, policy, &clock)
        .store(shared, keys())
        .events(EventSettings::new().endpoint(endpoint(metadata)))
        .build()
        .unwrap();
    Stage { client, clock, store }
}

impl Stage {
    /// The events that wait, as words.
    async fn words(&self) -> Vec<String> {
        let waiting = self.client.events_waiting(None, 1_000).await.unwrap();
        let word = |it: &otpmux_engine::EventDelivery| match &it.event.data.reason {
            Some(reason) => format!("{} {reason}", it.event.event()),
            None => it.event.event().to_string(),
        };
        waiting.iter().map(word).collect()
    }

    /// Waits for an event that no step carries.
    async fn comes(&self, word: &str) {
        let come = async {
            while !self.words().await.iter().any(|it| it == word) {
                tokio::task::yield_now().await;
            }
        };
        let came = tokio::time::timeout(Duration::from_secs(30), come).await;
        assert!(came.is_ok(), "{word}");
    }
}

#[tokio::test]
async fn a_stream_has_the_life_of_a_verification_and_nothing_personal() {
    let provider = carrier("primary");
    let stage = stage(&[&provider], lenient(), true);
    let mut events = stage.client.events("app").unwrap();
    let metadata = BTreeMap::from([("order".to_owned(), "4711".to_owned())]);
    let mut new = NewVerification::to(phone()).for_purpose(Purpose::new("login").unwrap());
    new.options.metadata = metadata.clone();
    let sent = stage.client.send(new).await.unwrap();
    let code = provider.otpmux_codes().pop().unwrap();
    assert!(stage.client.verify(sent.id, &code.parse().unwrap()).await.unwrap().is_approved());
    let (first, second) = (events.next().await.unwrap(), events.next().await.unwrap());
    let both = BTreeSet::from([first.event(), second.event()]);
    let expected = [EventType::VerificationCreated, EventType::VerificationApproved];
    assert_eq!(both, BTreeSet::from(expected));
    for event in [&first, &second] {
        assert_eq!(event.data.id, Some(sent.id.to_string()));
        assert_eq!(event.data.purpose.as_deref(), Some("login"));
        assert_eq!(event.data.country.as_deref(), Some("IN"));
        assert_eq!(event.data.provider.as_deref(), Some("primary"));
        assert_eq!(event.data.metadata, metadata);
        let shown = format!("{event:?}{}", event.body());
        assert!(!shown.contains("9876543210") && !shown.contains(&code), "{shown}");
    }
    events.done().await.unwrap();
    assert_eq!(stage.words().await, Vec::<String>::new());
    assert!(stage.client.events("other").is_err());
}

#[tokio::test]
async fn the_newest_provider_is_named_and_an_unconfirmed_send_is_reported() {
    let (first, second) = (carrier("primary"), carrier("backup"));
    first.sends.always(|_, _| Err(down()));
    let stage = stage(&[&first, &second], lenient(), false);
    let sent = stage.client.send(NewVerification::to(phone())).await.unwrap();
    let code = second.otpmux_codes().pop().unwrap();
    stage.client.verify(sent.id, &code.parse().unwrap()).await.unwrap();
    let waiting = stage.client.events_waiting(None, 10).await.unwrap();
    let approved = waiting.iter().find(|it| it.event.event() == EventType::VerificationApproved);
    assert_eq!(approved.unwrap().event.data.provider.as_deref(), Some("backup"));

    let lost = carrier("lost");
    lost.sends.always(|_, _| Err(unknown()));
    let stage = self::stage(&[&lost], lenient(), false);
    let sent = stage.client.send(NewVerification::to(phone())).await.unwrap();
    assert!(!sent.confirmed);
    assert!(stage.words().await.contains(&"send.unconfirmed unavailable".to_owned()));
    // A send that certainly came to nothing.
    let dead = carrier("dead");
    dead.sends.always(|_, _| Err(down()));
    let stage = self::stage(&[&dead], lenient(), false);
    stage.client.send(NewVerification::to(phone())).await.unwrap_err();
    assert!(stage.words().await.contains(&"verification.failed not_sent".to_owned()));
}

#[tokio::test]
async fn used_up_guesses_are_reported_also_of_a_vendors_code() {
    let provider = carrier("primary");
    let stage = stage(&[&provider], lenient().max_guesses(2), false);
    let sent = stage.client.send(NewVerification::to(phone())).await.unwrap();
    let code = wrong(&provider.otpmux_codes().pop().unwrap());
    for _ in 0..3 {
        stage.client.verify(sent.id, &code.parse().unwrap()).await.unwrap();
    }
    let exhausted = async |stage: &Stage| {
        stage.words().await.into_iter().filter(|it| it == "check.exhausted").count()
    };
    assert_eq!(exhausted(&stage).await, 1);

    let vendor = vendor("vendor");
    approves(&vendor, "111111");
    let stage = self::stage(&[&vendor], lenient().max_guesses(2), false);
    let sent = stage.client.send(NewVerification::to(phone())).await.unwrap();
    for _ in 0..2 {
        stage.client.verify(sent.id, &"222222".parse().unwrap()).await.unwrap();
    }
    stage.comes("check.exhausted").await;
    assert_eq!(exhausted(&stage).await, 1);
}

#[tokio::test]
async fn a_limit_is_reported_once_a_minute_and_a_provider_once_when_it_fails() {
    let mut policy = lenient();
    policy.limits.recipient = vec![RateLimit::new(1, Duration::from_hours(1))];
    let provider = carrier("primary");
    let stage = stage(&[&provider], policy, false);
    for _ in 0..5 {
        let _ = stage.client.send(NewVerification::to(phone())).await;
    }
    stage.comes("send.blocked recipient").await;
    let blocked = stage.words().await.into_iter().filter(|it| it.starts_with("send.blocked"));
    assert_eq!(blocked.count(), 1);

    let (first, second) = (carrier("primary"), carrier("backup"));
    first.sends.always(|_, _| Err(down()));
    let stage = self::stage(&[&first, &second], lenient(), false);
    for _ in 0..8 {
        stage.client.send(NewVerification::to(phone())).await.unwrap();
    }
    stage.comes("provider.down unavailable").await;
    let down = stage.words().await.into_iter().filter(|it| it.starts_with("provider.down"));
    assert_eq!(down.count(), 1);
}

#[tokio::test]
async fn one_that_expires_unapproved_has_failed_and_so_has_a_superseded_one() {
    let provider = carrier("primary");
    let stage = stage(&[&provider], lenient(), false);
    stage.client.send(NewVerification::to(phone())).await.unwrap();
    let newer = stage.client.send(NewVerification::to(phone())).await.unwrap();
    let used = NewVerification::to(phone()).for_purpose(Purpose::new("login").unwrap());
    let used = stage.client.send(used).await.unwrap();
    let code = provider.otpmux_codes().pop().unwrap();
    stage.client.verify(used.id, &code.parse().unwrap()).await.unwrap();
    let failed = async || {
        let words = stage.words().await;
        words
            .into_iter()
            .filter(|it| it.starts_with("verification.failed"))
            .collect::<BTreeSet<_>>()
    };
    stage.client.run_due().await.unwrap();
    assert_eq!(failed().await, BTreeSet::new());
    let left = newer.expires_at.duration_since(otpmux_core::Clock::now(&*stage.clock)).unwrap();
    stage.clock.advance(left);
    stage.client.run_due().await.unwrap();
    stage.client.run_due().await.unwrap();
    let expected = ["verification.failed expired", "verification.failed superseded"];
    assert_eq!(failed().await, expected.map(str::to_owned).into());
}

/// By virtual time: a stream that waits asks the store every second for ten seconds, and then every three. What its
/// own process writes it has at once.
#[tokio::test(start_paused = true)]
async fn an_idle_stream_asks_the_store_every_three_seconds_and_wakes_at_once() {
    let provider = carrier("primary");
    let store = CountingStore::new(Arc::new(MemoryStore::new(1_000)));
    let shared: Arc<dyn VerificationStore> = Arc::<CountingStore>::clone(&store);
    let client = builder(&[&provider], lenient(), &Arc::default())
        .store(shared, keys())
        .events(EventSettings::new().endpoint(endpoint(false)))
        .build()
        .unwrap();
    let mut events = client.events("app").unwrap();
    let reader = tokio::spawn(async move { (events.next().await.unwrap(), events) });
    let calls_within = async |millis| {
        store.take();
        tokio::time::sleep(Duration::from_millis(millis)).await;
        store.take()
    };
    assert_eq!(calls_within(10_500).await, [("events_due", 11)].into());
    assert_eq!(calls_within(60_000).await, [("events_due", 20)].into());
    let begun = tokio::time::Instant::now();
    client.send(NewVerification::to(phone())).await.unwrap();
    let (event, _events) = reader.await.unwrap();
    assert_eq!(event.event(), EventType::VerificationCreated);
    assert_eq!(begun.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn a_retry_is_one_step_however_many_events_and_endpoints_wait() {
    let provider = carrier("primary");
    let store = CountingStore::new(Arc::new(MemoryStore::new(1_000)));
    let shared: Arc<dyn VerificationStore> = Arc::<CountingStore>::clone(&store);
    let other = EventEndpoint::new("other", [EventType::ProviderDown]).unwrap();
    let client = builder(&[&provider], lenient(), &Arc::default())
        .store(shared, keys())
        .events(EventSettings::new().endpoint(endpoint(false)).endpoint(other))
        .build()
        .unwrap();
    for _ in 0..20 {
        client.send(NewVerification::to(phone())).await.unwrap();
    }
    let wanted = [Wanted { endpoint: EndpointName::new("app").unwrap(), most: 20 }];
    let taken = client.take_events(&wanted).await.unwrap().deliveries;
    let id = taken.last().unwrap().event.id;
    store.take();
    assert!(client.retry_event(id).await.unwrap());
    assert_eq!(store.take(), [("end_events", 1)].into());
    let again = client.take_events(&wanted).await.unwrap().deliveries;
    assert_eq!(again.iter().map(|it| it.event.id).collect::<Vec<_>>(), [id]);
    client.end_events(&[again[0].ended(EventEnd::Delivered)]).await.unwrap();
    assert!(!client.retry_event(id).await.unwrap());
}

/// 100,000 events, and a receiver that is dead for an hour.
#[tokio::test]
async fn a_hundred_thousand_events_wait_for_a_dead_receiver_and_all_arrive() {
    let provider = carrier("primary");
    let stage = stage(&[&provider], lenient(), false);
    let (store, clock) = (&stage.store, &stage.clock);
    let now = || otpmux_core::Clock::now(&**clock);
    let app = EndpointName::new("app").unwrap();
    let total = u32::try_from(MOST_EVENTS).unwrap();
    for number in 0..total {
        let mut about = [0; 16];
        about[..4].copy_from_slice(&number.to_be_bytes());
        let event = NewEvent {
            endpoints: vec![app.clone()],
            id: EventId::of_hash(about, EventType::VerificationApproved),
            facts: "{}".into(),
            reason: None,
            once: None,
        };
        store.outbox().unwrap().put_event(event, now()).await.unwrap();
    }
    let alive = now() + Duration::from_hours(1);
    let mut arrived = BTreeSet::new();
    let (mut tries, pauses) = (0_u64, [5, 300, 1_800, 7_200]);
    while arrived.len() < MOST_EVENTS {
        let wanted = [Wanted { endpoint: app.clone(), most: 1_000 }];
        let taken = stage.client.take_events(&wanted).await.unwrap();
        assert_eq!(taken.dropped, 0);
        if taken.deliveries.is_empty() {
            clock.advance(Duration::from_secs(5));
        }
        let mut ended = Vec::new();
        for one in taken.deliveries {
            tries += 1;
            let end = if now() >= alive {
                arrived.insert(one.event.id);
                EventEnd::Delivered
            } else {
                EventEnd::Failed(now() + Duration::from_secs(pauses[one.tries as usize]))
            };
            ended.push(one.ended(end));
        }
        stage.client.end_events(&ended).await.unwrap();
    }
    assert!(tries >= 4 * u64::from(total), "{tries} tries");
    assert_eq!(stage.client.event_endpoints().await.unwrap()[0].waiting, 0);
}

#[tokio::test]
async fn of_too_many_events_the_oldest_go_and_are_counted() {
    let store = MemoryStore::new(10);
    let app = EndpointName::new("app").unwrap();
    let start = otpmux_core::Clock::now(&ManualClock::default());
    for number in 0..=u32::try_from(MOST_EVENTS).unwrap() {
        let mut about = [0; 16];
        about[..4].copy_from_slice(&number.to_be_bytes());
        let event = NewEvent {
            endpoints: vec![app.clone()],
            id: EventId::of_hash(about, EventType::ProviderDown),
            facts: "{}".into(),
            reason: None,
            once: None,
        };
        store
            .outbox()
            .unwrap()
            .put_event(event, start + Duration::from_millis(number.into()))
            .await
            .unwrap();
    }
    let wanted = [Wanted { endpoint: app.clone(), most: 1 }];
    let late = start + Duration::from_hours(1);
    let due =
        store.outbox().unwrap().events_due(&wanted, Duration::from_mins(1), late).await.unwrap();
    assert_eq!(due.dropped, 1);
    assert_eq!(due.events[0].at, start + Duration::from_millis(1));
}
