//! Vendors that are played from golden files.

#![expect(clippy::unwrap_used, reason = "a failure here fails the test")]

mod acme;
mod files;
mod rig;
