//! What the benchmarks share: a vendor that answers at once, over a socket and without one.
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up must stop")]

mod instant;
mod loopback;

pub use instant::InstantProvider;
pub use loopback::loopback_vendor;
