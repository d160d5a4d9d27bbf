//! Every preset is a valid definition, and its folder has everything that belongs to it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use otpmux_generic_http::{Definition, PRESETS};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("presets")
}

#[test]
fn every_preset_is_a_valid_definition() {
    let read = |toml| Definition::from_toml(toml).map(drop);
    let wrong: Vec<_> = PRESETS
        .iter()
        .filter_map(|preset| Some(format!("{}.toml:\n{}", preset.kind, read(preset.toml()).err()?)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_preset_has_its_page_its_settings_and_its_golden_files() {
    for preset in PRESETS {
        let folder = folder().join(preset.kind);
        for name in ["README.md", "fixture.json", "wire"] {
            assert!(folder.join(name).exists(), "{} has no {name}", preset.kind);
        }
    }
}

#[test]
fn every_folder_has_its_preset() {
    let kinds: BTreeSet<_> = PRESETS.iter().map(|preset| preset.kind.to_owned()).collect();
    let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap());
    let folders: BTreeSet<_> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(folders, kinds);
}
