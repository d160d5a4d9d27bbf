//! Shared parts of the tests that cross crates.
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    clippy::panic,
    reason = "a broken test fixture must stop its test"
)]

pub mod fixtures;
pub mod stage;
pub mod vendors;
