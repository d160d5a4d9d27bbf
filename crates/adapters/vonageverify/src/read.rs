//! The meaning of Vonage's answers.

use otpmux_core::{Balance, Error, Sent, VendorReference, Verdict};
use otpmux_http::Answer;
use serde_json::Value;

use crate::error::{Endpoint, error};
use crate::wire::{AccountBalance, Checked, Problem, Started};

/// Reads the answer to a start: 202, which is no delivery.
pub(crate) fn started(answer: &Answer) -> Result<Sent, Error> {
    if !matches!(answer.status(), 200 | 202) {
        return Err(not_as_documented(answer, Endpoint::Start));
    }
    let body: Option<Started> = answer.parse();
    match body.and_then(|body| body.request_id).filter(|id| !id.is_empty()) {
        Some(id) => Ok(Sent::new().with_reference(VendorReference::new(id))),
        None => Err(answer.protocol_error("the field request_id is missing")),
    }
}

/// Reads the answer to a check of this request.
pub(crate) fn checked(answer: &Answer, request_id: &str) -> Result<Verdict, Error> {
    let problem: Option<Problem> = answer.parse();
    let name = problem.as_ref().map(Problem::name);
    match (answer.status(), name) {
        (200, _) => completed(answer, request_id).map(|()| Verdict::Approved),
        // The wrong code is an HTTP error: no failure of the vendor.
        (400, Some("invalid-code")) => Ok(Verdict::WrongCode { guesses_left: None }),
        // Verified before, expired, cancelled or never there. Only with Vonage's own body.
        (404, Some(_)) => Ok(Verdict::Gone),
        (404, None) => Err(answer.protocol_error("not the vendor's own 404; check base_url")),
        // Three wrong codes end a workflow: "gone" in HTTP, not expired.
        (410, Some(_)) => Ok(Verdict::TooManyGuesses { retry_after: None }),
        _ => Err(not_as_documented(answer, Endpoint::Check)),
    }
}

/// Checks that the code was right: only the word `completed` says so.
pub(crate) fn completed(answer: &Answer, request_id: &str) -> Result<(), Error> {
    let Some(body) = answer.parse::<Checked>() else {
        return Err(answer.protocol_error("the answer to a check is not as documented"));
    };
    let said = body.request_id.as_ref().and_then(Value::as_str);
    if said.is_some_and(|said| said != request_id) {
        return Err(answer.protocol_error("the answer is about another request"));
    }
    match body.status.as_ref().and_then(Value::as_str) {
        Some("completed") => Ok(()),
        _ => Err(answer.protocol_error("a success without the status `completed`")),
    }
}

/// Reads the answer to the move to the next step. It names no step.
pub(crate) fn moved(answer: &Answer, reference: &VendorReference) -> Result<Sent, Error> {
    match answer.status() {
        200 => Ok(Sent::new().with_reference(reference.clone())),
        _ => Err(not_as_documented(answer, Endpoint::Next)),
    }
}

pub(crate) fn balance(answer: &Answer) -> Result<Balance, Error> {
    if answer.status() != 200 {
        return Err(not_as_documented(answer, Endpoint::Balance));
    }
    let body: Option<AccountBalance> = answer.parse();
    let amount = body.and_then(|body| match body.value? {
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    match amount.filter(|text| text.bytes().all(|b| b.is_ascii_digit() || b"-.".contains(&b))) {
        // Vonage counts in euros and does not say so in the answer.
        Some(amount) => Ok(Balance::new(amount, Some("EUR".to_owned()))),
        None => Err(answer.protocol_error("the answer to a balance is not as documented")),
    }
}

/// Returns the error for an answer that no other row reads.
pub(crate) fn not_as_documented(answer: &Answer, endpoint: Endpoint) -> Error {
    if answer.is_success() {
        answer.protocol_error("an undocumented kind of success")
    } else {
        error(answer, endpoint)
    }
}

#[cfg(test)]
mod tests {
    use otpmux_core::{Certainty, ErrorKind, ProviderId};
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: impl Into<Vec<u8>>) -> Answer {
        Answer::new(ProviderId::new("p").unwrap(), status, None, body.into())
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(true)),
            Just(json!(null)),
            Just(json!("completed")),
            Just(json!("r1")),
            Just(json!("https://x.example/verify#invalid-code")),
            any::<i64>().prop_map(|number| json!(number)),
            "\\PC{0,12}".prop_map(|text| json!(text)),
        ];
        let key = prop::sample::select(vec!["request_id", "status", "type", "title", "code"]);
        leaf.prop_recursive(3, 24, 6, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::hash_map(key.clone(), inner, 0..6).prop_map(|map| {
                    map.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
                }),
            ]
        })
    }

    fn any_status() -> impl Strategy<Value = u16> {
        prop_oneof![4 => Just(200), 2 => Just(202), 1 => Just(410), 3 => 0u16..1000]
    }

    proptest! {
        #[test]
        fn only_the_word_completed_in_a_200_approves(status in any_status(), body in any_json()) {
            let verdict = checked(&answer(status, body.to_string()), "r1");
            if verdict.is_ok_and(|verdict| verdict.is_approved()) {
                prop_assert_eq!(status, 200);
                prop_assert_eq!(&body["status"], "completed");
            }
            let _ = started(&answer(status, body.to_string()));
        }

        #[test]
        fn bytes_of_any_kind_are_classified(
            status in any_status(), body in prop::collection::vec(any::<u8>(), 0..64)
        ) {
            let verdict = checked(&answer(status, body.clone()), "r1");
            prop_assert!(!verdict.is_ok_and(|verdict| verdict.is_approved()));
            prop_assert!(started(&answer(status, body)).is_err());
        }
    }

    #[test]
    fn a_success_about_another_request_approves_nothing() {
        let other = answer(200, r#"{"request_id":"r2","status":"completed"}"#);
        let error = checked(&other, "r1").unwrap_err();
        assert_eq!((error.kind(), error.certainty()), (ErrorKind::Protocol, Certainty::Unknown));
    }
}
