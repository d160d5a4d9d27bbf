use std::fs;

use otpmux::config::{Environment, SecretRef};
use tempfile::NamedTempFile;

use crate::{environment, read_in};

/// A file of the test's own, removed at its end.
struct Scratch(NamedTempFile);

impl Scratch {
    fn new(content: impl AsRef<[u8]>) -> Self {
        let file = NamedTempFile::new().unwrap();
        fs::write(file.path(), content).unwrap();
        Self(file)
    }

    fn resolve(&self) -> Result<String, String> {
        SecretRef::parse(&format!("file:{}", self.0.path().display()), false)
            .and_then(|reference| reference.resolve(&Environment::new()))
            .map(|secret| secret.expose().to_owned())
            .map_err(|error| error.to_string())
    }
}

#[test]
fn a_file_without_its_trailing_line_end() {
    assert_eq!(Scratch::new("s3cret\n").resolve().unwrap(), "s3cret");
    assert_eq!(Scratch::new("s3cret\r\n").resolve().unwrap(), "s3cret");
}

/// The result for a secret in this form, in a variable, in a file and in the text itself.
fn everywhere(text: &str) -> [Result<String, String>; 3] {
    let environment = Environment::new().with("SECRET", text);
    let resolve = |reference: &str| {
        let place = SecretRef::parse(reference, true).unwrap();
        let secret = place.resolve(&environment).map(|secret| secret.expose().to_owned());
        secret.map_err(|error| error.to_string())
    };
    let file = Scratch::new(text);
    [resolve("env:SECRET"), file.resolve(), resolve(text)]
}

#[test]
fn a_secret_is_the_same_wherever_it_stands() {
    for text in ["s3cret", "s3cret\n", "s3cret\r\n\n", " s3cret ", "\u{feff}s3cret\t"] {
        for secret in everywhere(text) {
            assert_eq!(secret.as_deref(), Ok("s3cret"), "{text:?}");
        }
    }
}

#[test]
fn a_secret_that_is_not_what_it_looks_like_is_refused_wherever_it_stands() {
    for (text, why) in [
        ("\"s3cret\"", "begins or ends with a quotation mark; remove the quotes"),
        ("s3cret\u{a0}", "holds a no-break space (U+00A0) at character 7; remove it"),
        ("s3\ncret", "holds an end of a line (U+000A) at character 3; remove it"),
        ("s3\u{7}cret", "holds a control character (U+0007) at character 3; remove it"),
    ] {
        let [variable, file, literal] = everywhere(text).map(Result::unwrap_err);
        assert_eq!(variable, format!("the environment variable `SECRET` {why}"));
        assert!(file.starts_with("the file /") && file.ends_with(why), "{file}");
        assert_eq!(literal, format!("the secret {why}"));
    }
}

#[test]
#[cfg(unix)]
fn a_variable_that_is_not_text_is_an_error_and_not_one_that_is_missing() {
    use std::os::unix::ffi::OsStringExt as _;

    let value = std::ffi::OsString::from_vec(b"s3cret\xff".to_vec());
    let environment = Environment::of_system([("KEY".into(), value)]);
    let text = "[providers.p]\nkind = \"easyotp\"\napi_key = \"env:KEY\"";
    assert_eq!(
        read_in(text, &environment).unwrap_err(),
        ["providers.p.api_key: the environment variable `KEY` is not UTF-8 text"]
    );
}

#[test]
fn a_file_that_is_no_secret_names_its_path_and_never_its_content() {
    for (content, reason) in [
        (b"\n".to_vec(), "is empty"),
        (b"s3cret\xff".to_vec(), "is not UTF-8 text"),
        (vec![b's'; 70_000], "is longer than 64 KiB, too long for a secret"),
    ] {
        let file = Scratch::new(content);
        let expected = format!("the file {} {reason}", file.0.path().display());
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
