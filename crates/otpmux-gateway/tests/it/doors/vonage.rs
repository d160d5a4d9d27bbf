//! The door for clients of Vonage Verify v2, as its libraries call it.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use otpmux::http::signature::Encoding;
use otpmux::provider::{Clock as _, SystemClock};
use otpmux_emulator::{Emulator, EmulatorConfig, Fault, Vendor};
use otpmux_testkit::ManualClock;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::world::{
    Answer, Home, KEY, PHONE, Running, code_of, count, emulator, environment, start, start_by,
    toml, wrong,
};

const DIGITS: &str = "919876543210";
const APPLICATION: &str = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab";

/// A gateway with the door, and its emulated vendors.
struct Door {
    emulator: Emulator,
    gateway: Running,
}

impl Door {
    async fn open(more: &str) -> Self {
        Self::open_with(more, "", None).await
    }

    /// With settings of the door, and perhaps another clock.
    async fn open_with(more: &str, own: &str, clock: Option<&Arc<ManualClock>>) -> Self {
        // Many messages for one recipient.
        let config = EmulatorConfig::default().enforce_limits(false);
        let emulator = Emulator::start(config).await.unwrap();
        let text = toml(&emulator, &format!("{more}\n[doors.vonage]\n{own}\n"));
        let gateway = match clock {
            None => start(&text, environment()).await.unwrap(),
            Some(clock) => start_by(&text, environment(), clock).await,
        };
        Self { emulator, gateway }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/vonage/v2/verify{path}", self.gateway.url);
        self.gateway.http.request(method, url).basic_auth("abcd1234", Some(KEY))
    }

    async fn start(&self, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, "").json(body)).await
    }

    async fn check(&self, id: &Value, code: &str) -> Answer {
        let path = format!("/{}", id.as_str().unwrap());
        Answer::of(self.request(Method::POST, &path).json(&json!({ "code": code }))).await
    }

    async fn next(&self, id: &Value) -> Answer {
        let path = format!("/{}/next_workflow", id.as_str().unwrap());
        Answer::of(self.request(Method::POST, &path).json(&json!(null))).await
    }

    async fn cancel(&self, id: &Value) -> Answer {
        let path = format!("/{}", id.as_str().unwrap());
        Answer::of(self.request(Method::DELETE, &path)).await
    }
}

fn by(channels: &[&str]) -> Value {
    let step = |channel: &&str| json!({ "channel": channel, "to": DIGITS });
    json!({ "brand": "Acme", "workflow": channels.iter().map(step).collect::<Vec<_>>() })
}

/// Expects a problem of Vonage's, and returns it.
#[track_caller]
fn refused(answer: Answer, status: u16, title: &str) -> Value {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{answer:?}");
    let kind = answer.body["type"].as_str().unwrap();
    assert!(kind.starts_with("https://developer.vonage.com/api-errors"), "{answer:?}");
    assert_eq!(answer.body["title"], title, "{answer:?}");
    assert_eq!(answer.body["instance"], answer.header("x-request-id"), "{answer:?}");
    answer.expect(status)
}

#[tokio::test]
async fn a_code_arrives_by_the_second_vendor_and_is_good_once() {
    let door = Door::open("").await;
    door.emulator.set_fault(Vendor::EasyOtp, Fault::status(401));
    let started = door.start(&by(&["sms"])).await.expect(202);
    let id = &started["request_id"];
    assert_eq!(id.as_str().unwrap().split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    let code = code_of(&door.emulator, PHONE);
    refused(door.check(id, &wrong(&code)).await, 400, "Invalid Code");
    let told = door.check(id, &code).await.expect(200);
    assert_eq!(told, json!({ "request_id": id, "status": "completed" }));
    refused(door.check(id, &code).await, 404, "Not Found");
    refused(door.cancel(id).await, 404, "Not Found");
    refused(door.next(id).await, 404, "Not Found");
    refused(
        door.check(&json!("c11236f4-00bf-4b89-84ba-88b25df97315"), &code).await,
        404,
        "Not Found",
    );
}

#[tokio::test]
async fn a_workflow_goes_on_by_its_next_channel_with_the_same_code() {
    let door = Door::open("[limits]\nrecipient = []\n[policy]\nresend_delay = \"0s\"\n").await;
    let started = door.start(&by(&["sms", "voice", "sms"])).await.expect(202);
    let id = &started["request_id"];
    let code = code_of(&door.emulator, PHONE);
    let hex = id.as_str().unwrap().replace('-', "");
    for channel in ["voice", "sms"] {
        door.next(id).await.expect(200);
        let shown = door.gateway.get(&format!("/v1/verifications/{hex}")).await.expect(200);
        assert_eq!(shown["channel"], channel);
        assert_eq!(code_of(&door.emulator, PHONE), code);
    }
    refused(door.next(id).await, 409, "Conflict");
    assert_eq!(count(&door.emulator), 3);
    door.check(id, &code).await.expect(200);
}

/// The next step of a verification, in whole seconds after the first, by the gateway's own API.
async fn next_step(door: &Door, started: &Value) -> Option<u64> {
    let id = started["request_id"].as_str().unwrap().replace('-', "");
    let shown = door.gateway.get(&format!("/v1/verifications/{id}")).await.expect(200);
    let time = |field: &str| Some(shown[field].as_str()?.parse::<jiff::Timestamp>().unwrap());
    let begun = time("expires_at").unwrap() - jiff::SignedDuration::from_mins(5);
    let wait = time("next_step_at")?.duration_since(begun);
    Some(u64::try_from(wait.as_secs()).unwrap())
}

#[tokio::test]
async fn a_workflow_goes_on_by_itself_after_its_channel_timeout() {
    let clock = Arc::new(ManualClock::default());
    let door = Door::open_with("[limits]\nrecipient = []\n", "", Some(&clock)).await;
    let mut body = by(&["sms", "voice", "sms"]);
    body["channel_timeout"] = json!(20);
    let started = door.start(&body).await.expect(202);
    let code = code_of(&door.emulator, PHONE);
    assert_eq!(next_step(&door, &started).await, Some(20));
    let id = started["request_id"].as_str().unwrap().replace('-', "");
    let mut arrivals = door.emulator.arrivals();
    clock.advance(Duration::from_secs(20));
    let call = arrivals.next().await;
    assert_eq!((call.channel.as_str(), &call.code), ("voice", &code));
    let shown = door.gateway.get(&format!("/v1/verifications/{id}")).await.expect(200);
    assert_eq!(shown["send_attempts"][1]["reason"], "escalation");
    // `next_workflow` goes on from there, and ends what comes by itself.
    clock.advance(Duration::from_secs(19));
    door.next(&started["request_id"]).await.expect(200);
    assert_eq!(arrivals.next().await.channel.as_str(), "sms");
    assert_eq!(next_step(&door, &started).await, None);
    refused(door.next(&started["request_id"]).await, 409, "Conflict");
    door.check(&started["request_id"], &code).await.expect(200);
}

#[tokio::test]
async fn a_workflow_without_times_waits_as_long_as_at_vonage() {
    let door = Door::open("").await;
    let started = door.start(&by(&["sms", "voice"])).await.expect(202);
    assert_eq!(next_step(&door, &started).await, Some(180));
    let mut body = by(&["sms", "voice"]);
    for wrong in [json!(14), json!(901), json!("60"), json!(60.5)] {
        body["channel_timeout"] = wrong;
        let problem = refused(door.start(&body).await, 422, "Invalid params");
        assert_eq!(problem["invalid_parameters"][0]["name"], "channel_timeout");
    }
}

#[tokio::test]
async fn one_channel_and_a_door_that_does_not_escalate_go_on_by_nothing() {
    let door = Door::open("").await;
    let started = door.start(&by(&["sms"])).await.expect(202);
    assert_eq!(next_step(&door, &started).await, None);
    let door = Door::open_with("", "escalate = false", None).await;
    let mut body = by(&["sms", "voice"]);
    body["channel_timeout"] = json!(60);
    let started = door.start(&body).await.expect(202);
    assert_eq!(next_step(&door, &started).await, None);
}

#[tokio::test]
async fn the_same_client_ref_and_number_is_one_request() {
    let door = Door::open("[limits]\nrecipient = []\n[policy]\nresend_delay = \"0s\"\n").await;
    let mut body = by(&["sms"]);
    body["client_ref"] = json!("ref-1");
    let first = door.start(&body).await.expect(202);
    assert_eq!(door.start(&body).await.expect(202), first);
    assert_eq!(count(&door.emulator), 1);
    // Without, it is the same code again, under the same id.
    assert_eq!(door.start(&by(&["sms"])).await.expect(202), first);
    assert_eq!(count(&door.emulator), 2);
    assert_eq!(door.cancel(&first["request_id"]).await.status, 204);
    let code = code_of(&door.emulator, PHONE);
    refused(door.check(&first["request_id"], &code).await, 404, "Not Found");
}

#[tokio::test]
async fn limits_answer_in_vonages_words() {
    let door = Door::open("[policy]\nmax_guesses = 1\n").await;
    let started = door.start(&by(&["sms"])).await.expect(202);
    let soon = door.start(&by(&["sms"])).await;
    assert!(soon.header("retry-after").parse::<u64>().unwrap() > 0);
    refused(soon, 429, "Rate Limit Hit");
    refused(door.next(&started["request_id"]).await, 409, "Conflict");
    let code = code_of(&door.emulator, PHONE);
    refused(door.check(&started["request_id"], &wrong(&code)).await, 400, "Invalid Code");
    refused(door.check(&started["request_id"], &code).await, 410, "Invalid Code");
    for vendor in [Vendor::EasyOtp, Vendor::StartMessaging] {
        door.emulator.set_fault(vendor, Fault::status(401));
    }
    let mut other = by(&["sms"]);
    other["workflow"][0]["to"] = json!("919876500001");
    refused(door.start(&other).await, 503, "Service Unavailable");
}

#[tokio::test]
async fn what_does_not_fit_is_named_and_sends_nothing() {
    let door = Door::open("").await;
    let with = |pointer: &str, value: Value| {
        let mut body = by(&["sms", "voice"]);
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let and = |name: &str, value: Value| {
        let mut body = by(&["sms"]);
        body[name] = value;
        body
    };
    for (body, name) in [
        (json!([]), "body"),
        (json!({ "workflow": [{ "channel": "sms", "to": DIGITS }] }), "brand"),
        (with("/brand", json!("x".repeat(17))), "brand"),
        (json!({ "brand": "Acme" }), "workflow"),
        (with("/workflow", json!([])), "workflow"),
        (with("/workflow", json!(DIGITS)), "workflow"),
        (with("/workflow/0/channel", json!("silent_auth")), "workflow[0].channel"),
        (with("/workflow/0/to", json!(7)), "workflow[0].to"),
        (with("/workflow/0/to", json!("12")), "workflow[0].to"),
        (with("/workflow/0/to", json!("a@example.com")), "workflow[0].to"),
        (with("/workflow/1/to", json!("919876500001")), "workflow[1].to"),
        (and("code", json!("123456")), "code"),
        (and("code_length", json!(3)), "code_length"),
        (and("code_length", json!("6")), "code_length"),
        (and("locale", json!(7)), "locale"),
        (and("client_ref", json!("x\ny")), "client_ref"),
    ] {
        let told = refused(door.start(&body).await, 422, "Invalid params");
        let names: Vec<_> = told["invalid_parameters"].as_array().unwrap().iter().collect();
        assert_eq!((names.len(), &names[0]["name"]), (1, &json!(name)), "{body}: {told}");
        assert!(!told.to_string().contains("98765"), "{told}");
    }
    assert_eq!(count(&door.emulator), 0);
    let started = door.start(&by(&["sms"])).await.expect(202);
    for code in ["", "no code", "1", "123456789012345678901"] {
        refused(door.check(&started["request_id"], code).await, 422, "Invalid params");
    }
}

/// An application's key, and tokens of it.
struct Key(KeyPair);

impl Key {
    fn new() -> Self {
        Self(KeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    fn pem(&self) -> String {
        let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> = self.0.public_key().as_der().unwrap();
        let body = Encoding::Base64.encode(der.as_ref());
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n")
    }

    fn token(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| Encoding::Base64Url.encode(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.0.public_modulus_len()];
        let random = SystemRandom::new();
        self.0.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", Encoding::Base64Url.encode(&signature))
    }
}

#[tokio::test]
async fn tokens_of_an_application() {
    let (home, emulator) = (Home::new(), emulator().await);
    let (old, key, stranger) = (Key::new(), Key::new(), Key::new());
    let (first, second) = (home.file("old.pem"), home.file("new.pem"));
    std::fs::write(&first, old.pem()).unwrap();
    std::fs::write(&second, key.pem()).unwrap();
    let text = toml(
        &emulator,
        &format!(
            "[[doors.vonage.applications]]\nid = \"{APPLICATION}\"\npublic_keys = [{first:?}, \
             {second:?}]\ncaller = \"web\"\n"
        ),
    );
    let gateway = start(&text, environment()).await.unwrap();
    // Of a request that no code fits, so that only the token decides.
    let ask = |token: String| {
        let url = format!("{}/vonage/v2/verify/c11236f4-00bf-4b89-84ba-88b25df97315", gateway.url);
        let request = gateway.http.post(url).bearer_auth(token);
        Answer::of(request.json(&json!({ "code": "123456" })))
    };
    let now = SystemClock.now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let header = json!({ "alg": "RS256", "typ": "JWT" });
    let good = json!({ "application_id": APPLICATION, "iat": now, "exp": now + 900, "jti": "a-1" });
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = good.clone();
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    let paths = |path: &str| with("acl", json!({ "paths": { path: {} } }));
    for claims in [
        good.clone(),
        with("iat", serde_json::from_str(&format!("{now}.5")).unwrap()),
        with("nbf", json!(now)),
        paths("/**"),
        paths("/*/verify/**"),
        paths("/v2/verify/**"),
    ] {
        for signer in [&old, &key] {
            refused(ask(signer.token(&header, &claims)).await, 404, "Not Found");
        }
    }
    // As often as its owner likes, until it expires.
    let token = key.token(&header, &good);
    for _ in 0..2 {
        refused(ask(token.clone()).await, 404, "Not Found");
    }
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let more = key.token(&header, &with("exp", json!(now + 901)));
    for bad in [
        stranger.token(&header, &good),
        key.token(&json!({ "alg": "none" }), &good),
        key.token(&json!({ "alg": "HS256" }), &good),
        format!("{signed}."),
        format!("{}.{signature}", more.rsplit_once('.').unwrap().0),
        more.clone(),
        key.token(&header, &with("application_id", json!("another"))),
        key.token(&header, &with("exp", json!(now - 61))),
        key.token(&header, &with("iat", json!(now + 120))),
        key.token(&header, &with("nbf", json!(now + 120))),
        key.token(&header, &with("nbf", json!("soon"))),
        key.token(&header, &without("exp")),
        key.token(&header, &without("iat")),
        key.token(&header, &without("jti")),
        key.token(&header, &without("application_id")),
        key.token(&header, &paths("/*/messages/**")),
        key.token(&header, &with("acl", json!({}))),
        "x".repeat(9000),
        KEY.to_owned(),
        String::new(),
    ] {
        refused(ask(bad).await, 401, "Unauthorized");
    }
    // A file without a key stops a start and a reload, at its place.
    std::fs::write(&second, "nothing").unwrap();
    let error = gateway.reloader.reload().await.unwrap_err().to_string();
    assert!(error.contains("doors.vonage.applications[0].public_keys"), "{error}");
}
