//! Each fault as a client sees it.

use std::io::ErrorKind;
use std::time::Duration;

use otpmux_emulator::{Fault, FaultKind, Garbage, MessageFilter, Vendor};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Rig, config, read_all};

const TO: &str = "+1234567890";
const VENDOR: Vendor = Vendor::EasyOtp;

async fn rig(fault: impl Into<Fault>) -> Rig {
    let rig = Rig::start(config()).await;
    rig.emulator.set_fault(VENDOR, fault);
    rig
}

fn body() -> Value {
    json!({ "channel": "sms", "recipient": TO, "code": "0042" })
}

fn delivered(rig: &Rig) -> usize {
    rig.emulator.messages(&MessageFilter::default()).len()
}

#[tokio::test]
async fn a_reset_comes_after_the_request_was_read() {
    let rig = rig(FaultKind::ResetAfterRead).await;
    let error = read_all(&mut rig.raw_send().await).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!((rig.emulator.request_count(VENDOR), delivered(&rig)), (1, 0));
}

#[tokio::test]
async fn a_close_is_orderly_and_comes_without_an_answer() {
    let rig = rig(FaultKind::CloseBeforeAnswer).await;
    assert_eq!(read_all(&mut rig.raw_send().await).await.unwrap(), b"");
    assert_eq!((rig.emulator.request_count(VENDOR), delivered(&rig)), (1, 0));
}

#[tokio::test]
async fn the_work_may_be_done_although_the_answer_is_lost() {
    for kind in [
        FaultKind::ResetAfterRead,
        FaultKind::CloseBeforeAnswer,
        FaultKind::Garbage(Garbage::Http),
        FaultKind::Garbage(Garbage::Json),
        Fault::status(502).kind().clone(),
    ] {
        let rig = rig(Fault::new(kind).after_work()).await;
        let _ = read_all(&mut rig.raw_send().await).await;
        assert_eq!(delivered(&rig), 1);
        assert_eq!(rig.emulator.last_code(TO).as_deref(), Some("0042"));
    }
}

#[tokio::test]
async fn a_vendor_that_is_down_refuses_connections() {
    let rig = rig(FaultKind::Refuse).await;
    let error = rig.connect(VENDOR).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    let send = || rig.request(reqwest::Method::POST, VENDOR, "/send").json(&body()).send();
    assert!(send().await.unwrap_err().is_connect());
    assert_eq!((rig.emulator.request_count(VENDOR), delivered(&rig)), (0, 0));
    // Other vendors are up, and so are the page and the admin API.
    assert_eq!(rig.get(Vendor::StartMessaging, "/wallet").await.status, 200);
    let cleared = rig.admin(reqwest::Method::DELETE, "/faults/easyotp", Value::Null).await;
    assert_eq!(cleared.status, 204);
    assert_eq!(send().await.unwrap().status(), 200);
    // A fault of another kind opens the port too.
    rig.emulator.set_fault(VENDOR, FaultKind::Refuse);
    rig.emulator.set_fault(VENDOR, Fault::status(500));
    assert_eq!(send().await.unwrap().status(), 500);
}

#[tokio::test]
async fn connections_that_are_open_are_cut_when_a_vendor_goes_down() {
    let rig = Rig::start(config()).await;
    let mut idle = rig.connect(VENDOR).await.unwrap();
    rig.emulator.set_fault(VENDOR, FaultKind::Hang);
    let mut waiting = rig.raw_send().await;
    while rig.emulator.request_count(VENDOR) == 0 {
        tokio::task::yield_now().await;
    }
    rig.emulator.set_fault(VENDOR, FaultKind::Refuse);
    for stream in [&mut idle, &mut waiting] {
        match read_all(stream).await {
            Ok(bytes) => assert_eq!(bytes, b""),
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    }
    assert_eq!(delivered(&rig), 0);
    rig.emulator.clear_faults(VENDOR);
    rig.easyotp_open(TO, "1111").await;
}

#[tokio::test]
async fn changes_of_faults_are_notified() {
    let rig = rig(Fault::status(500).times(2)).await;
    let mut changes = rig.emulator.fault_changes();
    assert_eq!(rig.post(VENDOR, "/send", body()).await.status, 500);
    rig.emulator.set_fault(Vendor::StartMessaging, FaultKind::Refuse);
    // A count that goes down is no change.
    let down = Some(Fault::new(FaultKind::Refuse));
    assert_eq!(changes.next().await, (Vendor::StartMessaging, down));
    assert_eq!(rig.post(VENDOR, "/send", body()).await.status, 500);
    assert_eq!(changes.next().await, (VENDOR, None));
    rig.emulator.clear_faults(Vendor::StartMessaging);
    assert_eq!(changes.next().await, (Vendor::StartMessaging, None));
}

#[tokio::test]
async fn garbage_breaks_http_or_json() {
    let rig = rig(FaultKind::Garbage(Garbage::Http)).await;
    let bytes = read_all(&mut rig.raw_send().await).await.unwrap();
    assert!(!bytes.is_empty() && !bytes.starts_with(b"HTTP"));
    let request = rig.request(reqwest::Method::POST, VENDOR, "/send").json(&body());
    assert!(request.send().await.is_err());
    rig.emulator.set_fault(VENDOR, FaultKind::Garbage(Garbage::Json));
    let answer = rig.post(VENDOR, "/send", body()).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert!(serde_json::from_str::<Value>(&answer.text).is_err());
    assert_eq!(delivered(&rig), 0);
}

#[tokio::test]
async fn latency_delays_the_right_answer() {
    let delay = Duration::from_millis(60);
    let rig = rig(FaultKind::Latency(delay)).await;
    let start = Instant::now();
    assert_eq!(rig.post(VENDOR, "/send", body()).await.status, 200);
    assert!(start.elapsed() >= delay);
    assert_eq!(delivered(&rig), 1);
}

#[tokio::test]
async fn a_hanging_vendor_reads_and_never_answers() {
    let rig = rig(FaultKind::Hang).await;
    let mut stream = rig.raw_send().await;
    // No answer can only be seen as time that passes without one.
    let read = tokio::time::timeout(Duration::from_millis(60), read_all(&mut stream));
    assert!(read.await.is_err());
    assert_eq!((rig.emulator.request_count(VENDOR), delivered(&rig)), (1, 0));
    rig.emulator.clear_faults(VENDOR);
    rig.easyotp_open(TO, "1111").await;
}

#[tokio::test]
async fn an_accepted_message_may_never_arrive() {
    let rig = rig(FaultKind::AcceptButNeverDeliver).await;
    let id = rig.easyotp_open(TO, "0042").await;
    assert_eq!(delivered(&rig), 0);
    rig.emulator.clear_faults(VENDOR);
    assert_eq!(rig.easyotp_verify(&id, "0042").await.json()["verified"], true);
}

#[tokio::test]
async fn a_status_has_a_body_and_headers_of_choice_and_an_end() {
    let fault = Fault::status_with_body(429, json!({ "slow": "down" }))
        .with_header("retry-after", "7")
        .times(2)
        .at("/send");
    let rig = rig(fault).await;
    assert_eq!(rig.easyotp_verify("unknown", "1234").await.status, 404);
    for left in [Some(1), None] {
        let answer = rig.post(VENDOR, "/send", body()).await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, Some("7")));
        assert_eq!(answer.json(), json!({ "slow": "down" }));
        assert_eq!(rig.emulator.fault(VENDOR).and_then(|fault| fault.count()), left);
    }
    assert_eq!(rig.post(VENDOR, "/send", body()).await.status, 200);
}

#[tokio::test]
async fn a_bare_status_is_said_in_each_vendors_words() {
    let rig = Rig::start(config()).await;
    for vendor in Vendor::ALL {
        rig.emulator.set_fault(vendor, Fault::status(500));
    }
    let easyotp = rig.post(VENDOR, "/send", body()).await.json();
    assert_eq!(easyotp["error"], "Internal server error");
    let startmessaging = rig.post(Vendor::StartMessaging, "/otp/send", body()).await.json();
    assert_eq!(startmessaging["error"]["code"], "INTERNAL_ERROR");
    let airtexts = rig.post(Vendor::AirTexts, "/otp/send", body()).await.json();
    assert_eq!(airtexts["error"]["code"], "INTERNAL_ERROR");
}
