//! Requests of the emulator: the vendors' APIs, its administration, and its page.

use std::cell::RefCell;

use otpmux_emulator::{Emulator, EmulatorConfig, Vendor};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::raw_http::{RawClient, request as raw};

const METHODS: [&str; 4] = ["POST", "GET", "PUT", "DELETE"];

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

struct World {
    runtime: Runtime,
    emulator: Emulator,
    client: RawClient,
    /// Header fields with credentials that a vendor accepts.
    credentials: Vec<Vec<(&'static str, String)>>,
    requests: u32,
}

/// The first byte chooses the method and the credentials; the first line is the path, the rest the body.
pub(crate) fn request(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let at = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let path = String::from_utf8_lossy(&rest[..at]).into_owned();
    let body = rest.get(at + 1..).unwrap_or_default();
    // Streams of events have no end.
    if path.contains("events") {
        return;
    }
    WORLD.with_borrow_mut(|world| {
        let world = world.get_or_insert_with(World::new);
        let method = METHODS[usize::from(*first) % METHODS.len()];
        let place = usize::from(first / 4) % (world.credentials.len() + 1);
        let mut headers = vec![("content-type", "application/json")];
        let credentials = world.credentials.get(place).into_iter().flatten();
        headers.extend(credentials.map(|(name, value)| (*name, value.as_str())));
        let bytes = raw(method, &format!("/{}", path.trim_start_matches('/')), &headers, body);
        let World { runtime, emulator, client, .. } = world;
        let answer = runtime.block_on(client.exchange(&bytes));
        if let Some(answer) = answer {
            assert!(answer.status() != 500, "{method} {path}: {answer:?}");
        }
        // A fault that was set would be the answer to all that follows.
        for vendor in Vendor::ALL {
            emulator.clear_faults(vendor);
        }
        world.requests += 1;
        if world.requests.is_multiple_of(2_000) {
            *world = World::new();
        }
    });
}

impl World {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let emulator =
            runtime.block_on(Emulator::start(EmulatorConfig::default())).expect("an emulator");
        let client = RawClient::new(emulator.addr());
        let credentials = credentials(&emulator.ready_line());
        Self { runtime, emulator, client, credentials, requests: 0 }
    }
}

/// Every credential of every vendor, in each place where one may be expected.
fn credentials(ready_line: &str) -> Vec<Vec<(&'static str, String)>> {
    let description: Value = serde_json::from_str(ready_line).expect("one line of JSON");
    let vendors = description["vendors"].as_object().expect("a table of vendors");
    let mut all = Vec::new();
    for vendor in vendors.values() {
        let Some(credentials) = vendor["credentials"].as_object() else { continue };
        let secret = credentials.get("api_secret").and_then(Value::as_str).unwrap_or_default();
        for value in credentials.values().filter_map(Value::as_str) {
            all.push(vec![
                ("authorization", format!("Bearer {value}")),
                ("x-api-key", value.to_owned()),
                ("x-api-secret", secret.to_owned()),
            ]);
        }
    }
    all
}
