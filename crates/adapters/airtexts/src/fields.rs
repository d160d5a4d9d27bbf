//! Where the fields of an answer may stand.

use std::time::{Duration, SystemTime};

use otpmux_http::{Answer, parse_time, retry_after_field};
use serde_json::{Map, Value};

use crate::Approval;
use crate::error::{Word, word};

/// The longest id that is taken; the documented ones look like `otp_` and 16 characters.
const LONGEST_ID: usize = 200;

/// The JSON object of an answer. One that is something else has no fields (A11).
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

    /// The places where fields may stand, each with its name (A3).
    fn places(&self) -> impl Iterator<Item = (Option<&'static str>, &Map<String, Value>)> {
        self.0.iter().flat_map(|root| {
            let inner = ["data", "result"].into_iter();
            let inner = inner.filter_map(|name| Some((Some(name), root.get(name)?.as_object()?)));
            std::iter::once((None, root)).chain(inner)
        })
    }

    /// The first of these fields, in the first place that has one.
    fn first(&self, names: &[&str]) -> Option<&Value> {
        self.places().find_map(|(_, place)| names.iter().find_map(|name| place.get(*name)))
    }

    /// The `error` member; `null` and `false` say that there is none.
    fn error_member(&self) -> Option<&Value> {
        self.places()
            .filter_map(|(_, place)| place.get("error"))
            .find(|error| !matches!(error, Value::Null | Value::Bool(false)))
    }

    /// The vendor's code, from `error.code`, a one-word `error`, or `code` (A11). Never from
    /// `data.code`, which may be the code that was sent.
    pub(crate) fn code(&self) -> Option<&str> {
        let error = self.error_member();
        let inner = error.and_then(|error| error.get("code"));
        let candidates = [inner, error, self.root().and_then(|root| root.get("code"))];
        candidates.into_iter().flatten().filter_map(Value::as_str).find(|text| {
            let word = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
            text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(word)
        })
    }

    /// The vendor's text, from `error.message`, `message` or an `error` that is text (A11).
    pub(crate) fn message(&self) -> Option<&str> {
        let error = self.error_member();
        let inner = error.and_then(|error| error.get("message")?.as_str());
        inner.or_else(|| self.root()?.get("message")?.as_str()).or_else(|| error?.as_str())
    }

    /// Whether the text tells of a limit.
    pub(crate) fn speaks_of_limit(&self) -> bool {
        let text = self.message().unwrap_or_default().to_ascii_lowercase();
        text.contains("too many requests") || text.contains("rate limit")
    }

    /// Whether the text says that the recipient is meant.
    pub(crate) fn names_the_recipient(&self) -> bool {
        let text = self.message().unwrap_or_default().to_ascii_lowercase();
        let names = ["this recipient", "per recipient", "this number", "per number"];
        names.iter().any(|name| text.contains(name))
            || ["phone number", "mobile number"].iter().any(|name| text.contains(name))
    }

    /// When to come back, by header or body; the later, should they differ (A12).
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

    /// Whether the answer says no, whatever its status (A2).
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

    /// The same for answers that may tell of other failures further inside.
    pub(crate) fn envelope_says_no(&self) -> bool {
        self.root().is_some_and(|root| {
            let status = root.get("status").and_then(Value::as_str);
            root.get("success").is_some_and(is_no)
                || root.get("error").is_some_and(|e| !matches!(e, Value::Null | Value::Bool(false)))
                || status.is_some_and(|status| status.eq_ignore_ascii_case("error"))
        })
    }

    /// The id of a verification (A3). A number is none: which one it would be, nobody knows.
    pub(crate) fn id(&self) -> Option<&str> {
        let id = self.places().find_map(|(_, place)| {
            let text = |name| place.get(name).and_then(Value::as_str);
            let named = text("verification_id").or_else(|| text("verificationId"));
            named.or_else(|| text("id").filter(|id| id.starts_with("otp_")))
        })?;
        let fits = (1..=LONGEST_ID).contains(&id.len()) && !id.contains(char::is_control);
        fits.then_some(id)
    }

    /// When the code expires, as far as the answer says (A4).
    pub(crate) fn expires_at(&self, now: SystemTime) -> Option<SystemTime> {
        let at = self.first(&["expires_at", "expiresAt"]).and_then(Value::as_str);
        let after = || retry_after_field(self.first(&["expires_in", "expiresIn"]));
        at.and_then(parse_time)
            .or_else(|| now.checked_add(after().filter(|after| !after.is_zero())?))
    }

    /// Where the vendor's code, or its `status`, names an outcome.
    pub(crate) fn named(&self) -> Option<Word> {
        let by_status = || {
            self.places().find_map(|(_, place)| {
                word(place.get("status")?.as_str()?).filter(|word| word.is_about_code())
            })
        };
        self.code().and_then(word).or_else(by_status)
    }

    /// The same, or where its text does. A code that only says "wrong request" is made clearer by
    /// the text.
    pub(crate) fn hint(&self) -> Option<Word> {
        let spoken = || self.message().and_then(spoken);
        match self.named() {
            Some(Word::Request) => spoken().or(Some(Word::Request)),
            named => named.or_else(spoken),
        }
    }

    /// What the answer says about the code, in the known places only (A6).
    pub(crate) fn said(&self, approval: Option<&Approval>) -> Said {
        let named = approval.and_then(|approval| approval.holds(self.root()?));
        let mut said =
            Said { yes: named == Some(true), no: false, muddled: false, named: named.is_some() };
        for (prefix, place) in self.places() {
            // A6 knows two places; a third may contradict them but not stand for them.
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

/// What an answer says about a code.
pub(crate) struct Said {
    pub yes: bool,
    pub no: bool,
    /// A field that should be true or false is neither.
    pub muddled: bool,
    /// The operator's field is there, with whatever value.
    pub named: bool,
}

/// What a text in English hints at. Only ever asked where the answer is known to be no.
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
