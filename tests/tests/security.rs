//! Security rules about what the project is made of. Those about what it does stand beside what they
//! test, each under the name of its rule.
#![expect(clippy::expect_used, reason = "a test that cannot be set up must stop")]

use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned()
}

fn files(folder: &Path, name: &str, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let file = entry.file_name();
        if path.is_dir() && file != "target" {
            files(&path, name, found);
        } else if file.to_string_lossy().ends_with(name) {
            found.push(path);
        }
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("a text")
}

/// The names of the crates that a manifest depends on outside its tests.
fn dependencies(manifest: &str) -> Vec<&str> {
    let mut inside = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line == "[dependencies]";
        } else if let Some(name) = line.split(['.', ' ', '=']).next()
            && inside
            && !name.is_empty()
            && !name.starts_with('#')
        {
            names.push(name);
        }
    }
    names
}

/// SEC-12: HMAC-SHA-256, SHA-256 and AES-256-GCM, and randomness from the operating system.
#[test]
fn sec_12_only_approved_algorithms() {
    const APPROVED: [&str; 5] = ["aws-lc-rs", "getrandom", "hmac", "sha2", "subtle"];
    const OTHERS: [&str; 20] = [
        "argon2",
        "blake2",
        "blake3",
        "blowfish",
        "chacha20poly1305",
        "cipher",
        "des",
        "digest",
        "fastrand",
        "md-5",
        "md4",
        "md5",
        "openssl",
        "rand",
        "rc4",
        "ring",
        "ripemd",
        "sha1",
        "sha1_smol",
        "sha3",
    ];
    let mut manifests = Vec::new();
    files(&root().join("crates"), "Cargo.toml", &mut manifests);
    assert!(manifests.len() > 8, "{manifests:?}");
    let mut approved = Vec::new();
    for path in manifests {
        let manifest = read(&path);
        for name in dependencies(&manifest) {
            assert!(!OTHERS.contains(&name), "{} depends on {name}", path.display());
            if APPROVED.contains(&name) {
                approved.push(name.to_owned());
            }
        }
    }
    for name in APPROVED {
        assert!(approved.iter().any(|used| used == name), "nothing uses {name} any more");
    }
    // That library has many algorithms.
    let mut sources = Vec::new();
    files(&root().join("crates/otpmux-engine/src"), ".rs", &mut sources);
    let texts: Vec<_> = sources.iter().map(|path| read(path)).collect();
    let uses: Vec<_> = texts
        .iter()
        .flat_map(|text| text.lines())
        .filter(|line| line.contains("aws_lc_rs"))
        .collect();
    let only = "use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};";
    assert_eq!(uses, [only], "what is stored is sealed by AES-256-GCM alone");
}

/// SEC-01: codes, ids and keys come from one generator, which one module reaches. The emulator has
/// a separate copy, since it shares no code, and so has the bare program that the load tool
/// measures.
#[test]
fn sec_01_one_place_touches_the_systems_randomness() {
    let mut sources = Vec::new();
    files(&root().join("crates"), ".rs", &mut sources);
    let own = |path: &Path| path.ends_with("src/system.rs") || path.ends_with("src/bin/floor.rs");
    let calls = |path: &&PathBuf| read(path).contains("getrandom::") && !own(path);
    let others: Vec<_> = sources.iter().filter(calls).collect();
    assert!(others.is_empty(), "{others:?}");
}
