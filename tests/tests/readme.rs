//! The first program of the README, word for word.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Command, Stdio};

use otpmux_emulator::{Emulator, EmulatorConfig, Vendor};

const README: &str = include_str!("../../README.md");
const PROGRAM: &str = include_str!("../src/bin/quickstart.rs");

/// The block of this language that holds this text, without its fences.
fn block(language: &str, holds: &str) -> &'static str {
    let begin = format!("```{language}\n");
    let found = README.split(&begin).skip(1).find_map(|rest| {
        let text = rest.split_once("```")?.0;
        text.contains(holds).then_some(text)
    });
    found.unwrap()
}

#[test]
fn the_program_of_the_readme_is_the_one_that_is_run_here() {
    // Lints that are for this repository are not for its readers.
    let program = PROGRAM.split_once("use std::io").unwrap().1;
    assert_eq!(block("rust", "OtpClient"), format!("use std::io{program}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_program_ends_with_a_success() {
    let emulator = Emulator::start(EmulatorConfig::default()).await.unwrap();
    let mut file = block("toml", "[providers.primary]").to_owned();
    for (vendor, url) in [
        (Vendor::EasyOtp, "\"http://127.0.0.1:4011/api/v1\""),
        (Vendor::StartMessaging, "\"http://127.0.0.1:4012\""),
    ] {
        assert_eq!(file.matches(url).count(), 1, "{file}");
        file = file.replace(url, &format!("\"{}\"", emulator.base_url(vendor)));
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("otpmux.toml"), file).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_quickstart"));
    program.current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
    // The variables that the README exports.
    for line in block("sh", "export EASYOTP_API_KEY").lines() {
        if let Some((name, value)) =
            line.strip_prefix("export ").and_then(|rest| rest.split_once('='))
        {
            program.env(name, value);
        }
    }
    let mut child = program.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut said = Vec::new();
    output.read_until(b':', &mut said).unwrap();
    writeln!(input, "+919876543210").unwrap();
    output.read_until(b':', &mut said).unwrap();
    let code = emulator.last_code("+919876543210").unwrap();
    writeln!(input, "{code}").unwrap();
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!((child.wait().unwrap().code(), rest.as_str()), (Some(0), " welcome\n"));
    assert_eq!(emulator.request_count(Vendor::EasyOtp), 1);
}
