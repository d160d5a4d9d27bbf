//! Requests that are not the caller's, or that cannot be read. None sends a message; each is
//! answered in the form of the caller.

use otpmux_testkit::{LogCapture, leaks};
use reqwest::Method;
use serde_json::Value;

use super::callers::{CODE, Caller, SECRET, ago, config, now, secrets};
use super::{fresh, recipient};
use crate::world::{Answer, Running, count, emulator, number, start};

fn without(request: reqwest::RequestBuilder, name: &str) -> reqwest::Request {
    let mut request = request.build().unwrap();
    request.headers_mut().remove(name);
    request
}

async fn sent(gateway: &Running, request: reqwest::Request) -> Answer {
    let client = gateway.http.clone();
    Answer::of(reqwest::RequestBuilder::from_parts(client, request)).await
}

#[tokio::test]
async fn what_is_not_the_callers_is_refused() {
    let emulator = emulator().await;
    let gateway = start(&config(&emulator, "", ""), secrets(&emulator)).await.unwrap();
    for caller in Caller::all() {
        let body = caller.body(&recipient(&caller), CODE, &fresh());
        let at = now();
        let other = "another-secret-0123456789abcdefgh";
        let forged = Answer::of(caller.request(&gateway, &body, other, at)).await;
        caller.refused(&forged, 401, "unauthenticated");
        for (name, _) in caller.proof(&caller.secret(SECRET), &body, at) {
            let request = without(caller.request(&gateway, &body, SECRET, at), name);
            caller.refused(&sent(&gateway, request).await, 401, "unauthenticated");
            let request = without(caller.request(&gateway, &body, SECRET, at), name);
            let mut request = request;
            let garbage = reqwest::header::HeaderValue::from_bytes(b"\xff, ;=v1").unwrap();
            request.headers_mut().insert(name, garbage);
            caller.refused(&sent(&gateway, request).await, 401, "unauthenticated");
        }
        if caller.signs_time() {
            for time in [ago(310), ago(100_000), at + std::time::Duration::from_secs(310)] {
                let stale = Answer::of(caller.request(&gateway, &body, SECRET, time)).await;
                caller.refused(&stale, 401, "unauthenticated");
            }
        }
        // A signature of another body.
        let changed = caller.body(&recipient(&caller), "000000", &fresh());
        let proof = caller.proof(&caller.secret(SECRET), &body, at);
        let mut request = caller.request(&gateway, &changed, other, at).build().unwrap();
        for (name, value) in &proof {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let by_header = proof.iter().any(|(_, value)| value.contains(SECRET));
        if !by_header {
            caller.refused(&sent(&gateway, request).await, 401, "unauthenticated");
        }
    }
    assert_eq!(count(&emulator), 0);
}

#[tokio::test]
async fn what_cannot_be_read_is_refused() {
    let emulator = emulator().await;
    let gateway = start(&config(&emulator, "", ""), secrets(&emulator)).await.unwrap();
    for caller in Caller::all() {
        let body = caller.body(&recipient(&caller), CODE, &fresh());
        let at = now();
        let request = |body: &str| caller.request(&gateway, body, SECRET, at);
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
            let mut request = request(&body).build().unwrap();
            *request.method_mut() = method;
            caller.refused(&sent(&gateway, request).await, 405, "method_not_allowed");
        }
        for kind in ["text/plain", "application/xml", "multipart/form-data", "", "json"] {
            let mut request = request(&body).build().unwrap();
            request.headers_mut().insert("content-type", kind.parse().unwrap());
            caller.refused(&sent(&gateway, request).await, 415, "unsupported_media_type");
        }
        for broken in ["", "{", "[]", "\"\"", "null", "{}x", &"[".repeat(100_000)] {
            let answer = Answer::of(request(broken)).await;
            caller.refused(&answer, 400, "invalid_request");
        }
        let answer =
            Answer::of(request(&format!("{{\"x\":\"{}\"}}", "x".repeat(300 * 1024)))).await;
        caller.refused(&answer, 413, "too_large");
        // An object without, and one with other types at every place.
        let answer = Answer::of(request("{}")).await;
        caller.refused(&answer, 422, "invalid_request");
        let mut body: Value = serde_json::from_str(&body).unwrap();
        ruin(&mut body);
        let answer = Answer::of(request(&body.to_string())).await;
        caller.refused(&answer, 422, "invalid_request");
    }
    assert_eq!(count(&emulator), 0);
}

/// Makes a number of every text.
fn ruin(value: &mut Value) {
    match value {
        Value::Object(members) => members.values_mut().for_each(ruin),
        Value::Array(items) => items.iter_mut().for_each(ruin),
        other => *other = 482_913.into(),
    }
}

/// A body of 10 MB is not read: the connection ends before it has gone through.
#[tokio::test]
async fn ten_megabytes_are_refused() {
    let emulator = emulator().await;
    let gateway = start(&config(&emulator, "", ""), secrets(&emulator)).await.unwrap();
    let large = "x".repeat(10 << 20);
    for caller in Caller::all() {
        let answer = caller.request(&gateway, &large, SECRET, now()).send().await;
        // It may be cut off while it still writes.
        if let Ok(answer) = answer {
            assert_eq!(answer.status(), 413, "{}", caller.kind);
        }
        gateway.get("/readyz").await.expect(200);
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused() {
    let emulator = emulator().await;
    let gateway = start(&config(&emulator, "", ""), secrets(&emulator)).await.unwrap();
    for caller in Caller::all() {
        // A signature over other bytes is refused for that; a secret in a header lets them through.
        let body = caller.body(&recipient(&caller), CODE, &fresh());
        let at = now();
        let mut request = caller.request(&gateway, &body, SECRET, at).build().unwrap();
        let mut bytes = body.clone().into_bytes();
        let at = body.find(CODE).unwrap();
        bytes[at] = 0xff;
        *request.body_mut() = Some(bytes.into());
        let answer = sent(&gateway, request).await;
        assert!(!caller.accepts(&answer), "{}: {answer:?}", caller.kind);
        assert!([400, 401].contains(&answer.status), "{}: {answer:?}", caller.kind);
    }
    assert_eq!(count(&emulator), 0);
}

#[tokio::test]
async fn numbers_as_callers_write_them() {
    let emulator = emulator().await;
    let gateway = start(&config(&emulator, "", ""), secrets(&emulator)).await.unwrap();
    for caller in Caller::all().into_iter().filter(|caller| !caller.mails()) {
        let to = number();
        let spaced = format!("{} {} {}", &to[..3], &to[3..8], &to[8..]);
        for written in [to.clone(), spaced] {
            let body = caller.body(&written, CODE, &fresh());
            let answer = caller.call(&gateway, &body).await;
            assert!(caller.accepts(&answer), "{}, {written}: {answer:?}", caller.kind);
            assert_eq!(emulator.last_code(&to).as_deref(), Some(CODE), "{}", caller.kind);
        }
        for bad in ["+", "911", "+1", "+999999999999999999", "user@", "user", "+91 98765 4321O"] {
            let body = caller.body(bad, CODE, &fresh());
            let answer = caller.call(&gateway, &body).await;
            caller.refused(&answer, 422, "invalid_recipient");
        }
        for code in ["12", "12345678901", "48 29", "48-2913"] {
            let body = caller.body(&number(), code, &fresh());
            let answer = caller.call(&gateway, &body).await;
            assert!(!caller.accepts(&answer), "{}, {code}: {answer:?}", caller.kind);
        }
    }
}

#[tokio::test]
async fn nothing_personal_in_logs_and_answers() {
    let logs = LogCapture::new();
    let _recording = logs.install_scoped();
    let emulator = emulator().await;
    let gateway = start(&config(&emulator, "", ""), secrets(&emulator)).await.unwrap();
    let mut answers = Vec::new();
    let mut secrets = vec![CODE.to_owned(), SECRET.to_owned(), "203.0.113.7".to_owned()];
    for caller in Caller::all() {
        let to = recipient(&caller);
        let body = caller.body(&to, CODE, &fresh());
        let at = now();
        answers.push(caller.call(&gateway, &body).await);
        answers.push(Answer::of(caller.request(&gateway, &body[1..], SECRET, at)).await);
        let forged = caller.request(&gateway, &body, "another-secret-0123", at);
        answers.push(Answer::of(forged).await);
        secrets.extend([to.trim_start_matches('+').to_owned(), caller.secret(SECRET)]);
    }
    let secrets: Vec<_> = secrets.iter().map(String::as_str).collect();
    leaks::assert_clean(&format!("{answers:?}"), &secrets);
    let text = logs.text();
    let ours: String = text.lines().filter(|line| line.contains("otpmux")).collect();
    assert!(ours.contains("hook not authenticated"), "{ours}");
    leaks::assert_clean(&ours, &secrets);
}
