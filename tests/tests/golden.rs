//! Every golden file of every adapter: the request that the adapter must make, and what it must
//! make of the answer.

use otpmux_testkit::golden::suite;
use otpmux_tests::vendors;

fn main() {
    let arguments = libtest_mimic::Arguments::from_args();
    let vendors = vendors::all();
    let trials = vendors.iter().flat_map(|vendor| suite(&vendor.adapter, &vendor.folder)).collect();
    libtest_mimic::run(&arguments, trials).exit();
}
