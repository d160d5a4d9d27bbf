//! The states of the files of MSG91.

use otpmux_emulator::Fault;
use serde_json::{Value, json};

use crate::stage::Step::{self, Advance, Flaw, Msg91, Post, Same};

const DAY: u64 = 24 * 3600;

pub(crate) fn steps(case: &str) -> Option<Vec<Step>> {
    let opened = |rest: Vec<Step>| [vec![open("123456")], rest].concat();
    Some(match case {
        "send-ok"
        | "send-template-of-message-ok"
        | "send-variables-ok"
        | "send-vendor-code-ok"
        | "resend-gone"
        | "verify-gone" => vec![],
        "send-error-authkey" => vec![Msg91(|account| account.auth_key.push('x'))],
        "send-error-balance" => vec![Msg91(|account| account.credits = 0)],
        "send-error-ip" => vec![Msg91(|account| account.address_blocked = true)],
        "send-error-not-numeric" => vec![Flaw("/mobile", json!("12ab"))],
        "send-error-number" => vec![Flaw("/mobile", json!(""))],
        "send-error-unknown" => vec![Flaw("/template_id", json!("unknown"))],
        "send-401" => vec![Step::Fault(Fault::status(401))],
        "send-429" => vec![Step::Fault(Fault::status(429).with_header("Retry-After", "60"))],
        "send-500" => vec![Step::Fault(Fault::status(500))],
        "send-502-html" => vec![html(502, "<html><body>Bad Gateway</body></html>")],
        // Forms and texts that one program or another has met.
        "send-401-address" => vec![fault(
            401,
            json!({
                "status": "fail", "hasError": true, "errors": "Unauthorized", "code": "401",
                "apiError": "418",
            }),
        )],
        "send-error-authkey-missing" => vec![refusal("Auth Key missing")],
        "send-error-old-form" => {
            vec![fault(200, json!({ "msg": "Invalid authkey", "msg_type": "error" }))]
        }
        "send-ok-id-in-message" => {
            let body = json!({ "message": "30696d74424c333539323132", "type": "success" });
            vec![fault(200, body)]
        }
        "verify-error-authkey" => vec![refusal("Invalid authkey")],
        "verify-error-unknown" => vec![refusal("Something new")],
        "verify-expired-word" => vec![refusal("otp_expired")],
        "verify-wrong-code-word" => vec![refusal("otp_not_verified")],
        "verify-success-unknown-text" => {
            vec![fault(200, json!({ "message": "done", "type": "success" }))]
        }
        "verify-500" => {
            vec![fault(500, json!({ "message": "OTP verified success", "type": "success" }))]
        }
        "resend-ok" | "resend-voice-ok" | "verify-ok" => opened(vec![]),
        "resend-too-many" => opened(vec![Same(2)]),
        "resend-expired" | "verify-expired" => opened(vec![Advance(DAY)]),
        "verify-used" => opened(vec![Same(1)]),
        "verify-used-as-success" => {
            opened(vec![Msg91(|account| account.used_is_success = true), Same(1)])
        }
        "verify-wrong-code" => vec![open("654321")],
        "verify-too-many-guesses" => vec![open("654321"), Same(5)],
        _ => return None,
    })
}

fn open(code: &str) -> Step {
    let body = json!({
        "template_id": "60a1b2c3d4e5f6a7b8c9d0e1", "mobile": "919999999999", "otp": code,
    });
    Post("/otp", body)
}

fn refusal(text: &str) -> Step {
    fault(200, json!({ "message": text, "type": "error" }))
}

fn fault(status: u16, body: Value) -> Step {
    Step::Fault(Fault::status_with_body(status, body))
}

fn html(status: u16, text: &str) -> Step {
    Step::Fault(Fault::status_with_body(status, text).with_header("Content-Type", "text/html"))
}
