//! Passes the form's requests on to the gateway.

use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::exchange::{Call, Outcome, Reply, Rupture};
use crate::relay::{RelayAnswer, RelayRequest};
use crate::shared::{Shared, stopped};

/// `path` is what follows `/_emulator/relay/`.
pub(super) async fn pass_on(
    call: &Call,
    path: &str,
    shared: &Shared,
    mut stop: watch::Receiver<bool>,
) -> Outcome {
    let request = match request(call, path) {
        Ok(request) => request,
        Err(refusal) => return Outcome::Reply(refusal),
    };
    let Some(relay) = shared.world().relay.as_ref().map(Arc::clone) else {
        return Outcome::Reply(Reply::error(404, "no gateway is connected to this page"));
    };
    let answer = tokio::select! {
        answer = relay.relay(request) => answer,
        () = stopped(&mut stop) => return Outcome::Rupture(Rupture::Close),
    };
    Outcome::Reply(match answer {
        Ok(RelayAnswer { status, body: Value::Null }) => Reply::empty(status),
        Ok(RelayAnswer { status, body }) => Reply::json(status, &body),
        Err(error) => {
            let title = "The gateway does not answer";
            Reply::json(502, &json!({ "title": title, "detail": error.to_string() }))
        }
    })
}

fn request(call: &Call, path: &str) -> Result<RelayRequest, Reply> {
    let segments: Vec<&str> = path.split('/').collect();
    let method = match segments.as_slice() {
        ["verifications"] => Method::POST,
        ["verifications", id, "verify" | "resend"] if is_id(id) => Method::POST,
        ["verifications", id] if is_id(id) => Method::GET,
        _ => return Err(Reply::error(404, "only send, verify, resend and status are passed on")),
    };
    if call.method != method {
        return Err(Reply::error(405, &format!("this is passed on with {method} only")));
    }
    let mut body = None;
    if method == Method::POST {
        // No plain form of another site can send this type.
        if !call.is_json() {
            return Err(Reply::error(415, "the body must be application/json"));
        }
        body = Some(call.object().ok_or_else(|| Reply::error(400, "a JSON object is expected"))?);
    }
    Ok(RelayRequest { method, path: format!("/v1/{path}"), body })
}

fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=128).contains(&text.len()) && text.bytes().all(plain)
}
