//! `scripts/new-vendor` makes an adapter of the template, which the workspace builds and tests.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must stop")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// A copy of the files that the script changes, and of those that an adapter links to.
fn copy(name: &str) -> PathBuf {
    let copy = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&copy);
    for file in [
        "crates/otpmux/Cargo.toml",
        "crates/otpmux/src/vendors.rs",
        "LICENSE-APACHE",
        "LICENSE-MIT",
    ] {
        let target = copy.join(file);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(root().join(file), target).unwrap();
    }
    copy
}

fn run(arguments: &[&str], copy: &Path) -> Output {
    let script = root().join("scripts/new-vendor");
    let script =
        Command::new("python3").arg(script).args(arguments).arg("--root").arg(copy).output();
    script.unwrap()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

#[test]
fn a_new_vendor_is_one_folder_and_one_line_with_its_dependency_and_feature() {
    let copy = copy("new-vendor");
    let output = run(&["bolt", "Bolt"], &copy);
    assert!(output.status.success(), "{output:?}");
    let made = files(&copy.join("crates/adapters/bolt"));
    assert_eq!(made.len(), files(&root().join("tools/new-vendor/template")).len());
    for file in made {
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.to_ascii_lowercase().contains("acme"), "{}", file.display());
    }
    let added = |file: &str| -> Vec<String> {
        let before = fs::read_to_string(root().join(file)).unwrap();
        let after = fs::read_to_string(copy.join(file)).unwrap();
        let before: Vec<_> = before.lines().collect();
        after.lines().filter(|line| !before.contains(line)).map(str::to_owned).collect()
    };
    assert_eq!(added("crates/otpmux/src/vendors.rs"), ["    \"bolt\": otpmux_bolt as bolt;"]);
    let [all, feature, dependency] = &added("crates/otpmux/Cargo.toml")[..] else {
        panic!("not three lines");
    };
    assert!(all.starts_with("all-vendors = [") && all.ends_with(", \"bolt\"]"), "{all}");
    assert_eq!(feature, "bolt = [\"http\", \"dep:otpmux-bolt\"]");
    assert!(dependency.starts_with("otpmux-bolt = { path = \"../adapters/bolt\""), "{dependency}");
    // A second time, nothing is changed.
    assert!(!run(&["bolt", "Bolt"], &copy).status.success());
}

#[test]
fn names_that_cannot_be_are_refused() {
    let copy = copy("new-vendor-refused");
    for (kind, name) in [
        ("Bolt", "Bolt"),
        ("b-olt", "Bolt"),
        ("bolt", "bolt"),
        ("bolt", "Bo lt"),
        // The template is a package of the workspace, too.
        ("acme", "Acme"),
    ] {
        let output = run(&[kind, name], &copy);
        assert!(!output.status.success(), "{kind} {name}");
    }
    assert!(!copy.join("crates/adapters").exists());
}

#[test]
fn a_vendor_that_is_a_preset_is_refused() {
    let copy = copy("new-vendor-preset");
    let preset = copy.join("crates/adapters/http/presets/bolt.toml");
    fs::create_dir_all(preset.parent().unwrap()).unwrap();
    fs::write(&preset, "").unwrap();
    let output = run(&["bolt", "Bolt"], &copy);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("presets/bolt.toml"), "{said}");
    assert!(!copy.join("crates/adapters/bolt").exists());
}

/// The page shows commands that can be typed: the name in them is no package of this repository.
#[test]
fn the_commands_of_the_page_make_an_adapter() {
    let page = fs::read_to_string(root().join("docs/vendors/writing-an-adapter.md")).unwrap();
    let typed = page.lines().find_map(|line| line.strip_prefix("scripts/new-vendor ")).unwrap();
    let copy = copy("new-vendor-page");
    let output = run(&typed.split(' ').collect::<Vec<_>>(), &copy);
    assert!(output.status.success(), "{output:?}");
    let kind = typed.split(' ').next().unwrap();
    assert!(page.contains(&format!("cargo test -p otpmux-{kind}")), "{kind}");
    assert!(copy.join("crates/adapters").join(kind).exists());
}
