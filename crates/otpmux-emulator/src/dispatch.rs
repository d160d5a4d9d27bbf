//! From a request to an answer, or to the fault that replaces it.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde_json::Value;
use tokio::time::sleep;

use crate::exchange::{Call, Outcome, Reply, Rupture};
use crate::fault::{Fault, FaultKind, Garbage};
use crate::input::MOST_BODY_BYTES;
use crate::shared::Shared;
use crate::vendors::Vendor;

const NOT_HTTP: &[u8] = b"\x00\x01\xfe\xff this is not HTTP \xff\xfe\r\n\r\n";
const NOT_JSON: &str = "{\"success\":tru\u{0}";

/// Answers a request to the vendor, or applies its fault.
pub(crate) async fn answer(request: Request<Incoming>, vendor: Vendor, shared: &Shared) -> Outcome {
    // The request came before its connection was cut.
    if shared.world().faults.is_down(vendor) {
        return Outcome::Rupture(Rupture::Close);
    }
    let (head, body) = request.into_parts();
    let read = Limited::new(body, MOST_BODY_BYTES).collect().await;
    let mut call = Call {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body: Bytes::new(),
    };
    // A path outside the vendor's base path stays as it is: the vendor does not know it.
    if let Some(below) = call.path.strip_prefix(vendor.base_path()) {
        call.path = below.to_owned();
    }
    match read {
        Ok(body) => call.body = body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            let mut world = shared.world();
            world.note(vendor, &call);
            return Outcome::Reply(world.usual_error(vendor, 413));
        }
        Err(_) => return Outcome::Rupture(Rupture::Close),
    }
    at_vendor(vendor, &call, shared).await
}

/// Answers a request that was read to its end, or applies the vendor's fault.
pub(crate) async fn at_vendor(vendor: Vendor, call: &Call, shared: &Shared) -> Outcome {
    let fault = {
        let mut world = shared.world();
        world.note(vendor, call);
        let path = world.fault_path(vendor, call);
        let fault = world.faults.take(vendor, &path);
        if fault.as_ref().is_some_and(|fault| fault.after_work && breaks_the_answer(fault)) {
            world.serve(vendor, call, true);
        }
        fault
    };
    match fault {
        None => Outcome::Reply(shared.world().serve(vendor, call, true)),
        Some(fault) => apply(fault.kind, vendor, call, shared).await,
    }
}

/// Applies the vendor's fault at a place of a conversation before its message. `None`: the conversation
/// goes on.
pub(crate) async fn fault(vendor: Vendor, call: &Call, shared: &Shared) -> Option<Outcome> {
    let fault = shared.world().faults.take(vendor, &call.path)?;
    match fault.kind {
        FaultKind::Latency(delay) => {
            tokio::select! {
                () = sleep(delay) => None,
                () = shared.stopped() => Some(Outcome::Rupture(Rupture::Close)),
            }
        }
        FaultKind::AcceptButNeverDeliver => None,
        kind => Some(apply(kind, vendor, call, shared).await),
    }
}

async fn apply(kind: FaultKind, vendor: Vendor, call: &Call, shared: &Shared) -> Outcome {
    match kind {
        FaultKind::AcceptButNeverDeliver => {
            Outcome::Reply(shared.world().serve(vendor, call, false))
        }
        FaultKind::Latency(delay) => {
            tokio::select! {
                () = sleep(delay) => Outcome::Reply(shared.world().serve(vendor, call, true)),
                () = shared.stopped() => Outcome::Rupture(Rupture::Close),
            }
        }
        FaultKind::Status { status, body, headers } => {
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
        FaultKind::Hang => {
            shared.stopped().await;
            Outcome::Rupture(Rupture::Close)
        }
        FaultKind::ResetAfterRead => Outcome::Rupture(Rupture::Reset),
        FaultKind::CloseBeforeAnswer | FaultKind::Refuse => Outcome::Rupture(Rupture::Close),
        FaultKind::Garbage(Garbage::Http) => Outcome::Rupture(Rupture::Raw(NOT_HTTP)),
        FaultKind::Garbage(Garbage::Json) => {
            Outcome::Reply(Reply::bytes(200, "application/json", NOT_JSON))
        }
    }
}

/// Returns whether the vendor's own answer is lost, so that its work is done separately.
fn breaks_the_answer(fault: &Fault) -> bool {
    !matches!(
        fault.kind,
        FaultKind::Latency(_) | FaultKind::AcceptButNeverDeliver | FaultKind::Refuse
    )
}
