//! The golden files of every preset, and of a definition that a configuration holds: the request that it must make, and what it must make of the
//! answer.
#![expect(clippy::panic, reason = "a folder that cannot be read must stop the test")]

use std::path::Path;

use otpmux_generic_http::{ADAPTER, ADAPTERS};
use otpmux_testkit::golden::{VendorFolder, suite};

fn main() {
    let arguments = libtest_mimic::Arguments::from_args();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let presets = ADAPTERS.iter().map(|adapter| (adapter, here.join("presets").join(adapter.kind)));
    let all = presets.chain([(&ADAPTER, here.to_owned())]);
    let trials = all.flat_map(|(adapter, path)| {
        let folder = VendorFolder::read(&path);
        suite(adapter, &folder.unwrap_or_else(|error| panic!("{error}")))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}
