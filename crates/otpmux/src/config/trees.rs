//! Tables of a provider that are separate files.

use std::fs;
use std::path::{Path, PathBuf};

use otpmux_core::settings::{ConfigError, SettingKind};
use serde_json::{Map, Value};

use super::document::Document;
use super::places::Places;
use super::reading::Reading;
use super::sections::Keys;

/// No definition of a vendor is longer.
const MAX_BYTES: u64 = 1 << 20;

/// The files of one provider.
#[derive(Default)]
pub(super) struct Trees(Vec<Tree>);

struct Tree {
    /// The key, such as `providers.acme.definition`.
    path: String,
    file: PathBuf,
    places: Places,
}

impl Trees {
    /// Puts the content of each file into the table, in the place of its path. `None` if a file
    /// cannot be read; the mistake is recorded.
    pub(super) fn load(
        path: &str,
        keys: Keys,
        table: &mut Map<String, Value>,
        cx: &mut Reading<'_>,
    ) -> Option<Self> {
        let mut trees = Self::default();
        let mut complete = true;
        for key in keys.iter().copied().flatten().filter(|key| key.kind == SettingKind::Tree) {
            let Some(Value::String(file)) = table.get(key.name) else { continue };
            let path = format!("{path}.{}", key.name);
            let file = cx.directory.as_deref().unwrap_or(Path::new("")).join(file);
            match read(&file) {
                Ok((tree, places)) => {
                    table.insert(key.name.to_owned(), tree);
                    trees.0.push(Tree { path, file, places });
                }
                Err(message) => {
                    cx.mistake(path, message);
                    complete = false;
                }
            }
        }
        complete.then_some(trees)
    }

    /// Moves a mistake inside of a file to the key that names the file, and adds its place there.
    pub(super) fn locate(&self, error: ConfigError) -> ConfigError {
        let inside = |tree: &&Tree| {
            let rest = error.path().strip_prefix(&*tree.path);
            rest.is_some_and(|rest| rest.starts_with('.'))
        };
        let Some(tree) = self.0.iter().find(inside) else { return error };
        let inner = error.path()[tree.path.len()..].trim_start_matches('.');
        let inner = tree.places.locate(ConfigError::new(inner, error.message()));
        ConfigError::new(tree.path.as_str(), format!("{}: {inner}", tree.file.display()))
    }
}

fn read(file: &Path) -> Result<(Value, Places), String> {
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let length = fs::metadata(file).map_err(|error| wrong(&error))?.len();
    if length > MAX_BYTES {
        return Err(wrong(&"is longer than 1 MiB"));
    }
    let text = fs::read_to_string(file).map_err(|error| wrong(&error))?;
    Document::tree(&text).map_err(|error| wrong(&error))
}
