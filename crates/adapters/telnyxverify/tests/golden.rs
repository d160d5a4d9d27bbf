//! The golden files in `wire`, played to the adapter.

use otpmux_testkit::golden::{VendorFolder, suite};

fn main() {
    let arguments = libtest_mimic::Arguments::from_args();
    let folder = VendorFolder::read(env!("CARGO_MANIFEST_DIR").as_ref());
    let folder = folder.unwrap_or_else(|error| panic!("{error}"));
    libtest_mimic::run(&arguments, suite(&otpmux_telnyxverify::ADAPTER, &folder)).exit();
}
