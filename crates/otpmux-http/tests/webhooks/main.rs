//! Webhooks that otpmux sends: to whom, signed how, and what an answer means.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use otpmux_core::Secret;
use otpmux_http::signature::{ReceiptSecrets, StandardWebhook, check_standard_webhook};
use otpmux_http::webhook::{Lookup, Posted, WebhookSecret, WebhookSender, WebhookUrl};
use otpmux_testkit::faulty::{FaultyServer, Play, Reply};

const NEW: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OLD: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const NO_ADDRESS: Posted = Posted::Failed("the name of the host has no public address");

/// Every name has these addresses.
struct Names(Vec<IpAddr>);

impl Lookup for Names {
    fn lookup(&self, _: String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        let addresses = self.0.clone();
        Box::pin(async move { Ok(addresses) })
    }
}

fn sender(addresses: &[&str]) -> WebhookSender {
    let addresses = addresses.iter().map(|it| it.parse().unwrap()).collect();
    WebhookSender::with_lookup(Arc::new(Names(addresses))).unwrap()
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000)
}

async fn post(sender: &WebhookSender, url: &str) -> Posted {
    let url = WebhookUrl::parse(url, true).unwrap();
    let secrets: Vec<WebhookSecret> = vec![NEW.parse().unwrap(), OLD.parse().unwrap()];
    sender.post(&url, &secrets, "0f-a", now(), r#"{"type":"x"}"#.to_owned()).await
}

/// A name that its owner lets point into the network of the operator.
#[tokio::test]
async fn no_connection_to_an_address_that_is_not_public() {
    let inside = FaultyServer::start(&Reply::new(200)).await;
    let url = format!("https://receiver.example:{}/", inside.address().port());
    for address in [
        "127.0.0.1",
        "::1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "10.0.0.7",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.100.100.200",
        "fd00:ec2::254",
        "fe80::1",
        "fc00::1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "2002:7f00:1::1",
    ] {
        assert_eq!(post(&sender(&[address]), &url).await, NO_ADDRESS, "{address}");
    }
    assert_eq!(inside.connections().len(), 0);
}

/// With the flag, only addresses of this machine are allowed for its names, and no others.
#[tokio::test]
async fn a_name_of_this_machine_leads_nowhere_else() {
    for address in ["10.0.0.7", "169.254.169.254", "8.8.8.8"] {
        assert_eq!(post(&sender(&[address]), "http://localhost:9/").await, NO_ADDRESS, "{address}");
    }
    let here = FaultyServer::start(&Reply::new(204)).await;
    let url = format!("http://localhost:{}/", here.address().port());
    assert_eq!(post(&sender(&["10.0.0.7", "127.0.0.1"]), &url).await, Posted::Accepted);
}

#[tokio::test]
async fn both_signatures_of_a_rotation_fit_the_specification() {
    let receiver = FaultyServer::start(&Reply::new(200)).await;
    assert_eq!(post(&sender(&[]), &receiver.url()).await, Posted::Accepted);
    let requests = receiver.requests();
    let request = &requests[0];
    assert_eq!(request.header("content-type"), Some("application/json"));
    let headers = StandardWebhook {
        id: request.header("webhook-id"),
        timestamp: request.header("webhook-timestamp"),
        signature: request.header("webhook-signature"),
    };
    assert_eq!((headers.id, headers.timestamp), (Some("0f-a"), Some("1700000000")));
    for secret in [NEW, OLD] {
        let secrets = ReceiptSecrets::new(Secret::new(secret));
        assert_eq!(check_standard_webhook(&secrets, headers, &request.body, now()), Ok(()));
    }
}

#[tokio::test]
async fn only_a_2xx_means_that_the_receiver_has_it() {
    for status in [200, 201, 202, 204, 299] {
        let receiver = FaultyServer::start(&Reply::new(status)).await;
        assert_eq!(post(&sender(&[]), &receiver.url()).await, Posted::Accepted, "{status}");
    }
    for status in [304, 400, 401, 404, 410, 429, 500, 502, 503, 504] {
        let receiver = FaultyServer::start(&Reply::new(status)).await;
        let expected = Posted::Refused { status, retry_after: None };
        assert_eq!(post(&sender(&[]), &receiver.url()).await, expected);
    }
    let reply = Reply::new(429).with_header("retry-after", "120");
    let receiver = FaultyServer::start(&reply).await;
    let expected = Posted::Refused { status: 429, retry_after: Some(Duration::from_mins(2)) };
    assert_eq!(post(&sender(&[]), &receiver.url()).await, expected);
}

#[tokio::test]
async fn a_redirect_is_a_failure_and_nobody_else_gets_the_event() {
    let elsewhere = FaultyServer::start(&Reply::new(200)).await;
    for status in [301, 302, 303, 307, 308] {
        let receiver = FaultyServer::start(Play::redirect(status, &elsewhere.url())).await;
        let expected = Posted::Refused { status, retry_after: None };
        assert_eq!(post(&sender(&[]), &receiver.url()).await, expected);
    }
    assert_eq!(elsewhere.connections().len(), 0);
}

#[tokio::test]
async fn a_receiver_that_breaks_the_connection_may_have_it() {
    for play in [Play::read_then_close(), Play::read_then_reset(), Play::not_http()] {
        let receiver = FaultyServer::start(play).await;
        let broken = Posted::Failed("the connection broke, or what came back is not HTTP");
        assert_eq!(post(&sender(&[]), &receiver.url()).await, broken);
        assert_eq!(receiver.requests().len(), 1, "one try is one request");
    }
    let refused = otpmux_testkit::faulty::refused_address().await;
    let failed = post(&sender(&[]), &format!("http://{refused}/")).await;
    assert_eq!(failed, Posted::Failed("no connection"));
}

/// The body of an answer is of no interest, however long it is.
#[tokio::test]
async fn a_long_answer_costs_nothing() {
    let receiver = FaultyServer::start(Play::huge_body(1 << 40)).await;
    assert_eq!(post(&sender(&[]), &receiver.url()).await, Posted::Accepted);
}

#[tokio::test]
async fn a_receiver_that_hangs_is_given_up() {
    let receiver = FaultyServer::start(Play::silence()).await;
    let hurried = sender(&[]).with_timeout(Duration::from_millis(200));
    assert_eq!(post(&hurried, &receiver.url()).await, Posted::Failed("no answer in time"));
}
