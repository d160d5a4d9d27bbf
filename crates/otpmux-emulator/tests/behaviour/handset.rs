//! The handset's page, its event stream, its relay, and what keeps other sites out.

use std::io;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use otpmux_emulator::{Emulator, FaultPreset, Relay, RelayAnswer, RelayRequest, Vendor};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{Answer, PATIENCE, Rig, config};

const TO: &str = "+919876543210";

/// One event of a stream.
#[derive(Debug, PartialEq)]
struct Event {
    name: String,
    id: Option<String>,
    data: Value,
}

struct Stream {
    response: Response,
    text: String,
}

impl Stream {
    async fn open(rig: &Rig, last_event_id: Option<&str>) -> Self {
        let mut request = rig.client.get(format!("{}_emulator/events", rig.emulator.handset_url()));
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    async fn next(&mut self) -> Event {
        // For all of it: a stream on which nothing happens is kept alive.
        timeout(PATIENCE, self.read()).await.expect("an event")
    }

    async fn read(&mut self) -> Event {
        loop {
            while let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| {
                    let mut lines = block.lines();
                    lines.find_map(|line| line.strip_prefix(name).map(str::to_owned))
                };
                if let Some(name) = field("event: ") {
                    let data = serde_json::from_str(&field("data: ").unwrap()).unwrap();
                    return Event { name, id: field("id: "), data };
                }
            }
            let chunk = self.response.chunk().await.unwrap();
            self.text.push_str(std::str::from_utf8(&chunk.expect("an open stream")).unwrap());
        }
    }

    /// The next event, which must have this name.
    async fn expect(&mut self, name: &str) -> Event {
        let event = self.next().await;
        assert_eq!(event.name, name, "{event:?}");
        event
    }
}

#[tokio::test]
async fn the_page_and_its_parts_come_from_here_alone() {
    let rig = Rig::start(config()).await;
    let url = rig.emulator.handset_url();
    for (path, media) in [
        ("", "text/html"),
        ("handset.css", "text/css"),
        ("handset.js", "text/javascript"),
        ("handset-clock.js", "text/javascript"),
        ("handset-form.js", "text/javascript"),
        ("handset.svg", "image/svg+xml"),
    ] {
        let answer = rig.client.get(format!("{url}{path}")).send().await.unwrap();
        let answer = Answer::read(answer).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("content-type").unwrap().starts_with(media), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let elsewhere = answer.text.replace("http://www.w3.org/2000/svg", "");
        assert!(!elsewhere.contains("://") && !elsewhere.contains("innerHTML"), "{path}");
        assert!(!answer.text.contains("style="), "{path}");
    }
    let posted = rig.client.post(&url).send().await.unwrap();
    assert_eq!(posted.status(), 405);
    let ready: Value = serde_json::from_str(&rig.emulator.ready_line()).unwrap();
    assert_eq!(ready["handset"], url);
}

#[tokio::test]
async fn messages_arrive_as_they_are_delivered() {
    let rig = Rig::start(config()).await;
    rig.easyotp_open(TO, "0001").await;
    let mut stream = Stream::open(&rig, None).await;
    let state = stream.expect("state").await.data;
    assert_eq!(state["relay"], false);
    assert_eq!(state["vendors"][0]["name"], "EasyOTP");
    assert_eq!(state["presets"].as_array().unwrap().len(), FaultPreset::ALL.len());
    assert_eq!(stream.expect("reset").await.data, json!({ "replayed": 1 }));
    assert_eq!(stream.expect("message").await.data["code"], "0001");
    rig.easyotp_open(TO, "0002").await;
    let second = stream.expect("message").await;
    assert_eq!(
        second.data,
        json!({
            "vendor": "easyotp",
            "channel": "sms",
            "to": TO,
            "text": "Your verification code is: 0002",
            "code": "0002",
            "at": "2026-02-15T10:30:00.000Z",
        })
    );

    // A reader that comes back gets what it missed, and no more.
    drop(stream);
    rig.easyotp_open("+1234567890", "0003").await;
    let mut stream = Stream::open(&rig, second.id.as_deref()).await;
    stream.expect("state").await;
    let third = stream.expect("message").await;
    assert_eq!(third.data["code"], "0003");

    // One that missed a clearing begins anew, as does one that knew another emulator.
    drop(stream);
    rig.admin(Method::DELETE, "/messages", Value::Null).await;
    for stale in [third.id.unwrap().as_str(), "00000000-1", "nonsense", "-", "é-1"] {
        let mut stream = Stream::open(&rig, Some(stale)).await;
        stream.expect("state").await;
        assert_eq!(stream.expect("reset").await.data, json!({ "replayed": 0 }), "{stale}");
    }
}

/// Pages go by the emulator's clock, whose setting is part of the state.
#[tokio::test]
async fn an_advance_of_the_clock_is_shown() {
    let rig = Rig::start(config()).await;
    let mut stream = Stream::open(&rig, None).await;
    let clock = stream.expect("state").await.data["clock"].clone();
    let expected =
        json!({ "frozen_at": "2026-02-15T10:30:00.000Z", "advanced": 0, "shared": false });
    assert_eq!(clock, expected);
    stream.expect("reset").await;
    rig.admin(Method::POST, "/clock", json!({ "advance_seconds": 61 })).await;
    assert_eq!(stream.expect("state").await.data["clock"]["advanced"], 61_000);
}

#[tokio::test]
async fn a_reader_far_behind_gets_the_newest() {
    let rig = Rig::start(config().with_easyotp(|account| account.enforce_limits = false)).await;
    for n in 0..250 {
        rig.easyotp_open(TO, &format!("{n:06}")).await;
    }
    let mut stream = Stream::open(&rig, None).await;
    stream.expect("state").await;
    assert_eq!(stream.expect("reset").await.data, json!({ "replayed": 200 }));
    assert_eq!(stream.expect("message").await.data["code"], "000050");
    rig.admin(Method::DELETE, "/messages", Value::Null).await;
    let mut event = stream.next().await;
    while event.name == "message" {
        event = stream.next().await;
    }
    assert_eq!((event.name.as_str(), event.data), ("reset", json!({ "replayed": 0 })));
}

#[tokio::test]
async fn open_pages_agree_on_the_switches() {
    let rig = Rig::start(config()).await;
    let mut streams = [Stream::open(&rig, None).await, Stream::open(&rig, None).await];
    for stream in &mut streams {
        assert_eq!(stream.expect("state").await.data["vendors"][0]["preset"], Value::Null);
        stream.expect("reset").await;
    }
    let put = rig.admin(Method::PUT, "/faults/easyotp", json!({ "preset": "out_of_credit" })).await;
    assert_eq!(put.json(), json!({ "kind": "status", "status": 402, "endpoint": "/send" }));
    assert_eq!(rig.emulator.fault(Vendor::EasyOtp), Some(FaultPreset::OutOfCredit.fault()));
    for stream in &mut streams {
        let easyotp = &stream.expect("state").await.data["vendors"][0];
        assert_eq!(easyotp["preset"], "out_of_credit");
    }
    // Set from the program, and none of the presets.
    rig.emulator.set_fault(Vendor::EasyOtp, otpmux_emulator::FaultKind::Hang);
    for stream in &mut streams {
        let easyotp = &stream.expect("state").await.data["vendors"][0];
        assert_eq!((&easyotp["preset"], &easyotp["fault"]["kind"]), (&json!(null), &json!("hang")));
    }
    rig.admin(Method::DELETE, "/faults/easyotp", Value::Null).await;
    for stream in &mut streams {
        assert_eq!(stream.expect("state").await.data["vendors"][0]["fault"], Value::Null);
    }
    for (body, word) in [
        (json!({ "preset": "broken" }), "never_delivers"),
        (json!({ "preset": "down", "count": 1 }), "count"),
    ] {
        let refused = rig.admin(Method::PUT, "/faults/easyotp", body).await;
        assert_eq!(refused.status, 400);
        assert!(refused.text.contains(word), "{}", refused.text);
    }
}

#[tokio::test]
async fn presets_do_what_they_are_called() {
    let rig = Rig::start(config()).await;
    let body = json!({ "channel": "sms", "recipient": TO, "code": "1234" });
    for (preset, status) in [(FaultPreset::OutOfCredit, 402), (FaultPreset::RateLimited, 429)] {
        rig.emulator.set_fault(Vendor::EasyOtp, preset);
        assert_eq!(rig.post(Vendor::EasyOtp, "/send", body.clone()).await.status, status);
    }
    rig.emulator.set_fault(Vendor::EasyOtp, FaultPreset::NeverDelivers);
    assert_eq!(rig.post(Vendor::EasyOtp, "/send", body.clone()).await.status, 200);
    assert_eq!(rig.emulator.last_code(TO), None);
    let send =
        async || rig.request(Method::POST, Vendor::EasyOtp, "/send").json(&body).send().await;
    rig.emulator.set_fault(Vendor::EasyOtp, FaultPreset::Down);
    send().await.unwrap_err();
    assert_eq!(rig.emulator.last_code(TO), None);
    rig.emulator.set_fault(Vendor::EasyOtp, FaultPreset::AnswerLost);
    send().await.unwrap_err();
    assert_eq!(rig.emulator.last_code(TO).as_deref(), Some("1234"));
}

#[tokio::test]
async fn an_open_stream_does_not_keep_shutdown_waiting() {
    let rig = Rig::start(config()).await;
    let mut stream = Stream::open(&rig, None).await;
    stream.expect("state").await;
    stream.expect("reset").await;
    timeout(PATIENCE, rig.emulator.shutdown()).await.unwrap();
    let rest = timeout(PATIENCE, stream.response.chunk()).await.unwrap();
    assert_eq!(rest.unwrap(), None, "the stream ends as HTTP wants it");
}

/// A gateway that writes down what it is asked.
#[derive(Debug, Default)]
struct Scripted {
    asked: Mutex<Vec<RelayRequest>>,
}

#[async_trait]
impl Relay for Scripted {
    async fn relay(&self, request: RelayRequest) -> io::Result<RelayAnswer> {
        let path = request.path.clone();
        self.asked.lock().unwrap().push(request);
        match path.as_str() {
            "/v1/verifications/gone" => Err(io::Error::other("connection refused")),
            "/v1/verifications/empty" => Ok(RelayAnswer { status: 204, body: Value::Null }),
            _ => Ok(RelayAnswer { status: 201, body: json!({ "at": path }) }),
        }
    }
}

async fn relayed(rig: &Rig, method: Method, path: &str, body: Value) -> Answer {
    rig.admin(method, &format!("/relay/{path}"), body).await
}

#[tokio::test]
async fn only_what_the_form_needs_is_passed_on() {
    let rig = Rig::start(config()).await;
    let body = json!({ "to": TO });
    let refused = relayed(&rig, Method::POST, "verifications", body.clone()).await;
    assert_eq!(refused.status, 404, "no page is connected");
    let mut stream = Stream::open(&rig, None).await;
    assert_eq!(stream.expect("state").await.data["relay"], false);
    stream.expect("reset").await;
    let gateway = Arc::new(Scripted::default());
    rig.emulator.set_relay(gateway.clone());
    assert_eq!(stream.expect("state").await.data["relay"], true);

    for (method, path) in [
        (Method::POST, "verifications"),
        (Method::POST, "verifications/aB3-_x/verify"),
        (Method::POST, "verifications/aB3-_x/resend"),
        (Method::GET, "verifications/aB3-_x"),
    ] {
        let sent = if method == Method::POST { body.clone() } else { Value::Null };
        let answer = relayed(&rig, method.clone(), path, sent.clone()).await;
        assert_eq!((answer.status, answer.json()), (201, json!({ "at": format!("/v1/{path}") })));
        let asked = gateway.asked.lock().unwrap().pop().unwrap();
        assert_eq!((asked.method, asked.body.unwrap_or_default()), (method, sent));
    }
    relayed(&rig, Method::POST, "verifications", body.clone()).await;
    let debug = format!("{:?}", gateway.asked.lock().unwrap());
    assert!(debug.contains("/v1/verifications") && !debug.contains(TO), "{debug}");
    assert_eq!(relayed(&rig, Method::GET, "verifications/empty", Value::Null).await.status, 204);
    let lost = relayed(&rig, Method::GET, "verifications/gone", Value::Null).await;
    assert_eq!((lost.status, &lost.json()["detail"]), (502, &json!("connection refused")));
    gateway.asked.lock().unwrap().clear();

    for (method, path, sent, status) in [
        (Method::DELETE, "verifications/x", Value::Null, 405),
        (Method::GET, "verifications", Value::Null, 405),
        (Method::POST, "verifications/x", body.clone(), 405),
        (Method::GET, "capabilities", Value::Null, 404),
        (Method::GET, "verifications/", Value::Null, 404),
        (Method::GET, "verifications/%2e%2e", Value::Null, 404),
        (Method::POST, "verifications/x/cancel", body.clone(), 404),
        (Method::POST, "verifications/x/verify/y", body.clone(), 404),
        (Method::POST, "verifications", json!(["no object"]), 400),
        (Method::POST, "verifications", Value::Null, 415),
    ] {
        assert_eq!(relayed(&rig, method, path, sent).await.status, status, "{path}");
    }
    let url = format!("{}_emulator/relay/verifications", rig.emulator.handset_url());
    let plain = rig.client.post(url).body(body.to_string()).send().await.unwrap();
    assert_eq!(plain.status(), 415);
    assert!(gateway.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn other_sites_are_kept_out() {
    let rig = Rig::start(config()).await;
    rig.emulator.set_relay(Arc::new(Scripted::default()));
    let listen = rig.emulator.addr().to_string();
    let ask = async |method: Method, path: &str, headers: &[(&str, &str)]| {
        let mut request = rig.client.request(method, format!("http://{listen}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.json(&json!({ "preset": "down" })).send().await.unwrap().status().as_u16()
    };
    // A name that a stranger makes resolve to this machine.
    for path in ["/", "/handset.js", "/_emulator/events", "/_emulator/messages", "/_emulator"] {
        let rebound = [("host", "rebound.example:4010")];
        assert_eq!(ask(Method::GET, path, &rebound).await, 421, "{path}");
    }
    let own = format!("http://{listen}");
    let changes = [
        (Method::PUT, "/_emulator/faults/easyotp"),
        (Method::DELETE, "/_emulator/messages"),
        (Method::POST, "/_emulator/relay/verifications"),
    ];
    for (method, path) in changes {
        for headers in [
            [("origin", "http://elsewhere.example")],
            [("origin", "http://127.0.0.1:1")],
            [("origin", "null")],
            [("sec-fetch-site", "cross-site")],
            [("sec-fetch-site", "same-site")],
        ] {
            let status = ask(method.clone(), path, &headers).await;
            assert_eq!(status, 403, "{method} {path} {headers:?}");
        }
        assert_eq!(rig.emulator.fault(Vendor::EasyOtp), None);
    }
    let page = [("origin", own.as_str()), ("sec-fetch-site", "same-origin")];
    assert_eq!(ask(Method::PUT, "/_emulator/faults/easyotp", &page).await, 200);
    assert_eq!(rig.emulator.fault(Vendor::EasyOtp), Some(FaultPreset::Down.fault()));
    // The vendors' own APIs know neither rule: programs reach them under any name.
    rig.emulator.clear_faults(Vendor::EasyOtp);
    let send = rig.request(Method::POST, Vendor::EasyOtp, "/send").header("host", "vendors:4010");
    let sent = send.json(&json!({ "channel": "sms", "recipient": TO })).send().await.unwrap();
    assert_eq!(sent.status(), 200);
}

/// Dropped, not shut down: no task of a stream may outlive it.
#[tokio::test]
async fn a_dropped_emulator_ends_its_streams() {
    let rig = Rig::start(config()).await;
    let mut stream = Stream::open(&rig, None).await;
    stream.expect("state").await;
    stream.expect("reset").await;
    let Rig { emulator, .. } = rig;
    drop::<Emulator>(emulator);
    let rest = timeout(PATIENCE, stream.response.chunk()).await.expect("the stream ends");
    assert!(rest.is_err() || rest.is_ok_and(|chunk| chunk.is_none()));
}
