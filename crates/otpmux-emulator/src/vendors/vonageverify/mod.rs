//! Vonage Verify v2 (`api.nexmo.com/v2/verify`), and the balance of the account.

mod account;
mod answer;
mod auth;
mod start;
mod workflow;

use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

pub use account::VonageVerifyAccount;

use crate::check::same_secret;
use crate::clock::plus;
use crate::exchange::{Call, Reply};
use crate::vendor_api::{Context, Facts, VendorApi, assign, to_json};
use answer::{invalid, not_found, problem, usual_error};
use workflow::Requests;

pub(crate) const FACTS: Facts = Facts { key: "vonageverify", name: "Vonage Verify", base_path: "" };

/// So many wrong codes end a request.
const MOST_WRONG: u32 = 3;

#[derive(Debug)]
pub(crate) struct VonageVerify {
    account: VonageVerifyAccount,
    requests: Requests,
}

impl VonageVerify {
    pub(crate) fn new(_now: Timestamp) -> Self {
        Self { account: VonageVerifyAccount::default(), requests: Requests::default() }
    }

    fn check(&mut self, call: &Call, id: &str, cx: &mut Context) -> Reply {
        let Some(request) = self.requests.get_mut(id) else { return not_found(id) };
        let body = if call.is_json() { call.object() } else { None };
        let code = body.as_ref().and_then(|body| body["code"].as_str());
        let Some(code) = code.filter(|code| (4..=10).contains(&code.chars().count())) else {
            return invalid("code", "`code` must be 4 to 10 characters");
        };
        if same_secret(code, &request.code) {
            let Some(mut request) = self.requests.take(id) else { return not_found(id) };
            request.steps[request.current].status = "completed";
            self.report_step(id, &request, "completed", cx);
            self.report_end(id, &request, "completed", cx);
            return Reply::json(200, &json!({ "request_id": id, "status": "completed" }));
        }
        request.wrong += 1;
        if request.wrong < MOST_WRONG {
            let text = "The code you provided does not match the expected value.";
            return problem(400, "invalid-code", "Invalid Code", text);
        }
        if let Some(request) = self.requests.take(id) {
            self.report_end(id, &request, "failed", cx);
        }
        let text = "An incorrect code has been provided too many times. Workflow terminated.";
        problem(410, "expired", "Invalid Code", text)
    }

    fn cancel(&mut self, id: &str, now: Timestamp) -> Reply {
        let after = self.account.cancel_after;
        let allowed = self
            .requests
            .get_mut(id)
            .is_some_and(|request| request.current == 0 && plus(request.submitted, after) <= now);
        if !allowed {
            return not_found(id);
        }
        self.requests.take(id);
        Reply { status: 204, headers: Vec::new(), body: bytes::Bytes::new() }
    }

    fn next_workflow(&mut self, id: &str, cx: &mut Context) -> Reply {
        let Some(request) = self.requests.get_mut(id) else { return not_found(id) };
        if request.current + 1 >= request.steps.len() {
            let text = "There are no more events left to trigger.";
            return problem(409, "conflict", "Conflict", text);
        }
        if let Some(request) = self.requests.take(id) {
            self.move_on(id.to_owned(), request, cx);
        }
        Reply { status: 200, headers: Vec::new(), body: bytes::Bytes::new() }
    }

    fn balance(&self) -> Reply {
        let cents = self.account.balance_cents;
        let text = format!("{}.{:02}", cents / 100, cents % 100);
        let value: Value = serde_json::from_str(&text).unwrap_or_default();
        Reply::json(200, &json!({ "value": value, "autoReload": false }))
    }
}

impl VendorApi for VonageVerify {
    fn serve(&mut self, call: &Call, cx: &mut Context) -> Reply {
        if let Some(refusal) = auth::refusal(&self.account, call) {
            return refusal;
        }
        let path: Vec<&str> = call.path.trim_matches('/').split('/').collect();
        match (&call.method, path.as_slice()) {
            (&Method::POST, ["v2", "verify"]) => self.start(call, cx),
            (&Method::POST, ["v2", "verify", id]) => self.check(call, id, cx),
            (&Method::DELETE, ["v2", "verify", id]) => self.cancel(id, cx.now),
            (&Method::POST, ["v2", "verify", id, "next_workflow"]) => self.next_workflow(id, cx),
            (&Method::GET, ["account", "get-balance"]) => self.balance(),
            (_, ["v2", "verify", ..] | ["account", "get-balance"]) => usual_error(405),
            _ => usual_error(404),
        }
    }

    fn usual_error(&self, status: u16, _now: Timestamp) -> Reply {
        usual_error(status)
    }

    fn fault_path(&self, call: &Call) -> String {
        let is_start = call.path.trim_matches('/') == "v2/verify";
        if is_start { "/v2/verify/send".to_owned() } else { call.path.clone() }
    }

    fn credentials(&self) -> Value {
        let account = &self.account;
        json!({
            "api_key": account.api_key,
            "api_secret": account.api_secret,
            "application_id": account.application_id,
            "private_key": account.private_key,
            "signature_secret": account.signature_secret,
        })
    }

    /// With the name of a service, without which the vendor sends nothing.
    fn usual_credentials(&self) -> Value {
        let account = &self.account;
        json!({ "api_key": account.api_key, "api_secret": account.api_secret, "brand": "Acme" })
    }

    fn account(&self) -> Value {
        to_json(&self.account)
    }

    fn set_account(&mut self, account: Value) -> Result<(), String> {
        assign(&mut self.account, account)
    }

    fn lift_limits(&mut self) {
        self.account.enforce_limits = false;
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.requests.next_due()
    }

    fn act(&mut self, cx: &mut Context) {
        if let Some((id, request)) = self.requests.take_due(cx.now) {
            self.move_on(id, request, cx);
        }
    }
}
