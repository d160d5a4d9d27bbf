//! The placeholders of a request.

use crate::template::{Piece, Placeholder, Template};

/// A placeholder of a request, as a definition has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Var {
    /// A value of each send.
    Slot(Slot),
    /// A setting of the provider: known before the first send.
    Setting(String),
}

/// A value that each send brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    To,
    ToE164,
    ToDigits,
    ToNational,
    ToCallingCode,
    Code,
    Text,
    Subject,
    Html,
    Speech,
    Template,
    DltEntity,
    DltTemplate,
    Sender,
    Locale,
    Minutes,
    App,
    Variable(String),
    Token,
    ReceiptUrl,
    IdempotencyKey,
    Timestamp,
    TimestampMs,
}

impl Slot {
    /// Every slot with its name, but for the caller's variables.
    const ALL: [(&'static str, Self); 22] = [
        ("to", Self::To),
        ("to_e164", Self::ToE164),
        ("to_digits", Self::ToDigits),
        ("to_national", Self::ToNational),
        ("to_calling_code", Self::ToCallingCode),
        ("code", Self::Code),
        ("text", Self::Text),
        ("subject", Self::Subject),
        ("html", Self::Html),
        ("speech", Self::Speech),
        ("template", Self::Template),
        ("dlt_entity", Self::DltEntity),
        ("dlt_template", Self::DltTemplate),
        ("sender", Self::Sender),
        ("locale", Self::Locale),
        ("minutes", Self::Minutes),
        ("app", Self::App),
        ("token", Self::Token),
        ("receipt_url", Self::ReceiptUrl),
        ("idempotency_key", Self::IdempotencyKey),
        ("timestamp", Self::Timestamp),
        ("timestamp_ms", Self::TimestampMs),
    ];

    /// Returns its name, for messages to an operator.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Variable(name) => name,
            slot => Self::ALL.iter().find(|(_, other)| other == slot).map_or("", |(name, _)| name),
        }
    }

    fn named(name: &str) -> Option<Self> {
        match name.strip_prefix("variable.") {
            Some(name) => is_name(name).then(|| Self::Variable(name.to_owned())),
            None => Self::ALL.iter().find(|(word, _)| *word == name).map(|(_, slot)| slot.clone()),
        }
    }

    /// Returns whether the code is in the value.
    pub(crate) fn holds_code(&self) -> bool {
        matches!(self, Self::Code | Self::Text | Self::Html | Self::Speech)
    }

    /// Returns whether the value is a part of the engine's message.
    pub(crate) fn is_of_message(&self) -> bool {
        matches!(self, Self::Text | Self::Subject | Self::Html | Self::Speech)
    }
}

/// Returns whether a text is a name of a setting or variable: `a-z`, `0-9` and `_`, first a letter.
pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

impl Template<Var> {
    /// Returns whether the text cannot be made without the engine's message.
    pub(crate) fn needs_message(&self) -> bool {
        self.pieces.iter().any(|piece| match piece {
            Piece::Value(Var::Slot(slot), None) => slot.is_of_message(),
            _ => false,
        })
    }
}

impl Placeholder for Var {
    const NAMES: &'static [&'static str] = &[
        "to",
        "to_e164",
        "to_digits",
        "to_national",
        "to_calling_code",
        "code",
        "text",
        "subject",
        "html",
        "speech",
        "template",
        "dlt_entity",
        "dlt_template",
        "sender",
        "locale",
        "minutes",
        "app",
        "token",
        "receipt_url",
        "idempotency_key",
        "timestamp",
        "timestamp_ms",
        "variable.NAME",
        "setting.NAME",
    ];

    fn parse(name: &str) -> Option<Self> {
        match name.strip_prefix("setting.") {
            Some(name) => is_name(name).then(|| Self::Setting(name.to_owned())),
            None => Slot::named(name).map(Self::Slot),
        }
    }
}

/// A placeholder where only settings are known: in a base URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SettingOnly(pub(crate) String);

impl Placeholder for SettingOnly {
    const NAMES: &'static [&'static str] = &["setting.NAME"];

    fn parse(name: &str) -> Option<Self> {
        let name = name.strip_prefix("setting.")?;
        is_name(name).then(|| Self(name.to_owned()))
    }
}

/// A placeholder of what is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Signed {
    Body,
    Timestamp,
    IdempotencyKey,
    Setting(String),
}

impl Placeholder for Signed {
    const NAMES: &'static [&'static str] =
        &["body", "timestamp", "idempotency_key", "setting.NAME"];

    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "body" => Self::Body,
            "timestamp" => Self::Timestamp,
            "idempotency_key" => Self::IdempotencyKey,
            name => Self::Setting(SettingOnly::parse(name)?.0),
        })
    }
}

/// A placeholder of the header that carries a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureValue {
    Signature,
    Timestamp,
}

impl Placeholder for SignatureValue {
    const NAMES: &'static [&'static str] = &["signature", "timestamp"];

    fn parse(name: &str) -> Option<Self> {
        match name {
            "signature" => Some(Self::Signature),
            "timestamp" => Some(Self::Timestamp),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_a_message_shows_is_known() {
        for name in Var::NAMES {
            let name = name.replace("NAME", "x");
            assert!(Var::parse(&name).is_some(), "{name}");
        }
        assert_eq!(Var::NAMES.len(), Slot::ALL.len() + 2);
        for bad in ["setting.", "setting.A", "variable.a-b", "Code", "setting"] {
            assert!(Var::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_slot_has_the_name_by_which_it_is_found() {
        for (name, slot) in Slot::ALL {
            assert_eq!(slot.name(), name);
        }
    }
}
