//! The places where the fields of an answer may be.

use std::time::{Duration, SystemTime};

use otpmux_http::{Answer, parse_time, retry_after_field};
use serde_json::{Map, Value};

use crate::Approval;
use crate::error::{Word, word};

/// The longest id that is accepted; the documented ones are `otp_` and 16 characters.
const LONGEST_ID: usize = 200;

/// The JSON object of an answer. Any other JSON has no fields (A11).
pub(crate) struct Fields(Option<Map<String, Value>>);

impl Fields {
    pub(crate) fn of(answer: &Answer) -> Self {
        Self(match answer.json() {
            Some(Value::Object(root)) => Some(root),
            _ => None,
        })
    }

    pub(crate) fn root(&self) -> Option<&Map<String, Value>> {
        self.0.as_ref()
    }

    /// Returns the objects that may hold fields, each with its name (A3).
    fn places(&self) -> impl Iterator<Item = (Option<&'static str>, &Map<String, Value>)> {
        self.0.iter().flat_map(|root| {
            let inner = ["data", "result"].into_iter();
            let inner = inner.filter_map(|name| Some((Some(name), root.get(name)?.as_object()?)));
            std::iter::once((None, root)).chain(inner)
        })
    }

    /// Returns the first of these fields, in the first object that has one.
    fn first(&self, names: &[&str]) -> Option<&Value> {
        self.places().find_map(|(_, place)| names.iter().find_map(|name| place.get(*name)))
    }

    /// Returns the `error` member; `null` and `false` mean that there is none.
    fn error_member(&self) -> Option<&Value> {
        self.places()
            .filter_map(|(_, place)| place.get("error"))
            .find(|error| !matches!(error, Value::Null | Value::Bool(false)))
    }

    /// Returns the vendor's code, from `error.code`, a one-word `error`, or `code` (A11). Never
    /// from `data.code`, which may be the code that was sent.
    pub(crate) fn code(&self) -> Option<&str> {
        let error = self.error_member();
        let inner = error.and_then(|error| error.get("code"));
        let candidates = [inner, error, self.root().and_then(|root| root.get("code"))];
        candidates.into_iter().flatten().filter_map(Value::as_str).find(|text| {
            let word = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
            text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(word)
        })
    }

    /// Returns the vendor's text, from `error.message`, `message` or an `error` that is text (A11).
    pub(crate) fn message(&self) -> Option<&str> {
        let error = self.error_member();
        let inner = error.and_then(|error| error.get("message")?.as_str());
        inner.or_else(|| self.root()?.get("message")?.as_str()).or_else(|| error?.as_str())
    }

    /// Returns whether the text mentions a limit.
    pub(crate) fn speaks_of_limit(&self) -> bool {
        let text = self.message().unwrap_or_default().to_ascii_lowercase();
        text.contains("too many requests") || text.contains("rate limit")
    }

    /// Returns whether the text mentions the recipient.
    pub(crate) fn names_the_recipient(&self) -> bool {
        let text = self.message().unwrap_or_default().to_ascii_lowercase();
        let names = ["this recipient", "per recipient", "this number", "per number"];
        names.iter().any(|name| text.contains(name))
            || ["phone number", "mobile number"].iter().any(|name| text.contains(name))
    }

    /// Returns the time for the next try, from header or body; the later one if they differ (A12).
    pub(crate) fn retry_after(&self, answer: &Answer) -> Option<Duration> {
        let inner = self.error_member().and_then(|e| e.get("retry_after"));
        let field = inner.or_else(|| self.first(&["retry_after", "retryAfter"]));
        answer.retry_after().max(retry_after_field(field))
    }

    pub(crate) fn guesses_left(&self) -> Option<u32> {
        let inner = self.error_member().and_then(|e| e.get("attempts_remaining"));
        inner
            .or_else(|| self.first(&["attempts_remaining", "attemptsRemaining"]))?
            .as_u64()?
            .try_into()
            .ok()
    }

    /// Returns whether the answer denies success, whatever its status (A2).
    pub(crate) fn says_no(&self) -> bool {
        let failed = |status: &str| {
            let words = ["error", "fail", "failed", "failure"];
            words.iter().any(|word| status.eq_ignore_ascii_case(word))
        };
        self.error_member().is_some()
            || self.places().any(|(_, place)| {
                place.get("success").is_some_and(is_no)
                    || place.get("status").and_then(Value::as_str).is_some_and(failed)
            })
    }

    /// As [`says_no`](Self::says_no), for answers that may describe other failures further inside.
    pub(crate) fn envelope_says_no(&self) -> bool {
        self.root().is_some_and(|root| {
            let status = root.get("status").and_then(Value::as_str);
            root.get("success").is_some_and(is_no)
                || root.get("error").is_some_and(|e| !matches!(e, Value::Null | Value::Bool(false)))
                || status.is_some_and(|status| status.eq_ignore_ascii_case("error"))
        })
    }

    /// Returns the id of a verification (A3). A number is not accepted: it may be any other id.
    pub(crate) fn id(&self) -> Option<&str> {
        let id = self.places().find_map(|(_, place)| {
            let text = |name| place.get(name).and_then(Value::as_str);
            let named = text("verification_id").or_else(|| text("verificationId"));
            named.or_else(|| text("id").filter(|id| id.starts_with("otp_")))
        })?;
        let fits = (1..=LONGEST_ID).contains(&id.len()) && !id.contains(char::is_control);
        fits.then_some(id)
    }

    /// Returns when the code expires, if the answer says so (A4).
    pub(crate) fn expires_at(&self, now: SystemTime) -> Option<SystemTime> {
        let at = self.first(&["expires_at", "expiresAt"]).and_then(Value::as_str);
        let after = || retry_after_field(self.first(&["expires_in", "expiresIn"]));
        at.and_then(parse_time)
            .or_else(|| now.checked_add(after().filter(|after| !after.is_zero())?))
    }

    /// Returns the outcome that the vendor's code, or its `status`, names.
    pub(crate) fn named(&self) -> Option<Word> {
        let by_status = || {
            self.places().find_map(|(_, place)| {
                word(place.get("status")?.as_str()?).filter(|word| word.is_about_code())
            })
        };
        self.code().and_then(word).or_else(by_status)
    }

    /// As [`named`](Self::named), or the outcome that the text names. The text makes a code more
    /// precise that only means "wrong request".
    pub(crate) fn hint(&self) -> Option<Word> {
        let spoken = || self.message().and_then(spoken);
        match self.named() {
            Some(Word::Request) => spoken().or(Some(Word::Request)),
            named => named.or_else(spoken),
        }
    }

    /// Returns what the answer says about the code, from the known places only (A6).
    pub(crate) fn said(&self, approval: Option<&Approval>) -> Said {
        let named = approval.and_then(|approval| approval.holds(self.root()?));
        let mut said =
            Said { yes: named == Some(true), no: false, muddled: false, named: named.is_some() };
        for (prefix, place) in self.places() {
            // A6 has two places; a third may contradict them but does not count alone.
            let counts = prefix != Some("result");
            for name in ["verified", "valid"] {
                match place.get(name) {
                    None | Some(Value::Null) => {}
                    Some(Value::Bool(true)) => said.yes |= counts,
                    Some(Value::Bool(false)) => said.no = true,
                    Some(_) if approval.is_some_and(|a| a.is_at(prefix, name)) => {}
                    Some(_) => said.muddled = true,
                }
            }
            let status = place.get("status").and_then(Value::as_str);
            said.yes |= counts && matches!(status, Some("verified" | "approved"));
        }
        said
    }
}

fn is_no(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text == "0" || text.eq_ignore_ascii_case("false"),
        _ => false,
    }
}

/// The meaning of an answer about a code.
pub(crate) struct Said {
    pub yes: bool,
    pub no: bool,
    /// Whether a field that should be true or false is neither.
    pub muddled: bool,
    /// Whether the operator's field is there, with any value.
    pub named: bool,
}

/// Returns the outcome that an English text suggests. Used only for answers that deny success.
fn spoken(text: &str) -> Option<Word> {
    let text = text.to_ascii_lowercase();
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let any = |wanted: &[&str]| wanted.iter().any(|word| words.contains(word));
    let about_code = any(&["otp", "code", "verification"]);
    if any(&["attempts"]) && any(&["many", "max", "maximum", "exceeded"]) {
        Some(Word::Exhausted)
    } else if any(&["expired"]) && about_code {
        Some(Word::Expired)
    } else if any(&["already"]) && any(&["used", "verified"]) {
        Some(Word::Used)
    } else if about_code && text.contains("not found") {
        Some(Word::NotFound)
    } else if any(&["otp", "code"]) && any(&["invalid", "incorrect", "wrong", "mismatch"]) {
        Some(Word::WrongCode)
    } else {
        None
    }
}
