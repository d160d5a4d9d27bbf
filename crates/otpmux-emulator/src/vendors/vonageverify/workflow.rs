//! The steps of a verification, which follow each other by time, and their delivery receipts.

use std::collections::{BTreeSet, HashMap};

use aws_lc_rs::{digest, hmac};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::VonageVerify;
use crate::callback::Callback;
use crate::clock::{millis, plus};
use crate::ids;
use crate::vendor_api::Context;

/// The pauses after which a webhook that was not accepted is sent again. Vonage documents that it
/// does so, and not when.
const REPEATS: &[u64] = &[60, 300];

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) channel: String,
    pub(super) to: String,
    pub(super) reuse_code: bool,
    pub(super) initiated: Option<Timestamp>,
    pub(super) status: &'static str,
}

/// A verification in progress. One that has ended is forgotten.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) brand: String,
    pub(super) steps: Vec<Step>,
    pub(super) current: usize,
    pub(super) code: String,
    pub(super) own_code: bool,
    pub(super) length: u8,
    /// Seconds for each step.
    pub(super) timeout: u64,
    pub(super) client_ref: Option<String>,
    pub(super) submitted: Timestamp,
    pub(super) step_began: Timestamp,
    /// How many wrong codes were tried.
    pub(super) wrong: u32,
}

impl Request {
    fn due(&self) -> Timestamp {
        plus(self.step_began, self.timeout)
    }
}

/// The requests in progress, also by the time at which their step ends and by recipient.
#[derive(Debug, Default)]
pub(super) struct Requests {
    rows: HashMap<String, Request>,
    due: BTreeSet<(Timestamp, String)>,
    recipients: HashMap<String, usize>,
}

impl Requests {
    pub(super) fn in_progress(&self, to: &str) -> bool {
        self.recipients.contains_key(to)
    }

    pub(super) fn insert(&mut self, id: String, request: Request) {
        *self.recipients.entry(request.steps[0].to.clone()).or_default() += 1;
        self.due.insert((request.due(), id.clone()));
        self.rows.insert(id, request);
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Request> {
        self.rows.get_mut(id)
    }

    pub(super) fn take(&mut self, id: &str) -> Option<Request> {
        let request = self.rows.remove(id)?;
        self.due.remove(&(request.due(), id.to_owned()));
        let to = &request.steps[0].to;
        match self.recipients.get_mut(to) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(self.recipients.remove(to)),
        }
        Some(request)
    }

    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.due.first().map(|(due, _)| *due)
    }

    /// Takes a request whose step has ended by now.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Option<(String, Request)> {
        let id = self.due.first().filter(|(due, _)| *due <= now)?.1.clone();
        let request = self.take(&id)?;
        Some((id, request))
    }
}

impl VonageVerify {
    /// Sends by the present step. A recipient that cannot be reached is reported; the step still
    /// takes its time.
    pub(super) fn begin_step(&mut self, id: &str, request: &mut Request, cx: &mut Context) {
        let first = request.current == 0;
        let step = &request.steps[request.current];
        // Each step has another code, unless the caller brought one or wants the same.
        if !first && !request.own_code && !step.reuse_code {
            let fixed = self.account.fixed_code.clone();
            request.code = fixed.unwrap_or_else(|| ids::code(request.length));
        }
        request.step_began = cx.now;
        let reachable = !self.account.unreachable.contains(&step.to);
        if reachable {
            let text = format!("{} code: {}", request.brand, request.code);
            let subject = format!("{} code", request.brand);
            let subject = (step.channel == "email").then_some(subject.as_str());
            cx.deliver_with(&step.channel, &step.to, subject, text, &request.code);
        }
        let step = &mut request.steps[request.current];
        step.initiated = Some(cx.now);
        step.status = if reachable { "expired" } else { "failed" };
        if !reachable {
            self.report_step(id, request, "failed", cx);
        }
    }

    /// Moves to the next step; without one, the request ends.
    pub(super) fn move_on(&mut self, id: String, mut request: Request, cx: &mut Context) {
        if request.current + 1 < request.steps.len() {
            request.current += 1;
            self.begin_step(&id, &mut request, cx);
            self.requests.insert(id, request);
        } else {
            let failed = request.steps.iter().all(|step| step.status == "failed");
            self.report_end(&id, &request, if failed { "failed" } else { "expired" }, cx);
        }
    }

    /// Reports the outcome of the present step.
    pub(super) fn report_step(&self, id: &str, request: &Request, status: &str, cx: &mut Context) {
        let step = &request.steps[request.current];
        let mut body = json!({
            "request_id": id,
            "triggered_at": millis(request.step_began),
            "type": "event",
            "channel": step.channel,
            "status": status,
            "finalized_at": millis(cx.now),
        });
        if let Some(client_ref) = &request.client_ref {
            body["client_ref"] = json!(client_ref);
        }
        self.report(&body, cx);
    }

    /// Reports the outcome of the request.
    pub(super) fn report_end(&self, id: &str, request: &Request, status: &str, cx: &mut Context) {
        let steps = request.steps.iter().map(|step| {
            json!({
                "channel": step.channel,
                "initiated_at": step.initiated.map(millis),
                "status": step.status,
            })
        });
        let mut body = json!({
            "request_id": id,
            "submitted_at": millis(request.submitted),
            "status": status,
            "type": "summary",
            "channel_timeout": request.timeout,
            "workflow": steps.collect::<Vec<_>>(),
        });
        if let Some(client_ref) = &request.client_ref {
            body["client_ref"] = json!(client_ref);
        }
        self.report(&body, cx);
    }

    fn report(&self, body: &Value, cx: &mut Context) {
        let Some(url) = &self.account.status_url else { return };
        let body = body.to_string();
        let token = token(&self.account.signature_secret, &self.account.api_key, &body, cx.now);
        let callback = Callback::new(cx.now, url, "application/json", body)
            .signed("authorization", format!("Bearer {token}"))
            .repeated(REPEATS);
        cx.callbacks.push(callback);
    }
}

/// Returns the JSON Web Token (HS256) of a webhook, with the hash of its body.
fn token(secret: &str, api_key: &str, body: &str, now: Timestamp) -> String {
    let hash = digest::digest(&digest::SHA256, body.as_bytes());
    let hash = base16ct::lower::encode_string(hash.as_ref());
    let claims = json!({
        "iat": now.as_second(),
        "jti": ids::uuid(),
        "iss": "Vonage",
        "payload_hash": hash,
        "api_key": api_key,
    });
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{header}.{}", BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&key, signed.as_bytes()));
    format!("{signed}.{signature}")
}
