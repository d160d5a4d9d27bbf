//! Which placeholders a definition uses, and whether its settings are declared.

use std::collections::BTreeSet;

use otpmux_core::settings::{ConfigError, nearest};

use super::table::Mistakes;
use super::{Auth, Body, Definition, ExampleAnswer, Field, RequestPart, SettingForm, Tree};
use crate::template::{Piece, Template};
use crate::var::{Signed, Slot, Var};

/// Takes a template, the path of its field, and whether the field may be left out.
type TakeTemplate<'a, 'd> = &'a mut dyn FnMut(&'d Template<Var>, &'d str, bool);

impl RequestPart {
    /// Passes every template to `take`.
    pub(crate) fn each_template<'d>(&'d self, take: TakeTemplate<'_, 'd>) {
        if let Some(path) = &self.path {
            take(&path.template, &path.at, false);
        }
        for field in self.headers.iter().chain(&self.query) {
            take(&field.value, &field.path, field.optional);
        }
        match &self.body {
            Some(Body::Json(tree)) => tree.each_template("send.json", false, take),
            Some(Body::Form(fields)) => each_field(fields, false, take),
            None => {}
        }
    }

    /// Passes every slot to `take`.
    pub(crate) fn each_slot<'d>(&'d self, take: &mut dyn FnMut(&'d Slot)) {
        self.each_template(&mut |template, _, _| {
            for value in template.values() {
                if let Var::Slot(slot) = value {
                    take(slot);
                }
            }
        });
    }
}

impl Tree {
    fn each_template<'d>(&'d self, path: &'d str, optional: bool, take: TakeTemplate<'_, 'd>) {
        match self {
            Self::Text(template) | Self::ToNumber(template) | Self::ToText(template) => {
                take(template, path, optional);
            }
            Self::List(list) => {
                for tree in list {
                    tree.each_template(path, optional, take);
                }
            }
            Self::Table(fields) => each_field(fields, optional, take),
            Self::JsonText(tree) => tree.each_template(path, optional, take),
            Self::If(given, tree) => {
                take(given, path, true);
                tree.each_template(path, true, take);
            }
            Self::Number(_) | Self::Flag(_) | Self::Unicode(..) => {}
        }
    }
}

fn each_field<'d>(fields: &'d [Field], optional: bool, take: TakeTemplate<'_, 'd>) {
    for field in fields {
        field.value.each_template(&field.path, optional || field.optional, take);
    }
}

/// A use of a setting.
struct Use<'d> {
    name: &'d str,
    path: &'d str,
    /// The place needs a value, and has no other.
    needed: bool,
    /// The channel, if the use is in one.
    needs: &'d [String],
}

impl Definition {
    /// Returns the names of the settings that it uses, each once, in the order of the alphabet.
    pub fn settings(&self) -> impl Iterator<Item = &str> {
        let names: BTreeSet<_> = self.uses().into_iter().map(|one| one.name).collect();
        names.into_iter()
    }

    /// Returns the names of the settings that every provider must be given: those that are declared
    /// as required, or, without declarations, all that it uses.
    pub fn required_settings(&self) -> impl Iterator<Item = &str> {
        let is_optional = |name: &str| {
            let mut declared = self.declared.iter().flatten();
            let one = declared.find(|one| one.name == name);
            one.is_some_and(|one| !one.required || one.default.is_some())
        };
        self.settings().filter(move |name| !is_optional(name))
    }

    /// Returns the names of the settings that are certainly no secrets, because they are in the
    /// address.
    pub fn public_settings(&self) -> impl Iterator<Item = &str> {
        self.base_url.iter().flat_map(Template::values).map(|value| value.0.as_str())
    }

    /// Returns the channels that it sends by.
    pub fn channels(&self) -> impl Iterator<Item = &otpmux_core::Channel> {
        self.channels.iter().map(|rules| &rules.channel)
    }

    /// Returns an answer that the definition reads as a success: the status, headers and the body.
    /// For a test without the vendor.
    pub fn example_answer(&self, channel: &otpmux_core::Channel) -> Option<ExampleAnswer> {
        let rules = self.channels.iter().find(|rules| rules.channel == *channel)?;
        Some(rules.success.example())
    }

    /// Returns whether a slot is used anywhere.
    pub(crate) fn uses_slot(&self, wanted: &dyn Fn(&Slot) -> bool) -> bool {
        let mut found = false;
        for channel in &self.channels {
            channel.request.each_slot(&mut |slot| found |= wanted(slot));
        }
        found
    }

    fn uses(&self) -> Vec<Use<'_>> {
        let mut uses = Vec::new();
        let simple = |name, path| Use { name, path, needed: true, needs: &[] };
        for value in self.base_url.iter().flat_map(Template::values) {
            uses.push(simple(&value.0, "base_url"));
        }
        for template in self.auth.iter().flat_map(Auth::templates) {
            for value in template.values() {
                if let Var::Setting(name) = value {
                    uses.push(simple(name, "auth"));
                }
            }
        }
        if let Some(sign) = &self.sign {
            uses.push(simple(&sign.key, &sign.path));
            for value in sign.content.values() {
                if let Signed::Setting(name) = value {
                    uses.push(simple(name, &sign.path));
                }
            }
        }
        for channel in &self.channels {
            for name in &channel.needs {
                uses.push(Use { name, path: &channel.path, needed: false, needs: &[] });
            }
            channel.request.each_template(&mut |template, path, optional| {
                for piece in &template.pieces {
                    if let Piece::Value(Var::Setting(name), default) = piece {
                        let needed = !optional && default.is_none();
                        uses.push(Use { name, path, needed, needs: &channel.needs });
                    }
                }
            });
        }
        for name in self.one_of.iter().flatten() {
            uses.push(Use { name, path: "require.one_of", needed: false, needs: &[] });
        }
        let key = self.receipts.as_ref().and_then(|rules| rules.signature.as_ref()?.key.as_deref());
        if let Some(name) = key {
            uses.push(simple(name, "receipts.signature.key"));
        }
        uses
    }

    /// Checks the settings that are used against those that are declared, and the places of values
    /// that exist only with receipts.
    pub(super) fn check_settings(&self, mistakes: &mut Mistakes) {
        self.check_receipt_slots(mistakes);
        let Some(declared) = &self.declared else { return };
        let find = |name: &str| declared.iter().find(|setting| setting.name == name);
        let uses = self.uses();
        for one in &uses {
            let Use { name, path, .. } = one;
            match find(name) {
                None => {
                    let names = declared.iter().map(|setting| setting.name.as_str());
                    let hint = nearest(name, names)
                        .map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                    let message = format!("no setting `{name}` is declared{hint}");
                    mistakes.push(ConfigError::new(*path, message));
                }
                Some(setting)
                    if one.needed
                        && !setting.is_certain()
                        && !one.needs.iter().any(|needed| needed == name) =>
                {
                    let message = format!(
                        "the setting `{name}` may be absent: mark the field with `?`, give the \
                         placeholder another value ({{setting.{name}|..}}), or require the setting"
                    );
                    mistakes.push(ConfigError::new(*path, message));
                }
                Some(setting) if *path == "base_url" && setting.form == SettingForm::Secret => {
                    let message = format!("the setting `{name}` is a secret; a base URL is shown");
                    mistakes.push(ConfigError::new(*path, message));
                }
                Some(_) => {}
            }
        }
        for setting in declared {
            let name = setting.name.as_str();
            let standard = match name {
                "sender" => self.uses_slot(&|slot| *slot == Slot::Sender),
                "template" => self.uses_slot(&|slot| *slot == Slot::Template),
                _ => false,
            };
            if !standard && !uses.iter().any(|one| one.name == name) {
                let message = "is declared and never used";
                mistakes.push(ConfigError::new(format!("settings.{name}"), message));
            }
        }
    }

    fn check_receipt_slots(&self, mistakes: &mut Mistakes) {
        for channel in &self.channels {
            channel.request.each_template(&mut |template, path, optional| {
                for piece in &template.pieces {
                    let Piece::Value(Var::Slot(slot @ (Slot::Token | Slot::ReceiptUrl)), default) =
                        piece
                    else {
                        continue;
                    };
                    let name = slot.name();
                    if self.receipts.is_none() {
                        let message =
                            format!("{{{name}}} needs [receipts], which reads the answer to it");
                        mistakes.push(ConfigError::new(path, message));
                    } else if !optional && default.is_none() {
                        let message = format!(
                            "{{{name}}} is absent where receipts are off: mark the field with `?`"
                        );
                        mistakes.push(ConfigError::new(path, message));
                    }
                }
            });
        }
    }
}

impl Auth {
    fn templates(&self) -> Vec<&Template<Var>> {
        match self {
            Self::None => Vec::new(),
            Self::Bearer(value) | Self::Header { value, .. } | Self::Query { value, .. } => {
                vec![value]
            }
            Self::Basic { user, password } => vec![user, password],
        }
    }
}
