//! Golden files of a folder: one request, the vendor's answer, and its meaning.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

/// A golden file. Fields that only adapters need are not read.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Golden {
    pub(super) request: Request,
    pub(super) response: Response,
    #[serde(default)]
    pub(super) cases: Vec<Case>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Request {
    pub(super) method: String,
    /// With the query.
    pub(super) path: String,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) body: Value,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Response {
    pub(super) status: u16,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) body: Value,
}

/// A call of an adapter that makes the request.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Case {
    /// A name, or an object for a call of one adapter only.
    pub(super) call: Value,
    #[serde(default)]
    pub(super) input: Input,
    #[serde(default)]
    pub(super) expect: Value,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Input {
    pub(super) to: Option<String>,
    pub(super) channel: Option<String>,
    pub(super) code: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) ttl: Option<u64>,
}

/// Kind of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Send,
    Resend,
    Verify,
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

impl Golden {
    /// Reads the `.json` files of a folder, in the order of their names (without `.json`).
    pub(super) fn read_folder(folder: &Path) -> io::Result<Vec<(String, Self)>> {
        let at = |path: &Path, error: &dyn std::fmt::Display| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("{}: {error}", path.display()))
        };
        let mut files = Vec::new();
        for entry in fs::read_dir(folder).map_err(|error| at(folder, &error))? {
            let path = entry?.path();
            let name = path.file_stem().and_then(|name| name.to_str());
            let Some(name) = name.filter(|_| path.extension().is_some_and(|end| end == "json"))
            else {
                continue;
            };
            let text = fs::read_to_string(&path).map_err(|error| at(&path, &error))?;
            let golden = serde_json::from_str(&text).map_err(|error| at(&path, &error))?;
            files.push((name.to_owned(), golden));
        }
        if files.is_empty() {
            return Err(at(folder, &"there are no golden files here (*.json)"));
        }
        files.sort_by(|(one, _), (other, _)| one.cmp(other));
        Ok(files)
    }

    /// Returns the kind, from the case of a common call, or else from the words of its name and
    /// path.
    pub(super) fn kind(&self, name: &str) -> Kind {
        if let Some(case) = self.common_case() {
            return match case.call.as_str() {
                Some("send") => Kind::Send,
                Some("resend") => Kind::Resend,
                Some("verify") => Kind::Verify,
                _ => Kind::Other,
            };
        }
        let path = self.request.path.split('?').next().unwrap_or_default();
        let said = format!("{name} {path}").to_ascii_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
        if self.request.method != "POST" {
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
    pub(super) fn meaning(&self, name: &str) -> Meaning {
        let expect = self.common_case().map(|case| &case.expect);
        if let Some(expect) = expect.and_then(Value::as_object).filter(|expect| !expect.is_empty())
        {
            return match expect.get("verdict") {
                Some(verdict) => {
                    // A verdict may be a word or an object with further facts.
                    let word = verdict.as_str().or_else(|| verdict["verdict"].as_str());
                    match word.unwrap_or_default() {
                        "approved" => Meaning::Success,
                        word => Meaning::Verdict(word.to_owned()),
                    }
                }
                None if expect.contains_key("error") => Meaning::Failure,
                None => Meaning::Success,
            };
        }
        let is_good = (200..300).contains(&self.response.status);
        let words = name.to_ascii_lowercase();
        if ["wrong-code", "invalid"].iter().any(|word| words.contains(word)) {
            Meaning::Verdict("wrong_code".to_owned())
        } else if is_good && !denies(&self.response.body) {
            Meaning::Success
        } else {
            Meaning::Failure
        }
    }

    /// Returns the first case whose call every adapter may have, with its input and expectation.
    pub(super) fn common_case(&self) -> Option<&Case> {
        self.cases.iter().find(|case| case.call.is_string())
    }
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
