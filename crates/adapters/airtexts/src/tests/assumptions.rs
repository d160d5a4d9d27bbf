//! One row for each assumption of the README: an answer as assumed, and answers that prove it wrong.

use otpmux_core::{Limits, OtpProvider, ProviderId, Sent, VendorReference, Verdict};
use otpmux_http::Answer;

use super::{answer, in_short, now};
use crate::management::{delivery, otp_status, page, raw};
use crate::{AirTexts, AirTextsConfig, Approval, Credentials, Endpoint, read};

/// Assumption, endpoint and status, body, and the expected reading.
const SENDS: &str = r#"
A1 | send 200 | {"success":true,"verification_id":"otp_1"} | sent otp_1 300
A1 | send 201 | {"success":true,"verification_id":"otp_1"} | sent otp_1 300
A1 | send 202 | {"success":true,"verification_id":"otp_1"} | sent otp_1 300
A1 | send 204 |  | protocol unknown provider
A2 | send 200 | {"verification_id":"otp_1"} | sent otp_1 300
A2 | send 200 | {"success":false} | unavailable rejected provider
A2 | send 200 | {"status":"error"} | unavailable rejected provider
A2 | send 200 | {"error":"no"} | unavailable rejected provider
A2 | send 200 | {"data":{"success":false}} | unavailable rejected provider
A2 | send 200 | {"success":false,"message":"Too many requests"} | rate_limited rejected provider
A2 | send 200 | {"error":{"code":"INVALID_RECIPIENT"}} | invalid_recipient rejected recipient
A2 | send 200 | {"error":null,"verification_id":"otp_1"} | sent otp_1 300
A2 | send 200 | {"success":false,"verification_id":"otp_1"} | protocol unknown provider
A3 | send 200 | {"verification_id":"otp_1","data":{"verification_id":"x"}} | sent otp_1 300
A3 | send 200 | {"data":{"verificationId":"otp_1"}} | sent otp_1 300
A3 | send 200 | {"result":{"verification_id":"otp_1"}} | sent otp_1 300
A3 | send 200 | {"id":"otp_1"} | sent otp_1 300
A3 | send 200 | {"id":"msg_1"} | protocol unknown provider
A3 | send 200 | {"verification_id":42} | protocol unknown provider
A3 | send 200 | {"verification_id":""} | protocol unknown provider
A3 | send 200 | {"success":true} | protocol unknown provider
A4 | send 200 | {"verification_id":"otp_1","expires_at":"2025-08-20T10:10:00Z"} | sent otp_1 600
A4 | send 200 | {"data":{"verification_id":"otp_1","expiresAt":"2025-08-20T10:10:00Z"}} | sent otp_1 600
A4 | send 200 | {"verification_id":"otp_1","expires_in":120} | sent otp_1 120
A4 | send 200 | {"verification_id":"otp_1","expires_at":"soon","expires_in":0} | sent otp_1 300
A5 | send 200 | {"verification_id":"otp_1","recipient":7,"channel":[]} | sent otp_1 300
A11 | send 400 | {"error":{"code":"INVALID_RECIPIENT"}} | invalid_recipient rejected recipient
A11 | send 400 | {"code":"invalid-recipient"} | invalid_recipient rejected recipient
A11 | send 400 | {"error":"INVALID_RECIPIENT"} | invalid_recipient rejected recipient
A11 | send 400 | Bad Request | invalid_request rejected caller
A11 | send 200 | OK | protocol unknown provider
A12 | send 429 | {"retry_after":60} | rate_limited rejected provider in 60s
A12 | send 429 | {"error":{"retry_after":"9"}} | rate_limited rejected provider in 9s
A12 | send 429 |  | rate_limited rejected provider
A12 | send 429 | {"error":{"code":"RATE_LIMITED","message":"Too many messages to this number"}} | rate_limited rejected policy
A12 | send 429 | {"message":"Limit per recipient reached","retry_after":60} | rate_limited rejected policy in 60s
A12 | send 429 | {"code":"RECIPIENT_RATE_LIMITED"} | rate_limited rejected policy
A12 | send 400 | {"message":"Rate limit of this recipient exceeded"} | rate_limited rejected policy
A14 | send 402 | {} | insufficient_funds rejected provider
A14 | send 400 | {"error":{"code":"INSUFFICIENT_BALANCE"}} | insufficient_funds rejected provider
A14 | send 403 | {} | forbidden rejected provider
A14 | send 400 | {"error":{"code":"INVALID_APP_ID"}} | forbidden rejected provider
A14 | send 500 | {} | unavailable unknown provider
A14 | send 500 | {"error":{"code":"INVALID_APP_ID"}} | unavailable unknown provider
"#;

const VERIFIES: &str = r#"
A6 | verify 200 | {"success":true,"verified":true} | approved
A6 | verify 200 | {"valid":true} | approved
A6 | verify 201 | {"status":"verified"} | approved
A6 | verify 200 | {"data":{"status":"approved"}} | approved
A6 | verify 200 | {"status":"success","data":{"verified":true}} | approved
A6 | verify 200 | {"success":true} | protocol unknown provider
A6 | verify 200 | {"success":true,"message":"OTP verified successfully"} | protocol unknown provider
A6 | verify 200 | {"success":true,"message":"Invalid OTP code"} | protocol unknown provider
A6 | verify 200 | {"result":{"verified":true}} | protocol unknown provider
A6 | verify 200 | {"verified":"true"} | protocol unknown provider
A6 | verify 200 | {"status":"verified","verified":"no"} | protocol unknown provider
A6 | verify 200 | {"verified":true,"success":false} | protocol unknown provider
A6 | verify 200 | {"verified":true,"error":{}} | protocol unknown provider
A6 | verify 200 | {"verified":true,"valid":false} | protocol unknown provider
A6 | verify 200 | {"verified":true,"data":{"status":"expired"}} | protocol unknown provider
A6 | verify 200 | {"verified":true,"code":"INVALID_CODE"} | protocol unknown provider
A6 | verify 400 | {"verified":true} | protocol unknown provider
A6 | verify 204 |  | protocol unknown provider
A6 | verify 200 | [true] | protocol unknown provider
A7 | verify 400 | {"error":{"code":"INVALID_CODE"},"attempts_remaining":2} | wrong_code 2 left
A7 | verify 200 | {"success":false,"verified":false} | wrong_code
A7 | verify 200 | {"success":false,"message":"Invalid OTP code"} | wrong_code
A7 | verify 200 | {"success":false} | rejected
A7 | verify 422 | {"error":"The code is incorrect"} | wrong_code
A7 | verify 400 | {"error":{"code":"VALIDATION_ERROR","message":"appid is required"}} | invalid_request rejected caller
A7 | verify 400 | {"error":{"code":"VALIDATION_ERROR","message":"Invalid otp_code"}} | wrong_code
A7 | verify 400 | {} | invalid_request rejected caller
A8 | verify 410 | {"error":{"code":"OTP_EXPIRED"}} | expired
A8 | verify 409 | {"error":{"code":"OTP_ALREADY_USED"}} | already_used
A8 | verify 410 |  | expired
A8 | verify 409 | {} | already_used
A8 | verify 400 | {"message":"The OTP has expired"} | expired
A8 | verify 400 | {"code":"ALREADY_VERIFIED"} | already_used
A8 | verify 200 | {"status":"expired"} | expired
A8 | verify 409 | {"code":"VERIFICATION_PENDING"} | rejected
A8 | verify 200 | {"verified":false,"code":"SURPRISE"} | rejected
A9 | verify 429 | {"error":{"code":"MAX_ATTEMPTS"},"retry_after":300} | too_many_guesses 300s
A9 | verify 403 | {"error":{"code":"TOO_MANY_ATTEMPTS"}} | too_many_guesses
A9 | verify 400 | {"message":"Maximum attempts exceeded"} | too_many_guesses
A9 | verify 429 | {"message":"Too many attempts"} | rate_limited rejected provider
A9 | verify 429 | {"error":{"code":"INVALID_CODE"}} | rate_limited rejected provider
A9 | verify 403 | {"message":"Invalid code"} | forbidden rejected provider
A10 | verify 404 | {"error":{"code":"OTP_NOT_FOUND"}} | not_found
A10 | verify 404 | {"success":false,"message":"Not found"} | not_found
A10 | verify 400 | {"error":{"code":"INVALID_VERIFICATION_ID"}} | not_found
A10 | verify 404 | <h1>Not Found</h1> | protocol unknown provider
A10 | verify 404 | {"success":false,"message":"Cannot POST /otp/verify"} | protocol unknown provider
A10 | verify 404 | {"error":{"code":"ROUTE_NOT_FOUND","message":"OTP not found"}} | protocol unknown provider
A13 | verify 401 | {"error":{"code":"UNAUTHORIZED"}} | unauthenticated rejected provider
A13 | verify 401 | {"error":{"code":"INVALID_CODE"},"verified":false} | unauthenticated rejected provider
A13 | verify 200 | {"success":false,"error":{"code":"UNAUTHORIZED"}} | unauthenticated rejected provider
A14 | verify 500 | {"verified":true} | unavailable unknown provider
A14 | verify 500 | {"error":{"code":"INVALID_CODE"}} | unavailable unknown provider
"#;

const OPTIONAL: &str = r#"
A15 | resend 200 | {"success":true} | sent otp_old ?
A15 | resend 404 | Cannot POST /otp/resend | unsupported rejected provider
A15 | resend 405 |  | unsupported rejected provider
A15 | resend 404 | {"error":{"code":"OTP_NOT_FOUND"}} | not_found rejected caller
A15 | resend 200 | {"success":false,"message":"no"} | unavailable rejected provider
A16 | resend 200 | {"verification_id":"otp_old","expires_in":60} | sent otp_old 60
A16 | resend 200 | {"data":{"verification_id":"otp_1"}} | sent otp_1 ?
A17 | status 200 | {"success":true,"data":{"status":"delivered"}} | delivered
A17 | status 200 | {"verification_id":"x","status":"failed"} | failed
A17 | status 200 | {"data":{"status":"expired"}} | unknown
A17 | status 200 | {"success":true} | protocol unknown provider
A17 | status 404 |  | unsupported rejected provider
A18 | list 200 | {"success":true,"data":[1],"pagination":{"total":9}} | 1 of Some(9)
A18 | list 200 | {"items":[1,2],"total":2} | 2 of Some(2)
A18 | list 200 | [1,2,3] | 3 of None
A18 | list 200 | {"data":{}} | protocol unknown provider
A18 | list 405 |  | unsupported rejected provider
A19 | limits 200 | {"a":1} | {"a":1}
A19 | limits 200 | 7 | 7
A19 | limits 200 |  | protocol unknown provider
A19 | limits 200 | {"success":false,"error":{"code":"FORBIDDEN"}} | forbidden rejected provider
A19 | limits 404 |  | unsupported rejected provider
"#;

fn read_row(endpoint: &str, answer: &Answer) -> String {
    let shown = match endpoint {
        "send" => read::sent(answer, now()).map(|sent| show_sent(&sent)),
        "verify" => read::verdict(answer, None).map(|verdict| show_verdict(&verdict)),
        "resend" => {
            let old = VendorReference::new("otp_old");
            read::resent(answer, &old, now()).map(|sent| show_sent(&sent))
        }
        "status" => delivery(answer).map(|status| status.delivery.as_str().to_owned()),
        "list" => page(answer, Endpoint::List)
            .map(|page| format!("{} of {:?}", page.items.len(), page.total)),
        "limits" => raw(answer, Endpoint::RateLimits).map(|value| value.to_string()),
        other => panic!("{other}"),
    };
    shown.unwrap_or_else(|error| in_short(&error))
}

fn show_sent(sent: &Sent) -> String {
    let id = sent.reference.as_ref().unwrap().as_str();
    let expires = sent.expires_at.map(|at| at.duration_since(now()).unwrap());
    let expires = expires.map_or_else(|| "?".to_owned(), |after| after.as_secs().to_string());
    format!("sent {id} {expires}")
}

fn show_verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::WrongCode { guesses_left: Some(left) } => format!("wrong_code {left} left"),
        Verdict::TooManyGuesses { retry_after: Some(after) } => {
            format!("too_many_guesses {}s", after.as_secs())
        }
        verdict => verdict.as_str().to_owned(),
    }
}

fn check(rows: &str) {
    for row in rows.lines().filter(|row| !row.is_empty()) {
        let cells: Vec<&str> = row.split(" | ").collect();
        let [_, asked, body, expected] = cells[..] else { panic!("{row}") };
        let (endpoint, status) = asked.split_once(' ').unwrap();
        let answer = answer(status.parse().unwrap(), body);
        assert_eq!(read_row(endpoint, &answer), expected, "{row}");
    }
}

#[test]
fn each_assumption_and_its_opposite() {
    for rows in [SENDS, VERIFIES, OPTIONAL] {
        check(rows);
    }
}

#[test]
fn every_assumption_about_answers_has_a_row() {
    let rows = [SENDS, VERIFIES, OPTIONAL].concat();
    // A20 and A21 concern what is missing; see `nothing_is_claimed_that_is_not_known`.
    for number in 1..=19 {
        assert!(rows.contains(&format!("\nA{number} | ")), "A{number}");
    }
}

const UNKNOWN: &str = "protocol unknown provider";

#[test]
fn the_longer_time_to_come_back_counts() {
    // A12: header and body.
    for (header, body, expected) in [(9, 60, 60), (60, 9, 60)] {
        let header = Some(std::time::Duration::from_secs(header));
        let id = ProviderId::new("p").unwrap();
        let answer = Answer::new(id, 429, header, format!(r#"{{"retry_after":{body}}}"#));
        let error = read::sent(&answer, now()).unwrap_err();
        assert_eq!(error.retry_after().unwrap().as_secs(), expected);
    }
}

#[test]
fn nothing_is_claimed_that_is_not_known() {
    // A20 and A21, and A15 and A17 while they are not switched on.
    let credentials = Credentials::Bearer { token: "t".into() };
    let url = "https://api.airtexts.com".parse().unwrap();
    let config = AirTextsConfig::new(url, "app", credentials);
    let id = ProviderId::new("p").unwrap();
    let provider = AirTexts::new(id, config).unwrap();
    let claims = provider.capabilities();
    assert!(!claims.idempotent && !claims.resend && !claims.status);
    assert!(!claims.balance && !claims.cancel && !claims.message);
    assert_eq!(claims.limits, Limits::default());
    assert_eq!((&claims.ttls, &claims.otpmux_codes), (&None, &None));
}

#[test]
fn the_operators_word_counts() {
    let message = Approval::text("message", "OTP verified successfully");
    let nested = Approval::flag("data.result.ok", true);
    let spelled = Approval::text("verified", "yes");
    for (approval, status, body, expected) in [
        (&message, 200, r#"{"success":true,"message":"OTP verified successfully"}"#, "approved"),
        (&message, 200, r#"{"success":true,"message":"otp verified successfully"}"#, UNKNOWN),
        (&message, 200, r#"{"success":true,"message":"Invalid OTP code"}"#, "wrong_code"),
        (&message, 200, r#"{"success":true}"#, UNKNOWN),
        (&message, 200, r#"{"success":false,"message":"OTP verified successfully"}"#, UNKNOWN),
        (&message, 200, r#"{"verified":false,"message":"OTP verified successfully"}"#, UNKNOWN),
        (&message, 400, r#"{"message":"OTP verified successfully"}"#, UNKNOWN),
        (&message, 200, r#"{"verified":true}"#, "approved"),
        (&nested, 200, r#"{"data":{"result":{"ok":true}}}"#, "approved"),
        (&nested, 200, r#"{"data":{"result":{"ok":"true"}}}"#, UNKNOWN),
        (&nested, 200, r#"{"data.result.ok":true}"#, UNKNOWN),
        (&spelled, 200, r#"{"verified":"yes"}"#, "approved"),
        (&spelled, 200, r#"{"verified":"no"}"#, UNKNOWN),
        (&spelled, 200, r#"{"verified":"yes","valid":"yes"}"#, UNKNOWN),
    ] {
        let got = read::verdict(&answer(status, body), Some(approval));
        let got = got.map_or_else(|error| in_short(&error), |verdict| show_verdict(&verdict));
        assert_eq!(got, expected, "{approval:?} {status} {body}");
    }
}

#[test]
fn a_missing_field_is_named() {
    let error = read::verdict(&answer(200, r#"{"success":true}"#), None).unwrap_err();
    for word in ["verified", "valid", "status", "approved_field"] {
        assert!(error.detail().contains(word), "{error}");
    }
    let error = read::sent(&answer(200, r#"{"success":true}"#), now()).unwrap_err();
    assert!(error.detail().contains("verification_id"), "{error}");
}

#[test]
fn a_status_keeps_what_it_does_not_know_and_shows_none_of_it() {
    let body = r#"{"data":{"status":"failed","reason":"No route to +14155550123","recipient":"+14155550123"}}"#;
    let status = otp_status(&answer(200, body)).unwrap();
    assert_eq!(status.extra["recipient"], "+14155550123");
    let shown = format!("{status:?} {:?}", delivery(&answer(200, body)).unwrap());
    assert!(shown.contains("No route to …") && !shown.contains("4155"), "{shown}");
    let list = page(&answer(200, r#"["+14155550123"]"#), Endpoint::List).unwrap();
    assert!(!format!("{list:?}").contains("4155"));
}
