//! The texts that were checked, and which of them a message has.

use std::collections::BTreeMap;
use std::sync::Arc;

use otpmux_core::settings::ConfigError;
use otpmux_core::{Channel, Dlt, Purpose};

use super::compile::compile;
use super::template::Template;
use super::{Locale, MessageSettings, Variable, values};

/// The texts of messages, checked. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Messages(pub(super) Arc<Catalog>);

#[derive(Debug)]
pub(super) struct Catalog {
    pub(super) settings: MessageSettings,
    pub(super) app: String,
    /// The texts of each purpose that the settings name.
    pub(super) purposes: Vec<(Purpose, Localized)>,
    /// The texts of every other purpose.
    pub(super) others: Localized,
    pub(super) hints: Vec<String>,
}

/// The texts of one purpose. It has a text in `default`.
#[derive(Clone, Debug)]
pub(super) struct Localized {
    /// In the order of the locales.
    pub(super) texts: Vec<(Locale, ByChannel)>,
    pub(super) default: Locale,
}

/// The texts of one purpose in one locale, and what vendors need beside them.
#[derive(Clone, Debug, Default)]
pub(super) struct ByChannel {
    pub(super) channels: Vec<(Channel, Texts)>,
    pub(super) others: Texts,
    pub(super) templates: BTreeMap<String, String>,
    pub(super) dlt: Option<Dlt>,
}

/// The texts of a message by one channel.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts {
    pub(super) text: Template,
    pub(super) subject: Option<Template>,
    pub(super) html: Option<Template>,
    pub(super) speech: Option<Template>,
}

impl Messages {
    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// Every mistake, each with its key: a text without `{code}`, with an unknown placeholder, with
    /// a link, or without the name of the service; a purpose that lacks a locale which another has;
    /// a language without a sentence that says not to share; settings that exclude each other.
    pub fn new(settings: &MessageSettings) -> Result<Self, Vec<ConfigError>> {
        compile(settings).map(|catalog| Self(Arc::new(catalog)))
    }

    /// Returns the settings.
    pub fn settings(&self) -> &MessageSettings {
        &self.0.settings
    }

    /// Returns hints on texts that are valid and probably not intended: more SMS segments than
    /// allowed, or no room for the sentence that says not to share.
    pub fn hints(&self) -> &[String] {
        &self.0.hints
    }

    /// Returns the declared variables.
    pub fn variables(&self) -> &BTreeMap<String, Variable> {
        &self.0.settings.variables
    }

    /// Returns the locales of the texts of a purpose.
    pub fn locales(&self, purpose: &Purpose) -> impl Iterator<Item = &Locale> {
        self.0.of(purpose).locales()
    }

    /// Returns the purposes that have texts, templates or DLT ids.
    pub fn purposes(&self) -> impl Iterator<Item = &Purpose> {
        self.0.purposes.iter().map(|(purpose, _)| purpose)
    }

    /// Returns whether a purpose has DLT ids for each of its texts.
    pub fn has_dlt(&self, purpose: &Purpose) -> bool {
        self.0.of(purpose).texts.iter().all(|(_, texts)| texts.dlt.is_some())
    }

    /// Checks a value that a caller gives for a variable. The error does not repeat it.
    ///
    /// # Errors
    ///
    /// The variable is not declared; the value is too long, or contains a link or a control
    /// character.
    pub fn check_variable(&self, name: &str, value: &str) -> Result<(), String> {
        match self.variables().get(name) {
            Some(variable) => values::check_value(value, variable.max),
            None => Err("is not a declared variable".to_owned()),
        }
    }

    /// Checks a name that a caller gives for the service. The error does not repeat it.
    ///
    /// # Errors
    ///
    /// It is empty, longer than 40 characters, or contains a control character or, without
    /// [`allow_links`](MessageSettings::allow_links), a link.
    pub fn check_brand(&self, brand: &str) -> Result<(), String> {
        values::check_brand(brand)?;
        match values::link(brand) {
            Some(_) if !self.0.settings.allow_links => {
                Err("must not be or contain a link or an address".to_owned())
            }
            _ => Ok(()),
        }
    }
}

impl Catalog {
    pub(super) fn of(&self, purpose: &Purpose) -> &Localized {
        let of = self.purposes.iter().find(|(of, _)| of == purpose);
        of.map_or(&self.others, |(_, localized)| localized)
    }
}

impl Localized {
    /// Returns the best text for a locale, and its locale.
    pub(super) fn best(&self, locale: Option<&str>) -> Option<(&Locale, &ByChannel)> {
        let in_locale = |tag: &str| {
            let found = self.texts.iter().find(|(locale, _)| locale.as_str() == tag);
            found.map(|(locale, texts)| (locale, texts))
        };
        locale
            .and_then(in_locale)
            .or_else(|| {
                let asked: Locale = locale?.parse().ok()?;
                in_locale(asked.best(self.locales())?.as_str())
            })
            .or_else(|| in_locale(self.default.as_str()))
    }

    pub(super) fn locales(&self) -> impl Iterator<Item = &Locale> + Clone {
        self.texts.iter().map(|(locale, _)| locale)
    }
}

impl ByChannel {
    pub(super) fn by(&self, channel: &Channel) -> &Texts {
        let of = self.channels.iter().find(|(of, _)| of == channel);
        of.map_or(&self.others, |(_, texts)| texts)
    }
}
