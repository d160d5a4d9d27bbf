//! Fuzz targets: one function for each parser that reads bytes from outside the process.
//!
//! A target is a function of bytes that panics when it finds something. `tests/short.rs` runs each
//! one for a few seconds with `cargo test`; `scripts/fuzz` runs one under libFuzzer for as long as
//! wanted. Both start from the same [`seeds`]: the golden wire files and inputs that are written by
//! hand.

mod config;
mod emulator;
mod gateway;
mod panics;
mod raw_http;
mod redis;
pub mod seeds;
mod text;
mod vendor;

/// One fuzz target.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Target {
    /// Its name: that of its binary in `fuzz_targets/`.
    pub name: &'static str,
    /// Feeds one input to the parser. Panics when a property does not hold.
    pub run: fn(&[u8]),
    /// Inputs to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Texts that mutations insert.
    pub dictionary: &'static [&'static str],
    /// Inputs of the short run: each target gets some seconds.
    pub short_run: u32,
}

/// Every target.
pub const TARGETS: [Target; 8] = [
    Target {
        name: "recipient",
        run: text::recipient,
        seeds: seeds::recipients,
        dictionary: &["+", "@", "00", "\u{200e}", "xn--", "tel:", "٩", "(", ") ", ".", "-"],
        short_run: 8_000,
    },
    Target {
        name: "code",
        run: text::code,
        seeds: seeds::codes,
        dictionary: &["0", "９", "-", " ", "\u{200b}", "G-"],
        short_run: 6_000,
    },
    Target {
        name: "settings",
        run: text::settings,
        seeds: seeds::settings,
        dictionary: &["ms", "s", "m", "h", "d", "/", "18446744073709551615"],
        short_run: 5_000,
    },
    Target {
        name: "config",
        run: config::toml,
        seeds: seeds::configurations,
        dictionary: config::DICTIONARY,
        short_run: 3_000,
    },
    Target {
        name: "vendor_answer",
        run: vendor::answer,
        seeds: seeds::vendor_answers,
        dictionary: vendor::DICTIONARY,
        short_run: 4_000,
    },
    Target {
        name: "redis_reply",
        run: redis::reply,
        seeds: seeds::redis_replies,
        dictionary: &["\u{0}", "record", "approved", "none", ":1\u{0}", "A\u{19}", "E\u{4}", "="],
        short_run: 3_000,
    },
    Target {
        name: "gateway_request",
        run: gateway::request,
        seeds: seeds::gateway_requests,
        dictionary: &[
            "\"to\":",
            "\"code\":",
            "\"channel\":",
            "\"client\":",
            "null",
            "\\u0000",
            "{",
            "[",
        ],
        short_run: 2_500,
    },
    Target {
        name: "emulator_request",
        run: emulator::request,
        seeds: seeds::emulator_requests,
        dictionary: &[
            "\"recipient\":",
            "\"phone\":",
            "\"otp\":",
            "null",
            "1e999",
            "%",
            "?",
            "&",
            "=",
        ],
        short_run: 2_500,
    },
];

/// Runs one target with one input.
///
/// # Panics
///
/// When a property does not hold, a task of the code under test has panicked, or there is no target
/// of this name.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    let target = target.unwrap_or_else(|| panic!("no fuzz target is named {name}"));
    panics::none_during(|| (target.run)(data));
}
