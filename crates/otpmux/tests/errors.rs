//! The output of a program that ends with an error of otpmux.

use std::error::Error as StdError;
use std::fmt::{Debug, Display};

use otpmux::config::Environment;
use otpmux::{
    Blame, Certainty, Code, Config, Error, ErrorKind, OtpClient, Purpose, Recipient, VerificationId,
};

/// `fn main() -> Result<(), Box<dyn Error>>` prints the `Debug` of an error.
fn reads_as_text(error: &(impl Debug + Display)) {
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[test]
fn a_main_that_fails_prints_words() {
    reads_as_text(&"12".parse::<Recipient>().unwrap_err());
    reads_as_text(&"12".parse::<Code>().unwrap_err());
    reads_as_text(&"".parse::<VerificationId>().unwrap_err());
    reads_as_text(&Purpose::new("").unwrap_err());
    reads_as_text(&OtpClient::builder().build().unwrap_err());
    let errors = Config::from_toml("colour = 1", &Environment::new()).unwrap_err();
    reads_as_text(&errors);
    errors.iter().for_each(reads_as_text);
    let error = Error::new(ErrorKind::Unavailable, Certainty::NotSent, Blame::Provider);
    reads_as_text(&error);
    let boxed: Box<dyn StdError> = Box::new(error);
    assert_eq!(format!("{boxed:?}"), boxed.to_string());
    assert!(boxed.to_string().ends_with("; nothing was sent"), "{boxed}");
}

#[test]
fn the_source_of_an_error_is_printed_too() {
    let source = std::io::Error::other("connection refused");
    let error = Error::new(ErrorKind::Transport, Certainty::NotSent, Blame::Provider);
    let error = error.with_source(source);
    let shown = format!("{error:?}");
    assert!(shown.starts_with("connection failed; nothing was sent; "), "{shown}");
    assert!(shown.ends_with("; caused by: connection refused"), "{shown}");
}
