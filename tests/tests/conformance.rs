//! The contract of the port, tried on every adapter in each of its setups, against its emulated
//! vendor.

use otpmux_testkit::conformance::suite;
use otpmux_tests::vendors::{self, Emulation};

fn main() {
    let arguments = libtest_mimic::Arguments::from_args();
    let trials = |setup: Emulation| {
        let name = setup.name().to_owned();
        suite(&name, setup)
    };
    let trials = vendors::setups().into_iter().flat_map(trials).collect();
    libtest_mimic::run(&arguments, trials).exit();
}
