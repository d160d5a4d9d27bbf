//! Every golden answer of AirTexts, read by its adapter; and its requests, as the adapter makes them.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must stop")]

use std::time::{Duration, SystemTime};

use otpmux_airtexts::{AirTexts, AirTextsConfig, Credentials, ListQuery, ReportQuery};
use otpmux_core::{
    Blame, Certainty, Channel, Clock, CodeSource, Context, Delivery, Error, ErrorKind,
    IdempotencyKey, OtpProvider, ProviderId, Recipient, ResendRequest, SendRequest, Sent, Target,
    VendorReference, Verdict, VerifyRequest,
};
use otpmux_tests::golden::{Replay, assert_all_named};
use serde_json::json;

const ID: &str = "otp_67890abcdef12345";

/// 2025-08-20T10:00:00Z, five minutes before the expiry in the answers.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_755_684_000)
}

#[derive(Debug)]
struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> SystemTime {
        now()
    }
}

fn key_pair() -> Credentials {
    Credentials::KeyPair { key: "your_api_key".into(), secret: "your_api_secret".into() }
}

fn provider(replay: &Replay, credentials: Credentials) -> AirTexts {
    let url = replay.uri().parse().unwrap();
    let mut config = AirTextsConfig::new(url, "your_app_id", credentials);
    config.from = Some("YourApp".to_owned());
    config.resend = true;
    config.status = true;
    let provider = AirTexts::new(ProviderId::new("airtexts").unwrap(), config).unwrap();
    provider.with_clock(std::sync::Arc::new(Fixed))
}

async fn replay(name: &str) -> (Replay, AirTexts) {
    let replay = Replay::start(name).await;
    let provider = provider(&replay, key_pair());
    (replay, provider)
}

fn cx() -> Context {
    Context::new(IdempotencyKey::from_random([7; 16]))
}

fn recipient() -> Recipient {
    "+5511999888777".parse().unwrap()
}

fn request() -> SendRequest {
    let code = CodeSource::Vendor { length: None };
    SendRequest::new(recipient(), Channel::Sms, code)
}

fn target() -> Target {
    Target::new(recipient(), Some(VendorReference::new(ID)))
}

fn assert_is_the_golden_send(name: &str, sent: &Sent) {
    assert_eq!(sent.reference, Some(VendorReference::new(ID)), "{name}");
    let expiry = now() + Duration::from_mins(5);
    assert_eq!(sent.expires_at, Some(expiry), "{name}");
    assert_eq!(sent.guesses_left, None, "{name}");
}

#[tokio::test]
async fn successful_sends() {
    let mut full = request();
    full.code = CodeSource::Vendor { length: Some(6) };
    full.template = Some("123".to_owned());
    full.locale = Some("pt".to_owned());
    let mut whatsapp = request();
    whatsapp.channel = Channel::WhatsApp;
    whatsapp.sender = Some("YourCompany".to_owned());
    let basic = Credentials::Basic { username: "username".to_owned(), password: "password".into() };
    for (name, request, credentials) in [
        ("airtexts-send-ok", request(), key_pair()),
        ("airtexts-send-ok-nested-data", request(), key_pair()),
        ("airtexts-send-all-params-ok", full, key_pair()),
        ("airtexts-send-whatsapp-basic-ok", whatsapp, basic),
    ] {
        let replay = Replay::start(name).await;
        let provider = provider(&replay, credentials);
        let sent = provider.send(&cx(), &request).await.unwrap();
        assert_is_the_golden_send(name, &sent);
        replay.assert_asked_the_golden_request().await;
    }
}

#[tokio::test]
async fn failed_sends() {
    use Blame::{Provider, Recipient};
    use Certainty::{Rejected, Unknown};
    use ErrorKind as K;
    for (name, kind, certainty, blame, code) in [
        ("airtexts-send-400", K::InvalidRecipient, Rejected, Recipient, "INVALID_RECIPIENT"),
        ("airtexts-send-401", K::Unauthenticated, Rejected, Provider, "UNAUTHORIZED"),
        ("airtexts-send-402", K::InsufficientFunds, Rejected, Provider, "INSUFFICIENT_BALANCE"),
        ("airtexts-send-403", K::Forbidden, Rejected, Provider, "INVALID_APP_ID"),
        ("airtexts-send-429", K::RateLimited, Rejected, Provider, "RATE_LIMITED"),
        ("airtexts-send-500", K::Unavailable, Unknown, Provider, "INTERNAL_ERROR"),
    ] {
        let (replay, provider) = replay(name).await;
        let error: Error = provider.send(&cx(), &request()).await.unwrap_err();
        let got = (error.kind(), error.certainty(), error.blame());
        assert_eq!(got, (kind, certainty, blame), "{name}: {error}");
        assert_eq!(error.vendor_code(), Some(code), "{name}");
        let after = (name == "airtexts-send-429").then_some(Duration::from_mins(1));
        assert_eq!(error.retry_after(), after, "{name}");
        assert_eq!(error.provider().unwrap().as_str(), "airtexts");
        replay.assert_asked_the_golden_request().await;
    }
}

async fn verdict(name: &str, code: &str) -> (Replay, Verdict) {
    let (replay, provider) = replay(name).await;
    let reference = Some(VendorReference::new(ID));
    let request = VerifyRequest::new(recipient(), reference, code.parse().unwrap());
    let verdict = provider.verify(&cx(), &request).await.unwrap();
    (replay, verdict)
}

#[tokio::test]
async fn verdicts() {
    let wrong = |guesses_left| Verdict::WrongCode { guesses_left };
    let exhausted = Verdict::TooManyGuesses { retry_after: Some(Duration::from_mins(5)) };
    for (name, code, expected) in [
        ("airtexts-verify-ok", "123456", Verdict::Approved),
        ("airtexts-verify-wrong-code", "000000", wrong(Some(2))),
        ("airtexts-verify-wrong-code-200", "000000", wrong(None)),
        ("airtexts-verify-expired", "123456", Verdict::Expired),
        ("airtexts-verify-used", "123456", Verdict::AlreadyUsed),
        ("airtexts-verify-429-attempts", "000000", exhausted),
        ("airtexts-verify-404", "123456", Verdict::NotFound),
    ] {
        let (replay, verdict) = verdict(name, code).await;
        assert_eq!(verdict, expected, "{name}");
        replay.assert_asked_the_golden_request().await;
    }
}

#[tokio::test]
async fn an_approval_without_the_recipient() {
    // The answer only: this adapter always names the recipient, so it never asks in this form.
    let (_, verdict) = verdict("airtexts-verify-ok-without-recipient", "123456").await;
    assert_eq!(verdict, Verdict::Approved);
}

#[tokio::test]
async fn resend() {
    let name = "airtexts-resend-ok";
    let (replay, provider) = replay(name).await;
    let request = ResendRequest::new(target());
    let sent = provider.resend(&cx(), &request).await.unwrap();
    assert_is_the_golden_send(name, &sent);
    replay.assert_asked_the_golden_request().await;
}

#[tokio::test]
async fn status() {
    let (replay, provider) = replay("airtexts-status-ok").await;
    let status = provider.otp_status(&cx(), ID).await.unwrap();
    assert_eq!(status.verification_id.as_deref(), Some(ID));
    assert_eq!(status.status.as_deref(), Some("delivered"));
    assert_eq!(status.channel.as_deref(), Some("sms"));
    assert_eq!(status.verified, Some(false));
    assert_eq!(status.expires_at, Some(now() + Duration::from_mins(5)));
    assert_eq!(status.extra["recipient"], "+5511999888777");
    replay.assert_asked_the_golden_request().await;
}

#[tokio::test]
async fn status_by_the_port() {
    let (replay, provider) = replay("airtexts-status-ok").await;
    let status = provider.status(&cx(), &target()).await.unwrap();
    assert_eq!(status.delivery, Delivery::Delivered);
    assert_eq!((status.delivered_at, status.failure), (None, None));
    replay.assert_asked_the_golden_request().await;
}

#[tokio::test]
async fn lists() {
    let (replayed, provider) = replay("airtexts-list-ok").await;
    let page = provider.list(&cx(), ListQuery::default()).await.unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0]["status"], "pending");
    let numbers = (page.page, page.limit, page.total);
    assert_eq!(numbers, (Some(1), Some(20), Some(1)));
    replayed.assert_asked_the_golden_request().await;

    let (replayed, provider) = replay("airtexts-logs-ok").await;
    let page = provider.logs(&cx(), ListQuery::default()).await.unwrap();
    assert_eq!(page.items[0]["event"], "sent");
    assert_eq!(page.total, Some(1));
    replayed.assert_asked_the_golden_request().await;

    let (replayed, provider) = replay("airtexts-attempts-ok").await;
    let page = provider.attempts(&cx(), ID).await.unwrap();
    assert_eq!(page.items[0]["success"], false);
    assert_eq!((page.items.len(), page.total), (1, None));
    replayed.assert_asked_the_golden_request().await;
}

#[tokio::test]
async fn limits_and_reports() {
    let (replayed, provider) = replay("airtexts-rate-limits-ok").await;
    let limits = provider.rate_limits(&cx(), &recipient()).await.unwrap();
    let expected = json!({"limit": 5, "remaining": 4, "reset_at": "2025-08-20T11:00:00Z"});
    assert_eq!(limits, json!({"success": true, "data": expected}));
    replayed.assert_asked_the_golden_request().await;

    let (replayed, provider) = replay("airtexts-reports-ok").await;
    let report = provider.reports(&cx(), ReportQuery::new()).await.unwrap();
    let expected = json!({"sent": 1, "verified": 0, "failed": 0});
    assert_eq!(report, json!({"success": true, "data": expected}));
    replayed.assert_asked_the_golden_request().await;
}

#[test]
fn every_file_is_replayed() {
    assert_all_named("airtexts", include_str!("golden_airtexts.rs"));
}
