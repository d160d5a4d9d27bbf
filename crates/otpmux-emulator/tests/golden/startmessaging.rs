//! The states of the StartMessaging files: tutorial (`a`), February (`b`), documentation (`c`)
//! and server (`s`).

use otpmux_emulator::Fault;
use otpmux_emulator::vendors::startmessaging::{Delivery, Dialect, Idempotency, Onboarding};
use serde_json::{Value, json};

use crate::stage::Step::{self, Advance, Flaw, Post, Same, StartMessaging};

pub(crate) fn steps(case: &str) -> Option<Vec<Step>> {
    let (dialect, case) = case.split_once('-')?;
    let (dialect, steps) = match dialect {
        "a" => (StartMessaging(|account| account.dialect = Dialect::Tutorial), tutorial(case)?),
        "b" => (StartMessaging(|account| account.dialect = Dialect::February), february(case)?),
        "c" => (StartMessaging(|account| account.dialect = Dialect::Docs), docs(case)?),
        "s" => return live(case),
        _ => return None,
    };
    Some([vec![dialect], steps].concat())
}

fn tutorial(case: &str) -> Option<Vec<Step>> {
    let known_code = StartMessaging(|account| account.fixed_code = Some("384920".to_owned()));
    let opened = |rest: Vec<Step>| {
        let body = json!({ "phoneNumber": "+919876543210" });
        Some([vec![known_code, open(body, "/data/requestId", "req_test_123")], rest].concat())
    };
    match case {
        "send-400" => Some(vec![Flaw("/phoneNumber", json!("12345"))]),
        "send-401" => Some(vec![other_key()]),
        "send-402" => Some(vec![no_balance()]),
        "send-409-duplicate-key" => Some(vec![
            StartMessaging(|account| account.idempotency = Idempotency::Conflict),
            Same(1),
        ]),
        "send-409-key-reused-other-number" => {
            let key = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
            let body = json!({ "phoneNumber": "+919876543210", "idempotencyKey": key });
            Some(vec![Post("/otp/send", body)])
        }
        "send-429" => {
            let body = json!({ "phoneNumber": "+919876543210" });
            Some(vec![Post("/otp/send", body); 3])
        }
        "send-500" => Some(vec![Step::Fault(Fault::status(500))]),
        "send-idempotent-replay" => Some(vec![Same(1)]),
        "send-ok-bare-data" => Some(vec![StartMessaging(|account| account.bare_data = true)]),
        "send-ok" => Some(vec![]),
        "verify-400-exhausted" => opened(vec![Same(3)]),
        "verify-400-wrong-code" | "verify-ok" => opened(vec![]),
        "verify-410-expired" => opened(vec![Advance(600)]),
        _ => None,
    }
}

fn february(case: &str) -> Option<Vec<Step>> {
    let body = json!({ "phoneNumber": "+919876543210", "otp": "123456", "idempotencyKey": "k" });
    match case {
        "send-ok" => Some(vec![]),
        "resend-ok" | "verify-ok" => {
            Some(vec![open(body, "/data/otpRequestId", "uuid-from-send-response")])
        }
        _ => None,
    }
}

fn docs(case: &str) -> Option<Vec<Step>> {
    match case {
        "send-ok" => Some(vec![]),
        "verify-ok" => Some(vec![open(send_body(), "/data/otpRequestId", "uuid-of-otp-request")]),
        "message-delivered" => Some(sent("uuid-of-message", Delivery::Delivered)),
        "message-failed" => Some(sent("uuid-of-message", Delivery::Failed)),
        _ => None,
    }
}

fn live(case: &str) -> Option<Vec<Step>> {
    const MESSAGE: &str = "0b9d8c7a-6e5f-4d3c-8b2a-190817263545";
    let setting = |step: Step| Some(vec![step]);
    match case {
        "message-get-400-not-uuid"
        | "message-get-404"
        | "resend-404-no-route"
        | "send-400-template-not-uuid"
        | "send-400-validation-otp"
        | "send-400-validation-phone"
        | "send-400-variables-missing"
        | "send-401-no-key"
        | "send-ok-superset-body"
        | "send-ok"
        | "templates-list"
        | "verify-404-no-route" => Some(vec![]),
        "message-check-status" | "message-get-delivered" => {
            Some(sent(MESSAGE, Delivery::Delivered))
        }
        "message-get-failed" => Some(sent(MESSAGE, Delivery::Failed)),
        "message-get-null-older" => setting(StartMessaging(|account| {
            account.unknown_message_is_null = true;
        })),
        "messages-list" => Some(vec![Post("/otp/send", send_body()), Advance(5)]),
        "send-400-insufficient-balance" => setting(no_balance()),
        "send-400-number-limit" => setting(Same(3)),
        "send-400-send-failed" => {
            setting(StartMessaging(|account| account.upstream_refuses = true))
        }
        "send-401-invalid-key" => setting(other_key()),
        "send-401-suspended" => setting(StartMessaging(|account| account.suspended = true)),
        "send-403-onboarding" => setting(StartMessaging(|account| {
            account.onboarding = Some(Onboarding::KycApproval);
        })),
        "send-429-throttled" => setting(Same(200)),
        "send-500" => setting(Step::Fault(Fault::status(500))),
        "send-ok-initiated" => setting(StartMessaging(|account| {
            account.send_status = Some("initiated".to_owned());
        })),
        "send-repeat-not-deduplicated" => setting(Same(1)),
        "wallet" => setting(StartMessaging(|account| account.balance_paise = 1000)),
        _ => None,
    }
}

fn other_key() -> Step {
    StartMessaging(|account| account.api_key.push('x'))
}

fn no_balance() -> Step {
    StartMessaging(|account| account.balance_paise = 24)
}

fn send_body() -> Value {
    json!({ "phoneNumber": "+919876543210", "variables": { "otp": "123456" } })
}

fn open(body: Value, id: &'static str, placeholder: &'static str) -> Step {
    Step::Open { path: "/otp/send", body, id, placeholder }
}

/// A message whose fate is known, in the state `sent` before that as the files have it.
fn sent(placeholder: &'static str, delivery: Delivery) -> Vec<Step> {
    let fate = match delivery {
        Delivery::Failed => StartMessaging(|account| account.delivery = Delivery::Failed),
        _ => StartMessaging(|account| account.delivery = Delivery::Delivered),
    };
    vec![fate, open(send_body(), "/data/messageId", placeholder), Advance(5)]
}
