//! What the page's form sends, passed on to a gateway that the emulator knows nothing about.

use std::fmt;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use http::Method;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::admin;
use crate::dispatch::{Outcome, Rupture};
use crate::exchange::{Call, Reply};
use crate::server::{Shared, stopped};

/// The way from the page's form to a gateway. Whoever embeds the emulator gives it one by
/// [`Emulator::set_relay`](crate::Emulator::set_relay); it holds the gateway's address and key, so
/// that no browser ever sees the key.
#[async_trait]
pub trait Relay: fmt::Debug + Send + Sync {
    /// Makes one request of the gateway and answers whatever the gateway says, refusals included.
    /// It is expected to have a time limit of its own.
    ///
    /// # Errors
    ///
    /// When there is no answer. The text is shown on the page: it must hold no secret.
    async fn relay(&self, request: RelayRequest) -> io::Result<RelayAnswer>;
}

/// One of the few requests that pass: send, verify, resend, status.
#[derive(Clone)]
#[non_exhaustive]
pub struct RelayRequest {
    /// `POST`, or `GET` for a status.
    pub method: Method,
    /// The gateway's path, `/v1/verifications` or below. It holds no character that needs escaping.
    pub path: String,
    /// The JSON body of a `POST`. It holds codes and recipients.
    pub body: Option<Value>,
}

impl fmt::Debug for RelayRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RelayRequest")
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// What the gateway answered.
#[derive(Clone, Debug, PartialEq)]
pub struct RelayAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body; null if there is none.
    pub body: Value,
}

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
        return Outcome::Reply(admin::error(404, "no gateway is connected to this page"));
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
        _ => return Err(admin::error(404, "only send, verify, resend and status are passed on")),
    };
    if call.method != method {
        return Err(admin::error(405, &format!("this is passed on with {method} only")));
    }
    let mut body = None;
    if method == Method::POST {
        // No plain form of another site can send this type.
        if !call.is_json() {
            return Err(admin::error(415, "the body must be application/json"));
        }
        body = Some(call.object().ok_or_else(|| admin::error(400, "a JSON object is expected"))?);
    }
    Ok(RelayRequest { method, path: format!("/v1/{path}"), body })
}

fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=128).contains(&text.len()) && text.bytes().all(plain)
}
