//! Events as webhooks: real sockets, and a receiver in every mood.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::sync::Arc;
use std::time::Duration;

use otpmux::events::{
    EndpointName, EndpointState, EventDeliverer, EventEndpoint, EventSettings, EventType, Targets,
};
use otpmux::http::signature::{ReceiptSecrets, StandardWebhook, check_standard_webhook};
use otpmux::http::webhook::WebhookUrl;
use otpmux::provider::Capabilities;
use otpmux::store::VerificationStore;
use otpmux::{
    Channel, Code, MemoryStore, MessageLimits, NewVerification, OtpClient, Policy, Recipient,
    Secret, ServerKeys, VerificationId,
};
use otpmux_engine::Wanted;
use otpmux_testkit::faulty::{FaultyServer, Play, Reply, Step};
use otpmux_testkit::{CountingStore, ScriptedProvider};

const PHONE: &str = "+919876543210";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

struct World {
    provider: Arc<ScriptedProvider>,
    store: Arc<MemoryStore>,
}

impl World {
    fn new() -> Self {
        let capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
        let provider = Arc::new(ScriptedProvider::new("primary", capabilities));
        Self { provider, store: Arc::new(MemoryStore::new(1_000)) }
    }

    /// A process on the shared store, whose endpoint gets approvals.
    fn client(&self) -> OtpClient {
        self.client_on(Arc::<MemoryStore>::clone(&self.store))
    }

    fn client_on(&self, store: Arc<dyn VerificationStore>) -> OtpClient {
        self.client_with(store, &["billing"])
    }

    /// A process whose endpoints get approvals.
    fn client_with(&self, store: Arc<dyn VerificationStore>, endpoints: &[&str]) -> OtpClient {
        let keys = ServerKeys::new(&[("test".to_owned(), "k".repeat(43).into())]).unwrap();
        let types = [EventType::VerificationApproved];
        let events = endpoints.iter().fold(EventSettings::new(), |events, endpoint| {
            events.endpoint(EventEndpoint::new(endpoint, types).unwrap())
        });
        let mut policy = Policy::default();
        policy.limits = MessageLimits::none();
        OtpClient::builder()
            .provider(self.provider.port())
            .policy(policy)
            .store(store, keys)
            .events(events)
            .build()
            .unwrap()
    }

    /// Returns a verification that was approved, and its code.
    async fn approved(&self, client: &OtpClient) -> (VerificationId, String) {
        let sent =
            client.send(NewVerification::to(PHONE.parse::<Recipient>().unwrap())).await.unwrap();
        let code = self.provider.otpmux_codes().pop().unwrap();
        let typed: Code = code.parse().unwrap();
        assert!(client.verify(sent.id, &typed).await.unwrap().is_approved());
        (sent.id, code)
    }
}

fn targets(receiver: &FaultyServer) -> Targets {
    targets_of(&[("billing", receiver)])
}

fn targets_of(receivers: &[(&str, &FaultyServer)]) -> Targets {
    let mut targets = Targets::default();
    for (name, receiver) in receivers {
        let url = WebhookUrl::parse(&receiver.url(), true).unwrap();
        targets.add(EndpointName::new(name).unwrap(), url, vec![SECRET.parse().unwrap()]);
    }
    targets
}

/// Waits until the state of the endpoint and the number of its waiting events are these.
async fn becomes(client: &OtpClient, state: EndpointState, waiting: u64) {
    let reached = async {
        loop {
            let all = client.event_endpoints().await.unwrap();
            if (all[0].state, all[0].waiting) == (state, waiting) {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), reached).await.unwrap();
}

/// Waits until a try has failed.
async fn fails(client: &OtpClient) {
    let failed = async {
        while client.event_endpoints().await.unwrap()[0].failing_since.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), failed).await.unwrap();
}

#[tokio::test]
async fn an_approval_is_sent_at_once_signed_and_without_anything_personal() {
    let receiver = FaultyServer::start(&Reply::new(204)).await;
    let world = World::new();
    let client = world.client();
    let deliverer = EventDeliverer::start(client.clone(), targets(&receiver)).unwrap();
    let (id, code) = world.approved(&client).await;
    becomes(&client, EndpointState::On, 0).await;
    deliverer.stop().await;

    let requests = receiver.requests();
    assert_eq!(requests.len(), 1);
    let headers = StandardWebhook {
        id: requests[0].header("webhook-id"),
        timestamp: requests[0].header("webhook-timestamp"),
        signature: requests[0].header("webhook-signature"),
    };
    let secrets = ReceiptSecrets::new(Secret::new(SECRET));
    let now = client.event_time();
    assert_eq!(check_standard_webhook(&secrets, headers, &requests[0].body, now), Ok(()));
    let body: serde_json::Value = serde_json::from_slice(&requests[0].body).unwrap();
    assert_eq!(body["type"], "verification.approved");
    let expected = serde_json::json!({
        "id": id.to_string(), "purpose": "default", "channel": "sms", "country": "IN",
        "provider": "primary",
    });
    assert_eq!(body["data"], expected);
    let text = requests[0].text();
    assert!(!text.contains(&PHONE[1..]) && !text.contains(&code), "{text}");
}

#[tokio::test]
async fn an_event_of_a_process_that_died_is_sent_by_another_one() {
    let world = World::new();
    let dead = world.client();
    for _ in 0..2 {
        world.approved(&dead).await;
    }
    drop(dead);
    let receiver = FaultyServer::start(&Reply::new(200)).await;
    let client = world.client();
    let deliverer = EventDeliverer::start(client.clone(), targets(&receiver)).unwrap();
    becomes(&client, EndpointState::On, 0).await;
    deliverer.stop().await;
    let requests = receiver.requests();
    let ids: std::collections::BTreeSet<_> =
        requests.iter().map(|it| it.header("webhook-id").unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 2);
}

#[tokio::test]
async fn a_failed_try_waits_and_a_retry_has_the_same_id() {
    let plays = Play::answer_then_close(&Reply::new(500)).then(Play::answer(&Reply::new(200)));
    let receiver = FaultyServer::start(plays).await;
    let world = World::new();
    let client = world.client();
    let deliverer = EventDeliverer::start(client.clone(), targets(&receiver)).unwrap();
    world.approved(&client).await;
    fails(&client).await;
    let waiting = client.events_waiting(Some("billing"), 10).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].tries), (1, 1));
    let wait = waiting[0].due_at.duration_since(client.event_time()).unwrap();
    assert!(wait > Duration::from_secs(3) && wait < Duration::from_secs(6), "{wait:?}");
    assert!(client.retry_event(waiting[0].event.id).await.unwrap());
    becomes(&client, EndpointState::On, 0).await;
    deliverer.stop().await;
    let requests = receiver.requests();
    let ids: Vec<_> = requests.iter().map(|it| it.header("webhook-id").unwrap()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
    assert_eq!(client.event_endpoints().await.unwrap()[0].failing_since, None);
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_switched_off_until_an_operator_resumes_it() {
    let plays = Play::answer_then_close(&Reply::new(410)).then(Play::answer(&Reply::new(200)));
    let receiver = FaultyServer::start(plays).await;
    let world = World::new();
    let client = world.client();
    let deliverer = EventDeliverer::start(client.clone(), targets(&receiver)).unwrap();
    world.approved(&client).await;
    becomes(&client, EndpointState::Off, 1).await;
    world.approved(&client).await;
    becomes(&client, EndpointState::Off, 2).await;
    assert_eq!(receiver.requests().len(), 1);
    client.set_endpoint("billing", EndpointState::On).await.unwrap();
    becomes(&client, EndpointState::On, 0).await;
    deliverer.stop().await;
}

#[tokio::test]
async fn an_overloaded_receiver_is_left_alone_as_long_as_it_asks() {
    let reply = Reply::new(429).with_header("retry-after", "3600");
    let receiver = FaultyServer::start(&reply).await;
    let world = World::new();
    let client = world.client();
    let deliverer = EventDeliverer::start(client.clone(), targets(&receiver)).unwrap();
    world.approved(&client).await;
    fails(&client).await;
    let waiting = client.events_waiting(Some("billing"), 10).await.unwrap();
    let wait = waiting[0].due_at.duration_since(client.event_time()).unwrap();
    assert!(wait > Duration::from_secs(3_500), "{wait:?}");
    deliverer.stop().await;
    assert_eq!(receiver.requests().len(), 1);
}

/// A fast receiver has its next events taken ahead. Once it is overloaded they are given back: another process need not
/// wait until a lease ends.
#[tokio::test]
async fn what_an_overloaded_receiver_was_not_sent_is_due_at_once() {
    let overloaded = Reply::new(429).with_header("retry-after", "3600");
    let each = [Reply::new(204), Reply::new(204), overloaded];
    let steps = each.iter().flat_map(|it| [Step::Read, Step::Write(it.to_bytes())]);
    let receiver = FaultyServer::start(Play::new(steps)).await;
    let world = World::new();
    let client = world.client();
    for _ in 0..100 {
        world.approved(&client).await;
    }
    let _deliverer = EventDeliverer::start(client.clone(), targets(&receiver)).unwrap();
    fails(&client).await;
    let wanted = [Wanted { endpoint: EndpointName::new("billing").unwrap(), most: 100 }];
    let mut taken = 0;
    let rest = async {
        while taken + receiver.requests().len() < 100 {
            taken += client.take_events(&wanted).await.unwrap().deliveries.len();
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), rest).await.unwrap();
    assert!(taken > 0, "the receiver got everything");
}

#[tokio::test]
async fn after_a_reload_events_go_to_the_new_address() {
    let (before, after) =
        (FaultyServer::start(&Reply::new(200)).await, FaultyServer::start(&Reply::new(200)).await);
    let world = World::new();
    let client = world.client();
    let deliverer = EventDeliverer::start(client.clone(), targets(&before)).unwrap();
    deliverer.replace(targets(&after));
    world.approved(&client).await;
    becomes(&client, EndpointState::On, 0).await;
    deliverer.stop().await;
    assert_eq!((before.requests().len(), after.requests().len()), (0, 1));
}

/// However many events there are, the store is asked for more, and told of ends, once in ten milliseconds.
#[tokio::test]
async fn many_events_are_taken_and_ended_together() {
    let world = World::new();
    let store = CountingStore::new(Arc::<MemoryStore>::clone(&world.store));
    let client = world.client_on(Arc::<CountingStore>::clone(&store));
    for _ in 0..200 {
        world.approved(&client).await;
    }
    // As receivers do.
    let receiver = FaultyServer::start(&Reply::new(200).with_body("ok")).await;
    store.take();
    let begun = tokio::time::Instant::now();
    let deliverer = EventDeliverer::start(client.clone(), targets(&receiver)).unwrap();
    becomes(&world.client(), EndpointState::On, 0).await;
    let (calls, turns) = (store.take(), begun.elapsed().as_millis() / 10 + 1);
    assert!(u128::from(calls["events_due"]) <= turns, "{calls:?} in {turns} turns");
    assert!(u128::from(calls["end_events"]) <= turns, "{calls:?} in {turns} turns");
    deliverer.stop().await;
    assert_eq!(receiver.requests().len(), 200);
    let connections = receiver.connections().len();
    assert!(connections <= 8, "{connections} connections, although each of 8 can be used again");
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_delays_no_other_endpoint() {
    let held = FaultyServer::start(Play::new([Step::Read, Step::Silence])).await;
    let receiver = FaultyServer::start(&Reply::new(204)).await;
    let world = World::new();
    let client = world.client_with(Arc::<MemoryStore>::clone(&world.store), &["billing", "held"]);
    let both = targets_of(&[("held", &held), ("billing", &receiver)]);
    let _deliverer = EventDeliverer::start(client.clone(), both).unwrap();
    for _ in 0..20 {
        world.approved(&client).await;
    }
    becomes(&client, EndpointState::On, 0).await;
    let statuses = client.event_endpoints().await.unwrap();
    assert_eq!((statuses[1].endpoint.as_str(), statuses[1].waiting), ("held", 20));
    assert_eq!(receiver.requests().len(), 20);
}

#[tokio::test]
async fn what_was_delivered_is_recorded_before_the_end() {
    let world = World::new();
    let client = world.client();
    for _ in 0..30 {
        world.approved(&client).await;
    }
    let receiver = FaultyServer::start(&Reply::new(204)).await;
    let deliverer = EventDeliverer::start(client.clone(), targets(&receiver)).unwrap();
    receiver.until(|all| all.iter().flat_map(|it| &it.requests).count() >= 5).await;
    deliverer.stop().await;
    let delivered = receiver.requests().len();
    // What it had taken and not tried, another process has at once.
    let wanted = [Wanted { endpoint: EndpointName::new("billing").unwrap(), most: 100 }];
    let left = client.take_events(&wanted).await.unwrap().deliveries;
    assert_eq!(left.len(), 30 - delivered);
}

/// By virtual time.
#[tokio::test(start_paused = true)]
async fn a_deliverer_that_is_dropped_asks_the_store_no_more() {
    let receiver = FaultyServer::start(&Reply::new(200)).await;
    let world = World::new();
    let store = CountingStore::new(Arc::<MemoryStore>::clone(&world.store));
    let client = world.client_on(Arc::<CountingStore>::clone(&store));
    let deliverer = EventDeliverer::start(client, targets(&receiver)).unwrap();
    tokio::time::sleep(Duration::from_secs(9)).await;
    assert!(store.take()["events_due"] >= 3);
    drop(deliverer);
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(store.take(), [].into());
}

/// By virtual time: a process without work asks the store every three seconds, give or take a tenth, and
/// reads the states of the endpoints once a minute; after an event it asks every second for a while.
#[tokio::test(start_paused = true)]
async fn an_idle_process_asks_the_store_every_three_seconds() {
    let receiver = FaultyServer::start(&Reply::new(200)).await;
    let world = World::new();
    let store = CountingStore::new(Arc::<MemoryStore>::clone(&world.store));
    let client = world.client_on(Arc::<CountingStore>::clone(&store));
    let deliverer = EventDeliverer::start(client.clone(), targets(&receiver)).unwrap();
    let calls_within = async |seconds| {
        store.take();
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let mut calls = store.take();
        let looks = calls.remove("events_due").unwrap();
        let states = calls.remove("endpoints").unwrap_or_default();
        assert_eq!(calls, [].into());
        (looks, states)
    };
    let (looks, states) = calls_within(9).await;
    assert!((8..=11).contains(&looks), "{looks} looks while another process may have left work");
    assert_eq!(states, 1);
    calls_within(3).await;
    let (looks, states) = calls_within(600).await;
    assert!((180..=223).contains(&looks), "{looks} looks in ten idle minutes");
    assert!((9..=11).contains(&states), "{states} reads of states in ten idle minutes");
    deliverer.stop().await;
    assert_eq!(receiver.requests().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn without_targets_the_store_is_never_asked() {
    let world = World::new();
    let store = CountingStore::new(Arc::<MemoryStore>::clone(&world.store));
    let client = world.client_on(Arc::<CountingStore>::clone(&store));
    let deliverer = EventDeliverer::start(client, Targets::default()).unwrap();
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(store.take(), [].into());
    deliverer.stop().await;
}
