//! Every golden answer of EasyOTP, read by its adapter; and its requests, as the adapter makes them.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must stop")]

use std::time::Duration;

use otpmux_core::{
    Blame, Certainty, Channel, CodeSource, Context, Error, ErrorKind, IdempotencyKey, OtpProvider,
    ProviderId, Secret, SendRequest, Sent, VendorReference, Verdict, VerifyRequest,
};
use otpmux_easyotp::{EasyOtp, EasyOtpConfig};
use otpmux_tests::golden::{Replay, assert_all_named};

const MESSAGE: &str = "Your verification code is: {code}";
const ID: &str = "11f951d5-32d1-4b49-bdda-7da248e2615c";

fn provider(replay: &Replay) -> EasyOtp {
    let url = format!("{}/api/v1", replay.uri()).parse().unwrap();
    let config = EasyOtpConfig::new(url, Secret::new("YOUR_API_KEY"));
    EasyOtp::new(ProviderId::new("easyotp").unwrap(), config).unwrap()
}

fn cx() -> Context {
    Context::new(IdempotencyKey::from_random([7; 16]))
}

fn request(to: &str) -> SendRequest {
    let code = CodeSource::Vendor { length: None };
    let recipient: otpmux_core::Recipient = to.parse().unwrap();
    let channel = if recipient.email().is_some() { Channel::Email } else { Channel::Sms };
    SendRequest::new(recipient, channel, code)
}

fn full_request(to: &str) -> SendRequest {
    let mut request = request(to);
    request.message = Some(MESSAGE.to_owned());
    request.ttl = Some(Duration::from_secs(300));
    request
}

async fn sent(name: &str, request: &SendRequest) -> Result<Sent, Error> {
    let replay = Replay::start(name).await;
    let result = provider(&replay).send(&cx(), request).await;
    if result.is_ok() {
        replay.assert_asked_the_golden_request().await;
    }
    result
}

#[tokio::test]
async fn successful_sends() {
    let sms = || full_request("+12345678900");
    let mut email = full_request("user@example.com");
    email.subject = Some("Your Verification Code".to_owned());
    email.ttl = Some(Duration::from_secs(600));
    let mut voice = sms();
    voice.channel = Channel::Voice;
    let mut own_code = sms();
    own_code.code = CodeSource::Otpmux("123456".parse().unwrap());
    for (name, request) in [
        ("easyotp-send-sms-ok", sms()),
        ("easyotp-send-minimal-ok", request("+12345678900")),
        ("easyotp-send-email-ok", email),
        ("easyotp-send-voice-ok", voice),
        ("easyotp-send-custom-code-ok", own_code),
        ("easyotp-test-send-always-ok", full_request("+15555550100")),
    ] {
        let sent = sent(name, &request).await.unwrap();
        assert_eq!(sent.reference, Some(VendorReference::new(ID)), "{name}");
        assert_eq!(sent.request_id.as_deref(), Some("7b4d6022-7260-4568-b6b7-29c366c47bbc"));
        let noon = std::time::SystemTime::UNIX_EPOCH + Duration::from_secs(1_704_110_700);
        assert_eq!(sent.expires_at, Some(noon));
    }
}

#[tokio::test]
async fn failed_sends() {
    use Blame::{Caller, Policy, Provider};
    use Certainty::{Rejected, Unknown};
    use ErrorKind as K;
    for (name, kind, certainty, blame, retry_after) in [
        ("easyotp-send-400-channel", K::InvalidRequest, Rejected, Caller, None),
        ("easyotp-send-400-code", K::InvalidRequest, Rejected, Caller, None),
        ("easyotp-send-400-expires-in", K::InvalidRequest, Rejected, Caller, None),
        ("easyotp-send-400-recipient", K::InvalidRequest, Rejected, Caller, None),
        ("easyotp-send-401", K::Unauthenticated, Rejected, Provider, None),
        ("easyotp-send-402", K::InsufficientFunds, Rejected, Provider, None),
        ("easyotp-send-403", K::Forbidden, Rejected, Provider, None),
        ("easyotp-send-429-api-key", K::RateLimited, Rejected, Provider, None),
        ("easyotp-send-429-recipient-minute", K::RateLimited, Rejected, Policy, Some(42)),
        ("easyotp-send-429-recipient-hour", K::RateLimited, Rejected, Policy, Some(1800)),
        ("easyotp-send-429-recipient-day", K::RateLimited, Rejected, Policy, Some(43_200)),
        ("easyotp-send-500", K::Unavailable, Unknown, Provider, None),
        ("easyotp-send-502-html", K::Unavailable, Unknown, Provider, None),
    ] {
        let error = sent(name, &full_request("+12345678900")).await.unwrap_err();
        let got = (error.kind(), error.certainty(), error.blame());
        assert_eq!(got, (kind, certainty, blame), "{name}: {error}");
        assert_eq!(error.retry_after().map(|d| d.as_secs()), retry_after, "{name}");
        assert_eq!(error.provider().unwrap().as_str(), "easyotp");
    }
}

#[tokio::test]
async fn verdicts() {
    let locked = Verdict::TooManyGuesses { retry_after: Some(Duration::from_secs(900)) };
    let wrong = || Verdict::WrongCode { guesses_left: None };
    for (name, id, code, expected) in [
        ("easyotp-verify-ok", ID, "123456", Verdict::Approved),
        ("easyotp-test-verify-always-ok", ID, "123456", Verdict::Approved),
        ("easyotp-verify-invalid", ID, "000000", wrong()),
        ("easyotp-test-verify-always-invalid", ID, "123456", wrong()),
        ("easyotp-verify-expired", ID, "123456", Verdict::Expired),
        ("easyotp-test-verify-expired", ID, "123456", Verdict::Expired),
        ("easyotp-verify-used", ID, "123456", Verdict::AlreadyUsed),
        ("easyotp-verify-429-locked", ID, "000000", locked),
        ("easyotp-verify-404", "00000000-0000-4000-8000-000000000000", "123456", Verdict::NotFound),
    ] {
        let replay = Replay::start(name).await;
        let verdict = provider(&replay).verify(&cx(), &verify(id, code)).await.unwrap();
        assert_eq!(verdict, expected, "{name}");
        replay.assert_asked_the_golden_request().await;
    }
}

#[tokio::test]
async fn failed_verifies() {
    use Certainty::{Rejected, Unknown};
    use ErrorKind as K;
    for (name, kind, certainty) in [
        ("easyotp-verify-400-missing-id", K::InvalidRequest, Rejected),
        ("easyotp-verify-400-code", K::InvalidRequest, Rejected),
        ("easyotp-verify-401", K::Unauthenticated, Rejected),
        ("easyotp-verify-403", K::Forbidden, Rejected),
        ("easyotp-verify-500", K::Unavailable, Unknown),
    ] {
        let replay = Replay::start(name).await;
        let error = provider(&replay).verify(&cx(), &verify(ID, "123456")).await.unwrap_err();
        assert_eq!((error.kind(), error.certainty()), (kind, certainty), "{name}: {error}");
    }
}

fn verify(id: &str, code: &str) -> VerifyRequest {
    let to = "+12345678900".parse().unwrap();
    VerifyRequest::new(to, Some(VendorReference::new(id)), code.parse().unwrap())
}

#[test]
fn every_file_is_replayed() {
    assert_all_named("easyotp", include_str!("golden_easyotp.rs"));
}
