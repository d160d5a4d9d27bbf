//! rlibphonenumber's metadata, out of the crate that Cargo.lock names.

use std::error::Error;
use std::path::Path;
use std::process::Command;

use prost::Message;
use rlibphonenumber::{PhoneMetadata, PhoneMetadataCollection};

/// All regions, and where they come from.
pub(crate) struct Metadata {
    /// Of libphonenumber, such as `9.0.42`.
    pub(crate) version: String,
    /// In the order of the collection, which puts none first: see [`of_code`](Self::of_code).
    pub(crate) regions: Vec<PhoneMetadata>,
}

impl Metadata {
    /// The regions of a calling code in the order in which libphonenumber asks them: the main one
    /// first.
    pub(crate) fn of_code(&self, code: i32) -> Vec<&PhoneMetadata> {
        let mut regions: Vec<_> =
            self.regions.iter().filter(|it| it.country_code == Some(code)).collect();
        regions.sort_by_key(|it| !it.main_country_for_code());
        regions
    }
}

/// Reads it from the sources of the crate.
pub(crate) fn load() -> Result<Metadata, Box<dyn Error>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--manifest-path"])
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
        .output()?;
    let described: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let packages = described["packages"].as_array().ok_or("no packages")?;
    let package = packages.iter().find(|it| it["name"] == "rlibphonenumber");
    let manifest = package.and_then(|it| it["manifest_path"].as_str()).ok_or("no manifest")?;
    let folder = Path::new(manifest).parent().ok_or("no folder")?;
    let bytes = std::fs::read(folder.join("src/generated/metadata/metadata.bin"))?;
    let readme = std::fs::read_to_string(folder.join("Readme.md"))?;
    let version = readme.split_once("Used metadata version:** `v").ok_or("no version")?.1;
    let version = version.split_once('`').ok_or("no version")?.0.to_owned();
    Ok(Metadata { version, regions: PhoneMetadataCollection::decode(&*bytes)?.metadata })
}
