//! Notifications of SNS, signed with a key whose certificate a server of the test gives.

use std::time::SystemTime;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use otpmux_core::{
    Blame, Context, Correlation, Delivery, Error, ErrorKind, IdempotencyKey, ProviderId, Receipt,
    ReceiptRequest, Receipts, VendorReference,
};
use otpmux_http::HttpSettings;
use otpmux_http::signature::Encoding;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::notification::Notification;
use super::{Inbox, Topic};
use crate::Aws;

const ARN: &str = "arn:aws:sns:eu-central-1:123456789012:otp-events";
const HOST: &str = "https://sns.eu-central-1.amazonaws.com";
const CERTIFICATE: &str = "/SimpleNotificationService-01d088a6f77103d0fe307c0069e40ed6.pem";
const TOKEN: &str = "0123456789abcdefghijklmnopqrstuvwxyz012";

struct Stand {
    server: MockServer,
    inbox: Inbox,
}

async fn stand() -> Stand {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path(CERTIFICATE))
        .respond_with(ResponseTemplate::new(200).set_body_string(include_str!("sns.pem")))
        .mount(&server)
        .await;
    let http = HttpSettings::default().base_url(server.uri());
    let settings = Aws::builder("sms", "eu-central-1").topic_arn(ARN).http(http);
    let id = ProviderId::new("aws").unwrap();
    let inbox = Inbox::new(&id, Topic::parse(ARN).unwrap(), &settings).unwrap();
    Stand { server, inbox }
}

impl Stand {
    async fn read(&self, notification: &Value) -> Result<Receipts, Error> {
        self.read_bytes(notification.to_string().as_bytes()).await
    }

    async fn read_bytes(&self, body: &[u8]) -> Result<Receipts, Error> {
        let request = ReceiptRequest {
            method: "POST",
            url: "https://otp.example.com/v1/receipts/aws",
            headers: &[],
            body,
            at: SystemTime::UNIX_EPOCH,
        };
        let cx = Context::new(IdempotencyKey::from_random([7; 16]));
        self.inbox.read(&cx, &request).await
    }
}

fn notification(event: &Value) -> Value {
    json!({
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": ARN,
        "Message": event.to_string(),
        "Timestamp": "2026-01-02T03:04:05.678Z",
        "SignatureVersion": "2",
        "SigningCertURL": format!("{HOST}{CERTIFICATE}"),
        "UnsubscribeURL": format!("{HOST}/?Action=Unsubscribe"),
    })
}

/// Signs as SNS does with version 2.
fn signed(mut notification: Value) -> Value {
    notification["Signature"] = "".into();
    let text = Notification::parse(notification.to_string().as_bytes()).unwrap().to_sign();
    let key = PrivatePkcs8KeyDer::from_pem_slice(include_bytes!("sns.key")).unwrap();
    let key = RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).unwrap();
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
    notification["Signature"] = Encoding::Base64.encode(&signature).into();
    notification
}

/// The example of AWS's guide, with otpmux's token in its context.
fn text_event(kind: &str, is_final: bool) -> Value {
    json!({
        "eventType": format!("TEXT_{kind}"),
        "eventVersion": "1.0",
        "eventTimestamp": 1_686_975_103_470_u64,
        "isFinal": is_final,
        "originationPhoneNumber": "+12065550152",
        "destinationPhoneNumber": "+14255550156",
        "isInternationalSend": false,
        "mcc": "310",
        "mnc": "800",
        "messageId": "862a8790-60c0-4430-9b2b-658bdexample",
        "messageStatus": kind,
        "messageStatusDescription": "Message has been accepted by phone carrier",
        "context": { "otpmux": TOKEN },
        "totalMessageParts": 1,
        "totalMessagePrice": 0.09582,
        "totalCarrierFee": 0.0,
    })
}

fn mail_event(kind: &str, tags: &Value) -> Value {
    json!({
        "eventType": kind,
        "mail": {
            "timestamp": "2017-08-05T00:40:02.012Z",
            "messageId": "EXAMPLE7c191be45-000000",
            "destination": ["recipient@example.com"],
            "tags": tags,
        },
        "bounce": { "bounceType": "Permanent", "bounceSubType": "General",
            "timestamp": "2017-08-05T00:41:02.669Z" },
        "delivery": { "timestamp": "2017-08-05T00:41:02.669Z" },
        "reject": { "reason": "Bad content" },
    })
}

async fn one(event: &Value) -> Receipt {
    let stand = stand().await;
    let mut receipts = stand.read(&signed(notification(event))).await.unwrap().receipts;
    assert_eq!(receipts.len(), 1);
    receipts.remove(0)
}

#[tokio::test]
async fn a_text_event_is_a_receipt() {
    use Blame::{Policy, Provider, Recipient};
    for (kind, is_final, delivery, blame) in [
        ("QUEUED", false, Delivery::Accepted, None),
        ("PENDING", false, Delivery::Sent, None),
        ("SUCCESSFUL", true, Delivery::Sent, None),
        ("DELIVERED", true, Delivery::Delivered, None),
        ("INVALID", true, Delivery::Failed, Some(Recipient)),
        ("UNREACHABLE", true, Delivery::Failed, Some(Recipient)),
        ("CARRIER_UNREACHABLE", true, Delivery::Failed, Some(Provider)),
        ("BLOCKED", true, Delivery::Failed, Some(Provider)),
        ("CARRIER_BLOCKED", true, Delivery::Failed, Some(Provider)),
        ("SPAM", true, Delivery::Failed, Some(Provider)),
        ("INVALID_MESSAGE", true, Delivery::Failed, Some(Provider)),
        ("TTL_EXPIRED", true, Delivery::Expired, Some(Provider)),
        ("PROTECT_BLOCKED", true, Delivery::Failed, Some(Policy)),
        ("UNKNOWN", true, Delivery::Unknown, None),
        ("A_NEW_ONE", false, Delivery::Unknown, None),
    ] {
        let receipt = one(&text_event(kind, is_final)).await;
        assert_eq!((receipt.delivery, receipt.is_final), (delivery, is_final), "{kind}");
        assert_eq!(receipt.failure.map(|failure| failure.blame), blame, "{kind}");
        assert_eq!(receipt.correlation, Correlation::Token(TOKEN.to_owned()));
        let price = receipt.price.unwrap();
        assert_eq!((&*price.amount, price.currency.as_deref()), ("0.09582", Some("USD")));
        assert_eq!(receipt.network.unwrap().mcc, "310");
    }
    let mut without = text_event("DELIVERED", true);
    without["context"] = json!({});
    let id = VendorReference::new("862a8790-60c0-4430-9b2b-658bdexample");
    assert_eq!(one(&without).await.correlation, Correlation::Reference(id));
}

#[tokio::test]
async fn a_mail_event_is_a_receipt() {
    for (kind, delivery, blame) in [
        ("Send", Delivery::Accepted, None),
        ("DeliveryDelay", Delivery::Sent, None),
        ("Delivery", Delivery::Delivered, None),
        ("Bounce", Delivery::Failed, Some(Blame::Recipient)),
        ("Reject", Delivery::Failed, Some(Blame::Provider)),
    ] {
        let receipt = one(&mail_event(kind, &json!({ "otpmux": [TOKEN] }))).await;
        assert_eq!(receipt.delivery, delivery, "{kind}");
        assert_eq!(receipt.failure.map(|failure| failure.blame), blame, "{kind}");
        assert_eq!(receipt.correlation, Correlation::Token(TOKEN.to_owned()));
    }
    let untagged = one(&mail_event("Delivery", &json!({}))).await;
    let id = VendorReference::new("EXAMPLE7c191be45-000000");
    assert_eq!(untagged.correlation, Correlation::Reference(id));
    let stand = stand().await;
    let complaint = signed(notification(&mail_event("Complaint", &json!({}))));
    assert_eq!(stand.read(&complaint).await.unwrap().receipts, []);
}

#[tokio::test]
async fn the_certificate_is_fetched_once() {
    let stand = stand().await;
    for _ in 0..3 {
        stand.read(&signed(notification(&text_event("DELIVERED", true)))).await.unwrap();
    }
    assert_eq!(stand.server.received_requests().await.unwrap().len(), 1);
}

/// Signed by another program, since new libraries sign with SHA-1 no more.
#[tokio::test]
async fn the_older_signature_is_read_too() {
    let signature = "UkfaG0DxnViC3hzj8DA20nAQGPbHVWWHWkKMKULr9qoKOr0Piovq/iYL8JSntnzcHf26EJXW0w2StAAQ8UpOL+Vt\
        5k+Rkkz9JKKn7uZbSYhRoGX6yStxFOBta7Z+rP2SuEJncoLZu6JRN/aFiOQP5NVgE9rWe2hhnfi7xYmnsF+FAcAl\
        kTzXUVCKNeX5y+YuEu+fRi2DSyfLTekFHfE5xA1fvcSn5RW0CN5pUd2vJzjlsWRDyfARHr4F0UxVgzC28UKg/oRP\
        DwPcT/hlp6j9bzw9ekqm+Ff5A8P3ktclXMYWeHIUaTwJiCAyrBpHx7102WtI6QfyZJ/79u5+OvalRA==";
    let notification = json!({
        "Type": "Notification",
        "MessageId": "n-1",
        "Subject": "Delivery",
        "TopicArn": ARN,
        "Message": r#"{"eventType":"TEXT_DELIVERED","messageId":"m-1"}"#,
        "Timestamp": "2026-01-02T03:04:05.678Z",
        "SignatureVersion": "1",
        "Signature": signature,
        "SigningCertURL": format!("{HOST}{CERTIFICATE}"),
    });
    let stand = stand().await;
    let receipts = stand.read(&notification).await.unwrap().receipts;
    assert_eq!(receipts[0].correlation, Correlation::Reference(VendorReference::new("m-1")));
    let mut other = notification;
    other["Subject"] = "Another".into();
    assert!(stand.read(&other).await.is_err());
}

#[tokio::test]
async fn a_receipt_without_a_signature_of_sns_is_forged() {
    let stand = stand().await;
    let good = signed(notification(&text_event("DELIVERED", true)));
    let change = |key: &str, value: &str| {
        let mut changed = good.clone();
        changed[key] = value.into();
        changed
    };
    for forged in [
        change("Message", &text_event("INVALID", true).to_string()),
        change("Timestamp", "2026-01-02T03:04:06.678Z"),
        change("Subject", "added"),
        change("MessageId", "another"),
        change("Signature", "AAAA"),
        change("Signature", "no base64"),
        // Version 1 is SHA-1.
        change("SignatureVersion", "1"),
        change("SignatureVersion", "3"),
        change("TopicArn", "arn:aws:sns:eu-central-1:123456789012:other"),
        change("SigningCertURL", &format!("https://sns.example.com{CERTIFICATE}")),
        change("SigningCertURL", &format!("{HOST}.example.com{CERTIFICATE}")),
    ] {
        let error = stand.read(&forged).await.unwrap_err();
        let found = (error.kind(), error.blame());
        assert_eq!(found, (ErrorKind::Unauthenticated, Blame::Caller), "{forged}");
    }
    // Signed by the right key, for another topic.
    let mut other = notification(&text_event("DELIVERED", true));
    other["TopicArn"] = "arn:aws:sns:eu-central-1:210987654321:otp-events".into();
    assert!(stand.read(&signed(other)).await.is_err());
}

#[tokio::test]
async fn an_unreadable_body_is_no_receipt() {
    let stand = stand().await;
    for body in [&b""[..], b"{}", b"[]", b"\xff", b"{\"Type\":\"Notification\"}"] {
        let error = stand.read_bytes(body).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol);
    }
    for event in [json!("text"), json!({}), json!({"eventType": "VOICE_COMPLETED"})] {
        let error = stand.read(&signed(notification(&event))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Protocol, "{event}");
    }
}

#[tokio::test]
async fn a_subscription_is_confirmed_at_the_topics_host_only() {
    let confirmation = |subscribe: &str| {
        let mut it = notification(&json!("You have chosen to subscribe"));
        it["Type"] = "SubscriptionConfirmation".into();
        it["Token"] = "2336412f37".into();
        it["SubscribeURL"] = subscribe.into();
        signed(it)
    };
    let good = format!("{HOST}/?Action=ConfirmSubscription&TopicArn={ARN}&Token=2336412f37");
    let stand = stand().await;
    Mock::given(method("GET"))
        .and(path("/"))
        .and(query_param("Action", "ConfirmSubscription"))
        .and(query_param("TopicArn", ARN))
        .and(query_param("Token", "2336412f37"))
        .respond_with(ResponseTemplate::new(200))
        .expect(1)
        .mount(&stand.server)
        .await;
    assert_eq!(stand.read(&confirmation(&good)).await.unwrap().receipts, []);
    for bad in [
        good.replace("amazonaws.com", "example.com"),
        good.replace("ConfirmSubscription", "DeleteTopic"),
        good.replace(":otp-events", ":other"),
    ] {
        let error = stand.read(&confirmation(&bad)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthenticated, "{bad}");
    }
}
