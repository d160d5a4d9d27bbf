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
    // The template represents all vendors that have golden files and no emulation.
    let setups = vendors::setups().iter().cloned().chain(vendors::template().setups());
    let trials = setups.flat_map(trials).collect();
    libtest_mimic::run(&arguments, trials).exit();
}
