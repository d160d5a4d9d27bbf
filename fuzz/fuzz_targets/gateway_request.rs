//! The fuzz target `gateway_request` under libFuzzer: see `scripts/fuzz`.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| otpmux_fuzz::run("gateway_request", data));

#[cfg(not(fuzzing))]
fn main() {}
