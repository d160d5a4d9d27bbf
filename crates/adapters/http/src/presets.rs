//! The definitions of this repository, each a separate kind.

use std::sync::Arc;

use otpmux_core::settings::{Adapter, ConfigError, Settings};
use otpmux_core::{Capabilities, OtpProvider, ProviderId};

use crate::config::{Ready, default_value, first};
use crate::definition::{Definition, SettingForm};
use crate::plan::{Given, Value};

/// A definition of this repository.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Preset {
    /// The value of `kind` in the configuration.
    pub kind: &'static str,
    /// The vendor's name.
    pub name: &'static str,
    /// The messages that it sends, in one sentence.
    pub doc: &'static str,
    toml: &'static str,
}

// `PRESETS` and `ADAPTERS`: build.rs writes them from the files in `presets`.
include!(concat!(env!("OUT_DIR"), "/presets.rs"));

impl Preset {
    /// Returns the preset of a kind.
    pub fn named(kind: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.kind == kind)
    }

    /// Returns the text of its definition.
    pub fn toml(&self) -> &'static str {
        self.toml
    }

    fn read(&self, settings: &Settings) -> Result<Ready, Vec<ConfigError>> {
        let locate = |error| settings.locate(error);
        // A test reads every preset, so this does not happen.
        let damaged = |_| vec![settings.error("kind", "this preset is damaged; report it")];
        let definition = Definition::from_toml(self.toml).map_err(damaged)?;
        let mut given = Given::default();
        for one in definition.declared.iter().flatten() {
            let name = one.name.as_str();
            let value = match one.form {
                SettingForm::Text | SettingForm::Choice(_) => {
                    settings.text(name).map(|text| Value::Text(text.to_owned()))
                }
                SettingForm::Secret => settings.secret(name).map(Value::Secret),
                SettingForm::Flag => settings.flag(name).map(Value::Flag),
                SettingForm::Integer => settings.integer(name).map(Value::Integer),
            };
            if let Some(value) = value.or_else(|| one.default.as_ref().map(default_value)) {
                given.insert(name, value);
            }
        }
        let ready = Ready::new(&definition, &given, settings);
        ready.map_err(|errors| errors.into_iter().map(locate).collect())
    }

    fn build(
        &self,
        id: ProviderId,
        settings: &Settings,
    ) -> Result<Arc<dyn OtpProvider>, ConfigError> {
        let ready = self.read(settings).map_err(first)?;
        let provider = ready.build(id, self.kind).map_err(|error| settings.locate(error))?;
        Ok(Arc::new(provider))
    }

    fn describe(&self, settings: &Settings) -> Result<Capabilities, Vec<ConfigError>> {
        self.read(settings).map(|ready| ready.capabilities)
    }
}
