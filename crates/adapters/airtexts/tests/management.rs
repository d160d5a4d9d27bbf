//! The golden files of the calls that are no part of the port: what the adapter asks, and what it
//! makes of the answers.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must stop")]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, SystemTime};

use otpmux_airtexts::{AirTexts, AirTextsConfig, Credentials, ListQuery, ReportQuery};
use otpmux_core::{Context, IdempotencyKey, ProviderId};
use otpmux_golden::{Call, Wire};
use otpmux_testkit::golden::{Replay, VendorFolder};
use serde_json::json;

const ID: &str = "otp_67890abcdef12345";

/// Every call that is tested here, with its golden file.
const CALLS: [(&str, &str); 6] = [
    ("attempts", "attempts-ok"),
    ("list", "list-ok"),
    ("logs", "logs-ok"),
    ("otp_status", "status-ok"),
    ("rate_limits", "rate-limits-ok"),
    ("reports", "reports-ok"),
];

fn folder() -> VendorFolder {
    VendorFolder::read(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The answer of a call's file, and the adapter in front of it.
async fn replay(call: &str) -> (Replay, AirTexts) {
    let (_, file) = CALLS.iter().find(|(name, _)| *name == call).unwrap();
    let replay = Replay::start(folder().file(file)).await;
    let credentials =
        Credentials::KeyPair { key: "your_api_key".into(), secret: "your_api_secret".into() };
    let config = AirTextsConfig::new(replay.url().parse().unwrap(), "your_app_id", credentials);
    let provider = AirTexts::new(ProviderId::new("airtexts").unwrap(), config).unwrap();
    (replay, provider)
}

fn cx() -> Context {
    Context::new(IdempotencyKey::from_random([7; 16]))
}

#[test]
fn every_call_of_its_own_that_a_file_names_is_tested_here() {
    let folder = folder();
    let mut named = BTreeSet::new();
    for file in folder.files() {
        for case in &file.golden.cases {
            if let Call::Own(call) = &case.call {
                named.insert((call.clone(), file.name.clone()));
            }
        }
    }
    let tested = CALLS.map(|(call, file)| (call.to_owned(), file.to_owned()));
    assert_eq!(named, BTreeSet::from(tested));
}

#[tokio::test]
async fn otp_status() {
    let (replay, provider) = replay("otp_status").await;
    let status = provider.otp_status(&cx(), ID).await.unwrap();
    assert_eq!(status.verification_id.as_deref(), Some(ID));
    assert_eq!(status.status.as_deref(), Some("delivered"));
    assert_eq!(status.channel.as_deref(), Some("sms"));
    assert_eq!(status.verified, Some(false));
    // 2025-08-20T10:05:00Z
    let expiry = SystemTime::UNIX_EPOCH + Duration::from_secs(1_755_684_300);
    assert_eq!(status.expires_at, Some(expiry));
    assert_eq!(status.extra["recipient"], "+5511999888777");
    replay.check(&Wire::Same).unwrap();
}

#[tokio::test]
async fn list() {
    let (replay, provider) = replay("list").await;
    let page = provider.list(&cx(), ListQuery::default()).await.unwrap();
    assert_eq!(page.items.len(), 1);
    assert_eq!(page.items[0]["status"], "pending");
    assert_eq!((page.page, page.limit, page.total), (Some(1), Some(20), Some(1)));
    replay.check(&Wire::Same).unwrap();
}

#[tokio::test]
async fn logs() {
    let (replay, provider) = replay("logs").await;
    let page = provider.logs(&cx(), ListQuery::default()).await.unwrap();
    assert_eq!(page.items[0]["event"], "sent");
    assert_eq!(page.total, Some(1));
    replay.check(&Wire::Same).unwrap();
}

#[tokio::test]
async fn attempts() {
    let (replay, provider) = replay("attempts").await;
    let page = provider.attempts(&cx(), ID).await.unwrap();
    assert_eq!(page.items[0]["success"], false);
    assert_eq!((page.items.len(), page.total), (1, None));
    replay.check(&Wire::Same).unwrap();
}

#[tokio::test]
async fn rate_limits() {
    let (replay, provider) = replay("rate_limits").await;
    let recipient = "+5511999888777".parse().unwrap();
    let limits = provider.rate_limits(&cx(), &recipient).await.unwrap();
    let expected = json!({"limit": 5, "remaining": 4, "reset_at": "2025-08-20T11:00:00Z"});
    assert_eq!(limits, json!({"success": true, "data": expected}));
    replay.check(&Wire::Same).unwrap();
}

#[tokio::test]
async fn reports() {
    let (replay, provider) = replay("reports").await;
    let report = provider.reports(&cx(), ReportQuery::new()).await.unwrap();
    let expected = json!({"sent": 1, "verified": 0, "failed": 0});
    assert_eq!(report, json!({"success": true, "data": expected}));
    replay.check(&Wire::Same).unwrap();
}
