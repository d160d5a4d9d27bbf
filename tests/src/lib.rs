//! What the tests that cross crates share.
#![expect(
    clippy::expect_used,
    reason = "a broken test fixture must stop its test"
)]

pub mod golden;
