//! The meaning of a golden file: the call of its request, and the meaning of its answer.

use std::io;
use std::path::Path;

use otpmux_golden::{Call, Case, Folder, Golden};
use serde_json::Value;

/// Kind of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Send,
    Resend,
    Verify,
    Cancel,
    Other,
}

/// Meaning of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Success,
    /// A verdict other than `approved`.
    Verdict(String),
    Failure,
}

/// Reads the golden files of a folder, in the order of their names.
pub(super) fn read_folder(folder: &Path) -> io::Result<Folder> {
    let invalid = |text: String| io::Error::new(io::ErrorKind::InvalidInput, text);
    let read = Folder::read(folder).map_err(|error| invalid(error.to_string()))?;
    if read.files().is_empty() {
        let text = format!("{}: there are no golden files here (*.json)", folder.display());
        return Err(invalid(text));
    }
    Ok(read)
}

/// Returns the kind, from the case of a common call, or else from the words of its name and path.
pub(super) fn kind(golden: &Golden, name: &str) -> Kind {
    if let Some(case) = common_case(golden) {
        return match case.call {
            Call::Send => Kind::Send,
            Call::Resend => Kind::Resend,
            Call::Verify => Kind::Verify,
            Call::Cancel => Kind::Cancel,
            _ => Kind::Other,
        };
    }
    let path = golden.request.path.split('?').next().unwrap_or_default();
    let said = format!("{name} {path}").to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if golden.request.method != "POST" {
        Kind::Other
    } else if says(&["resend"]) {
        Kind::Resend
    } else if says(&["verify", "check"]) {
        Kind::Verify
    } else if says(&["send", "message", "verification"]) {
        Kind::Send
    } else {
        Kind::Other
    }
}

/// Returns the meaning, from the expectation of a case, or else from the status and the body.
pub(super) fn meaning(golden: &Golden, name: &str) -> Meaning {
    let expect = common_case(golden).map(|case| &case.expect);
    if let Some(expect) = expect.and_then(Value::as_object).filter(|expect| !expect.is_empty()) {
        return match expect.get("verdict").map(|verdict| verdict.as_str().unwrap_or_default()) {
            Some("approved") => Meaning::Success,
            Some(word) => Meaning::Verdict(word.to_owned()),
            None if expect.contains_key("error") => Meaning::Failure,
            None if expect.get("cancellation").is_some_and(|said| said != "cancelled") => {
                Meaning::Failure
            }
            None if expect.get("cancellation").is_some_and(|word| word != "cancelled") => {
                Meaning::Failure
            }
            // Not what a vendor usually says about a message that it has accepted.
            None if expect.get("status").is_some_and(is_unusual) => Meaning::Failure,
            None => Meaning::Success,
        };
    }
    let is_good = (200..300).contains(&golden.response.status);
    let words = name.to_ascii_lowercase();
    if ["wrong-code", "invalid"].iter().any(|word| words.contains(word)) {
        Meaning::Verdict("wrong_code".to_owned())
    } else if is_good && !denies(&golden.response.body) {
        Meaning::Success
    } else {
        Meaning::Failure
    }
}

/// Returns the first case whose call every adapter may have, with its input and expectation.
pub(super) fn common_case(golden: &Golden) -> Option<&Case> {
    golden.cases.iter().find(|case| !matches!(case.call, Call::Own(_)))
}

/// Returns whether the file shows a receipt: a call of the vendor to otpmux.
pub(super) fn is_receipt(golden: &Golden) -> bool {
    golden.cases.first().is_some_and(|case| case.call == Call::Receipts)
}

fn is_unusual(status: &Value) -> bool {
    !matches!(status["delivery"].as_str(), Some("accepted" | "sent" | "delivered"))
}

/// Returns whether any member of a body is `false`.
fn denies(body: &Value) -> bool {
    match body {
        Value::Bool(said) => !said,
        Value::Array(values) => values.iter().any(denies),
        Value::Object(fields) => fields.values().any(denies),
        _ => false,
    }
}
