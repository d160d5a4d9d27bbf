//! Neither logs at any level nor anything that can be printed shows a secret.

use std::fmt::Write as _;

use otpmux_core::Secret;
use otpmux_http::{Call, Transport};
use otpmux_testkit::faulty::{FaultyServer, Play, Reply, refused_address};
use otpmux_testkit::{LogCapture, leaks};
use serde_json::json;

use crate::support::{CODE, KEY, SECRETS, TO, config, cx, impatient, post};

/// Everything that a vendor can do with what it was sent, repeating it included.
fn plays() -> Vec<Play> {
    let echo = json!({ "message": format!("{TO} {CODE} {KEY}"), "id": CODE }).to_string();
    let header = format!("{KEY}; to={TO}; code={CODE}");
    let echoed = |status| {
        let reply = Reply::json(status, echo.clone());
        Play::from(&reply.with_header("retry-after", &header).with_header("x-echo", &header))
    };
    vec![
        echoed(200),
        echoed(400),
        echoed(500),
        Play::redirect(302, &format!("https://elsewhere.example/?to={TO}&key={KEY}&code={CODE}")),
        Play::accept_then_reset(),
        Play::read_then_close(),
        Play::silence(),
        Play::cut_header(),
        Play::cut_body(),
        Play::not_http(),
        Play::from(&Reply::new(200).with_header(&format!("{KEY} {TO}"), CODE)),
        Play::huge_body(1 << 20),
        Play::gzip_bomb(1 << 20),
    ]
}

fn calls() -> [Call; 2] {
    let get = Call::get("/state/{id}").with_id(CODE).with_query("phone", TO);
    [post(), get.hiding(TO).hiding(CODE)]
}

async fn try_all(transport: &Transport, shown: &mut String) {
    for call in calls() {
        writeln!(shown, "{call:?}\n{transport:?}\n{transport:#?}").unwrap();
        match transport.call(&cx(), call).await {
            Ok(answer) => {
                writeln!(shown, "{answer:?}\n{answer:#?}").unwrap();
                let text = answer.json().map(|json| json["message"].to_string());
                shown.push_str(&answer.public_text(&text.unwrap_or_default()));
                shown.push_str(&answer.public_id(CODE).unwrap_or_default());
                shown.push_str(&leaks::shown(&answer.protocol_error("made up")));
            }
            Err(error) => shown.push_str(&leaks::shown(&error)),
        }
    }
}

#[tokio::test]
async fn nothing_shows_key_recipient_or_code() {
    let capture = LogCapture::new();
    let _recording = capture.install_scoped();
    let mut shown = String::new();
    for play in plays() {
        let server = FaultyServer::start(play).await;
        try_all(&impatient(&server.url()), &mut shown).await;
    }
    let server = FaultyServer::start(Play::silence()).await;
    try_all(&impatient(&server.https_url()), &mut shown).await;
    let refused = refused_address().await;
    try_all(&impatient(&format!("http://{refused}")), &mut shown).await;

    let log = capture.text();
    assert!(log.contains("vendor_call"), "the capture works:\n{log}");
    assert!(log.contains("hyper_util"), "the HTTP client's own lines too:\n{log}");
    capture.assert_clean(SECRETS);
    leaks::assert_clean(&shown, SECRETS);
}

#[test]
fn configuration_shows_no_secret() {
    let secret = Secret::new(KEY);
    let shown = format!("{secret:?} {:?}", config("https://api.example/v1"));
    leaks::assert_clean(&shown, SECRETS);
}
