//! The door for clients of Twilio Verify v2, as its libraries call it.

use otpmux_emulator::{Emulator, EmulatorConfig, Fault, Vendor};
use otpmux_testkit::{LogCapture, leaks};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::world::{
    Answer, KEY, PHONE, Running, code_of, count, emulator, environment, start, toml, wrong,
};

pub(super) const ACCOUNT: &str = "AC22222222222222222222222222222222";
const SERVICE: &str = "VA00000000000000000000000000000000";
pub(super) const MESSAGES: &str = "[messages]\napp = \"Acme\"\n";

/// A gateway with the door, its emulated vendors, and the calls of Twilio's libraries.
struct Door {
    emulator: Emulator,
    gateway: Running,
}

impl Door {
    async fn open(more: &str) -> Self {
        // Many messages for one recipient.
        let config = EmulatorConfig::default().enforce_limits(false);
        let emulator = Emulator::start(config).await.unwrap();
        let text = toml(&emulator, &format!("{more}\n[doors.twilio]\n"));
        Self { gateway: start(&text, environment()).await.unwrap(), emulator }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/twilio/v2/Services/{SERVICE}/{path}", self.gateway.url);
        self.gateway.http.request(method, url).basic_auth(ACCOUNT, Some(KEY))
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        Answer::of(filled(self.request(Method::POST, path), form)).await
    }

    async fn create(&self, to: &str, channel: &str) -> Answer {
        self.post("Verifications", &[("To", to), ("Channel", channel)]).await
    }

    async fn check(&self, to: &str, code: &str) -> Answer {
        self.post("VerificationCheck", &[("To", to), ("Code", code)]).await
    }

    async fn check_sid(&self, sid: &Value, code: &str) -> Answer {
        let form = [("VerificationSid", sid.as_str().unwrap()), ("Code", code)];
        self.post("VerificationCheck", &form).await
    }

    async fn fetch(&self, sid: &Value) -> Answer {
        let path = format!("Verifications/{}", sid.as_str().unwrap());
        Answer::of(self.request(Method::GET, &path)).await
    }

    async fn update(&self, sid: &Value, status: &str) -> Answer {
        let path = format!("Verifications/{}", sid.as_str().unwrap());
        self.post(&path, &[("Status", status)]).await
    }
}

/// Adds a form.
fn filled(request: RequestBuilder, form: &[(&str, &str)]) -> RequestBuilder {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    request.header("content-type", "application/x-www-form-urlencoded").body(body)
}

/// Expects an error of Twilio's, and returns its message.
#[track_caller]
fn refused(answer: Answer, status: u16, code: u64) -> String {
    assert_eq!(answer.header("content-type"), "application/json", "{answer:?}");
    assert_eq!(
        (&answer.body["status"], &answer.body["code"]),
        (&json!(status), &json!(code)),
        "{answer:?}"
    );
    assert!(answer.body["more_info"].as_str().unwrap().starts_with("https://"), "{answer:?}");
    let message = answer.body["message"].as_str().unwrap().to_owned();
    answer.expect(status);
    message
}

#[tokio::test]
async fn a_code_arrives_by_the_second_vendor_and_is_good_once() {
    let door = Door::open("").await;
    door.emulator.set_fault(Vendor::EasyOtp, Fault::status(401));
    let sent = door.create(PHONE, "sms").await.expect(201);
    let sid = &sent["sid"];
    let hex = sid.as_str().unwrap().strip_prefix("VE").unwrap();
    assert!(hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()), "{sid}");
    for (field, value) in [
        ("service_sid", json!(SERVICE)),
        ("account_sid", json!(ACCOUNT)),
        ("to", json!(PHONE)),
        ("channel", json!("sms")),
        ("status", json!("pending")),
        ("valid", json!(false)),
        ("lookup", json!({})),
        ("sna", json!(null)),
    ] {
        assert_eq!(sent[field], value, "{field}: {sent}");
    }
    // Only the message that went out.
    let attempts = sent["send_code_attempts"].as_array().unwrap();
    assert_eq!((attempts.len(), &attempts[0]["channel"]), (1, &json!("SMS")));
    assert_eq!(sent["date_created"], attempts[0]["time"]);

    let code = code_of(&door.emulator, PHONE);
    let told = door.check(PHONE, &wrong(&code)).await.expect(201);
    assert_eq!((&told["status"], &told["valid"]), (&json!("pending"), &json!(false)));
    let told = door.check(PHONE, &code).await.expect(201);
    assert_eq!((&told["status"], &told["valid"]), (&json!("approved"), &json!(true)), "{told}");
    assert_eq!((&told["sid"], &told["to"]), (sid, &json!(PHONE)));
    refused(door.check(PHONE, &code).await, 404, 20404);
    refused(door.check_sid(sid, &code).await, 404, 20404);
    let found = door.fetch(sid).await.expect(200);
    assert_eq!((&found["status"], &found["valid"]), (&json!("approved"), &json!(true)));
    assert_eq!((&found["to"], &found["date_created"]), (&json!(PHONE), &sent["date_created"]));
}

#[tokio::test]
async fn a_second_request_sends_the_same_code_under_the_same_sid() {
    let door =
        Door::open("[limits]\nrecipient = []\n[policy]\nresend_delay = \"0s\"\nmax_resends = 2\n")
            .await;
    let first = door.create(PHONE, "sms").await.expect(201);
    let code = code_of(&door.emulator, PHONE);
    let second = door.create(PHONE, "call").await.expect(201);
    assert_eq!((&second["sid"], &second["channel"]), (&first["sid"], &json!("call")));
    assert_eq!(second["send_code_attempts"].as_array().unwrap().len(), 2);
    assert_eq!((code_of(&door.emulator, PHONE), count(&door.emulator)), (code.clone(), 2));
    door.create(PHONE, "sms").await.expect(201);
    // No more than this for one verification; the code is good all the same.
    let message = refused(door.create(PHONE, "sms").await, 429, 60203);
    assert!(message.starts_with("Max send attempts reached"), "{message}");
    assert_eq!(door.check(PHONE, &code).await.expect(201)["status"], "approved");
    let fresh = door.create(PHONE, "sms").await.expect(201);
    assert_ne!(fresh["sid"], first["sid"]);
}

#[tokio::test]
async fn limits_answer_in_twilios_words() {
    let door = Door::open("[limits]\nrecipient = [\"2/1h\"]\n[policy]\nmax_guesses = 2\n").await;
    let sent = door.create(PHONE, "sms").await.expect(201);
    let soon = door.create(PHONE, "sms").await;
    let seconds = soon.header("retry-after").parse::<u64>().unwrap();
    assert_eq!(soon.body["details"]["retry_after"], seconds);
    refused(soon, 429, 60203);
    let code = code_of(&door.emulator, PHONE);
    for _ in 0..2 {
        door.check_sid(&sent["sid"], &wrong(&code)).await.expect(201);
    }
    refused(door.check(PHONE, &code).await, 429, 60202);
    refused(door.check_sid(&sent["sid"], &code).await, 429, 60202);
    assert_eq!(door.fetch(&sent["sid"]).await.expect(200)["status"], "max_attempts_reached");
    door.create(PHONE, "sms").await.expect(201);
    assert_eq!(
        door.update(&door.create("+919876500001", "sms").await.body["sid"], "canceled")
            .await
            .status,
        200
    );
    let sent = door.check(PHONE, &code_of(&door.emulator, PHONE)).await.expect(201);
    assert_eq!(sent["status"], "approved");
    let limited = door.create(PHONE, "sms").await;
    assert_eq!(limited.body["details"]["limit"], "recipient");
    refused(limited, 429, 20429);
}

#[tokio::test]
async fn a_cancelled_verification_has_no_code() {
    let door = Door::open("").await;
    let sent = door.create(PHONE, "sms").await.expect(201);
    let code = code_of(&door.emulator, PHONE);
    let approved = refused(door.update(&sent["sid"], "approved").await, 400, 60200);
    assert!(approved.contains("CustomCode"), "{approved}");
    refused(door.update(&sent["sid"], "pending").await, 400, 60200);
    let ended = door.update(&sent["sid"], "canceled").await.expect(200);
    assert_eq!((&ended["status"], &ended["to"]), (&json!("canceled"), &json!(PHONE)));
    refused(door.update(&sent["sid"], "canceled").await, 404, 20404);
    refused(door.check(PHONE, &code).await, 404, 20404);
}

#[tokio::test]
async fn a_code_of_the_caller_is_delivered_and_its_end_reported() {
    let door = Door::open("").await;
    door.emulator.set_fault(Vendor::EasyOtp, Fault::status(401));
    let send = |to: &'static str, code: &'static str| {
        let form = [("To", to), ("Channel", "sms"), ("CustomCode", code)];
        let request = filled(door.request(Method::POST, "Verifications"), &form);
        async move { Answer::of(request).await }
    };
    let sent = send(PHONE, "735102").await.expect(201);
    assert_eq!((&sent["status"], &sent["to"]), (&json!("pending"), &json!(PHONE)));
    assert_eq!(code_of(&door.emulator, PHONE), "735102");
    let sid = &sent["sid"];
    let found = door.fetch(sid).await.expect(200);
    assert_eq!((&found["to"], &found["sid"]), (&json!(PHONE), sid));
    // The caller compares it, and nothing here can.
    refused(door.check_sid(sid, "735102").await, 404, 20404);
    refused(door.check(PHONE, "735102").await, 404, 20404);
    let ended = door.update(sid, "approved").await.expect(200);
    assert_eq!((&ended["status"], &ended["valid"]), (&json!("approved"), &json!(true)));
    refused(door.update(sid, "canceled").await, 404, 20404);
    refused(door.fetch(sid).await, 404, 20404);
    let other = send("+919876500004", "735103").await.expect(201);
    assert_eq!(door.update(&other["sid"], "canceled").await.expect(200)["status"], "canceled");
    for code in ["123", "12345678901", "12-456", "٣٤٥٦٧٨"] {
        let message = refused(send(PHONE, code).await, 400, 60200);
        assert!(message.contains("CustomCode") && !message.contains(code), "{message}");
    }
    // It supersedes no verification.
    let pending = door.create("+919876500005", "sms").await.expect(201);
    let code = code_of(&door.emulator, "+919876500005");
    send("+919876500005", "735104").await.expect(201);
    let told = door.check_sid(&pending["sid"], &code).await.expect(201);
    assert_eq!(told["status"], "approved");
}

#[tokio::test]
async fn numbers_as_clients_write_them() {
    let door =
        Door::open("[limits]\nrecipient = []\n[policy]\nresend_delay = \"0s\"\nmax_resends = 10\n")
            .await;
    let sid = door.create(PHONE, "sms").await.expect(201)["sid"].clone();
    for to in
        ["919876543210", " 919876543210", "+91 98765 43210", "+91-98765-43210", "00919876543210"]
    {
        let again = door.create(to, "sms").await.expect(201);
        assert_eq!((&again["sid"], &again["to"]), (&sid, &json!(PHONE)), "{to}");
    }
    let code = code_of(&door.emulator, PHONE);
    // As it comes when a client does not encode the plus.
    let request = door.request(Method::POST, "VerificationCheck");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let told = Answer::of(request.body(format!("To=+919876543210&Code={code}"))).await.expect(201);
    assert_eq!(told["status"], "approved");
    for to in ["99", "no number", "+99912345678901234", "a@b", "+9198765432100000"] {
        let message = refused(door.create(to, "sms").await, 400, 60200);
        assert!(message.contains("`To`") && !message.contains(to), "{message}");
    }
    let mail = door.create("Jane.Doe@example.com", "email").await.expect(201);
    assert_eq!((&mail["channel"], &mail["to"]), (&json!("email"), &json!("Jane.Doe@example.com")));
}

#[tokio::test]
async fn every_parameter_is_used_refused_or_ignored_loudly() {
    let logs = LogCapture::new();
    let _recording = logs.install_scoped();
    let key =
        "[[server.api_keys]]\nname = \"web\"\nkey = \"env:WEB_KEY\"\nbrands = [\"Acme Pay\"]\n";
    let door = Door::open(&format!("{MESSAGES}{key}")).await;
    let form = [
        ("To", PHONE),
        ("Channel", "sms"),
        ("CustomFriendlyName", "Acme Pay"),
        ("SendDigits", "ww1"),
        ("Locale", "hi"),
        ("RateLimits", r#"{"ip": "203.0.113.9"}"#),
        ("AppHash", "abc"),
        ("DeviceIp", "203.0.113.7"),
        ("RiskCheck", "enable"),
        ("Tags", r#"{"a": "b"}"#),
        ("SomethingNew", "x"),
    ];
    door.post("Verifications", &form).await.expect(201);
    let text = logs.text();
    for parameter in ["SendDigits", "RateLimits", "AppHash", "RiskCheck", "Tags", "another one"] {
        assert_eq!(text.matches(&format!("parameter={parameter}\n")).count(), 1, "{text}");
    }
    assert!(!text.contains("203.0.113") && !text.contains("SomethingNew"), "{text}");
    let with = |name: &'static str, value: &'static str| {
        let form = [("To", "+919876500002"), ("Channel", "sms"), (name, value)];
        let request = filled(door.request(Method::POST, "Verifications"), &form);
        async move { refused(Answer::of(request).await, 400, 60200) }
    };
    for (name, value) in [
        ("Amount", "39.99"),
        ("Payee", "Acme"),
        ("CustomMessage", "text"),
        ("CustomFriendlyName", "Other"),
        ("DeviceIp", "somewhere"),
        ("Locale", "x"),
        ("To", PHONE),
    ] {
        assert!(with(name, value).await.contains(name), "{name}");
    }
    for channel in ["sna", "push", "SMS", "voice"] {
        refused(door.create("+919876500002", channel).await, 400, 60200);
    }
    refused(door.post("Verifications", &[("To", PHONE)]).await, 400, 60200);
    refused(door.post("Verifications", &[("Channel", "sms")]).await, 400, 60200);
    refused(door.post("VerificationCheck", &[("To", PHONE)]).await, 400, 60200);
    refused(door.post("VerificationCheck", &[("Code", "123456")]).await, 400, 60200);
    refused(door.check(PHONE, "no code").await, 400, 60200);
    // Once per configuration, whatever comes.
    door.post("Verifications", &[("To", "+919876500003"), ("Channel", "sms"), ("Tags", "{}")])
        .await
        .expect(201);
    assert_eq!(logs.text().matches("parameter=Tags\n").count(), 1);
}

#[tokio::test]
async fn services_have_purposes_and_keys_their_own() {
    let emulator = emulator().await;
    let other = "VA11111111111111111111111111111111";
    let text = toml(
        &emulator,
        &format!(
            "[[server.api_keys]]\nname = \"web\"\nkey = \"env:WEB_KEY\"\npurposes = [\"login\"]\n\
             [doors.twilio]\naccount_sid = \"{ACCOUNT}\"\n[doors.twilio.services]\n\
             {SERVICE} = \"login\"\n{other} = \"payment\"\n"
        ),
    );
    let door = Door { gateway: start(&text, environment()).await.unwrap(), emulator };
    let sent = door.create(PHONE, "sms").await.expect(201);
    let shown = door
        .gateway
        .get(&format!("/v1/verifications/{}", &sent["sid"].as_str().unwrap()[2..]))
        .await
        .expect(200);
    // The door's notes show the recipient.
    assert_eq!((&shown["to"], &shown["metadata"]), (&json!("+9•••••••••10"), &json!({})));
    let at = |service: &str, user: &'static str| {
        let url = format!("{}/twilio/v2/Services/{service}/Verifications", door.gateway.url);
        let request = door.gateway.http.post(url).basic_auth(user, Some(KEY));
        Answer::of(filled(request, &[("To", PHONE), ("Channel", "sms")]))
    };
    // Not the key's, not configured, no service at all.
    for service in [other, "VA22222222222222222222222222222222", "login"] {
        refused(at(service, ACCOUNT).await, 404, 20404);
    }
    refused(at(SERVICE, "AC33333333333333333333333333333333").await, 401, 20003);
    let make = format!("{}/twilio/v2/Services", door.gateway.url);
    let make = door.gateway.http.post(make).basic_auth(ACCOUNT, Some(KEY));
    refused(Answer::of(filled(make, &[("FriendlyName", "Acme")])).await, 403, 20403);
    assert_eq!(count(&door.emulator), 1);
}

#[tokio::test]
async fn without_services_a_service_is_made_by_its_name() {
    let door = Door::open("").await;
    let make = || async {
        let url = format!("{}/twilio/v2/Services", door.gateway.url);
        let request = door.gateway.http.post(url).basic_auth(ACCOUNT, Some(KEY));
        Answer::of(filled(request, &[("FriendlyName", "Acme")])).await.expect(201)
    };
    let made = make().await;
    assert_eq!((&made["friendly_name"], &made["code_length"]), (&json!("Acme"), &json!(6)));
    assert_eq!(make().await["sid"], made["sid"]);
    let url = format!("{}/twilio/v2/Services/{}", door.gateway.url, made["sid"].as_str().unwrap());
    let shown = door.gateway.http.get(url).basic_auth(ACCOUNT, Some(KEY));
    assert_eq!(Answer::of(shown).await.expect(200)["sid"], made["sid"]);
}

#[tokio::test]
async fn nobody_could_send() {
    let door = Door::open("").await;
    for vendor in [Vendor::EasyOtp, Vendor::StartMessaging] {
        door.emulator.set_fault(vendor, Fault::status(401));
    }
    let answer = door.create(PHONE, "sms").await;
    assert_eq!(answer.body["details"]["certainty"], "rejected");
    refused(answer, 503, 20503);
    let door = Door::open("[policy]\ncountries = [\"DE\"]\n").await;
    let message = refused(door.create(PHONE, "sms").await, 403, 60605);
    assert!(message.starts_with("Verification delivery attempt blocked"), "{message}");
}

#[tokio::test]
async fn nothing_personal_in_logs_and_errors() {
    let logs = LogCapture::new();
    let _recording = logs.install_scoped();
    let door = Door::open("").await;
    let sent = door.create(PHONE, "sms").await.expect(201);
    let code = code_of(&door.emulator, PHONE);
    let mut told = Vec::new();
    for answer in [
        door.create(PHONE, "sms").await,
        door.create(&format!("{PHONE}0000"), "sms").await,
        door.check(PHONE, &format!("{code}x")).await,
        door.check("+919876500009", &code).await,
        door.post("VerificationCheck", &[("To", PHONE), ("To", PHONE), ("Code", &code)]).await,
        door.fetch(&json!(PHONE)).await,
    ] {
        assert!(answer.status >= 400, "{answer:?}");
        told.push(format!("{answer:?}"));
    }
    door.check_sid(&sent["sid"], &code).await.expect(201);
    let secrets = [PHONE, &code, KEY];
    leaks::assert_clean(&told.join("\n"), &secrets);
    // A request's own trace of the HTTP client under test is not ours.
    let text = logs.text();
    let ours: String = text.lines().filter(|line| line.contains("otpmux")).collect();
    assert!(ours.contains("answered"), "something was logged");
    leaks::assert_clean(&ours, &secrets);
}
