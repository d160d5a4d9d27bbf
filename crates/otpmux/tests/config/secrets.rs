use std::fs;
use std::path::PathBuf;

use otpmux::{Environment, SecretRef};

use crate::{environment, read_in};

/// A file of the test's own, removed at its end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = std::env::temp_dir().join(format!("otpmux-{}-{name}", std::process::id()));
        fs::write(&path, content).unwrap();
        Self(path)
    }

    fn resolve(&self) -> Result<String, String> {
        SecretRef::parse(&format!("file:{}", self.0.display()), false)
            .and_then(|reference| reference.resolve(&Environment::new()))
            .map(|secret| secret.expose().to_owned())
            .map_err(|error| error.to_string())
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn a_file_without_its_trailing_line_end() {
    assert_eq!(Scratch::new("lf", "s3cret\n").resolve().unwrap(), "s3cret");
    assert_eq!(Scratch::new("crlf", "s3cret\r\n").resolve().unwrap(), "s3cret");
    assert_eq!(Scratch::new("inner", " a\nb ").resolve().unwrap(), " a\nb ");
}

#[test]
fn a_file_that_is_no_secret_names_its_path_and_never_its_content() {
    for (name, content, reason) in [
        ("empty", b"\n".to_vec(), "is empty"),
        ("bytes", b"s3cret\xff".to_vec(), "is not UTF-8 text"),
        ("long", vec![b's'; 70_000], "is longer than 64 KiB, too long for a secret"),
    ] {
        let file = Scratch::new(name, content);
        let expected = format!("the file {} {reason}", file.0.display());
        assert_eq!(file.resolve().unwrap_err(), expected);
    }
    let gone = SecretRef::parse("file:/no/such/file", false).unwrap();
    let message = gone.resolve(&Environment::new()).unwrap_err().to_string();
    assert!(message.starts_with("the file /no/such/file cannot be read: "), "{message}");
}

#[test]
fn references_that_lead_nowhere() {
    let provider = |reference: &str| {
        let text = format!("[providers.p]\nkind = \"easyotp\"\napi_key = \"{reference}\"");
        let environment = environment().with("EMPTY", "");
        read_in(&text, &environment).expect_err(reference)
    };
    for (reference, message) in [
        ("env:", "`env:` needs the name of a variable, such as env:API_KEY"),
        ("file:", "`file:` needs a path, such as file:/run/secrets/api_key"),
        ("env:EMPTY", "the environment variable `EMPTY` is empty"),
        ("env:NONE", "the environment variable `NONE` is not set"),
        ("", "must be text in quotes, not empty text"),
    ] {
        assert_eq!(provider(reference), [format!("providers.p.api_key: {message}")]);
    }
}

#[test]
fn literals_where_they_are_allowed() {
    let text = "[providers.p]\nkind = \"easyotp\"\napi_key = \"sk_live_1\"";
    assert!(read_in(text, &environment()).is_err());
    let allowed = format!("allow_literal_secrets = true\n{text}");
    assert!(read_in(&allowed, &environment()).is_ok());
    let literal = SecretRef::parse("sk_live_1", true).unwrap();
    assert_eq!(format!("{literal:?}"), "•••");
}
