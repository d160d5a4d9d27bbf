//! The settings that a definition declares.

use serde_json::Value;

use super::table::{Mistakes, Table};
use crate::var::is_name;

/// A setting of a definition.
#[derive(Clone, Debug)]
pub(crate) struct SettingDeclaration {
    pub(crate) name: String,
    pub(crate) form: SettingForm,
    pub(crate) required: bool,
    pub(crate) default: Option<Value>,
}

/// The form of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SettingForm {
    Text,
    Secret,
    Flag,
    Integer,
    Choice(Vec<String>),
}

/// The keys that every provider of a definition has.
const TAKEN: [&str; 11] = [
    "kind",
    "resilience",
    "definition",
    "base_url",
    "timeout",
    "connect_timeout",
    "pool_idle_timeout",
    "receipts",
    "receipt_secret",
    "receipt_secret_old",
    "receipt_verify_token",
];

impl SettingDeclaration {
    pub(super) fn read_all(table: &Table<'_>, mistakes: &mut Mistakes) -> Vec<Self> {
        let mut settings = Vec::new();
        for (name, value) in table.entries() {
            if !is_name(name) || TAKEN.contains(&name.as_str()) {
                let message = "is not a name for a setting: use a-z, 0-9 and _, and no common key";
                table.mistake(name, message, mistakes);
            }
            match value.as_object() {
                Some(map) => {
                    settings.extend(Self::read(name, Table::new(table.at(name), map), mistakes));
                }
                None => table.mistake(name, "must be a table", mistakes),
            }
        }
        settings
    }

    fn read(name: &str, mut table: Table<'_>, mistakes: &mut Mistakes) -> Option<Self> {
        let words = table.texts("words", mistakes);
        let choice =
            || SettingForm::Choice(words.iter().flatten().map(ToString::to_string).collect());
        let form = match table.text("type", mistakes) {
            Some("text") => Some(SettingForm::Text),
            Some("secret") => Some(SettingForm::Secret),
            Some("flag") => Some(SettingForm::Flag),
            Some("integer") => Some(SettingForm::Integer),
            Some("choice") => Some(choice()),
            Some(_) => {
                let message = "must be one of: text, secret, choice, flag, integer";
                table.mistake("type", message, mistakes);
                None
            }
            None => None,
        };
        let form = table.needed("type", form, mistakes);
        if form == Some(SettingForm::Choice(Vec::new())) {
            table.mistake("words", "a choice needs a list of words", mistakes);
        }
        let doc = table.text("doc", mistakes);
        table.needed("doc", doc, mistakes);
        let required = table.flag("required", mistakes).unwrap_or(false);
        let default = table.get("default");
        let example = table.get("example");
        let (min, max) = (table.integer("min", mistakes), table.integer("max", mistakes));
        for (key, value) in [("default", default), ("example", example)] {
            let fits = value.zip(form.as_ref()).is_none_or(|(value, form)| form.fits(value));
            if !fits {
                table.mistake(key, "does not have the type of the setting", mistakes);
            }
        }
        if form == Some(SettingForm::Secret) && default.is_some() {
            table.mistake("default", "a secret has no default", mistakes);
        }
        if form == Some(SettingForm::Integer) && (min.is_none() || max.is_none()) {
            table.wrong("an integer needs `min` and `max`", mistakes);
        }
        table.finish(mistakes);
        Some(Self { name: name.to_owned(), form: form?, required, default: default.cloned() })
    }

    /// Returns whether the setting has a value in every provider.
    pub(crate) fn is_certain(&self) -> bool {
        self.required || self.default.is_some()
    }
}

impl SettingForm {
    fn fits(&self, value: &Value) -> bool {
        match self {
            Self::Text | Self::Secret => value.as_str().is_some_and(|text| !text.is_empty()),
            Self::Flag => value.is_boolean(),
            Self::Integer => value.is_i64(),
            Self::Choice(words) => words.iter().any(|word| value == word),
        }
    }
}
