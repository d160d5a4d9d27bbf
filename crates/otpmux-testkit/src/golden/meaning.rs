use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use otpmux_core::{
    Cancellation, Clock as _, Correlation, Error, Receipt, ReceiptAnswer, Receipts, Sent, Status,
    SystemClock, VendorReference, Verdict,
};
use serde_json::{Map, Value, json};

use super::call::Answer;

pub(super) fn now() -> SystemTime {
    SystemClock.now()
}

/// Compares the result of a call with the `expect` of its case: every fact, and no other.
pub(super) fn compare(expect: &Value, answer: Answer, before: SystemTime) -> Result<(), String> {
    let (expected, counted) = without_expires_in(expect);
    let mut answer = answer;
    if let Some(seconds) = counted {
        let Answer::Sent(sent) = &mut answer else {
            return Err("`expires_in` is a fact of `sent` only".to_owned());
        };
        let lived = Duration::from_secs(seconds);
        let possible = before + lived..=now() + lived;
        match sent.expires_at.take() {
            Some(at) if possible.contains(&at) => {}
            other => return Err(format!("it expires at {other:?} and not in {seconds} s")),
        }
    }
    let meaning = facts(&answer);
    if meaning == expected {
        return Ok(());
    }
    let shown = serde_json::to_string_pretty(&meaning).unwrap_or_default();
    let expected = serde_json::to_string_pretty(&expected).unwrap_or_default();
    let told =
        if let Answer::Error(error) = &answer { format!(" ({error})") } else { String::new() };
    Err(format!("the answer means{told}\n{shown}\nwhere the file expects\n{expected}"))
}

/// Returns the expectation without `expires_in`, and its seconds.
fn without_expires_in(expect: &Value) -> (Value, Option<u64>) {
    let mut expected = expect.clone();
    let counted = expected.get_mut("sent").and_then(Value::as_object_mut);
    let counted = counted.and_then(|sent| sent.remove("expires_in")?.as_u64());
    (expected, counted)
}

/// Returns the result of a call, in the form of a file's `expect`.
pub(super) fn facts(answer: &Answer) -> Value {
    match answer {
        Answer::Sent(sent) => json!({ "sent": facts_of_sent(sent) }),
        Answer::Verdict(verdict) => facts_of_verdict(verdict),
        Answer::Status(status) => json!({ "status": facts_of_status(status) }),
        Answer::Balance(balance) => json!({ "balance": balance }),
        Answer::Cancellation(cancellation) => facts_of_cancellation(cancellation),
        Answer::Receipts(receipts) => facts_of_receipts(receipts),
        Answer::Reported => json!({ "reported": true }),
        Answer::Error(error) => json!({ "error": facts_of_error(error) }),
    }
}

/// Returns an object of the facts that are not null.
fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let there = fields.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(there.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

fn facts_of_sent(sent: &Sent) -> Value {
    object([
        ("reference", json!(sent.reference.as_ref().map(VendorReference::as_str))),
        ("receipt_reference", json!(sent.receipt_reference.as_ref().map(VendorReference::as_str))),
        ("request_id", json!(sent.request_id)),
        ("expires_at", time(sent.expires_at)),
        ("guesses_left", json!(sent.guesses_left)),
        ("delivery", json!(sent.delivery)),
    ])
}

fn facts_of_verdict(verdict: &Verdict) -> Value {
    let (left, after) = match verdict {
        Verdict::WrongCode { guesses_left } => (*guesses_left, None),
        Verdict::TooManyGuesses { retry_after } => (None, *retry_after),
        _ => (None, None),
    };
    object([
        ("verdict", verdict.as_str().into()),
        ("guesses_left", json!(left)),
        ("retry_after", seconds(after)),
    ])
}

fn facts_of_status(status: &Status) -> Value {
    object([
        ("delivery", json!(status.delivery)),
        ("delivered_at", time(status.delivered_at)),
        ("failure", json!(status.failure)),
    ])
}

fn facts_of_cancellation(cancellation: &Cancellation) -> Value {
    let (word, after) = match cancellation {
        Cancellation::Cancelled => ("cancelled", None),
        Cancellation::TooEarly { retry_after } => ("too_early", *retry_after),
        Cancellation::TooLate => ("too_late", None),
        _ => ("another", None),
    };
    object([("cancellation", word.into()), ("retry_after", seconds(after))])
}

fn facts_of_receipts(receipts: &Receipts) -> Value {
    let answer = match &receipts.answer {
        ReceiptAnswer::Text(text) => json!(text),
        _ => Value::Null,
    };
    let list: Vec<_> = receipts.receipts.iter().map(facts_of_receipt).collect();
    object([("receipts", list.into()), ("answer", answer)])
}

fn facts_of_receipt(receipt: &Receipt) -> Value {
    let (token, reference) = match &receipt.correlation {
        Correlation::Token(token) => (Some(token.as_str()), None),
        Correlation::Reference(reference) => (None, Some(reference.as_str())),
        _ => (None, None),
    };
    let failure = receipt.failure.as_ref().map(|failure| {
        object([
            ("blame", failure.blame.as_str().into()),
            ("detail", json!(Some(&failure.detail).filter(|detail| !detail.is_empty()))),
        ])
    });
    let price = receipt.price.as_ref().map(|price| {
        object([("amount", json!(price.amount)), ("currency", json!(price.currency))])
    });
    let network = receipt
        .network
        .as_ref()
        .map(|network| object([("mcc", json!(network.mcc)), ("mnc", json!(network.mnc))]));
    object([
        ("token", json!(token)),
        ("reference", json!(reference)),
        ("delivery", json!(receipt.delivery)),
        ("final", json!(receipt.is_final)),
        ("at", time(receipt.at)),
        ("failure", json!(failure)),
        ("price", json!(price)),
        ("network", json!(network)),
    ])
}

fn facts_of_error(error: &Error) -> Value {
    object([
        ("kind", error.kind().as_str().into()),
        ("certainty", error.certainty().as_str().into()),
        ("blame", error.blame().as_str().into()),
        ("retry_after", seconds(error.retry_after())),
        ("vendor_code", json!(error.vendor_code())),
        ("request_id", json!(error.request_id())),
    ])
}

fn time(at: Option<SystemTime>) -> Value {
    let at = at.and_then(|at| Timestamp::try_from(at).ok());
    json!(at.map(|at| at.to_string()))
}

fn seconds(time: Option<Duration>) -> Value {
    json!(time.map(|time| time.as_secs()))
}

#[cfg(test)]
mod tests {

    use super::*;

    fn sent() -> Sent {
        Sent::new().with_reference(VendorReference::new("msg_1"))
    }

    #[test]
    fn every_fact_counts_and_no_other() {
        let check = |expect: &Value| compare(expect, Answer::Sent(sent()), now());
        assert_eq!(check(&json!({ "sent": { "reference": "msg_1" } })), Ok(()));
        for wrong in [
            json!({ "sent": {} }),
            json!({ "sent": { "reference": "msg_2" } }),
            json!({ "sent": { "reference": "msg_1", "guesses_left": 3 } }),
            json!({ "verdict": "approved" }),
            Value::Null,
        ] {
            let told = check(&wrong).unwrap_err();
            assert!(told.contains("msg_1"), "{told}");
        }
    }

    #[test]
    fn an_expiry_that_counts_from_the_answer_is_checked() {
        let before = now();
        let mut sent = sent();
        sent.expires_at = Some(before + Duration::from_secs(300));
        let expect =
            |seconds: u64| json!({ "sent": { "reference": "msg_1", "expires_in": seconds } });
        let check = |seconds| compare(&expect(seconds), Answer::Sent(sent.clone()), before);
        assert_eq!(check(300), Ok(()));
        assert!(check(299).is_err() && check(301).is_err());
    }
}
