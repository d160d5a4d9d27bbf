//! Shared parts of the benchmarks: a vendor that answers at once, over a socket and without one, a
//! clock on which verifications expire, and server keys; and verifications on a store.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up must stop")]

mod busy_clock;
mod flows;
mod instant;
mod keys;
mod loopback;
mod recipients;

pub use busy_clock::BusyClock;
pub use flows::{Flows, at_once, flow_group};
pub use instant::{DeadProvider, InstantProvider};
pub use keys::keys;
pub use loopback::loopback_vendor;
pub use recipients::Recipients;
