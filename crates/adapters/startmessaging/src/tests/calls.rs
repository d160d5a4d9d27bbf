//! Tests of which requests are sent, and which are not.

use std::time::Duration;

use otpmux_core::{
    Blame, Certainty, Channel, CodeSource, Context, Error, ErrorKind, IdempotencyKey, OtpProvider,
    ProviderId, Recipient, ResendRequest, Secret, SendRequest, Target, VendorReference, Verdict,
    VerifyRequest,
};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{A, B, C, facts, reference};
use crate::dialect::Reference;
use crate::{Mode, StartMessaging, StartMessagingConfig};

fn provider(mode: Mode, url: &str) -> StartMessaging {
    let mut config = StartMessagingConfig::new(url.parse().unwrap(), Secret::new("sm_live_x"));
    config.mode = mode;
    StartMessaging::new(ProviderId::new("p").unwrap(), config).unwrap()
}

fn cx() -> Context {
    Context::new(IdempotencyKey::from_random([7; 16]))
}

fn request(to: &str, code: Option<&str>) -> SendRequest {
    let code = code.map_or(CodeSource::Vendor { length: None }, |code| {
        CodeSource::Otpmux(code.parse().unwrap())
    });
    SendRequest::new(to.parse::<Recipient>().unwrap(), Channel::Sms, code)
}

#[tokio::test]
async fn nothing_leaves_that_the_vendor_cannot_take() {
    // Nothing listens there: a request that is sent would return another kind of error.
    let nowhere = "http://127.0.0.1:1";
    for (mode, to, code) in [
        (Mode::Transport, "+14155550123", Some("123456")),
        (Mode::Transport, "+915876543210", Some("123456")),
        (Mode::Transport, "+919876543210", Some("12345678")),
        (Mode::Transport, "+919876543210", None),
        (A, "+919876543210", Some("123456")),
        (B, "+919876543210", None),
        (C, "+915876543210", Some("123456")),
    ] {
        let send = provider(mode, nowhere).send(&cx(), &request(to, code)).await;
        assert_not_sent(&send.unwrap_err());
    }
    let recipient: Recipient = "+919876543210".parse().unwrap();
    for text in [
        None,
        Some("not a reference"),
        Some(r#"{"mode":"transport","otp":"o"}"#),
        Some(r#"{"mode":{"managed":"a"}}"#),
    ] {
        let reference = text.map(VendorReference::new);
        let target = Target::new(recipient.clone(), reference.clone());
        let code = "123456".parse().unwrap();
        let verify = VerifyRequest::new(recipient.clone(), reference, code);
        let provider = provider(B, nowhere);
        assert_not_sent(&provider.verify(&cx(), &verify).await.unwrap_err());
        assert_not_sent(&provider.status(&cx(), &target).await.unwrap_err());
        let resend = ResendRequest::new(target);
        assert_not_sent(&provider.resend(&cx(), &resend).await.unwrap_err());
    }
}

fn assert_not_sent(error: &Error) {
    let expected = (ErrorKind::Unsupported, Certainty::NotSent, Blame::Provider);
    assert_eq!(facts(error), expected, "{error}");
}

#[tokio::test]
async fn the_request_holds_what_it_should_and_no_more() {
    let server = MockServer::start().await;
    let ok = json!({"success": true, "data": {"otpRequestId": "o", "messageId": "m"}});
    let ok = ResponseTemplate::new(201).set_body_json(ok);
    Mock::given(any()).respond_with(ok).mount(&server).await;
    let mut request = request("+919876543210", Some("004217"));
    request.ttl = Some(Duration::from_secs(359));
    request.template = Some(String::new());
    let provider = provider(Mode::Transport, &server.uri());
    let sent = provider.send(&cx(), &request).await.unwrap();
    assert_eq!(reference(&sent), Some(r#"{"mode":"transport","otp":"o","message":"m"}"#));
    request.ttl = Some(Duration::from_secs(20));
    request.template = Some("t".to_owned());
    provider.send(&cx(), &request).await.unwrap();
    let asked = server.received_requests().await.unwrap();
    let key = cx().idempotency_key.to_string();
    for (asked, expected) in asked.iter().zip([
        json!({"phoneNumber": "+919876543210", "idempotencyKey": key,
            "variables": {"otp": "004217", "expiry": "5"}}),
        json!({"phoneNumber": "+919876543210", "idempotencyKey": key, "templateId": "t",
            "variables": {"otp": "004217", "expiry": "1"}}),
    ]) {
        assert_eq!(asked.body_json::<Value>().unwrap(), expected);
        assert_eq!(asked.headers["x-api-key"], "sm_live_x");
        assert!(!asked.headers.contains_key("authorization"));
    }
    assert_eq!(asked.len(), 2);
}

#[tokio::test]
async fn a_verification_goes_back_the_way_it_came() {
    let server = MockServer::start().await;
    let ok = ResponseTemplate::new(200).set_body_json(json!({"data": {"verified": true}}));
    Mock::given(any()).respond_with(ok).mount(&server).await;
    let recipient: Recipient = "+919876543210".parse().unwrap();
    let reference = Reference { mode: B, otp: Some("o".to_owned()), message: None };
    let code = "123456".parse().unwrap();
    let verify = VerifyRequest::new(recipient, reference.write(), code);
    // Sent in dialect b; since then the configuration has changed back to transport.
    let provider = provider(Mode::Transport, &server.uri());
    let verdict = provider.verify(&cx(), &verify).await.unwrap();
    assert_eq!(verdict, Verdict::Approved);
    let asked = server.received_requests().await.unwrap();
    let expected = json!({"otpRequestId": "o", "otp": "123456"});
    assert_eq!(asked[0].body_json::<Value>().unwrap(), expected);
}
