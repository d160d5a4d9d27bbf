//! Every golden answer of StartMessaging, read by its adapter; and its requests, as the adapter
//! makes them.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must stop")]

use std::time::{Duration, SystemTime};

use otpmux_core::{
    Channel, CodeSource, Context, Delivery, Error, ErrorKind, IdempotencyKey, OtpProvider,
    ProviderId, Recipient, ResendRequest, Secret, SendRequest, Sent, Status, Target,
    VendorReference, Verdict, VerifyRequest,
};
use otpmux_startmessaging::{Dialect, Mode, StartMessaging, StartMessagingConfig};
use otpmux_tests::golden::{Replay, assert_all_named, load};
use serde_json::Value;

const TRANSPORT: Mode = Mode::Transport;
const A: Mode = Mode::Managed(Dialect::A);
const B: Mode = Mode::Managed(Dialect::B);
const C: Mode = Mode::Managed(Dialect::C);

/// f47ac10b-58cc-4372-a567-0e02b2c3d479, wherever the golden requests hold a key of our form.
const KEY: [u8; 16] = [
    0xf4, 0x7a, 0xc1, 0x0b, 0x58, 0xcc, 0x43, 0x72, 0xa5, 0x67, 0x0e, 0x02, 0xb2, 0xc3, 0xd4, 0x79,
];
const NUMBER: &str = "+919876543210";
/// The message and the OTP request of the answers that were taken from the server.
const MESSAGE: &str = "0b9d8c7a-6e5f-4d3c-8b2a-190817263545";
const OTP_REQUEST: &str = "6a1f0f0e-2c1b-4c55-9c3e-1f2a3b4c5d6e";

fn cx() -> Context {
    Context::new(IdempotencyKey::from_random(KEY))
}

/// A provider and a request that should make a golden file's request.
fn set_up(name: &str, mode: Mode, uri: &str) -> (StartMessaging, SendRequest) {
    let body = load(name).request.body;
    let text = |path: &str| body.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let key = Secret::new("sm_live_your_api_key_here");
    let mut config = StartMessagingConfig::new(uri.parse().unwrap(), key);
    config.mode = mode;
    config.template_id = text("/templateId");
    config.app_name = text("/variables/appName");
    let code = if mode == A {
        CodeSource::Vendor { length: None }
    } else {
        let code = text("/variables/otp").or(text("/otp"));
        let code = code.unwrap().parse();
        CodeSource::Otpmux(code.unwrap_or("123456".parse().unwrap()))
    };
    let number = text("/phoneNumber").unwrap().parse::<Recipient>();
    let number = number.unwrap_or(NUMBER.parse().unwrap());
    let id = ProviderId::new("startmessaging").unwrap();
    let provider = StartMessaging::new(id, config).unwrap();
    (provider, SendRequest::new(number, Channel::Sms, code))
}

/// A provider for the calls that follow a send.
fn provider(mode: Mode, replay: &Replay) -> StartMessaging {
    let key = Secret::new("sm_live_your_api_key_here");
    let mut config = StartMessagingConfig::new(replay.uri().parse().unwrap(), key);
    config.mode = mode;
    StartMessaging::new(ProviderId::new("startmessaging").unwrap(), config).unwrap()
}

/// Sends, and compares the request but for some fields; `None` compares nothing.
async fn sent(name: &str, mode: Mode, but_for: Option<&[&str]>) -> Result<Sent, Error> {
    let replay = Replay::start(name).await;
    let (provider, request) = set_up(name, mode, &replay.uri());
    let result = provider.send(&cx(), &request).await;
    if let Some(fields) = but_for {
        replay.assert_asked_the_golden_request_but_for(fields).await;
    }
    result
}

fn reference(mode: Mode, otp: Option<&str>, message: Option<&str>) -> VendorReference {
    let field =
        |name, id: Option<&str>| id.map(|id| format!(r#","{name}":"{id}""#)).unwrap_or_default();
    let mode = serde_json::to_string(&mode).unwrap();
    let (otp, message) = (field("otp", otp), field("message", message));
    VendorReference::new(format!(r#"{{"mode":{mode}{otp}{message}}}"#))
}

fn number() -> Recipient {
    NUMBER.parse().unwrap()
}

/// What an error says, in the words of the HTTP API: kind, certainty, blame, seconds, vendor code.
fn facts(error: &Error) -> String {
    assert_eq!(error.provider().unwrap().as_str(), "startmessaging");
    let after = error.retry_after().map_or("-".to_owned(), |after| after.as_secs().to_string());
    let (kind, certainty, blame) = (error.kind(), error.certainty(), error.blame());
    format!(
        "{} {} {} {after} {}",
        kind.as_str(),
        certainty.as_str(),
        blame.as_str(),
        error.vendor_code().unwrap_or("-")
    )
}

#[tokio::test]
async fn sends_with_codes_of_the_vendor() {
    let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(1_769_083_800);
    let later = SystemTime::UNIX_EPOCH + Duration::from_secs(1_777_204_800);
    let no_key: &[&str] = &["idempotencyKey"];
    for (name, but_for, id, expires_at) in [
        ("startmessaging-a-send-ok", &[][..], "req_test_123", noon),
        ("startmessaging-a-send-idempotent-replay", &[], "req_test_123", noon),
        ("startmessaging-a-send-ok-bare-data", no_key, "req_123", later),
    ] {
        let sent = sent(name, A, Some(but_for)).await.unwrap();
        let expected = reference(A, Some(id), None);
        assert_eq!(sent.reference, Some(expected), "{name}");
        assert_eq!(sent.expires_at, Some(expires_at), "{name}");
        assert_eq!(sent.guesses_left, Some(3), "{name}");
        assert_eq!((sent.request_id, sent.delivery), (None, None), "{name}");
    }
}

#[tokio::test]
async fn sends_with_codes_of_ours() {
    use Delivery::{Accepted, Sent};
    let documented = ("uuid-of-otp-request", "uuid-of-message", Some("req_abc123"));
    let server = (OTP_REQUEST, MESSAGE, Some("req_1a2b3c4d5e6f7a8b"));
    let again = (
        "7c6b5a49-3827-4165-8f9e-0d1c2b3a4958",
        "5e4d3c2b-1a09-48f7-8e6d-5c4b3a291807",
        Some("req_9f8e7d6c5b4a3f2e"),
    );
    // Our key goes with every send, theirs only with some; and no code goes twice.
    let key: &[&str] = &["idempotencyKey"];
    let second_code: &[&str] = &["otp"];
    for (name, mode, but_for, ids, delivery) in [
        ("startmessaging-b-send-ok", B, key, documented, Accepted),
        ("startmessaging-c-send-ok", C, key, documented, Accepted),
        ("startmessaging-c-send-ok", TRANSPORT, key, documented, Accepted),
        ("startmessaging-s-send-ok", TRANSPORT, key, server, Sent),
        ("startmessaging-s-send-ok-initiated", TRANSPORT, key, server, Accepted),
        ("startmessaging-s-send-ok-superset-body", TRANSPORT, second_code, server, Sent),
        ("startmessaging-s-send-repeat-not-deduplicated", TRANSPORT, &[], again, Sent),
    ] {
        let sent = sent(name, mode, Some(but_for)).await.unwrap();
        let (otp, message, call) = ids;
        let expected = reference(mode, Some(otp), Some(message));
        assert_eq!(sent.reference, Some(expected), "{name}");
        assert_eq!(sent.request_id.as_deref(), call, "{name}");
        assert_eq!(sent.delivery, Some(delivery), "{name}");
        assert_eq!(sent.expires_at, None, "{name}");
    }
}

/// File and what its error says.
#[rustfmt::skip]
const FAILED_SENDS: &[(&str, Mode, &str)] = &[
    ("startmessaging-a-send-400", A, "invalid_request rejected caller - -"),
    ("startmessaging-a-send-401", A, "unauthenticated rejected provider - -"),
    ("startmessaging-a-send-402", A, "insufficient_funds rejected provider - -"),
    ("startmessaging-a-send-409-duplicate-key", A, "conflict unknown provider - -"),
    ("startmessaging-a-send-409-key-reused-other-number", A, "conflict rejected caller - IDEMPOTENCY_CONFLICT"),
    ("startmessaging-a-send-429", A, "rate_limited rejected provider - -"),
    ("startmessaging-a-send-500", A, "unavailable unknown provider - -"),
    ("startmessaging-s-send-400-variables-missing", A, "unsupported rejected provider - VALIDATION_ERROR"),
    ("startmessaging-s-send-400-insufficient-balance", TRANSPORT, "insufficient_funds rejected provider - INSUFFICIENT_BALANCE"),
    ("startmessaging-s-send-400-number-limit", TRANSPORT, "rate_limited rejected policy 300 RATE_LIMIT_EXCEEDED"),
    ("startmessaging-s-send-400-send-failed", TRANSPORT, "unavailable rejected provider - OTP_SEND_FAILED"),
    ("startmessaging-s-send-400-template-not-uuid", TRANSPORT, "invalid_request rejected caller - VALIDATION_ERROR"),
    ("startmessaging-s-send-400-validation-otp", TRANSPORT, "invalid_request rejected caller - VALIDATION_ERROR"),
    ("startmessaging-s-send-400-validation-phone", TRANSPORT, "invalid_request rejected caller - VALIDATION_ERROR"),
    ("startmessaging-s-send-401-invalid-key", TRANSPORT, "unauthenticated rejected provider - UNAUTHORIZED"),
    ("startmessaging-s-send-401-no-key", TRANSPORT, "unauthenticated rejected provider - UNAUTHORIZED"),
    ("startmessaging-s-send-401-suspended", TRANSPORT, "forbidden rejected provider - UNAUTHORIZED"),
    ("startmessaging-s-send-403-onboarding", TRANSPORT, "forbidden rejected provider - FORBIDDEN"),
    ("startmessaging-s-send-429-throttled", TRANSPORT, "rate_limited rejected provider 10 INTERNAL_ERROR"),
    ("startmessaging-s-send-500", TRANSPORT, "unavailable unknown provider - INTERNAL_ERROR"),
];

/// Requests that cannot be made at all: the number has no plus, the code has two digits.
const UNASKABLE: [&str; 2] =
    ["startmessaging-s-send-400-validation-otp", "startmessaging-s-send-400-validation-phone"];

#[tokio::test]
async fn failed_sends() {
    for (name, mode, expected) in FAILED_SENDS {
        let but_for: &[&str] = match *mode {
            TRANSPORT => &["idempotencyKey"],
            _ => &[],
        };
        let but_for = Some(but_for).filter(|_| !UNASKABLE.contains(name));
        let error = sent(name, *mode, but_for).await.unwrap_err();
        assert_eq!(facts(&error), *expected, "{name}: {error}");
        let id = load(name).response.body["requestId"].clone();
        assert_eq!(error.request_id(), id.as_str(), "{name}");
    }
}

/// a code that otpmux generated does not need the id that was in the first answer.
#[tokio::test]
async fn a_duplicate_key_is_accepted_where_the_code_is_ours() {
    let replay = Replay::start("startmessaging-a-send-409-duplicate-key").await;
    for mode in [TRANSPORT, B, C] {
        let code = CodeSource::Otpmux("123456".parse().unwrap());
        let request = SendRequest::new(number(), Channel::Sms, code);
        let sent = provider(mode, &replay).send(&cx(), &request).await;
        assert_eq!(sent.unwrap(), Sent::new());
    }
}

async fn verified(name: &str, mode: Mode) -> Result<Verdict, Error> {
    let replay = Replay::start(name).await;
    let body = load(name).request.body;
    let (id, code) = if mode == B {
        (&body["otpRequestId"], &body["otp"])
    } else {
        (&body["requestId"], &body["otpCode"])
    };
    let reference = reference(mode, id.as_str(), None);
    let code = code.as_str().unwrap().parse().unwrap();
    let request = VerifyRequest::new(number(), Some(reference), code);
    let result = provider(mode, &replay).verify(&cx(), &request).await;
    replay.assert_asked_the_golden_request().await;
    result
}

#[tokio::test]
async fn verdicts() {
    let wrong = Verdict::WrongCode { guesses_left: None };
    let exhausted = Verdict::TooManyGuesses { retry_after: None };
    for (name, mode, expected) in [
        ("startmessaging-a-verify-ok", A, Verdict::Approved),
        ("startmessaging-b-verify-ok", B, Verdict::Approved),
        ("startmessaging-c-verify-ok", C, Verdict::Approved),
        ("startmessaging-a-verify-400-wrong-code", A, wrong),
        ("startmessaging-a-verify-400-exhausted", A, exhausted),
        ("startmessaging-a-verify-410-expired", A, Verdict::Expired),
    ] {
        let verdict = verified(name, mode).await.unwrap();
        assert_eq!(verdict, expected, "{name}");
    }
    for mode in [A, C] {
        let result = verified("startmessaging-s-verify-404-no-route", mode).await;
        let expected = "unsupported rejected provider - NOT_FOUND";
        assert_eq!(facts(&result.unwrap_err()), expected);
    }
}

async fn resent(name: &str) -> Result<Sent, Error> {
    let replay = Replay::start(name).await;
    let body = load(name).request.body;
    let reference = reference(B, body["otpRequestId"].as_str(), None);
    let request = ResendRequest::new(Target::new(number(), Some(reference)));
    let result = provider(B, &replay).resend(&cx(), &request).await;
    replay.assert_asked_the_golden_request().await;
    result
}

#[tokio::test]
async fn resends() {
    let sent = resent("startmessaging-b-resend-ok").await.unwrap();
    let ids = (Some("uuid-of-otp-request"), Some("uuid-of-message"));
    let expected = reference(B, ids.0, ids.1);
    assert_eq!(sent.reference, Some(expected));
    assert_eq!(sent.request_id.as_deref(), Some("req_abc124"));
    assert_eq!(sent.delivery, Some(Delivery::Accepted));
    let result = resent("startmessaging-s-resend-404-no-route").await;
    let expected = "unsupported rejected provider - NOT_FOUND";
    assert_eq!(facts(&result.unwrap_err()), expected);
}

async fn status(name: &str) -> Result<Status, Error> {
    let replay = Replay::start(name).await;
    let path = load(name).request.path;
    let message = path.strip_prefix("/messages/");
    let reference = reference(TRANSPORT, None, message);
    let target = Target::new(number(), Some(reference));
    let result = provider(TRANSPORT, &replay).status(&cx(), &target).await;
    replay.assert_asked_the_golden_request().await;
    result
}

#[tokio::test]
async fn messages() {
    let delivered_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_771_151_405);
    for name in ["startmessaging-c-message-delivered", "startmessaging-s-message-get-delivered"] {
        let status = status(name).await.unwrap();
        let got = (status.delivery, status.delivered_at, status.failure);
        let expected = (Delivery::Delivered, Some(delivered_at), None);
        assert_eq!(got, expected, "{name}");
    }
    for (name, why) in [
        ("startmessaging-c-message-failed", "Delivery failed"),
        ("startmessaging-s-message-get-failed", "Message could not be delivered"),
    ] {
        let status = status(name).await.unwrap();
        let got = (status.delivery, status.delivered_at, status.failure.as_deref());
        assert_eq!(got, (Delivery::Failed, None, Some(why)), "{name}");
    }
    for (name, kind) in [
        ("startmessaging-s-message-get-404", ErrorKind::NotFound),
        ("startmessaging-s-message-get-null-older", ErrorKind::NotFound),
        ("startmessaging-s-message-get-400-not-uuid", ErrorKind::InvalidRequest),
    ] {
        let error = status(name).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{name}");
    }
}

#[tokio::test]
async fn wallet() {
    let replay = Replay::start("startmessaging-s-wallet").await;
    let balance = provider(TRANSPORT, &replay).balance(&cx()).await.unwrap();
    assert_eq!(balance.amount, "10.0000");
    assert_eq!(balance.currency.as_deref(), Some("INR"));
    replay.assert_asked_the_golden_request().await;
}

#[test]
fn every_file_is_replayed() {
    assert_all_named("startmessaging", include_str!("golden_startmessaging.rs"));
}
