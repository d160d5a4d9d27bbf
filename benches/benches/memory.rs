//! Memory of a pending verification in the memory store, indexes included: the growth of the
//! process, as the system reports it, over many sends to different recipients.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up must stop")]
#![expect(clippy::print_stdout, reason = "its figure is what it is for")]

use std::sync::Arc;

use otpmux_benches::{InstantProvider, Recipients, keys};
use otpmux_engine::{MemoryStore, MessageLimits, NewVerification, OtpClient, Policy};

const VERIFICATIONS: usize = 100_000;

/// Returns the resident bytes of this process.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a size");
    let kilobytes = line.split_whitespace().nth(1).and_then(|number| number.parse::<usize>().ok());
    kilobytes.expect("a number") * 1024
}

fn main() {
    let mut unlimited = Policy::default();
    unlimited.limits = MessageLimits::none();
    println!("memory/pending-verification: {} bytes", each(unlimited));
    println!("memory/with-default-limits: {} bytes", each(Policy::default()));
}

/// Returns the bytes for each of many sends, every one to another recipient in another block of
/// numbers.
fn each(policy: Policy) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let client = OtpClient::builder()
        .provider(Arc::new(InstantProvider::new("instant")))
        .store(Arc::new(MemoryStore::new(1_000_000)), keys())
        .policy(policy)
        .build()
        .expect("a client");
    let to = Recipients::new();
    let each = runtime.expect("a runtime").block_on(async {
        let before = resident();
        for _ in 0..VERIFICATIONS {
            client.send(NewVerification::to(to.next().clone())).await.expect("sent");
        }
        (resident() - before) / VERIFICATIONS
    });
    // Freed memory would be used again, and its growth would not be measured.
    std::mem::forget(client);
    each
}
