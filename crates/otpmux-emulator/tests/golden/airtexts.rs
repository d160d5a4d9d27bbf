//! The states of the AirTexts files.

use otpmux_emulator::Fault;
use otpmux_emulator::vendors::airtexts::{ExpiryField, SendShape, VerifyShape, WrongCode};
use serde_json::json;

use crate::stage::Step::{self, Advance, AirTexts, Flaw, Post, Same};

pub(crate) fn steps(case: &str) -> Option<Vec<Step>> {
    let opened = |rest: Vec<Step>| Some([vec![known_code(), open()], rest].concat());
    match case {
        "send-all-params-ok" | "send-ok" | "send-whatsapp-basic-ok" | "verify-404" => Some(vec![]),
        "attempts-ok" => {
            let path = "/otp/verify";
            let body = json!({
                "appid": "your_app_id", "otp_code": "000000", "recipient": "+5511999888777",
            });
            opened(vec![Post(path, body)])
        }
        "list-ok" | "logs-ok" | "rate-limits-ok" | "reports-ok" | "resend-ok" | "status-ok"
        | "verify-ok" | "verify-wrong-code" => opened(vec![]),
        "send-400" => Some(vec![Flaw("/recipient", json!("12345"))]),
        "send-401" => Some(vec![AirTexts(|account| account.api_secret.push('x'))]),
        "send-402" => Some(vec![AirTexts(|account| account.balance = 0)]),
        "send-403" => Some(vec![AirTexts(|account| account.appid.push('x'))]),
        "send-429" => Some(vec![Same(5), Advance(3600 - 60)]),
        "send-500" => Some(vec![Step::Fault(Fault::status(500))]),
        "send-ok-nested-data" => Some(vec![AirTexts(|account| {
            account.send_shape = SendShape::Nested;
            account.expiry_field = ExpiryField::ExpiresIn;
        })]),
        "verify-429-attempts" => opened(vec![Same(3)]),
        "verify-expired" => opened(vec![Advance(300)]),
        "verify-ok-without-recipient" => opened(vec![AirTexts(|account| {
            account.verify_shape = VerifyShape::WithoutMessage;
        })]),
        "verify-used" => opened(vec![Same(1)]),
        "verify-wrong-code-200" => opened(vec![AirTexts(|account| {
            account.wrong_code = WrongCode::Status200;
        })]),
        _ => None,
    }
}

fn known_code() -> Step {
    AirTexts(|account| account.fixed_code = Some("123456".to_owned()))
}

fn open() -> Step {
    Step::Open {
        path: "/otp/send",
        body: json!({ "appid": "your_app_id", "recipient": "+5511999888777" }),
        id: "/verification_id",
        placeholder: "otp_67890abcdef12345",
    }
}
