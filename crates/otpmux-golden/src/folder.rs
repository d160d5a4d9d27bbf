use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::Golden;

/// The golden files of one vendor.
#[derive(Clone, Debug)]
pub struct Folder {
    files: Vec<Named>,
}

/// A golden file and its name.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Named {
    /// The name of the file without `.json`.
    pub name: String,
    /// Its content.
    pub golden: Golden,
}

impl Folder {
    /// Reads every `.json` file of a folder, in the order of their names.
    ///
    /// # Errors
    ///
    /// The folder or a file of it cannot be read, or a file does not have the golden form.
    pub fn read(path: &Path) -> Result<Self, FolderError> {
        Self::read_with(path, &BTreeMap::new())
    }

    /// As [`read`](Self::read), with whole JSON strings replaced by others: for what a vendor's
    /// documents show though it cannot exist, such as a number that is a digit too short.
    ///
    /// # Errors
    ///
    /// As for `read`.
    pub fn read_with(path: &Path, replace: &BTreeMap<String, String>) -> Result<Self, FolderError> {
        let entries = fs::read_dir(path).map_err(|error| FolderError::new(path, &error))?;
        let mut files = Vec::new();
        for entry in entries {
            let file = entry.map_err(|error| FolderError::new(path, &error))?.path();
            let Some(name) = name(&file) else { continue };
            let mut text =
                fs::read_to_string(&file).map_err(|error| FolderError::new(&file, &error))?;
            for (shown, meant) in replace {
                text = text.replace(&quoted(shown), &quoted(meant));
            }
            let golden =
                serde_json::from_str(&text).map_err(|error| FolderError::new(&file, &error))?;
            files.push(Named { name, golden });
        }
        files.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Self { files })
    }

    /// The files, in the order of their names.
    pub fn files(&self) -> &[Named] {
        &self.files
    }

    /// The file of this name, without `.json`.
    pub fn get(&self, name: &str) -> Option<&Golden> {
        self.files.iter().find(|file| file.name == name).map(|file| &file.golden)
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn name(file: &Path) -> Option<String> {
    let json = file.extension()? == "json";
    json.then(|| file.file_stem()?.to_str().map(str::to_owned)).flatten()
}

/// A folder of golden files that cannot be read.
#[derive(Clone, Debug)]
pub struct FolderError {
    path: PathBuf,
    reason: String,
}

impl FolderError {
    fn new(path: &Path, reason: &dyn fmt::Display) -> Self {
        Self { path: path.to_owned(), reason: reason.to_string() }
    }
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

impl std::error::Error for FolderError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = Folder::read(Path::new("/nowhere/wire")).unwrap_err().to_string();
        assert!(error.starts_with("/nowhere/wire: "), "{error}");
    }

    #[test]
    fn a_file_that_says_too_much_or_too_little_is_refused() {
        let right = serde_json::json!({
            "source": "[DOC] a page", "documented": true,
            "request": { "method": "GET", "path": "/", "headers": {}, "body": null },
            "response": { "status": 200, "headers": {}, "body": "text" },
            "cases": [{ "call": "balance", "wire": { "same_but_for": ["key"] }, "expect": {} }],
        });
        let golden: Golden = serde_json::from_value(right.clone()).unwrap();
        assert_eq!(golden.response.text(), "text");
        assert_eq!(golden.cases[0].wire, crate::Wire::SameButFor(vec!["key".to_owned()]));
        for (field, value) in [("sources", "x"), ("documented", "yes")] {
            let mut wrong = right.clone();
            wrong[field] = value.into();
            assert!(serde_json::from_value::<Golden>(wrong).is_err(), "{field}");
        }
    }
}
