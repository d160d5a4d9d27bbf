//! The states of the files of Infobip's 2FA.

use otpmux_emulator::Fault;
use serde_json::{Value, json};

use crate::stage::Step::{self, Advance, Flaw, Infobip2fa, Same};

const ID: &str = "9C817C6F8AF3D48F9FE553282AFA2B67";

pub(crate) fn steps(case: &str) -> Option<Vec<Step>> {
    let opened = |rest: Vec<Step>| [open("1598").to_vec(), rest].concat();
    Some(match case {
        "balance-ok"
        | "resend-404"
        | "send-email-ok"
        | "send-sms-lookup-ok"
        | "send-sms-ok"
        | "send-sms-tracked-ok"
        | "send-template-of-message-ok"
        | "send-voice-ok"
        | "verify-404" => vec![],
        "send-400-recipient" => vec![Flaw("/to", json!("a number"))],
        "send-401" | "verify-401" => vec![Infobip2fa(|account| account.api_key.push('x'))],
        "send-400" => vec![Step::Fault(Fault::status(400))],
        "send-403" => vec![Step::Fault(Fault::status(403))],
        "send-429" => vec![Step::Fault(Fault::status(429))],
        "send-500" | "verify-500" => vec![Step::Fault(Fault::status(500))],
        "send-502-html" => {
            let fault = Fault::status_with_body(502, "<html><body>Bad Gateway</body></html>");
            vec![Step::Fault(fault.with_header("Content-Type", "text/html"))]
        }
        "send-429-number" => vec![Same(3)],
        "send-not-reachable" => {
            vec![Infobip2fa(|account| account.unreachable.push("41793026727".to_owned()))]
        }
        "send-not-sent" | "send-voice-no-credit" => {
            vec![Infobip2fa(|account| account.balance = "0".to_owned())]
        }
        "send-no-pin-id" => {
            vec![fault(json!({ "to": "41793026727", "smsStatus": "MESSAGE_SENT" }))]
        }
        "resend-email-ok" => vec![opened_by("/2fa/2/pin/email", "john.smith@example.com")],
        "resend-ok" | "resend-voice-ok" | "verify-ok" => opened(vec![]),
        "verify-expired" => opened(vec![Advance(15 * 60)]),
        "verify-429" => opened(vec![Same(1)]),
        "verify-wrong-code" => {
            [vec![Infobip2fa(|account| account.pin_attempts = 3)], open("0000").to_vec()].concat()
        }
        "verify-too-many-guesses" => [
            vec![Infobip2fa(|account| account.pin_attempts = 1)],
            open("0000").to_vec(),
            vec![Same(1), Advance(3)],
        ]
        .concat(),
        "verify-ok-no-error" => vec![answer(true, 0, Some("NO_ERROR"))],
        "verify-contradiction" => vec![answer(true, 0, Some("WRONG_PIN"))],
        "verify-expired-other-word" => vec![answer(false, 0, Some("PIN_EXPIRED"))],
        "verify-no-reason" => vec![answer(false, 3, None)],
        _ => return None,
    })
}

/// A code that the vendor has sent.
fn open(code: &'static str) -> [Step; 2] {
    let known = match code {
        "1598" => Infobip2fa(|account| account.fixed_code = Some("1598".to_owned())),
        _ => Infobip2fa(|account| account.fixed_code = Some("0000".to_owned())),
    };
    [known, opened_by("/2fa/2/pin", "41793026727")]
}

fn opened_by(path: &'static str, to: &str) -> Step {
    Step::Open {
        path,
        body: json!({ "applicationId": "1234567", "messageId": "7654321", "to": to }),
        id: "/pinId",
        placeholder: ID,
    }
}

/// Words that one program or another has met, and contradictions.
fn answer(verified: bool, left: u32, error: Option<&str>) -> Step {
    let mut body = json!({
        "pinId": ID, "msisdn": "41793026727", "verified": verified, "attemptsRemaining": left,
    });
    if let Some(error) = error {
        body["pinError"] = json!(error);
    }
    fault(body)
}

fn fault(body: Value) -> Step {
    Step::Fault(Fault::status_with_body(200, body))
}
