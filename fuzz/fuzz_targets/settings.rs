//! The fuzz target `settings` under libFuzzer: see `scripts/fuzz`.

#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| otpmux_fuzz::run("settings", data));

#[cfg(not(fuzzing))]
fn main() {}
