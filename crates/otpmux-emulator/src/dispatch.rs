//! From a request to an answer, or to what happens in place of one.

use std::sync::Arc;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::sleep;

use crate::admin;
use crate::exchange::{Call, Outcome, Reply, Rupture};
use crate::fault::{Fault, FaultKind, Garbage};
use crate::handset;
use crate::shared::{Shared, stopped};
use crate::vendors::Vendor;

const MOST_BODY_BYTES: usize = 64 * 1024;
const NOT_HTTP: &[u8] = b"\x00\x01\xfe\xff this is not HTTP \xff\xfe\r\n\r\n";
const NOT_JSON: &str = "{\"success\":tru\u{0}";

pub(crate) async fn answer(
    request: Request<Incoming>,
    shared: &Arc<Shared>,
    stop: watch::Receiver<bool>,
) -> Outcome {
    let vendor = match Vendor::of_path(request.uri().path()) {
        Some((vendor, path)) => {
            // A later request on a connection that was accepted before the refusal was set.
            if shared.world().faults.take_refusal(vendor, path) {
                return Outcome::Rupture(Rupture::Close);
            }
            Some((vendor, path.to_owned()))
        }
        None => None,
    };
    let (head, body) = request.into_parts();
    let (vendor, path) = match vendor {
        Some((vendor, path)) => (Some(vendor), path),
        None => (None, head.uri.path().to_owned()),
    };
    let read = Limited::new(body, MOST_BODY_BYTES).collect().await;
    let mut call = Call {
        method: head.method,
        path,
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: Bytes::new(),
    };
    match read {
        Ok(body) => call.body = body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Outcome::Reply(match vendor {
                Some(vendor) => {
                    let mut world = shared.world();
                    world.note(vendor, &call);
                    world.usual_error(vendor, 413)
                }
                None => Reply::error(413, "the body is larger than 64 KiB"),
            });
        }
        Err(_) => return Outcome::Rupture(Rupture::Close),
    }
    match vendor {
        Some(vendor) => at_vendor(vendor, &call, shared, stop).await,
        None => at_emulator(&call, shared, stop).await,
    }
}

/// The handset's page and the admin API.
async fn at_emulator(call: &Call, shared: &Arc<Shared>, stop: watch::Receiver<bool>) -> Outcome {
    let outcome = match handset::refusal(call, shared.addr) {
        Some(refusal) => Outcome::Reply(refusal),
        None => match handset::answer(call, shared, stop).await {
            Some(outcome) => outcome,
            None => Outcome::Reply(admin::serve(call, shared)),
        },
    };
    match outcome {
        Outcome::Reply(reply) => Outcome::Reply(handset::guarded(reply)),
        Outcome::Stream(reply, body) => Outcome::Stream(handset::guarded(reply), body),
        Outcome::Rupture(how) => Outcome::Rupture(how),
    }
}

async fn at_vendor(
    vendor: Vendor,
    call: &Call,
    shared: &Shared,
    mut stop: watch::Receiver<bool>,
) -> Outcome {
    let fault = {
        let mut world = shared.world();
        world.note(vendor, call);
        let fault = world.faults.take(vendor, &call.path);
        if fault.as_ref().is_some_and(|fault| fault.after_work && breaks_the_answer(fault)) {
            world.serve(vendor, call, true);
        }
        fault
    };
    match fault.map(|fault| fault.kind) {
        None => Outcome::Reply(shared.world().serve(vendor, call, true)),
        Some(FaultKind::AcceptButNeverDeliver) => {
            Outcome::Reply(shared.world().serve(vendor, call, false))
        }
        Some(FaultKind::Latency(delay)) => {
            tokio::select! {
                () = sleep(delay) => Outcome::Reply(shared.world().serve(vendor, call, true)),
                () = stopped(&mut stop) => Outcome::Rupture(Rupture::Close),
            }
        }
        Some(FaultKind::Status { status, body, headers }) => {
            let mut reply = match body {
                None => shared.world().usual_error(vendor, status),
                Some(Value::String(text)) => Reply::bytes(status, "text/plain", text),
                Some(json) => Reply::json(status, &json),
            };
            for (name, value) in headers {
                reply = reply.with_header(&name, value);
            }
            Outcome::Reply(reply)
        }
        Some(FaultKind::Hang) => {
            stopped(&mut stop).await;
            Outcome::Rupture(Rupture::Close)
        }
        Some(FaultKind::ResetAfterRead) => Outcome::Rupture(Rupture::Reset),
        Some(FaultKind::CloseBeforeAnswer | FaultKind::Refuse) => Outcome::Rupture(Rupture::Close),
        Some(FaultKind::Garbage(Garbage::Http)) => Outcome::Rupture(Rupture::Raw(NOT_HTTP)),
        Some(FaultKind::Garbage(Garbage::Json)) => {
            Outcome::Reply(Reply::bytes(200, "application/json", NOT_JSON))
        }
    }
}

/// Whether the vendor's own answer is lost, so that its work must be done apart from it.
fn breaks_the_answer(fault: &Fault) -> bool {
    !matches!(
        fault.kind,
        FaultKind::Latency(_) | FaultKind::AcceptButNeverDeliver | FaultKind::Refuse
    )
}
