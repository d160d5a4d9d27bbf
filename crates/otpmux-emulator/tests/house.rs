//! How the emulator's modules may lean on each other.

#![expect(clippy::unwrap_used, reason = "a test that cannot read the source must fail")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

/// Every source file below the folder, with its text.
fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
    found
}

/// The module of a file: a file or folder of `src`, and each vendor's folder by itself.
fn module(file: &Path) -> String {
    let parts: Vec<&str> = file
        .strip_prefix(SOURCE)
        .unwrap()
        .iter()
        .map(|part| part.to_str().unwrap().trim_end_matches(".rs"))
        .collect();
    match parts.as_slice() {
        ["vendors", "mod"] => "vendors".to_owned(),
        ["vendors", vendor, ..] => format!("vendors::{vendor}"),
        [first, ..] => (*first).to_owned(),
        [] => String::new(),
    }
}

/// The first word after each `crate::` of the code (not of its tests and comments), vendors' folders
/// apart.
fn leans_on(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]").next().unwrap();
    let code: String = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let word = |text: &str| -> String {
            text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
        };
        found.insert(word(rest));
    }
    found
}

#[test]
fn modules_form_no_circle() {
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in files(Path::new(SOURCE)) {
        let from = module(&path);
        if from == "lib" {
            continue;
        }
        let mut to = leans_on(&text);
        to.remove(&from);
        arrows.entry(from).or_default().extend(to);
    }
    // The list leans on every vendor by `mod`, which needs no `crate::`.
    let folders: Vec<String> =
        arrows.keys().filter(|name| name.starts_with("vendors::")).cloned().collect();
    assert!(folders.len() >= 3, "{folders:?}");
    arrows.get_mut("vendors").unwrap().extend(folders);
    // Takes away what leans on nothing that is left, until nothing is left.
    while !arrows.is_empty() {
        let left: BTreeSet<String> = arrows.keys().cloned().collect();
        let before = arrows.len();
        arrows.retain(|_, to| !to.is_disjoint(&left));
        assert!(arrows.len() < before, "a circle is among {arrows:#?}");
    }
}

/// A vendor is its folder and its lines in the list.
#[test]
fn nothing_but_its_folder_and_the_list_names_a_vendor() {
    let folders = fs::read_dir(Path::new(SOURCE).join("vendors")).unwrap();
    let names: Vec<String> = folders
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    for (path, text) in files(Path::new(SOURCE)) {
        if module(&path).starts_with("vendors") {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("///")) {
            let line = line.to_ascii_lowercase();
            for name in &names {
                assert!(!line.contains(name), "{} names {name}: {line}", path.display());
            }
        }
    }
}
