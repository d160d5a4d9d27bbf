//! The parameters of a request.

use std::collections::BTreeMap;

use serde_json::Value;
use url::form_urlencoded;

use crate::exchange::Call;

/// The parameters of a request. MSG91 takes them in the query, as a form and as JSON, in any mixture.
#[derive(Debug)]
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    pub(super) fn of(call: &Call) -> Self {
        let mut all = BTreeMap::new();
        let pairs = |bytes: &[u8]| form_urlencoded::parse(bytes).into_owned().collect::<Vec<_>>();
        all.extend(pairs(call.query.as_bytes()));
        if let Some(body) = call.object() {
            let text = |value: &Value| match value {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            };
            let fields = body.as_object().into_iter().flatten();
            all.extend(fields.filter_map(|(name, value)| Some((name.clone(), text(value)?))));
        } else if !call.is_json() {
            all.extend(pairs(&call.body));
        }
        Self(all)
    }

    /// Returns a parameter; an empty one counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns the text of a template with its variables filled in.
    pub(super) fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, value)| {
            text.replace(&format!("##{name}##"), value)
        })
    }
}
