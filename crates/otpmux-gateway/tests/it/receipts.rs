//! Receipts: what vendors report, at the gateway's port.

use std::sync::Arc;

use otpmux::config::Registry;
use otpmux::config::settings::{Adapter, Section as _};
use otpmux::http::ReceiptSettings;
use otpmux::http::signature::{Digest, Encoding, ReceiptSecrets, hmac};
use otpmux::provider::{
    Capabilities, Correlation, OtpProvider as _, Receipt, ReceiptTrust, Receipts, VendorReference,
};
use otpmux::redis::RedisStore;
use otpmux::{
    Blame, Certainty, Channel, Config, Error, ErrorKind, MessageLimits, OtpClient, Policy, Secret,
    ServerKeys,
};
use otpmux_gateway::{Gateway, Options};
use otpmux_testkit::{LogCapture, RedisServer, ScriptedProvider, leaks};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::world::{Answer, KEY, PHONE, environment, number, read};

const SECRET: &str = "the-secret-of-the-webhook";
const PUBLIC_URL: &str = "https://otp.example.com/base";

/// A vendor that signs its receipts: hexadecimal HMAC-SHA256 of the body in `x-signature`; a list of
/// `{"token", "state"}`. A `GET` is answered with its query parameter `challenge`.
fn vendor(id: &str) -> Arc<ScriptedProvider> {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    capabilities.receipts = Some(ReceiptTrust::Signed);
    let provider = Arc::new(ScriptedProvider::new(id, capabilities));
    let secrets = ReceiptSecrets::new(Secret::new(SECRET));
    let name = provider.id().clone();
    provider.receipts.always(move |_, request| {
        if request.method == "GET" {
            let challenge = request.url.split("challenge=").nth(1).unwrap_or_default();
            return Ok(Receipts::answering(challenge));
        }
        let header = request.headers.iter().find(|(name, _)| name == "x-signature");
        let signature = header.map(|(_, value)| String::from_utf8_lossy(value).into_owned());
        secrets
            .check_hmac(
                Digest::Sha256,
                Encoding::Hex,
                &[&request.body],
                &signature.unwrap_or_default(),
            )
            .map_err(|error| error.at(&name))?;
        let unreadable = || Error::new(ErrorKind::Protocol, Certainty::Unknown, Blame::Provider);
        let list: Vec<Value> = serde_json::from_slice(&request.body).map_err(|_| unreadable())?;
        let receipt = |one: &Value| {
            let delivery = serde_json::from_value(one["state"].clone()).ok()?;
            let correlation = match one["token"].as_str() {
                Some(token) => Correlation::Token(token.to_owned()),
                None => Correlation::Reference(VendorReference::new(one["reference"].as_str()?)),
            };
            Some(Receipt::new(correlation, delivery).with_failure(Blame::Recipient, "not reached"))
        };
        let receipts: Option<Vec<_>> = list.iter().map(receipt).collect();
        Ok(Receipts::new(receipts.ok_or_else(unreadable)?))
    });
    provider
}

fn signed(body: &str) -> String {
    Encoding::Hex.encode(&hmac(Digest::Sha256, SECRET.as_bytes(), &[body.as_bytes()]))
}

struct Running {
    url: String,
    http: Client,
    _stop: oneshot::Sender<()>,
    _ended: JoinHandle<()>,
}

/// A gateway over these providers, with these lines in `[server]`.
async fn start(
    providers: &[&Arc<ScriptedProvider>],
    redis: Option<&RedisServer>,
    server: &str,
) -> Running {
    let text = format!(
        "[providers.x]\nkind = \"easyotp\"\nbase_url = \"http://127.0.0.1:1\"\napi_key = \
         \"env:EASYOTP_KEY\"\n[server]\npublic_url = \"{PUBLIC_URL}/\"\n{server}\n\
         [[server.api_keys]]\nname = \"web\"\nkey = \"env:WEB_KEY\"\n"
    );
    let config = read(&text, &environment()).unwrap();
    let mut policy = Policy::default();
    policy.limits = MessageLimits::none();
    let mut builder = OtpClient::builder()
        .policy(policy)
        .receipt_url(config.server().unwrap().receipt_url().unwrap());
    for provider in providers {
        builder = builder.provider(provider.port());
    }
    if let Some(redis) = redis {
        let options = otpmux::redis::Options::default();
        let store = RedisStore::connect([redis.url()], options).unwrap();
        let keys = ServerKeys::new(&[("a".to_owned(), "k".repeat(43).into())]).unwrap();
        builder = builder.store(Arc::new(store), keys);
    }
    let mut options = Options::default();
    options.listen = Some("127.0.0.1:0".parse().unwrap());
    options.environment = environment();
    let gateway = Gateway::bind_with(&config, builder.build().unwrap(), options).await.unwrap();
    let url = gateway.url();
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(gateway.run_until(async move {
        let _ = stopped.await;
    }));
    let http = Client::builder().no_proxy().build().unwrap();
    Running { url, http, _stop: stop, _ended: ended }
}

impl Running {
    async fn send(&self, to: &str) -> String {
        let request = self.http.post(format!("{}/v1/verifications", self.url)).bearer_auth(KEY);
        let sent = Answer::of(request.json(&json!({ "to": to }))).await.expect(201);
        sent["id"].as_str().unwrap().to_owned()
    }

    /// The first send attempt, as callers see it.
    async fn attempt(&self, id: &str) -> Value {
        let url = format!("{}/v1/verifications/{id}", self.url);
        let shown = Answer::of(self.http.get(url).bearer_auth(KEY)).await.expect(200);
        shown["send_attempts"][0].clone()
    }

    async fn report_as(&self, provider: &str, body: &str, signature: &str) -> Answer {
        let url = format!("{}/v1/receipts/{provider}?token=in-the-url", self.url);
        let request = self.http.post(url).header("x-signature", signature);
        Answer::of(request.body(body.to_owned())).await
    }

    async fn report(&self, receipts: &Value) -> Answer {
        let body = receipts.to_string();
        self.report_as("a", &body, &signed(&body)).await
    }
}

fn token(provider: &ScriptedProvider, call: usize) -> String {
    provider.sends.contexts()[call].receipt.clone().unwrap().token
}

#[tokio::test]
async fn a_signed_receipt_is_taken_and_shown() {
    let a = vendor("a");
    let gateway = start(&[&a], None, "").await;
    let (one, two) = (gateway.send(PHONE).await, gateway.send(&number()).await);
    let target = a.sends.contexts()[0].receipt.clone().unwrap();
    assert!(target.url.starts_with("https://otp.example.com/base/v1/receipts/a?token="));
    let batch = json!([
        { "token": token(&a, 0), "state": "delivered" },
        { "token": token(&a, 1), "state": "failed" },
        { "token": "0".repeat(39), "state": "failed" },
    ]);
    for _ in 0..2 {
        let answer = gateway.report(&batch).await;
        assert_eq!((answer.status, &answer.body), (204, &json!("")), "a repeat as well");
    }
    let (first, second) = (gateway.attempt(&one).await, gateway.attempt(&two).await);
    assert_eq!(first["delivery"], "delivered");
    assert!(first["delivered_at"].as_str().unwrap().ends_with('Z'), "{first}");
    assert_eq!(second["delivery"], "failed");
    assert_eq!(second.get("delivered_at"), None);
    // The URL that the vendor signs is the public one, whatever headers say.
    let seen = &a.receipts.requests()[0];
    assert_eq!(seen.url, "https://otp.example.com/base/v1/receipts/a?token=in-the-url");
    assert_eq!(seen.method, "POST");
}

#[tokio::test]
async fn a_refused_receipt_is_answered_and_changes_nothing() {
    let a = vendor("a");
    let capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    let b = Arc::new(ScriptedProvider::new("b", capabilities));
    let gateway = start(&[&a, &b], None, "receipt_body = 2048").await;
    let id = gateway.send(PHONE).await;
    let body = json!([{ "token": token(&a, 0), "state": "failed" }]).to_string();
    for bad in [String::new(), signed(&format!("{body} ")), "zz".to_owned()] {
        let problem = gateway.report_as("a", &body, &bad).await.problem(401, "unauthenticated");
        assert_eq!(
            (&problem["certainty"], &problem["blame"]),
            (&"not_sent".into(), &"caller".into())
        );
    }
    for unreadable in ["", "{}", "[{}]", "\u{0}", r#"[{"token":"x","state":"flown"}]"#] {
        let answer = gateway.report_as("a", unreadable, &signed(unreadable)).await;
        answer.problem(400, "invalid_request");
    }
    for nobody in ["b", "nobody", "%00", "a%2Fb"] {
        gateway.report_as(nobody, &body, &signed(&body)).await.problem(404, "not_found");
    }
    let large = "x".repeat(2049);
    gateway.report_as("a", &large, &signed(&large)).await.problem(413, "too_large");
    let delete = gateway.http.request(Method::DELETE, format!("{}/v1/receipts/a", gateway.url));
    Answer::of(delete).await.problem(405, "method_not_allowed");
    assert_eq!(gateway.attempt(&id).await.get("delivery"), None);
    assert_eq!(b.receipts.count(), 0);
}

#[tokio::test]
async fn a_vendor_that_wants_an_answer_gets_it() {
    let a = vendor("a");
    let gateway = start(&[&a], None, "").await;
    let url = format!("{}/v1/receipts/a?hub.mode=subscribe&hub.challenge=1158201444", gateway.url);
    let answer = Answer::of(gateway.http.get(url)).await;
    assert_eq!((answer.status, &answer.body), (200, &json!(1_158_201_444)));
    assert_eq!(answer.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn each_provider_has_its_pace() {
    let (a, b) = (vendor("a"), vendor("b"));
    let gateway = start(&[&a, &b], None, "receipt_requests = [\"3/1h\"]").await;
    for _ in 0..3 {
        gateway.report(&json!([])).await.expect(204);
    }
    let problem = gateway.report(&json!([])).await.problem(429, "too_many_requests");
    assert!(problem["retry_after"].as_u64().unwrap() > 1_000);
    assert_eq!(a.receipts.count(), 3, "refused before it is read");
    gateway.report_as("b", "[]", &signed("[]")).await.expect(204);
}

/// The store is gone when the receipt comes. The vendor repeats it, until it is taken.
#[tokio::test]
async fn a_receipt_that_could_not_be_kept_is_asked_for_again() {
    let (a, redis) = (vendor("a"), RedisServer::start());
    let gateway = start(&[&a], Some(&redis), "").await;
    let id = gateway.send(PHONE).await;
    let receipt = json!([{ "token": token(&a, 0), "state": "delivered" }]);
    redis.pause();
    gateway.report(&receipt).await.problem(503, "store");
    redis.resume();
    // It may have been taken although its answer was lost; a repeat is harmless.
    let mut answer = gateway.report(&receipt).await;
    while answer.status == 503 {
        answer = gateway.report(&receipt).await;
    }
    answer.expect(204);
    assert_eq!(gateway.attempt(&id).await["delivery"], "delivered");
}

/// Two gateways get contradicting receipts of the same messages at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_gateways_that_disagree_end_alike() {
    let (a, redis) = (vendor("a"), RedisServer::start());
    let gateways = [
        Arc::new(start(&[&a], Some(&redis), "receipt_requests = []").await),
        Arc::new(start(&[&a], Some(&redis), "receipt_requests = []").await),
    ];
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(gateways[0].send(&number()).await);
    }
    let states = ["sent", "failed", "delivered", "expired", "accepted", "unknown"];
    let mut calls = Vec::new();
    for round in 0..6 {
        for place in 0..ids.len() {
            for (side, gateway) in gateways.iter().enumerate() {
                // Half of the messages are delivered according to one of the gateways only.
                let state = states[(round * (side + 1) + place + side) % 6];
                let undelivered = place % 2 == 1 || side == 1;
                let state = if undelivered && state == "delivered" { "sent" } else { state };
                let receipt = json!([{ "token": token(&a, place), "state": state }]);
                let gateway = Arc::clone(gateway);
                calls.push(tokio::spawn(async move { gateway.report(&receipt).await.status }));
            }
        }
    }
    for call in calls {
        assert_eq!(call.await.unwrap(), 204);
    }
    for (place, id) in ids.iter().enumerate() {
        let [one, other] = [
            gateways[0].attempt(id).await["delivery"].clone(),
            gateways[1].attempt(id).await["delivery"].clone(),
        ];
        let expected = if place % 2 == 0 { "delivered" } else { "failed" };
        assert_eq!((&one, &other), (&json!(expected), &json!(expected)), "{place}");
    }
}

#[tokio::test]
async fn a_receipt_leaves_nothing_personal_behind() {
    let logs = LogCapture::new();
    let _recording = logs.install_scoped();
    let a = vendor("a");
    let gateway = start(&[&a], None, "").await;
    let id = gateway.send(PHONE).await;
    let body = json!([
        { "token": token(&a, 0), "state": "failed", "to": PHONE, "code": "482913", "price": "0.0471" }
    ])
    .to_string();
    let mut told = Vec::new();
    for (body, signature) in
        [(&*body, signed(&body)), (&*body, "00".to_owned()), (&body[1..], signed(&body[1..]))]
    {
        let path = format!("v1/receipts/a?token={}&secret=url-secret&to={PHONE}", token(&a, 0));
        let request = gateway.http.post(format!("{}/{path}", gateway.url));
        let request = request.header("x-signature", signature).body(body.to_owned());
        told.push(format!("{:?}", Answer::of(request).await));
    }
    assert_eq!(gateway.attempt(&id).await["delivery"], "failed");
    let secrets = [PHONE, "482913", "0.0471", &token(&a, 0), "url-secret", SECRET];
    leaks::assert_clean(&told.join("\n"), &secrets);
    let text = logs.text();
    let ours: String = text.lines().filter(|line| line.contains("otpmux")).collect();
    assert!(ours.contains("receipt taken") && ours.contains("not reached"), "{ours}");
    leaks::assert_clean(&ours, &secrets);
}

#[test]
fn a_provider_with_receipts_needs_the_public_address() {
    let adapter = Adapter::new("reporter", ReceiptSettings::KEYS, |id, _| Ok(vendor(id.as_str())));
    let registry = Registry::with_compiled_in().register(adapter);
    let check = |server: &str| {
        let text = format!(
            "[providers.v]\nkind = \"reporter\"\nreceipts = \"signed\"\nreceipt_secret = \
             \"env:SERVER_KEY\"\n[server]\n{server}\n[[server.api_keys]]\nname = \"web\"\nkey = \
             \"env:WEB_KEY\"\n"
        );
        let config = Config::from_toml_with(&text, &environment(), &registry).unwrap();
        Gateway::check(&config, &environment()).map_err(|errors| errors.to_string())
    };
    let errors = check("").unwrap_err();
    assert!(
        errors.contains("server.public_url: missing; the receipts of provider `v`"),
        "{errors}"
    );
    assert_eq!(check("public_url = \"https://otp.example.com\""), Ok(()));
}
