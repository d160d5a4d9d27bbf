//! The audit log: one entry for each call, with nothing personal in it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otpmux_core::{
    Capabilities, Channel, Clock as _, Code, Correlation, Delivery, Outcome, ProviderId, Purpose,
    RateLimit, Receipt, ReceiptRequest, ReceiptTrust, Receipts,
};
use otpmux_engine::{
    AuditEntry, AuditSink, BuildError, MemoryStore, MessageLimits, NewDelivery, NewVerification,
    OpenStoreError, OtpClient, Policy, Resend, Scope, Selector, ServerKeys, Verify,
};
use otpmux_testkit::{ManualClock, ScriptedProvider};
use serde_json::{Value, json};

use crate::world::{builder, carrier, down, keys, lenient, phone, unknown, wrong};

#[derive(Debug, Default)]
struct Log(Mutex<Vec<AuditEntry>>);

impl AuditSink for Log {
    fn record(&self, entry: AuditEntry) {
        self.0.lock().unwrap().push(entry);
    }
}

impl Log {
    /// The lines since the last call, without times and ids.
    fn lines(&self) -> Vec<Value> {
        let entries = std::mem::take(&mut *self.0.lock().unwrap());
        let line = |entry: AuditEntry| {
            let mut line: Value = serde_json::from_str(&entry.to_json()).unwrap();
            let fields = line.as_object_mut().unwrap();
            assert!(fields.remove("at").unwrap().as_str().unwrap().ends_with('Z'));
            line
        };
        entries.into_iter().map(line).collect()
    }
}

struct World {
    client: OtpClient,
    clock: Arc<ManualClock>,
    log: Arc<Log>,
}

impl World {
    fn with(providers: &[&Arc<ScriptedProvider>], policy: Policy) -> Self {
        let (clock, log) = (Arc::new(ManualClock::default()), Arc::new(Log::default()));
        let sink: Arc<dyn AuditSink> = Arc::<Log>::clone(&log);
        let client = builder(providers, policy, &clock)
            .store(Arc::new(MemoryStore::new(100)), keys())
            .receipt_url("https://otp.example.com/v1/receipts")
            .audit(sink)
            .build()
            .unwrap();
        Self { client, clock, log }
    }

    fn of(providers: &[&Arc<ScriptedProvider>]) -> Self {
        Self::with(providers, lenient())
    }
}

/// The form of the recipient that an operator who has the number and the key computes.
fn hash() -> String {
    keys().hash(&phone()).audit_text()
}

fn code(text: &str) -> Code {
    text.parse().unwrap()
}

#[tokio::test]
async fn the_life_of_a_verification_is_in_the_log() {
    let (a, b) = (carrier("a"), carrier("b"));
    a.sends.answer(Err(down()));
    let world = World::of(&[&a, &b]);
    let shop = world.client.scoped(Scope::all()).of_tenant("shop");
    let new = NewVerification::to(phone()).for_purpose(Purpose::new("login").unwrap());
    let sent = shop.send(new).await.unwrap();
    let id = sent.id.to_string();
    assert_eq!(
        world.log.lines(),
        [json!({
            "event": "send", "api_key": "shop", "id": id, "recipient_hash": hash(),
            "purpose": "login", "country": "IN", "channel": "sms", "provider": "b",
            "outcome": "confirmed", "send_attempts": [
                {"provider": "a", "channel": "sms", "state": "rejected", "failure": "unavailable"},
                {"provider": "b", "channel": "sms", "state": "accepted"},
            ],
        })]
    );
    let right = b.otpmux_codes().remove(0);
    shop.verify(sent.id, &code(&wrong(&right))).await.unwrap();
    world.clock.advance(Duration::from_mins(1));
    shop.resend(sent.id, Resend::new().by(Channel::Voice)).await.unwrap();
    let which = Selector::recipient(phone(), Purpose::new("login").unwrap());
    world.client.verify_with(which, &code(&right), Verify::new()).await.unwrap();
    world.client.cancel(sent.id).await.unwrap();
    let lines = world.log.lines();
    let wrong = json!({"event": "verify", "api_key": "shop", "id": id, "verdict": "wrong_code"});
    assert_eq!(lines[0], wrong);
    assert_eq!(
        (&lines[1]["event"], &lines[1]["id"], &lines[1]["channel"], &lines[1]["outcome"]),
        (&json!("resend"), &json!(id), &json!("voice"), &json!("confirmed"))
    );
    assert_eq!(
        lines[2],
        json!({
            "event": "verify", "id": id, "recipient_hash": hash(), "purpose": "login",
            "country": "IN", "verdict": "approved",
        })
    );
    assert_eq!(lines[3], json!({"event": "cancel", "id": id, "outcome": "not_pending"}));
    assert_eq!(lines.len(), 4);
}

#[tokio::test]
async fn a_refusal_names_its_limit_and_the_caller() {
    let a = carrier("a");
    let mut policy = lenient();
    policy.limits = MessageLimits::none().recipient([RateLimit::new(1, Duration::from_mins(1))]);
    let world = World::with(&[&a], policy);
    let shop = world.client.scoped(Scope::all()).of_tenant("shop");
    shop.send(NewVerification::to(phone())).await.unwrap();
    shop.send(NewVerification::to(phone())).await.unwrap_err();
    assert_eq!(
        world.log.lines()[1],
        json!({
            "event": "send", "api_key": "shop", "recipient_hash": hash(), "purpose": "default",
            "country": "IN", "channel": "sms", "outcome": "rate_limited", "certainty": "not_sent",
            "blame": "policy", "limit": "recipient", "retry_after": 60,
        })
    );
    let foreign = world.client.scoped(Scope::of([Purpose::new("login").unwrap()]));
    foreign.send(NewVerification::to(phone())).await.unwrap_err();
    assert_eq!(world.log.lines(), Vec::<Value>::new(), "it never reached the client");
}

#[tokio::test]
async fn a_lost_answer_is_unconfirmed_and_a_failed_send_names_its_provider() {
    let a = carrier("a");
    a.sends.answer(Err(unknown()));
    a.sends.answer(Err(down().with_provider(ProviderId::new("a").unwrap())));
    let world = World::of(&[&a]);
    world.client.send(NewVerification::to(phone())).await.unwrap();
    world.client.send(NewVerification::to(phone())).await.unwrap_err();
    let lines = world.log.lines();
    let of = |at: usize| ["outcome", "certainty", "provider"].map(|key| lines[at][key].clone());
    assert_eq!(of(0), ["unconfirmed", "unknown", "a"].map(Value::from));
    assert_eq!(of(1), ["unavailable", "rejected", "a"].map(Value::from));
}

/// The caller of a library may drop any call; a send may have gone out then.
#[tokio::test(start_paused = true)]
async fn a_call_that_its_caller_drops_is_in_the_log() {
    let a = carrier("a");
    a.sends.hang();
    let world = World::of(&[&a]);
    let send = world.client.send(NewVerification::to(phone()));
    tokio::time::timeout(Duration::from_millis(10), send).await.unwrap_err();
    let lines = world.log.lines();
    assert_eq!(lines.len(), 1);
    assert_eq!((&lines[0]["event"], &lines[0]["outcome"]), (&json!("send"), &json!("abandoned")));
    assert_eq!(lines[0]["recipient_hash"], json!(hash()));
}

#[tokio::test]
async fn deliveries_and_receipts_are_in_the_log() {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    capabilities.receipts = Some(ReceiptTrust::Signed);
    let a = Arc::new(ScriptedProvider::new("a", capabilities));
    let world = World::of(&[&a]);
    let sent = world.client.deliver(NewDelivery::of(code("424242"), phone())).await.unwrap();
    let id = sent.id.to_string();
    let token = a.sends.contexts()[0].receipt.clone().unwrap().token;
    let request = ReceiptRequest {
        method: "POST",
        url: "https://otp.example.com/v1/receipts/a",
        headers: &[],
        body: b"{}",
        at: world.clock.now(),
    };
    for _ in 0..2 {
        let receipt = Receipt::new(Correlation::Token(token.clone()), Delivery::Delivered);
        a.receipts.answer(Ok(Receipts::new([receipt])));
        world.client.receive(&ProviderId::new("a").unwrap(), &request).await.unwrap();
    }
    for _ in 0..2 {
        world.client.end_delivery(sent.id, Outcome::Approved).await.unwrap();
    }
    let lines = world.log.lines();
    assert_eq!((&lines[0]["event"], &lines[0]["id"]), (&json!("deliver"), &json!(id)));
    assert_eq!(
        lines[1..],
        [
            json!({
                "event": "receipt", "id": id, "recipient_hash": hash(), "purpose": "default",
                "channel": "sms", "provider": "a", "delivery": "delivered",
            }),
            json!({"event": "end_delivery", "id": id, "outcome": "approved"}),
            json!({"event": "end_delivery", "id": id, "outcome": "not_pending"}),
        ],
        "a repeated receipt changes nothing"
    );
}

#[tokio::test]
async fn nothing_personal_is_in_an_entry() {
    let a = carrier("a");
    let world = World::of(&[&a]);
    let mut new = NewVerification::to(phone());
    new.options.metadata.insert("order".to_owned(), "secret-note".to_owned());
    new.external_id = Some("user-4711".parse().unwrap());
    new.options.client.ip = Some("203.0.113.77".parse().unwrap());
    let sent = world.client.send(new.with_idempotency_key("key-0815")).await.unwrap();
    let right = a.otpmux_codes().remove(0);
    world.client.verify(sent.id, &code(&wrong(&right))).await.unwrap();
    let text = world.log.lines().into_iter().map(|line| line.to_string()).collect::<String>();
    for secret in ["9876543210", "secret-note", "user-4711", "203.0.113", "key-0815", &right] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    let other = ServerKeys::new(&[("test".to_owned(), "o".repeat(43).into())]).unwrap();
    assert!(text.contains(&hash()) && !text.contains(&other.hash(&phone()).audit_text()));
}

#[tokio::test]
async fn a_reload_keeps_a_log_of_the_same_name_and_ends_one_that_is_gone() {
    let (a, log, opened) = (carrier("a"), Arc::new(Log::default()), Arc::new(AtomicUsize::new(0)));
    let open = |name: &str| {
        let (log, opened) = (Arc::clone(&log), Arc::clone(&opened));
        OtpClient::builder().policy(lenient()).provider(a.port()).open_audit(name, move || {
            opened.fetch_add(1, Ordering::Relaxed);
            Ok(log)
        })
    };
    let client = open("one").build().unwrap();
    client.reload(open("one")).await.unwrap();
    assert_eq!(opened.load(Ordering::Relaxed), 1);
    client.send(NewVerification::to(phone())).await.unwrap();
    assert_eq!(log.lines().len(), 1);
    client.reload(open("two")).await.unwrap();
    assert_eq!(opened.load(Ordering::Relaxed), 2);
    let failing = open("three").open_audit("four", || Err(OpenStoreError::new("no such folder")));
    let refused = client.reload(failing).await.unwrap_err();
    assert!(matches!(&refused, BuildError::Audit(_)));
    assert_eq!(refused.to_string(), "the audit log cannot be opened: no such folder");
    client.send(NewVerification::to(phone())).await.unwrap();
    assert_eq!(log.lines().len(), 1, "the one before stays");
    let none = OtpClient::builder().policy(lenient()).provider(a.port());
    client.reload(none).await.unwrap();
    client.send(NewVerification::to(phone())).await.unwrap();
    assert_eq!(log.lines(), Vec::<Value>::new());
}
