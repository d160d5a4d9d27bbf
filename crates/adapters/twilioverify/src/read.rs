//! The meaning of Twilio's answers.

use otpmux_core::{Balance, Channel, Delivery, Error, Sent, Verdict};
use otpmux_http::{Answer, is_decimal};
use serde_json::Value;

use crate::error::{Endpoint, code, error};
use crate::reference::Reference;
use crate::wire::{BalanceAnswer, Verification, VerificationCheck};

/// Reads the answer to a start. A `Retry-After` on it announces the next limit; it does not deny
/// this send.
pub(crate) fn started(answer: &Answer, channel: &Channel) -> Result<Sent, Error> {
    if !matches!(answer.status(), 200 | 201) {
        return Err(not_as_documented(answer, Endpoint::Send));
    }
    let body: Verification = answer
        .parse()
        .ok_or_else(|| answer.protocol_error("the answer to a send is not as documented"))?;
    match (word(body.status.as_ref()), body.sid.filter(|sid| !sid.is_empty())) {
        (Some("pending"), Some(sid)) => {
            Ok(Sent::new().with_reference(Reference::write(&sid, channel)))
        }
        (Some("pending"), None) => Err(answer.protocol_error("the field sid is missing")),
        _ => Err(answer.protocol_error("a verification that was started is not pending")),
    }
}

/// Reads the answer to a check. `sid` is that of the verification that was asked about.
pub(crate) fn checked(answer: &Answer, sid: Option<&str>) -> Result<Verdict, Error> {
    let missing = |what| Err(answer.protocol_error(what));
    match (answer.status(), code(answer)) {
        (200 | 201, _) => {}
        // Expired, approved before, cancelled, too many checks or never there: Twilio deletes them
        // all. Only with its own code: a proxy's page says nothing about the verification.
        (404, Some(20404)) => return Ok(Verdict::Gone),
        (404, _) => return missing("not the vendor's own 404; check base_url"),
        (429, Some(60202)) => return Ok(Verdict::TooManyGuesses { retry_after: None }),
        (400, Some(60201)) => return Ok(Verdict::WrongCode { guesses_left: None }),
        _ => return Err(not_as_documented(answer, Endpoint::Other)),
    }
    let Some(body) = answer.parse::<VerificationCheck>() else {
        return missing("the answer to a check is not as documented");
    };
    let said = body.sid.as_ref().and_then(Value::as_str);
    if sid.zip(said).is_some_and(|(asked, said)| asked != said) {
        return missing("the answer is about another verification");
    }
    // `valid` is legacy and is not read.
    match word(body.status.as_ref()) {
        Some("approved") => Ok(Verdict::Approved),
        Some("pending") => Ok(Verdict::WrongCode { guesses_left: None }),
        Some("expired") => Ok(Verdict::Expired),
        Some("max_attempts_reached") => Ok(Verdict::TooManyGuesses { retry_after: None }),
        Some("canceled" | "deleted" | "failed") => Ok(Verdict::Gone),
        // The list of words is open.
        Some(_) => Ok(Verdict::Rejected),
        None => missing("the field status is missing"),
    }
}

/// Checks that an update had its effect.
pub(crate) fn has_status(answer: &Answer, status: &str) -> Result<(), Error> {
    let body: Option<Verification> = answer.parse();
    let said = body.as_ref().and_then(|body| word(body.status.as_ref()));
    match said {
        Some(said) if said == status => Ok(()),
        _ => Err(answer.protocol_error("the answer to an update does not have the new status")),
    }
}

/// Reads what the state of a verification says about its message.
pub(crate) fn delivery(answer: &Answer) -> Result<Delivery, Error> {
    let body: Option<Verification> = answer.parse();
    match body.as_ref().and_then(|body| word(body.status.as_ref())) {
        Some("pending") => Ok(Delivery::Accepted),
        // The recipient has typed the code.
        Some("approved") => Ok(Delivery::Delivered),
        Some("failed") => Ok(Delivery::Failed),
        Some(_) => Ok(Delivery::Unknown),
        None => Err(answer.protocol_error("the field status is missing")),
    }
}

pub(crate) fn balance(answer: &Answer) -> Result<Balance, Error> {
    let body: Option<BalanceAnswer> = answer.parse();
    let amount = body.as_ref().and_then(|body| match body.balance.as_ref()? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    });
    let amount = amount.filter(|text| is_decimal(text));
    let Some((body, amount)) = body.zip(amount) else {
        return Err(answer.protocol_error("the answer to a balance is not as documented"));
    };
    let currency =
        body.currency.filter(|it| it.len() == 3 && it.bytes().all(|b| b.is_ascii_uppercase()));
    Ok(Balance::new(amount, currency))
}

fn not_as_documented(answer: &Answer, endpoint: Endpoint) -> Error {
    if answer.is_success() {
        answer.protocol_error("an undocumented kind of success")
    } else {
        error(answer, endpoint)
    }
}

fn word(value: Option<&Value>) -> Option<&str> {
    value?.as_str()
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
            Just(json!("approved")),
            Just(json!("pending")),
            Just(json!("VE1")),
            Just(json!(20404)),
            "\\PC{0,12}".prop_map(|text| json!(text)),
        ];
        let key = prop::sample::select(vec!["sid", "status", "valid", "code", "message"]);
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
        prop_oneof![4 => Just(200), 2 => Just(201), 1 => Just(404), 3 => 0u16..1000]
    }

    proptest! {
        #[test]
        fn only_the_status_approved_approves(status in any_status(), body in any_json()) {
            let verdict = checked(&answer(status, body.to_string()), Some("VE1"));
            if verdict.is_ok_and(|verdict| verdict.is_approved()) {
                prop_assert!(matches!(status, 200 | 201), "{status} {body}");
                prop_assert_eq!(&body["status"], "approved");
            }
            let _ = started(&answer(status, body.to_string()), &Channel::Sms);
        }

        #[test]
        fn bytes_of_any_kind_are_classified(
            status in any_status(), body in prop::collection::vec(any::<u8>(), 0..64)
        ) {
            let verdict = checked(&answer(status, body.clone()), None);
            prop_assert!(!verdict.is_ok_and(|verdict| verdict.is_approved()));
            prop_assert!(started(&answer(status, body), &Channel::Sms).is_err());
        }
    }

    /// `valid` is legacy: alone it proves nothing in either direction.
    #[test]
    fn valid_is_not_read() {
        let wrong = answer(200, r#"{"status":"pending","valid":true}"#);
        assert_eq!(checked(&wrong, None).unwrap(), Verdict::WrongCode { guesses_left: None });
        let right = answer(200, r#"{"status":"approved","valid":false}"#);
        assert_eq!(checked(&right, None).unwrap(), Verdict::Approved);
    }

    #[test]
    fn an_approval_of_another_verification_is_none() {
        let other = answer(200, r#"{"sid":"VE2","status":"approved"}"#);
        let error = checked(&other, Some("VE1")).unwrap_err();
        assert_eq!((error.kind(), error.certainty()), (ErrorKind::Protocol, Certainty::Unknown));
    }

    #[test]
    fn a_word_that_is_not_documented_is_no_approval() {
        let new = answer(200, r#"{"sid":"VE1","status":"approved_by_rbm"}"#);
        assert_eq!(checked(&new, Some("VE1")).unwrap(), Verdict::Rejected);
        assert_eq!(started(&new, &Channel::Sms).unwrap_err().certainty(), Certainty::Unknown);
        assert_eq!(delivery(&new).unwrap(), Delivery::Unknown);
    }
}
