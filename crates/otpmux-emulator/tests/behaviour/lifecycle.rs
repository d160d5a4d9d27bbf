//! Starting, announcing, stopping; many requests at once.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use otpmux_emulator::{Emulator, EmulatorConfig, FaultKind, Vendor};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;

use crate::support::{PATIENCE, Rig, config, read_all};

#[tokio::test]
async fn the_ready_line_holds_all_that_a_client_needs() {
    let rig = Rig::start(config()).await;
    let line = rig.emulator.ready_line();
    assert!(!line.contains('\n'));
    let ready: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(ready["listen"], rig.emulator.addr().to_string());
    for vendor in Vendor::ALL {
        let said = &ready["vendors"][vendor.as_str()];
        assert_eq!(said["base_url"], rig.emulator.base_url(vendor));
        let credentials = said["credentials"].as_object().unwrap();
        assert!(!credentials.is_empty() && credentials.values().all(Value::is_string), "{vendor}");
    }
    let key = ready["vendors"]["startmessaging"]["credentials"]["api_key"].as_str().unwrap();
    let hex = key.strip_prefix("sm_live_").unwrap();
    assert!(hex.len() == 40 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let airtexts = ready["vendors"]["airtexts"]["credentials"].as_object().unwrap();
    for name in ["appid", "api_secret", "username", "password", "bearer"] {
        assert!(airtexts[name].is_string(), "{name}");
    }
    let same = rig.admin(reqwest::Method::GET, "", Value::Null).await;
    assert_eq!(same.json(), ready);
}

/// Every address of the emulator.
fn addrs(emulator: &Emulator) -> Vec<SocketAddr> {
    let vendors = Vendor::ALL.into_iter().filter_map(|vendor| emulator.vendor_addr(vendor));
    std::iter::once(emulator.addr()).chain(vendors).collect()
}

#[tokio::test]
async fn every_vendor_has_a_port_of_its_own() {
    let rig = Rig::start(config()).await;
    let mut ports: Vec<u16> = addrs(&rig.emulator).iter().map(SocketAddr::port).collect();
    ports.sort_unstable();
    ports.dedup();
    assert_eq!(ports.len(), 1 + Vendor::ALL.len());
    // After a port that was chosen, the next ones in the order of the list; one that is taken is named.
    let mut named = false;
    // A port before one that is taken is mostly free, but not always.
    for _ in 0..20 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let taken = listener.local_addr().unwrap();
        let before = SocketAddr::new(taken.ip(), taken.port() - 1);
        let error = Emulator::start(config().with_listen(before)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrInUse);
        named |= error.to_string().contains(&format!("{taken}, for EasyOTP"));
    }
    assert!(named);
    let last = config().with_listen(([127, 0, 0, 1], u16::MAX).into());
    let error = Emulator::start(last).await.unwrap_err();
    assert!(error.to_string().contains("not enough ports"), "{error}");
}

#[tokio::test]
async fn an_address_that_others_reach_must_be_allowed() {
    let everywhere = EmulatorConfig::default().with_listen(([0, 0, 0, 0], 0).into());
    let error = Emulator::start(everywhere.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("0.0.0.0:0 is not a loopback address"), "{error}");
    Emulator::start(everywhere.allow_non_loopback(true)).await.unwrap().shutdown().await;
}

#[tokio::test]
async fn a_failed_start_is_reported() {
    let rig = Rig::start(config()).await;
    let taken = EmulatorConfig::default().with_listen(rig.emulator.addr());
    assert_eq!(Emulator::start(taken).await.unwrap_err().kind(), ErrorKind::AddrInUse);
    let late = SystemTime::UNIX_EPOCH + Duration::from_secs(250_000_000_000);
    let error = Emulator::start(config().with_frozen_clock(late)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_hung_connection_does_not_keep_shutdown_waiting() {
    let rig = Rig::start(config()).await;
    rig.emulator.set_fault(Vendor::EasyOtp, FaultKind::Hang);
    let mut hung = rig.raw_send().await;
    while rig.emulator.request_count(Vendor::EasyOtp) == 0 {
        yield_now().await;
    }
    timeout(PATIENCE, rig.emulator.shutdown()).await.unwrap();
    assert_eq!(read_all(&mut hung).await.unwrap(), b"");
}

#[tokio::test]
async fn neither_do_idle_nor_half_written_requests() {
    let rig = Rig::start(config()).await;
    rig.easyotp_open("+1234567890", "1234").await;
    let mut half = rig.connect(Vendor::EasyOtp).await.unwrap();
    half.write_all(b"POST /api/v1/send HTTP/1.1\r\ncontent-length: 10\r\n\r\n{").await.unwrap();
    let addrs = addrs(&rig.emulator);
    timeout(PATIENCE, rig.emulator.shutdown()).await.unwrap();
    for addr in addrs {
        assert!(TcpStream::connect(addr).await.is_err());
    }
}

#[tokio::test]
async fn it_runs_until_told_otherwise() {
    let emulator = Emulator::start(config()).await.unwrap();
    let addr = emulator.addr();
    let (stop, stopped) = oneshot::channel::<()>();
    let running = tokio::spawn(emulator.run_until(async {
        let _ = stopped.await;
    }));
    assert!(TcpStream::connect(addr).await.is_ok());
    stop.send(()).unwrap();
    timeout(PATIENCE, running).await.unwrap().unwrap();
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn dropping_stops_it() {
    let emulator = Emulator::start(config()).await.unwrap();
    let addrs = addrs(&emulator);
    let arrivals = emulator.arrivals();
    drop(emulator);
    for addr in addrs {
        let refused = async { while TcpStream::connect(addr).await.is_ok() {} };
        timeout(PATIENCE, refused).await.unwrap();
    }
    // One who still listens to it keeps no port open.
    drop(arrivals);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_approves_once_however_many_ask() {
    let rig = Rig::start(config()).await;
    let id = rig.easyotp_open("+1234567890", "1234").await;
    let mut asked = JoinSet::new();
    for _ in 0..50 {
        let body = serde_json::json!({ "verification_id": id, "code": "1234" });
        let request = rig.request(reqwest::Method::POST, Vendor::EasyOtp, "/verify").json(&body);
        asked.spawn(async move { request.send().await.unwrap().json::<Value>().await.unwrap() });
    }
    let answers = asked.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer["verified"] == true).count(), 1);
}
