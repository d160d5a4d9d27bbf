//! The variables of secrets that were given in plain text.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The variables that are taken, each with the name of its secret.
#[derive(Clone, Debug, Default)]
pub(super) struct SecretVariables(BTreeMap<String, String>);

impl SecretVariables {
    /// Returns those that references in a document name. None of them is for a secret in plain text.
    pub(super) fn of_references(root: &Map<String, Value>) -> Self {
        let mut variables = Self::default();
        root.values().for_each(|value| variables.take_references(value));
        variables
    }

    /// Returns the variable for the secret of this name. Where the name of another secret leads to the
    /// same variable, as `a-b` and `a_b` do, the later one gets a number.
    pub(super) fn of(&mut self, name: &str) -> String {
        let allowed =
            |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        let first: String = name.chars().map(allowed).collect();
        let mut variable = first.clone();
        let mut number = 1;
        while self.0.get(&variable).is_some_and(|other| other != name) {
            number += 1;
            variable = format!("{first}_{number}");
        }
        self.0.insert(variable.clone(), name.to_owned());
        variable
    }

    fn take_references(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                let variable = text.strip_prefix("env:").map(str::to_owned);
                self.0.extend(variable.map(|variable| (variable, String::new())));
            }
            Value::Array(list) => list.iter().for_each(|value| self.take_references(value)),
            Value::Object(table) => table.values().for_each(|value| self.take_references(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}
