//! The contract of the port, tried on every adapter in every mode, against its emulated vendor.

use otpmux_testkit::conformance::suite;
use otpmux_tests::fixtures::Setup;

fn main() {
    let arguments = libtest_mimic::Arguments::from_args();
    let trials = Setup::ALL.into_iter().flat_map(|(name, setup)| suite(name, setup)).collect();
    libtest_mimic::run(&arguments, trials).exit();
}
