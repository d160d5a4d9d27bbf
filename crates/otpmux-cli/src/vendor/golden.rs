//! The golden files beside a definition, and the settings that they were written with.

use std::io;
use std::path::{Path, PathBuf};

use otpmux_emulator::{Emulator, EmulatorConfig, Vendor};
use serde_json::Value;

/// The name of the vendor at the emulator.
const NAME: &str = "test";

/// A folder with golden files.
pub(super) struct Golden {
    folder: PathBuf,
    /// The settings of its `fixture.json`: name and value.
    settings: Vec<(String, String)>,
}

impl Golden {
    /// Finds the folder: the given one; or else the one that has the name of the definition and is
    /// beside it, if it has golden files.
    ///
    /// # Errors
    ///
    /// The given folder does not exist, or `fixture.json` there cannot be read; the text says which.
    pub(super) fn find(given: Option<&Path>, definition: &Path) -> Result<Option<Self>, String> {
        let beside = definition.with_extension("");
        let folder = match given {
            Some(folder) if !folder.is_dir() => {
                return Err(format!("{} is not a folder with golden files", folder.display()));
            }
            Some(folder) => folder,
            None if has_files(&beside) || has_files(&beside.join("wire")) => &beside,
            None => return Ok(None),
        };
        // Golden files may be given without the folder that holds their settings.
        let holder = if folder.ends_with("wire") { folder.parent() } else { Some(folder) };
        let fixture = holder.unwrap_or(folder).join("fixture.json");
        let settings = if fixture.exists() { settings(&fixture)? } else { Vec::new() };
        Ok(Some(Self { folder: folder.to_owned(), settings }))
    }

    /// Returns the settings that the files were written with; empty if `fixture.json` is missing.
    pub(super) fn settings(&self) -> &[(String, String)] {
        &self.settings
    }

    /// Starts an emulator that plays the vendor from the files.
    ///
    /// # Errors
    ///
    /// A file is not a golden file, or there are none.
    pub(super) async fn play(&self) -> io::Result<(Emulator, Vendor)> {
        let config = EmulatorConfig::default().with_vendors([]).with_replay(NAME, &self.folder);
        let emulator = Emulator::start(config).await?;
        let vendor = emulator.vendor(NAME);
        let vendor = vendor.ok_or_else(|| io::Error::other("the emulator has not started"))?;
        Ok((emulator, vendor))
    }
}

fn has_files(folder: &Path) -> bool {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).any(|file| {
        file.extension().is_some_and(|extension| extension == "json")
            && file.file_name().is_some_and(|name| name != "fixture.json")
    })
}

fn settings(fixture: &Path) -> Result<Vec<(String, String)>, String> {
    let wrong = |error: String| format!("{}: {error}", fixture.display());
    let text = std::fs::read_to_string(fixture).map_err(|error| wrong(error.to_string()))?;
    let json: Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let settings = json["golden"]["settings"].as_object().into_iter().flatten();
    Ok(settings
        .filter_map(|(name, value)| {
            let text = match value {
                Value::String(text) => text.clone(),
                Value::Number(number) => number.to_string(),
                Value::Bool(flag) => flag.to_string(),
                _ => return None,
            };
            Some((name.clone(), text))
        })
        .collect())
}
