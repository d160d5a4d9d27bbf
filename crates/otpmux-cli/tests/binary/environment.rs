//! Variables of the environment, as a system passes them: bytes.

#![cfg(unix)]

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::ffi::OsStringExt as _;
use std::process::Command;
use std::thread;

use otpmux_testkit::leaks::assert_clean;

use crate::shared::{SERVER_KEY, Shared, TO};
use crate::support::{Ended, File, program, run};

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

/// A vendor that is reached through a proxy, if at all, with one connection.
fn behind_a_proxy() -> (File, Command) {
    let file = File::new(
        "[providers.easyotp]\nkind = \"easyotp\"\napi_key = \"env:KEY\"\n\
         base_url = \"https://vendor.invalid/api/v1\"\n[resilience]\nretries = 0\n",
    );
    let mut command = program();
    command.args(["send", "--json", "--to", TO, "--config"]).arg(file.path()).env("KEY", "k3y");
    (file, command)
}

/// Runs the command, answers its request to the proxy, and returns that request and the first
/// byte after the answer.
fn through(answer: &'static str) -> (String, Option<u8>, Ended) {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let (_file, mut command) = behind_a_proxy();
    command.env("HTTPS_PROXY", format!("http://user:s3cret@{}", proxy.local_addr().unwrap()));
    let seen = thread::spawn(move || {
        let (mut stream, _) = proxy.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        if !answer.contains(" 200 Connection established") {
            stream.shutdown(std::net::Shutdown::Write).unwrap();
        }
        let mut byte = [0];
        let after = stream.read(&mut byte).unwrap();
        (String::from_utf8(request).unwrap(), (after == 1).then_some(byte[0]))
    });
    let ended = run(&mut command, "");
    let (request, after) = seen.join().unwrap();
    (request, after, ended)
}

/// A proxy sees the name of the vendor and its own credentials, and nothing else.
#[test]
fn a_proxy_tunnels_to_the_vendor() {
    let (request, after, ended) = through("HTTP/1.1 200 Connection established\r\n\r\n");
    assert!(request.starts_with("CONNECT vendor.invalid:443 HTTP/1.1\r\n"), "{request}");
    let credentials = "proxy-authorization: basic dxnlcjpzm2nyzxq=\r\n";
    assert!(request.to_lowercase().contains(credentials), "{request}");
    assert_clean(&request, &["k3y", TO]);
    assert_eq!(after, Some(0x16), "the first byte of a TLS handshake");
    assert_eq!(ended.error()["certainty"], "not_sent");
    assert_clean(&ended.everything(), &["s3cret", "k3y", TO]);
}

/// The error says that it was the proxy, and what to do.
#[test]
fn a_proxy_that_refuses_leaves_the_message_unsent() {
    for (answer, detail) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n",
            "the proxy refuses the login (status 407); correct user:password@ in HTTPS_PROXY or ALL_PROXY",
        ),
        (
            "HTTP/1.0 403 Forbidden by s3cret\r\n\r\n",
            "the proxy refuses a connection to the vendor (status 403); permit its host there, or list it in NO_PROXY",
        ),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "the proxy does not reach the vendor (status 502)"),
        ("HTTP/1.1 503\r\n\r\n", "the proxy does not reach the vendor (status 503)"),
        ("SSH-2.0-OpenSSH\r\n\r\n", "the proxy closed the connection, or its answer is not HTTP"),
        ("HTTP/1.1 200 OK\r\n", "the proxy closed the connection, or its answer is not HTTP"),
        ("", "the proxy closed the connection, or its answer is not HTTP"),
    ] {
        let (_, after, ended) = through(answer);
        assert_eq!(after, None, "{answer}");
        let error = ended.error();
        let expected = (&"transport".into(), &"not_sent".into());
        assert_eq!((&error["kind"], &error["certainty"]), expected, "{answer}: {error}");
        assert!(error["detail"].as_str().unwrap().contains(detail), "{answer}: {error}");
        assert_clean(&ended.everything(), &["s3cret", "k3y", TO]);
    }
}

/// Neither a proxy that is not for this host nor one of an unknown kind is called; the unknown kind is not
/// bypassed either.
#[test]
fn a_proxy_that_is_not_used() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = proxy.local_addr().unwrap();
    for (scheme, no_proxy, detail) in [
        ("http", "vendor.invalid", "no connection"),
        ("http", "localhost, *.invalid:443", "no connection"),
        ("socks5", "", "the proxy in HTTPS_PROXY or ALL_PROXY is neither http nor https"),
    ] {
        let (_file, mut command) = behind_a_proxy();
        command.env("HTTPS_PROXY", format!("{scheme}://{address}")).env("NO_PROXY", no_proxy);
        let ended = run(&mut command, "");
        assert_eq!(ended.error()["certainty"], "not_sent", "{}", ended.everything());
        assert!(ended.everything().contains(detail), "{}", ended.everything());
        assert!(proxy.accept().is_err(), "{scheme}");
    }
    // Nothing listens there any more.
    drop(proxy);
    let (_file, mut command) = behind_a_proxy();
    let ended = run(command.env("ALL_PROXY", format!("http://user:s3cret@{address}")), "");
    let error = ended.error();
    assert_eq!(error["certainty"], "not_sent", "{error}");
    let detail = "no connection to the proxy in HTTPS_PROXY or ALL_PROXY";
    assert!(error["detail"].as_str().unwrap().contains(detail), "{error}");
    assert_clean(&ended.everything(), &["s3cret", "k3y", TO]);
}

/// Never bypassed.
#[test]
fn a_proxy_that_cannot_be_read_stops_the_command() {
    for value in ["socks://127.0.0.1:9", "http://user:s3cret#@127.0.0.1:9", "http://s3cret:x:y"] {
        let (_file, mut command) = behind_a_proxy();
        let ended = run(command.env("HTTPS_PROXY", value), "");
        assert_eq!(ended.status, Some(2), "{value}: {}", ended.everything());
        assert!(ended.everything().contains("HTTPS_PROXY"), "{}", ended.everything());
        assert_clean(&ended.everything(), &["s3cret", "k3y"]);
    }
    let (_file, mut command) = behind_a_proxy();
    command.env("HTTPS_PROXY", "http://127.0.0.1:9").env("NO_PROXY", "10.0.0.*");
    let ended = run(&mut command, "");
    assert_eq!(ended.status, Some(2), "{}", ended.everything());
    assert!(ended.everything().contains("NO_PROXY"), "{}", ended.everything());
}
