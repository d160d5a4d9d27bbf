//! Gateways under load that are killed, stopped, and signalled to read their file again.

mod caller;
pub(crate) mod serving;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use otpmux_emulator::{Emulator, Fault, FaultKind, Vendor};
use otpmux_testkit::RedisServer;
use otpmux_testkit::leaks::assert_clean;
use serde_json::json;

use self::caller::{Addresses, Caller, Flow};
use self::serving::{KEY, Serving};
use crate::shared::{Folder, SERVER_KEY, Shared, Store};

const CALLERS: usize = 8;
/// Sends between one kill and the next.
const BETWEEN: usize = 40;
const KILLS: usize = 4;

/// No limits but the guesses of a verification; a dead process is given up after a second.
const WIDE: &str = "[[server.api_keys]]\nname = \"test\"\nkey = \"env:API_KEY\"\n\
    [policy]\ndeadline = \"5s\"\nresend_delay = \"1s\"\nresend_delay_max = \"1s\"\n\
    [limits]\nrecipient = []\nnumber_range = []\npurpose = []\n[resilience]\nrequests = []\n";

/// Vendors without limits, too, that take long enough to be killed meanwhile.
fn shared(store: Store, more: &str) -> Shared {
    let shared = Shared::with(store, &format!("{WIDE}{more}"));
    let emulator = &shared.vendors.emulator;
    emulator.update_easyotp(|account| account.enforce_limits = false);
    emulator.update_startmessaging(|account| account.enforce_limits = false);
    emulator.set_fault(Vendor::EasyOtp, Fault::new(FaultKind::Latency(Duration::from_millis(20))));
    shared
}

fn clean(log: &str, flows: &[Flow]) {
    assert!(log.contains("\"message\":\"answered\""), "every request is logged");
    // Every number begins alike, so one look finds them all.
    let mut secrets = vec!["+9198765", KEY, SERVER_KEY];
    secrets.extend(flows.iter().map(|flow| flow.code.as_str()));
    assert_clean(log, &secrets);
}

/// Kills the first of so many gateways again and again while applications send and verify.
fn killed_under_load(store: Store, gateways: usize) {
    let shared = shared(store, "");
    let mut serving: Vec<_> = (0..gateways).map(|_| Serving::start(&shared)).collect();
    let urls: Vec<_> = serving.iter().map(|gateway| gateway.url.as_str()).collect();
    let addresses = Addresses::new(&urls);
    let emulator = &shared.vendors.emulator;
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let mut log = String::new();
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                let caller = Caller::new(&addresses, emulator);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= (KILLS + 1) * BETWEEN {
                        break;
                    }
                    let mut flow = caller.send(number);
                    // The others are verified at the end.
                    if number % 2 == 0 {
                        caller.verify(&mut flow, number / 2);
                        caller.verify(&mut flow, number / 2 + 1);
                    }
                    done.lock().unwrap().push(flow);
                }
            });
        }
        for kill in 1..=KILLS {
            addresses.answered(kill * BETWEEN);
            log += &serving.remove(0).kill();
            serving.insert(0, Serving::start(&shared));
            addresses.moved(0, &serving[0].url);
        }
    });
    let mut flows = done.into_inner().unwrap();
    assert_eq!(flows.len(), (KILLS + 1) * BETWEEN);
    assert!(flows.iter().any(|flow| flow.asked_again > 0), "the kills have hit a caller");
    let caller = Caller::new(&addresses, emulator);
    for (number, flow) in flows.iter_mut().enumerate() {
        caller.record_outcome(flow, number);
        assert_eq!(caller.codes(&flow.to).len(), 1, "nor did another code come later");
    }
    for gateway in &mut serving {
        gateway.signal("TERM");
        let (status, text) = gateway.end();
        assert_eq!(status, Some(0));
        log += &text;
    }
    clean(&log, &flows);
}

#[test]
fn one_of_two_gateways_on_one_redis_is_killed_again_and_again() {
    killed_under_load(Store::Redis(RedisServer::start()), 2);
}

#[test]
fn a_gateway_on_sqlite_is_killed_again_and_again() {
    killed_under_load(Store::Sqlite(Folder::new()), 1);
}

/// Sends until the gateway is gone; answers the numbers that were answered.
fn send_until_gone(
    addresses: &Addresses,
    emulator: &Emulator,
    next: &AtomicUsize,
    stopping: &AtomicBool,
) -> Vec<Flow> {
    let caller = Caller::new(addresses, emulator);
    let mut flows = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(flow) = caller.send_once(number) else {
            assert!(stopping.load(Ordering::Relaxed), "only who stops may not answer");
            let begun = !caller.codes(&Caller::number(number)).is_empty();
            assert!(!begun, "a send that had begun was not answered to its end");
            return flows;
        };
        flows.push(flow);
    }
}

#[test]
fn a_gateway_that_stops_answers_everything_that_it_has_begun() {
    let shared = shared(Store::Sqlite(Folder::new()), "[server]\ndrain_delay = \"200ms\"\n");
    let mut serving = Serving::start(&shared);
    let addresses = Addresses::new(&[&serving.url]);
    let emulator = &shared.vendors.emulator;
    let (next, stopping) = (AtomicUsize::new(0), AtomicBool::new(false));
    let mut flows = Vec::new();
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| scope.spawn(|| send_until_gone(&addresses, emulator, &next, &stopping)))
            .collect();
        addresses.answered(BETWEEN);
        stopping.store(true, Ordering::Relaxed);
        serving.signal("TERM");
        for caller in callers {
            flows.extend(caller.join().unwrap());
        }
    });
    let (status, log) = serving.end();
    assert_eq!(status, Some(0));
    assert!(flows.len() >= BETWEEN);
    clean(&log, &flows);
    // An answered code is good at the next one.
    let next = Serving::start(&shared);
    addresses.moved(0, &next.url);
    let caller = Caller::new(&addresses, emulator);
    for flow in &mut flows {
        caller.record_outcome(flow, 0);
    }
    clean(&next.kill(), &flows);
}

#[test]
fn a_gateway_stops_although_a_hanging_store_keeps_it_from_taking_its_file() {
    let shared = shared(Store::Redis(RedisServer::start()), "");
    let Store::Redis(redis) = &shared.store else { unreachable!("it was chosen above") };
    let mut serving = Serving::start(&shared);
    let text = std::fs::read_to_string(shared.file.path()).unwrap();
    let newer = "[[server_keys]]\nid = \"2\"\nkey = \"env:SERVER_KEY\"\n[[server_keys]]";
    std::fs::write(shared.file.path(), text.replace("[[server_keys]]", newer)).unwrap();
    redis.pause();
    // The store is asked whether another process has another key `2`.
    serving.signal("HUP");
    serving.logs("reading the configuration again", 1);
    serving.signal("TERM");
    serving.logs("stopping", 1);
    redis.resume();
    let (status, log) = serving.end();
    assert_eq!(status, Some(0));
    let stopping = log.find("stopping").unwrap();
    assert!(log.find("reloaded").is_none_or(|reloaded| reloaded > stopping), "{log}");
}

#[test]
fn a_good_file_is_taken_on_hangup_and_a_bad_one_is_reported_whole() {
    let shared = shared(Store::Sqlite(Folder::new()), "");
    let serving = Serving::start(&shared);
    let addresses = Addresses::new(&[&serving.url]);
    let caller = Caller::new(&addresses, &shared.vendors.emulator);
    let good = std::fs::read_to_string(shared.file.path()).unwrap();
    let longer = good.replace("[policy]\n", "[policy]\nmax_guesses = 3\n");
    std::fs::write(shared.file.path(), &longer).unwrap();
    serving.signal("HUP");
    serving.logs("configuration reloaded", 1);
    let body = json!({ "to": Caller::number(1) });
    let (status, sent) = caller.post(&serving.url, "/v1/verifications", "", &body).unwrap();
    assert_eq!((status, &sent["guesses_left"]), (201, &json!(3)));

    let bad = good.replace("[policy]\n", "[policy]\nmax_guesses = 0\nlifetme = \"1m\"\n");
    std::fs::write(shared.file.path(), bad).unwrap();
    serving.signal("HUP");
    serving.logs("configuration not reloaded", 1);
    serving.logs("policy.max_guesses", 1);
    serving.logs("policy.lifetme", 1);
    let body = json!({ "to": Caller::number(2) });
    let (status, sent) = caller.post(&serving.url, "/v1/verifications", "", &body).unwrap();
    assert_eq!((status, &sent["guesses_left"]), (201, &json!(3)), "the one before stays");
    clean(&serving.kill(), &[]);
}
