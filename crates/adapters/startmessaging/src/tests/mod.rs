//! Cases that the golden answers do not show: variants, contradictions, and arbitrary bytes.

mod any_answer;
mod calls;

use std::time::Duration;

use otpmux_core::{
    Blame, Certainty, Delivery, Error, ErrorKind, ProviderId, Sent, VendorReference, Verdict,
};
use otpmux_http::Answer;
use serde_json::{Value, json};

use crate::{Dialect, Mode, read};

const A: Mode = Mode::Managed(Dialect::A);
const B: Mode = Mode::Managed(Dialect::B);
const C: Mode = Mode::Managed(Dialect::C);

fn answer(status: u16, body: &Value) -> Answer {
    raw_answer(status, body.to_string())
}

fn raw_answer(status: u16, body: impl Into<Vec<u8>>) -> Answer {
    Answer::new(ProviderId::new("p").unwrap(), status, None, body)
}

fn reference(sent: &Sent) -> Option<&str> {
    sent.reference.as_ref().map(VendorReference::as_str)
}

fn facts(error: &Error) -> (ErrorKind, Certainty, Blame) {
    (error.kind(), error.certainty(), error.blame())
}

const PROTOCOL: (ErrorKind, Certainty, Blame) =
    (ErrorKind::Protocol, Certainty::Unknown, Blame::Provider);

#[test]
fn the_two_things_called_request_id() {
    for (mode, body, expected) in [
        (
            C,
            json!({"success": true, "statusCode": 201, "requestId": "req_log",
                "data": {"otpRequestId": "o", "requestId": "r", "messageId": "m"}}),
            r#"{"mode":{"managed":"c"},"otp":"o","message":"m"}"#,
        ),
        (
            A,
            json!({"requestId": "req_log", "data": {"requestId": "r"}}),
            r#"{"mode":{"managed":"a"},"otp":"r"}"#,
        ),
        (
            A,
            json!({"success": true, "requestId": "bare"}),
            r#"{"mode":{"managed":"a"},"otp":"bare"}"#,
        ),
        (
            Mode::Transport,
            json!({"data": {"messageId": "m"}}),
            r#"{"mode":"transport","message":"m"}"#,
        ),
    ] {
        let sent = read::sent(&answer(200, &body), mode).unwrap();
        assert_eq!(reference(&sent), Some(expected), "{body}");
        let log = body["requestId"].as_str().filter(|id| *id == "req_log");
        assert_eq!(sent.request_id.as_deref(), log, "{body}");
    }
    for body in [
        json!({"success": true, "statusCode": 201, "requestId": "req_log"}),
        json!({"success": true, "requestId": "req_log", "data": null}),
        json!({"success": true, "requestId": "req_log", "data": {}}),
    ] {
        let error = read::sent(&answer(200, &body), A).unwrap_err();
        assert_eq!(facts(&error), PROTOCOL, "{body}");
    }
}

#[test]
fn accepted_and_refused_sends() {
    let ok = json!({"success": true, "statusCode": 201, "data": {}});
    for mode in [Mode::Transport, B, C] {
        assert_eq!(read::sent(&answer(201, &ok), mode).unwrap(), Sent::new(), "{mode:?}");
    }
    for (status, body) in [
        (202, json!({"success": true, "data": {"messageId": "m"}})),
        (204, json!({})),
        (200, json!({})),
        (200, json!([true, "m"])),
        (200, json!({"data": {"status": "sent"}})),
        (200, json!({"data": ["o", "m"]})),
        (200, json!({"success": false, "data": {"messageId": "m"}})),
        (200, json!({"success": true, "error": "x", "data": {"messageId": "m"}})),
        (200, json!({"success": "false", "requestId": "r"})),
        (200, json!({"success": false})),
    ] {
        let error = read::sent(&answer(status, &body), Mode::Transport).unwrap_err();
        assert_eq!(facts(&error), PROTOCOL, "{body}");
    }
    let refused = json!({"success": false, "error": {"code": "INSUFFICIENT_BALANCE"}});
    let error = read::sent(&answer(200, &refused), Mode::Transport).unwrap_err();
    let expected = (ErrorKind::InsufficientFunds, Certainty::Rejected, Blame::Provider);
    assert_eq!(facts(&error), expected);
    assert_eq!(error.vendor_code(), Some("INSUFFICIENT_BALANCE"));
}

/// As the tutorials answer, where the request had a field for a code that otpmux generated.
#[test]
fn a_vendor_that_made_the_code_itself_is_found_out() {
    let at = "2026-01-22T12:10:00Z";
    for body in [
        json!({"success": true, "data": {"requestId": "r", "expiresAt": at, "attemptsLeft": 3}}),
        json!({"data": {"requestId": "r", "expiresAt": at}}),
        json!({"success": true, "requestId": "r", "attemptsLeft": 3}),
    ] {
        for mode in [Mode::Transport, B, C] {
            let error = read::sent(&answer(200, &body), mode).unwrap_err();
            let expected = (ErrorKind::Configuration, Certainty::Unknown, Blame::Provider);
            assert_eq!(facts(&error), expected, "{mode:?} {body}");
            assert!(error.detail().contains("mode = \"managed\""), "{error}");
        }
        assert!(read::sent(&answer(200, &body), A).is_ok(), "{body}");
    }
}

#[test]
fn a_409_on_verify_is_an_answer_only_when_it_is_about_the_code() {
    let used = json!({"statusCode": 409, "message": "OTP already verified"});
    assert_eq!(read::verdict(&answer(409, &used), "id").unwrap(), Verdict::AlreadyUsed);
    let other = json!({"statusCode": 409, "message": "Conflict"});
    assert_eq!(read::verdict(&answer(409, &other), "id").unwrap_err().kind(), ErrorKind::Conflict);
}

#[test]
fn a_409_counts_as_accepted_only_when_it_plainly_says_so() {
    let plain = json!({"statusCode": 409, "message": "Duplicate idempotency key"});
    for mode in [Mode::Transport, B, C] {
        assert_eq!(read::sent(&answer(409, &plain), mode).unwrap(), Sent::new());
    }
    let unknown = (ErrorKind::Conflict, Certainty::Unknown, Blame::Provider);
    let caller = (ErrorKind::Conflict, Certainty::Rejected, Blame::Caller);
    for (mode, body, expected) in [
        (A, plain, unknown),
        (Mode::Transport, json!({"message": "Conflict"}), unknown),
        (Mode::Transport, json!(null), unknown),
        (C, json!({"message": "Duplicate idempotency key with a different number"}), unknown),
        (
            C,
            json!({"error": {"code": "IDEMPOTENCY_CONFLICT",
                "message": "Duplicate idempotency key"}}),
            caller,
        ),
    ] {
        let error = read::sent(&answer(409, &body), mode).unwrap_err();
        assert_eq!(facts(&error), expected, "{body}");
    }
}

#[test]
fn the_places_of_an_error_text() {
    for (body, expected) in [
        (json!({"error": {"message": "one"}, "message": "two"}), "one"),
        (json!({"error": "three", "message": ["one", "two"]}), "one, two"),
        (json!({"error": "three"}), "three"),
        (json!({"error": {"message": ["to +919876543210"]}}), "to …"),
        (json!({"error": {"message": 7}}), ""),
    ] {
        let error = read::sent(&answer(400, &body), Mode::Transport).unwrap_err();
        assert_eq!(error.detail(), expected, "{body}");
    }
}

#[test]
fn limits_say_when() {
    let when = |status, body: &Value| {
        let error = read::sent(&answer(status, body), Mode::Transport).unwrap_err();
        error.retry_after().map(|after| after.as_secs())
    };
    let number = json!({"error": {"code": "RATE_LIMIT_EXCEEDED"}});
    assert_eq!(when(400, &number), Some(300));
    let named = json!({"message": "Too many OTP requests for this number."});
    assert_eq!(when(429, &named), Some(300));
    assert_eq!(when(429, &json!({"message": "Too many requests"})), None);
    assert_eq!(when(429, &json!({"error": {"code": "INTERNAL_ERROR"}})), None);
    let ten = Some(Duration::from_secs(10));
    let named = Answer::new(ProviderId::new("p").unwrap(), 400, ten, number.to_string());
    let error = read::sent(&named, Mode::Transport).unwrap_err();
    assert_eq!(error.retry_after(), ten);
}

#[test]
fn verdicts() {
    let wrong = |guesses_left| Verdict::WrongCode { guesses_left };
    let exhausted = Verdict::TooManyGuesses { retry_after: None };
    for (status, body, expected) in [
        (201, json!({"data": {"verified": true}}), Verdict::Approved),
        (200, json!({"data": {"verified": true, "otpRequestId": "ID"}}), Verdict::Approved),
        (200, json!({"data": {"verified": false}}), wrong(None)),
        (
            200,
            json!({"success": false, "data": {"verified": false, "attemptsLeft": 2}}),
            wrong(Some(2)),
        ),
        (200, json!({"data": {"verified": false}, "message": "OTP has expired"}), Verdict::Expired),
        (200, json!({"success": false, "message": "Invalid OTP"}), wrong(None)),
        (200, json!({"success": false}), Verdict::Rejected),
        (
            400,
            json!({"message": "Incorrect code. 2 attempts remaining", "attemptsLeft": 2}),
            wrong(Some(2)),
        ),
        (422, json!({"message": ["Too many failed attempts"]}), exhausted.clone()),
        (400, json!({"error": {"code": "MAX_ATTEMPTS_EXCEEDED"}}), exhausted),
        (
            400,
            json!({"error": {"code": "ALREADY_VERIFIED", "message": "Invalid OTP"}}),
            Verdict::AlreadyUsed,
        ),
        (400, json!({"message": "OTP already used"}), Verdict::AlreadyUsed),
        (400, json!({"message": "Invalid or expired OTP"}), Verdict::Rejected),
        (410, json!({"message": "Invalid or expired OTP"}), Verdict::Expired),
        (410, json!({}), Verdict::Expired),
        (400, json!({"message": "No"}), Verdict::Rejected),
        (404, json!({"message": "OTP request not found"}), Verdict::NotFound),
    ] {
        let verdict = read::verdict(&answer(status, &body), "id").unwrap();
        assert_eq!(verdict, expected, "{status} {body}");
    }
}

#[test]
fn answers_that_are_no_verdict() {
    let caller = |kind| (kind, Certainty::Rejected, Blame::Caller);
    let provider = |kind| (kind, Certainty::Rejected, Blame::Provider);
    for (status, body, expected) in [
        // No explicit positive in the known place.
        (200, json!({"success": true}), PROTOCOL),
        (200, json!({"success": true, "verified": true}), PROTOCOL),
        (200, json!({"data": {"verified": "true"}}), PROTOCOL),
        (200, json!({"data": {"verified": 1}}), PROTOCOL),
        (200, json!({"data": [true]}), PROTOCOL),
        (200, json!([true, {"verified": true}]), PROTOCOL),
        (202, json!({"data": {"verified": true}}), PROTOCOL),
        // A positive that is also denied.
        (200, json!({"success": false, "data": {"verified": true}}), PROTOCOL),
        (200, json!({"error": {}, "data": {"verified": true}}), PROTOCOL),
        (200, json!({"data": {"verified": true, "otpRequestId": "other"}}), PROTOCOL),
        // Not the vendor's own words.
        (400, json!("Bad Request"), PROTOCOL),
        (404, json!({}), PROTOCOL),
        // Failures of the call.
        (401, json!({"message": "Invalid OTP"}), provider(ErrorKind::Unauthenticated)),
        (402, json!({}), provider(ErrorKind::InsufficientFunds)),
        (
            400,
            json!({"error": {"code": "VALIDATION_ERROR", "message": "Invalid OTP"}}),
            caller(ErrorKind::InvalidRequest),
        ),
        (404, json!({"message": "Cannot POST /otp/verify"}), provider(ErrorKind::Unsupported)),
        (429, json!({"message": "Invalid OTP"}), provider(ErrorKind::RateLimited)),
        (
            500,
            json!({"data": {"verified": true}}),
            (ErrorKind::Unavailable, Certainty::Unknown, Blame::Provider),
        ),
    ] {
        let error = read::verdict(&answer(status, &body), "id").unwrap_err();
        assert_eq!(facts(&error), expected, "{status} {body}");
    }
}

#[test]
fn delivery_words() {
    for (word, expected) in [
        ("initiated", Delivery::Accepted),
        ("queued", Delivery::Accepted),
        ("sent", Delivery::Sent),
        ("delivered", Delivery::Delivered),
        ("failed", Delivery::Failed),
        ("expired", Delivery::Expired),
        ("undeliverable", Delivery::Unknown),
    ] {
        let body = json!({"success": true, "data": {"id": "m", "status": word}});
        let status = read::status(&answer(200, &body)).unwrap();
        assert_eq!(status.delivery, expected, "{word}");
    }
    for body in [json!({"data": {}}), json!({"success": true}), json!([])] {
        let error = read::status(&answer(200, &body)).unwrap_err();
        assert_eq!(facts(&error), PROTOCOL, "{body}");
    }
}

#[test]
fn amounts_are_kept_as_they_are_written() {
    let balance = |amount: &str| {
        let body = format!(r#"{{"success":true,"data":{{"balance":{amount},"currency":"INR"}}}}"#);
        read::balance(&raw_answer(200, body)).map(|balance| balance.amount)
    };
    for (written, expected) in [
        (r#""10.0000""#, "10.0000"),
        ("10.0000", "10.0000"),
        ("-0.25", "-0.25"),
        ("90071992547409931.2500", "90071992547409931.2500"),
    ] {
        assert_eq!(balance(written).unwrap(), expected);
    }
    for odd in ["1e3", "null", r#""""#, r#""ten""#, "[1]", "true", r#""1.""#] {
        assert_eq!(facts(&balance(odd).unwrap_err()), PROTOCOL, "{odd}");
    }
}
