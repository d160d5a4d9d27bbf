//! The states of the EasyOTP files.

use otpmux_emulator::Fault;
use serde_json::json;

use crate::stage::Step::{self, Advance, EasyOtp, Same};

pub(crate) fn steps(case: &str) -> Option<Vec<Step>> {
    let opened = |rest: Vec<Step>| Some([vec![open("+1234567890")], rest].concat());
    match case {
        "send-400-channel"
        | "send-400-code"
        | "send-400-expires-in"
        | "send-400-recipient"
        | "send-custom-code-ok"
        | "send-email-ok"
        | "send-minimal-ok"
        | "send-sms-ok"
        | "send-voice-ok"
        | "test-send-always-ok"
        | "verify-400-missing-id"
        | "verify-404" => Some(vec![]),
        "send-401" => Some(vec![other_key()]),
        "send-402" => Some(vec![EasyOtp(|account| account.credits = 0)]),
        "send-403" => Some(vec![disable()]),
        "send-429-api-key" => Some(vec![Same(120)]),
        "send-429-recipient-minute" => Some(vec![Same(2), Advance(60 - 42)]),
        "send-429-recipient-hour" => Some([fifteen(), vec![Advance(1800 - 420)]].concat()),
        "send-429-recipient-day" => {
            let mut steps = Vec::new();
            for _ in 0..3 {
                steps.extend(fifteen());
                steps.push(Advance(3600 - 420));
            }
            steps.extend([Same(2), Advance(60), Same(2), Advance(60), Same(1)]);
            steps.push(Advance(43_200 - 3 * 3600 - 120));
            Some(steps)
        }
        "send-500" | "verify-500" => Some(vec![Step::Fault(Fault::status(500))]),
        "send-502-html" => Some(vec![Step::Fault(
            Fault::status_with_body(502, "<html><body>Bad Gateway</body></html>")
                .with_header("Content-Type", "text/html"),
        )]),
        "test-verify-always-invalid" => Some(vec![open("+15555550101")]),
        "test-verify-always-ok" => Some(vec![open("+15555550100")]),
        "test-verify-expired" => Some(vec![open("+15555550102")]),
        "verify-400-code" | "verify-invalid" | "verify-ok" => opened(vec![]),
        "verify-401" => opened(vec![other_key()]),
        "verify-403" => opened(vec![disable()]),
        "verify-429-locked" => opened(vec![Same(5)]),
        "verify-expired" => opened(vec![Advance(300)]),
        "verify-used" => opened(vec![Same(1)]),
        _ => None,
    }
}

fn other_key() -> Step {
    EasyOtp(|account| account.api_key.push('x'))
}

fn disable() -> Step {
    EasyOtp(|account| account.disabled = true)
}

/// As many sends as an hour takes, in the seven minutes that the limit per minute makes of them.
fn fifteen() -> Vec<Step> {
    let pairs = (0..7).flat_map(|_| [Same(2), Advance(60)]);
    pairs.chain([Same(1)]).collect()
}

fn open(recipient: &str) -> Step {
    Step::Open {
        path: "/send",
        body: json!({ "channel": "sms", "recipient": recipient, "code": "123456" }),
        id: "/verification_id",
        placeholder: "11f951d5-32d1-4b49-bdda-7da248e2615c",
    }
}
