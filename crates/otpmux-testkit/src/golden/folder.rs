use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use otpmux_core::settings::{Adapter, SettingsReader};
use otpmux_core::{OtpProvider, ProviderId, Secret};
use otpmux_golden::{Folder, Golden, Named};
use serde::Deserialize;
use serde_json::{Map, Value};

/// Description of an adapter in its folder: `fixture.json` and the golden files in `wire`.
///
/// ```json
/// {
///   "golden": {
///     "base_path": "/api/v1",
///     "settings": { "api_key": "YOUR_API_KEY" }
///   },
///   "emulator": {
///     "settings": { "api_key": "{api_key}" },
///     "setups": [{ "name": "acme" }, { "name": "acme-vendor-codes", "settings": { "code": "vendor" } }]
///   }
/// }
/// ```
///
/// `golden.settings` are the adapter's configuration keys for the golden files; secrets are in
/// clear text, since they are placeholders. `golden.replace` replaces texts that the vendor's
/// documents show although they are invalid, such as a number that is too short. `emulator`
/// configures the adapter for the emulator, for [`conformance`](crate::conformance).
#[derive(Clone, Debug)]
pub struct VendorFolder {
    fixture: Fixture,
    wire: Folder,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixture {
    golden: ForGolden,
    emulator: Option<Emulated>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ForGolden {
    /// The common prefix of the paths in the files, with which a base URL ends.
    #[serde(default)]
    base_path: String,
    settings: Map<String, Value>,
    #[serde(default)]
    replace: BTreeMap<String, String>,
}

/// Configuration of an adapter for its emulated vendor.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Emulated {
    /// The adapter's configuration keys; `{name}` is the emulated account's credential of that
    /// name.
    pub settings: Map<String, Value>,
    /// Fields of the emulated account that differ from its defaults.
    #[serde(default)]
    pub account: Map<String, Value>,
    /// A template that the emulated account has.
    pub template: Option<String>,
    /// The configurations in which the adapter is tested; the first is the usual one.
    pub setups: Vec<Setup>,
}

/// Configuration of an adapter, added to the settings of all its setups.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Setup {
    /// The name of its trials.
    pub name: String,
    /// Configuration keys of this setup.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// Fields of the emulated account for this setup.
    #[serde(default)]
    pub account: Map<String, Value>,
}

impl VendorFolder {
    /// Reads the folder of an adapter's crate.
    ///
    /// # Errors
    ///
    /// `fixture.json` or a golden file is missing, cannot be read or has another form.
    pub fn read(path: &Path) -> Result<Self, String> {
        let fixture = path.join("fixture.json");
        let text = std::fs::read_to_string(&fixture);
        let parse = |text: String| serde_json::from_str(&text).map_err(|error| error.to_string());
        let fixture: Fixture = text
            .map_err(|error| error.to_string())
            .and_then(parse)
            .map_err(|error| format!("{}: {error}", fixture.display()))?;
        let replace = &fixture.golden.replace;
        let wire = Folder::read_with(&path.join("wire"), replace).map_err(|e| e.to_string())?;
        Ok(Self { fixture, wire })
    }

    /// Returns the golden files, in the order of their names.
    pub fn files(&self) -> &[Named] {
        self.wire.files()
    }

    /// Returns the golden file of this name, without `.json`.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn file(&self, name: &str) -> &Golden {
        let found = self.wire.get(name);
        found.unwrap_or_else(|| panic!("there is no golden file {name}"))
    }

    /// Returns the adapter's configuration for the emulator; `None` if the emulator does not play
    /// this vendor.
    pub fn emulated(&self) -> Option<&Emulated> {
        self.fixture.emulator.as_ref()
    }

    /// Returns the adapter's configuration for a golden file that is played at `url`.
    pub fn golden_settings(&self, case: &Map<String, Value>, url: &str) -> Map<String, Value> {
        let golden = &self.fixture.golden;
        let mut settings = over(&golden.settings, case);
        let url = format!("{url}{}", golden.base_path);
        settings.insert("base_url".to_owned(), url.into());
        settings
    }
}

/// Returns keys, replaced and extended by others; `null` removes one.
pub fn over(keys: &Map<String, Value>, others: &Map<String, Value>) -> Map<String, Value> {
    let mut all = keys.clone();
    all.extend(others.clone());
    all.retain(|_, value| !value.is_null());
    all
}

/// Builds a provider from its configuration keys, with secrets in clear text.
///
/// # Errors
///
/// The mistakes in the keys, or the reason why the provider cannot be built.
pub fn build(
    adapter: &Adapter,
    id: &str,
    settings: &Map<String, Value>,
) -> Result<Arc<dyn OtpProvider>, String> {
    let resolve = |text: &str| Ok(Secret::new(text));
    let read = SettingsReader::new(&resolve).read(id, adapter.settings, settings);
    let settings = read.map_err(|errors| {
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        errors.join("; ")
    })?;
    let id = ProviderId::new(id).map_err(|error| error.to_string())?;
    (adapter.build)(id, &settings).map_err(|error| error.to_string())
}
