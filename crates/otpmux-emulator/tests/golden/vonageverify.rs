//! The states of the files of Vonage Verify.

use otpmux_emulator::Fault;
use serde_json::{Value, json};

use crate::stage::Step::{self, Open, Same, VonageVerify};

const TO: &str = "447700900000";

pub(crate) fn steps(case: &str) -> Option<Vec<Step>> {
    Some(match case {
        "send-sms-ok"
        | "send-voice-ok"
        | "send-whatsapp-ok"
        | "send-email-ok"
        | "send-own-code-ok"
        | "send-workflow-ok"
        | "send-options-ok"
        | "send-locale-unknown-ok"
        | "verify-404"
        | "cancel-404"
        | "resend-404"
        | "balance-ok" => vec![],
        "send-401" | "verify-401" => vec![VonageVerify(|account| account.api_secret.push('x'))],
        "send-402" => vec![VonageVerify(|account| account.balance_cents = 0)],
        "send-409-concurrent" => vec![Same(1)],
        "send-422-to" => {
            vec![VonageVerify(|account| account.invalid_numbers.push(TO.to_owned()))]
        }
        "send-429" | "verify-429" => vec![Step::Fault(Fault::status(429))],
        "send-500" | "verify-500" => vec![Step::Fault(Fault::status(500))],
        "send-502-html" => vec![html(502, "<html><body>Bad Gateway</body></html>")],
        "verify-404-proxy" => vec![html(404, "<html><body>Not Found</body></html>")],
        "verify-ok" | "cancel-ok" | "resend-409" => vec![open("1234", 1)],
        "resend-ok" => vec![open("1234", 2)],
        "verify-400-wrong" => vec![open("4321", 1)],
        "verify-410" => vec![open("4321", 1), Same(2)],
        _ => return None,
    })
}

fn html(status: u16, text: &str) -> Step {
    Step::Fault(Fault::status_with_body(status, text).with_header("Content-Type", "text/html"))
}

fn open(code: &str, steps: usize) -> Step {
    let workflow: Vec<Value> = (0..steps).map(|_| json!({ "channel": "sms", "to": TO })).collect();
    Open {
        path: "/v2/verify",
        body: json!({ "brand": "Acme", "workflow": workflow, "code": code }),
        id: "/request_id",
        placeholder: "c11236f4-00bf-4b89-84ba-88b25df97315",
    }
}
