//! Trials for every adapter: the contract of [`OtpProvider`] and the claims of its
//! [`Capabilities`], against a vendor that can be made to misbehave.
//!
//! An adapter's test is a [`Fixture`] and a `main` (with `harness = false`):
//!
//! ```no_run
//! # use otpmux_testkit::conformance::{Fixture, Instance, suite};
//! # struct Acme;
//! # #[async_trait::async_trait]
//! # impl Fixture for Acme {
//! #     async fn start(&self) -> Box<dyn Instance> { unimplemented!() }
//! # }
//! let arguments = libtest_mimic::Arguments::from_args();
//! libtest_mimic::run(&arguments, suite("acme", Acme)).exit();
//! ```
//!
//! The capabilities select the trials: every claim is tried, and a call that is not claimed must be
//! refused without a request. See [`suite`].
//!
//! [`OtpProvider`]: otpmux_core::OtpProvider
//! [`Capabilities`]: otpmux_core::Capabilities

mod answers;
mod asking;
mod before_io;
mod case;
mod claims;
mod fixture;
mod otpmux_codes;
mod privacy;
mod sending;
mod stand;
mod transport;
mod unreadable;
mod vendor_codes;
mod wishes;

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};

pub use case::TrialResult;
pub use fixture::{DeliveredMessage, Fixture, Instance, VendorFault};

use case::{Case, Cases};

/// Returns the trials of one adapter, for [`libtest_mimic::run`]. Starts the fixture once to read
/// its capabilities, and then once or more for each trial that is run, each on a separate runtime.
pub fn suite(name: &str, fixture: impl Fixture) -> Vec<Trial> {
    let trial = |case: Case| {
        let title = format!("{name}::{}", case.name());
        Trial::test(title, move || case.run().map_err(Failed::from))
    };
    cases(Arc::new(fixture)).into_iter().map(trial).collect()
}

/// Runs all trials and returns their results, without printing.
pub fn run(fixture: impl Fixture) -> Vec<TrialResult> {
    let cases = cases(Arc::new(fixture)).into_iter();
    cases.map(Case::into_result).collect()
}

fn cases(fixture: Arc<dyn Fixture>) -> Vec<Case> {
    let mut cases = Cases::new(fixture);
    claims::add(&mut cases);
    before_io::add(&mut cases);
    answers::add(&mut cases);
    unreadable::add(&mut cases);
    transport::add(&mut cases);
    privacy::add(&mut cases);
    cases.into_list()
}
