//! Tests of requests on the wire, and of leaks.

use std::sync::Arc;

use otpmux_core::{
    Blame, Certainty, Channel, Clock, CodeSource, Context, Error, ErrorKind, IdempotencyKey,
    OtpProvider, ProviderId, Recipient, ResendRequest, SendRequest, Target, VendorReference,
    VerifyRequest,
};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::{AirTexts, AirTextsConfig, Approval, Credentials, Endpoint, ListQuery};

const PHONE: &str = "+5511999888777";
const SECRETS: [&str; 5] = ["5511999888777", "424242", "hunter", "dXNlcjpodW50ZXI", "OTP_424242"];

#[derive(Debug)]
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> std::time::SystemTime {
        super::now()
    }
}

async fn vendor(status: u16, body: &Value) -> MockServer {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(status).set_body_json(body);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    server
}

fn config(server: &MockServer) -> AirTextsConfig {
    let credentials = Credentials::KeyPair { key: "hunter".into(), secret: "hunter-secret".into() };
    AirTextsConfig::new(server.uri().parse().unwrap(), "app", credentials)
}

fn build(config: AirTextsConfig) -> AirTexts {
    let provider = AirTexts::new(ProviderId::new("p").unwrap(), config).unwrap();
    provider.with_clock(Arc::new(Fixed))
}

fn cx() -> Context {
    Context::new(IdempotencyKey::from_random([7; 16]))
}

fn recipient() -> Recipient {
    PHONE.parse().unwrap()
}

fn send() -> SendRequest {
    SendRequest::new(recipient(), Channel::Sms, CodeSource::Vendor { length: None })
}

fn verify() -> VerifyRequest {
    let reference = Some(VendorReference::new("otp_1"));
    VerifyRequest::new(recipient(), reference, "424242".parse().unwrap())
}

fn target() -> Target {
    Target::new(recipient(), Some(VendorReference::new("otp_1")))
}

async fn asked(server: &MockServer) -> Vec<Request> {
    server.received_requests().await.unwrap()
}

#[tokio::test]
async fn one_kind_of_credentials_goes_on_the_wire() {
    let basic = Credentials::Basic { username: "username".to_owned(), password: "password".into() };
    let bearer = Credentials::Bearer { token: "abc=".into() };
    for (credentials, expected) in [
        (None, [None, Some("hunter"), Some("hunter-secret")]),
        (Some(basic), [Some("Basic dXNlcm5hbWU6cGFzc3dvcmQ="), None, None]),
        (Some(bearer), [Some("Bearer abc="), None, None]),
    ] {
        let server = vendor(200, &json!({"verification_id": "otp_1"})).await;
        let mut config = config(&server);
        config.credentials = credentials.unwrap_or(config.credentials);
        build(config).send(&cx(), &send()).await.unwrap();
        let asked = &asked(&server).await[0];
        let header = |name: &str| asked.headers.get(name).map(|v| v.to_str().unwrap());
        let names = ["authorization", "x-api-key", "x-api-secret"];
        assert_eq!(names.map(header), expected);
    }
}

#[tokio::test]
async fn the_request_wins_over_the_configuration() {
    let server = vendor(201, &json!({"data": {"id": "otp_1", "expires_in": 60}})).await;
    let mut config = config(&server);
    config.from = Some("Configured".to_owned());
    config.lang = Some("en".to_owned());
    config.template_id = Some(1);
    config.otp_length = Some(4);
    config.paths.insert(Endpoint::Send, "/v2/otp".to_owned());
    let provider = build(config);
    let sent = provider.send(&cx(), &send()).await.unwrap();
    let in_a_minute = super::now() + std::time::Duration::from_mins(1);
    assert_eq!(sent.expires_at, Some(in_a_minute));
    let mut request = send();
    request.sender = Some("Asked".to_owned());
    request.locale = Some("pt-BR".to_owned());
    request.template = Some("2".to_owned());
    provider.send(&cx(), &request).await.unwrap();
    // The configuration sets the length: this provider claims no other.
    request.code = CodeSource::Vendor { length: Some(8) };
    let error = provider.send(&cx(), &request).await.unwrap_err();
    assert_eq!(error.kind(), otpmux_core::ErrorKind::Unsupported);
    let bodies: Vec<Value> = asked(&server)
        .await
        .iter()
        .map(|asked| {
            assert_eq!(asked.url.path(), "/v2/otp");
            serde_json::from_slice(&asked.body).unwrap()
        })
        .collect();
    let common = |from, length, template, lang| {
        json!({
            "appid": "app", "recipient": PHONE, "channel": "sms", "from": from,
            "otp_length": length, "templateId": template, "lang": lang,
        })
    };
    assert_eq!(bodies[0], common("Configured", 4, 1, "en"));
    assert_eq!(bodies[1], common("Asked", 4, 2, "pt"));
}

#[tokio::test]
async fn an_unsupported_request_is_refused_before_any_io() {
    let server = vendor(200, &json!({"verified": true})).await;
    let provider = build(config(&server));
    let mut on = config(&server);
    (on.resend, on.status) = (true, true);
    let on = build(on);
    let cx = cx();
    let check = |error: Error, kind, blame| {
        let got = (error.kind(), error.certainty(), error.blame());
        assert_eq!(got, (kind, Certainty::NotSent, blame), "{error}");
    };
    let (invalid, unsupported) = (ErrorKind::InvalidRequest, ErrorKind::Unsupported);
    for template in ["welcome", "-1", "1.5", ""] {
        let mut request = send();
        request.template = Some(template.to_owned());
        let error = provider.send(&cx, &request).await.unwrap_err();
        check(error, invalid, Blame::Caller);
    }
    let mut own_code = send();
    own_code.code = CodeSource::Otpmux("123456".parse().unwrap());
    let mut voice = send();
    voice.channel = Channel::Voice;
    for request in [own_code, voice] {
        let error = provider.send(&cx, &request).await.unwrap_err();
        check(error, unsupported, Blame::Provider);
    }
    let mut lost = verify();
    lost.reference = None;
    check(provider.verify(&cx, &lost).await.unwrap_err(), unsupported, Blame::Provider);
    let mut email = verify();
    email.recipient = "a@example.com".parse().unwrap();
    check(provider.verify(&cx, &email).await.unwrap_err(), invalid, Blame::Caller);
    let mut voice = ResendRequest::new(target());
    voice.channel = Some(Channel::Voice);
    for error in [
        provider.resend(&cx, &ResendRequest::new(target())).await.unwrap_err(),
        on.resend(&cx, &voice).await.unwrap_err(),
        provider.status(&cx, &target()).await.unwrap_err(),
        provider.cancel(&cx, &target()).await.unwrap_err(),
        provider.balance(&cx).await.unwrap_err(),
    ] {
        check(error, unsupported, Blame::Provider);
    }
    assert!(asked(&server).await.is_empty());
}

#[tokio::test]
async fn the_operators_field_is_used() {
    let server = vendor(200, &json!({"success": true, "message": "fine"})).await;
    let mut config = config(&server);
    let error = build(config.clone()).verify(&cx(), &verify()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Protocol);
    config.approval = Some(Approval::text("message", "fine"));
    assert!(build(config).verify(&cx(), &verify()).await.unwrap().is_approved());
}

#[tokio::test]
async fn a_filter_goes_into_the_query() {
    let server = vendor(200, &json!({"data": []})).await;
    let query = ListQuery::page(2, 5).with_filter("recipient", PHONE);
    assert!(!format!("{query:?}").contains("5511"));
    build(config(&server)).list(&cx(), query).await.unwrap();
    let expected = "appid=app&page=2&limit=5&recipient=%2B5511999888777";
    assert_eq!(asked(&server).await[0].url.query(), Some(expected));
}

#[tokio::test]
async fn nothing_of_the_request_or_the_code_gets_out() {
    let text = format!("The code 424242 went to {PHONE} or 55 11 999 888 777, dXNlcjpodW50ZXI");
    for status in [200, 400, 401, 404, 409, 429, 500] {
        for (code, text) in [("424242", &*text), ("OTP_424242", &text), ("hunter", "hunter!")] {
            let error = json!({"code": code, "message": text});
            let data = json!({"code": "424242"});
            let body = json!({"success": false, "error": error, "data": data, "code": code});
            let server = vendor(status, &body).await;
            nothing_gets_out(&server).await;
        }
    }
}

async fn nothing_gets_out(server: &MockServer) {
    let username = "user".to_owned();
    let basic = Credentials::Basic { username, password: "hunter".into() };
    let bearer = Credentials::Bearer { token: "hunter".into() };
    for credentials in [config(server).credentials, basic, bearer] {
        let mut config = config(server);
        (config.resend, config.status) = (true, true);
        config.credentials = credentials;
        let mut shown = vec![format!("{config:?}")];
        let provider = build(config);
        shown.push(format!("{provider:?}"));
        let cx = cx();
        let query = ListQuery::default().with_filter("recipient", PHONE);
        let again = ResendRequest::new(target());
        for error in [
            provider.send(&cx, &send()).await.err(),
            provider.verify(&cx, &verify()).await.err(),
            provider.resend(&cx, &again).await.err(),
            provider.status(&cx, &target()).await.err(),
            provider.rate_limits(&cx, &recipient()).await.err(),
            provider.list(&cx, query).await.err(),
        ] {
            let display = error.as_ref().map(ToString::to_string);
            shown.push(format!("{error:?} {display:?}"));
        }
        let shown = shown.join("\n").to_lowercase();
        for secret in SECRETS {
            assert!(!shown.contains(&secret.to_lowercase()), "{secret} in {shown}");
        }
    }
}
