//! The memory store against the contract that all stores share.

use std::sync::Arc;

use otpmux_engine::{MemoryStore, VerificationStore};

fn main() {
    let trials = otpmux_testkit::stores::suite("memory", || async {
        Arc::new(MemoryStore::new(10_000)) as Arc<dyn VerificationStore>
    });
    libtest_mimic::run(&libtest_mimic::Arguments::from_args(), trials).exit();
}
