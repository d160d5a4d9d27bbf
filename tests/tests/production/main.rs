//! The parts beside the program for operators: files in `deploy/`, the guide, and clients in
//! other languages, held against a gateway that runs.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot be set up must fail"
)]

mod clients;
mod deployment;
mod monitoring;
mod page;
mod support;
