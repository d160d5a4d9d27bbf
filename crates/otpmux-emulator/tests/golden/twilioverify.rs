//! The states of the files of Twilio Verify.

use otpmux_emulator::Fault;
use serde_json::json;

use crate::stage::Step::{self, OpenForm, PostForm, Same, TwilioVerify};

const START: &str = "/v2/Services/VAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/Verifications";
const TO: &str = "+15017122661";

pub(crate) fn steps(case: &str) -> Option<Vec<Step>> {
    Some(match case {
        "send-sms-ok"
        | "send-call-ok"
        | "send-whatsapp-ok"
        | "send-email-ok"
        | "send-custom-code-ok"
        | "send-options-ok"
        | "verify-404"
        | "cancel-404"
        | "report-404"
        | "status-404"
        | "balance-ok" => vec![],
        "send-again-ok" => vec![Same(1)],
        "send-400-to" => vec![TwilioVerify(|account| account.invalid_numbers.push(TO.to_owned()))],
        "send-400-template" => vec![TwilioVerify(|account| {
            account.unknown_templates.push("HJ00000000000000000000000000000000".to_owned());
        })],
        "send-400-channel-disabled" => vec![TwilioVerify(|account| {
            account.disabled_channels.push("whatsapp".to_owned());
        })],
        "send-401" | "verify-401" => vec![TwilioVerify(|account| account.auth_token.push('x'))],
        "send-403-custom-code" => vec![TwilioVerify(|account| account.custom_codes = false)],
        "send-403-landline" => {
            vec![TwilioVerify(|account| account.landlines.push(TO.to_owned()))]
        }
        "send-403-under-review" => vec![TwilioVerify(|account| account.under_review = true)],
        "send-403-fraud-guard" => {
            vec![TwilioVerify(|account| account.fraud_prefixes.push("+1501".to_owned()))]
        }
        "send-403-geo" => {
            vec![TwilioVerify(|account| account.blocked_prefixes.push("+1".to_owned()))]
        }
        "send-404-service" => {
            vec![TwilioVerify(|account| {
                account.service_sid = account.service_sid.replace('a', "b");
            })]
        }
        "send-429-sends" => vec![Same(5)],
        "send-429-account" => {
            vec![Step::Fault(Fault::status(429).with_header("Retry-After", "5"))]
        }
        "verify-429-account" => vec![Step::Fault(Fault::status(429))],
        "send-500" | "verify-500" => vec![Step::Fault(Fault::status(500))],
        "send-502-html" => vec![html(502, "<html><body>Bad Gateway</body></html>")],
        "verify-404-proxy" => vec![html(404, "<html><body>Not Found</body></html>")],
        "verify-200-ok" | "cancel-ok" | "report-approved" | "status-pending" => {
            vec![open("123456")]
        }
        "verify-by-number-ok" | "resend-call-ok" => vec![start("123456")],
        "verify-wrong" => vec![open("654321")],
        "verify-429-checks" => vec![open("654321"), Same(5)],
        _ => return None,
    })
}

fn html(status: u16, text: &str) -> Step {
    Step::Fault(Fault::status_with_body(status, text).with_header("Content-Type", "text/html"))
}

fn start(code: &str) -> Step {
    PostForm(START, json!({ "To": TO, "Channel": "sms", "CustomCode": code }))
}

fn open(code: &str) -> Step {
    OpenForm {
        path: START,
        body: json!({ "To": TO, "Channel": "sms", "CustomCode": code }),
        id: "/sid",
        placeholder: "VEaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    }
}
