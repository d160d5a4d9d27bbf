//! Variables of the environment, as a system passes them: bytes.

#![cfg(unix)]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::process::Command;

use crate::shared::{SERVER_KEY, Shared, TO};
use crate::support::{Ended, program, run};

fn bytes(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

fn refused(command: &mut Command, words: &str) {
    let Ended { status, stdout, stderr } = run(command, "");
    assert_eq!(status, Some(2), "{stdout}{stderr}");
    assert!(stderr.contains(words), "{words}\n{stdout}{stderr}");
}

#[test]
fn an_override_that_is_not_text_stops_every_command() {
    let shared = Shared::sqlite();
    for name in ["OTPMUX_POLICY__COUNTRIES", "OTPMUX_STORE__URL", "OTPMUX_LIMITS__GLOBAL"] {
        for arguments in [&["serve"][..], &["send", "--to", TO], &["providers"]] {
            let mut command = shared.command(arguments);
            let words = format!("{name}: is not UTF-8 text");
            refused(command.env(name, bytes(b"IN\xff")), &words);
        }
    }
}

#[test]
fn a_secret_that_is_not_text_is_reported() {
    let shared = Shared::sqlite();
    for name in ["KEY", "SERVER_KEY"] {
        let words = format!("the environment variable `{name}` is not UTF-8 text");
        refused(shared.command(&["serve"]).env(name, bytes(b"s3cret\xff")), &words);
    }
    let mut command = program();
    command.args(["send", "--to", TO, "--gateway", "http://127.0.0.1:9"]);
    let words = "the environment variable `OTPMUX_API_KEY` is not UTF-8 text";
    refused(command.env("OTPMUX_API_KEY", bytes(b"s3cret\xff")), words);
}

#[test]
fn a_path_that_is_not_text_is_taken_as_it_is() {
    let mut command = program();
    command.arg("check-config").env("OTPMUX_CONFIG", bytes(b"/no/such/file-\xff.toml"));
    refused(&mut command, "/no/such/file-\u{fffd}.toml cannot be read");
}

#[test]
fn a_secret_that_looks_like_another_is_the_same_or_refused() {
    let shared = Shared::sqlite();
    let ended =
        run(shared.command(&["providers"]).env("SERVER_KEY", format!("{SERVER_KEY}\r\n")), "");
    assert_eq!(ended.status, Some(0), "{}", ended.everything());
    for (value, words) in [
        (format!("\"{SERVER_KEY}\""), "begins or ends with a quotation mark"),
        (format!("{SERVER_KEY}\u{a0}"), "holds a no-break space (U+00A0) at character 45"),
        ("a passphrase that a person has chosen".to_owned(), "is not base64"),
        ("c2hvcnQ=".to_owned(), "has 5 bytes, and needs 32 to 64"),
    ] {
        let mut command = shared.command(&["serve"]);
        refused(command.env("SERVER_KEY", &value), words);
        let mut command = program();
        command.arg("check-config").arg(shared.file.path()).env("KEY", "a").env("SM_KEY", "a");
        refused(command.env("SERVER_KEY", &value), words);
    }
}
