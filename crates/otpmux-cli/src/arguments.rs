//! Arguments that clap rejects.

use std::io;

use clap::ColorChoice;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::Exit;
use crate::failure::Failure;
use crate::output::Output;

/// Reports what is wrong with the arguments, or prints the text of `--help` and `--version`.
pub(crate) fn report(mut error: clap::Error) -> io::Result<Exit> {
    if !error.use_stderr() {
        error.print()?;
        return Ok(Exit::Done);
    }
    let own_words = hide(&mut error);
    let as_json = std::env::args_os().any(|argument| argument == "--json");
    let mut output = Output::of_process(ColorChoice::Auto, as_json);
    // For `otpmux` alone, clap prints its help.
    let help = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if let Some(words) = own_words {
        return Failure::usage(words).report(&mut output);
    }
    if help || !as_json {
        error.print()?;
        return Ok(Exit::Usage);
    }
    let text = error.render().to_string();
    let first = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    let words: Vec<_> = first.split_whitespace().collect();
    Failure::usage(words.join(" ")).report(&mut output)
}

/// Removes the user's input from an error, unless it certainly is neither a code nor a recipient:
/// clap repeats the input, and standard error ends up in logs. Returns another message for an error
/// whose input cannot be removed.
fn hide(error: &mut clap::Error) -> Option<String> {
    let private = |value: &ContextValue| match value {
        ContextValue::String(text) => {
            text.contains(|c: char| c == '@' || !c.is_ascii() || c.is_ascii_digit())
        }
        _ => false,
    };
    let kinds: Vec<_> =
        error.context().filter(|(_, value)| private(value)).map(|(kind, _)| kind).collect();
    for kind in &kinds {
        error.insert(*kind, ContextValue::String("(not shown)".to_owned()));
        // Tips repeat the input.
        error.remove(ContextKind::Suggested);
    }
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument))
            if error.kind() == ErrorKind::ValueValidation && !kinds.is_empty() =>
        {
            Some(format!("{argument}: the value does not fit; see --help"))
        }
        _ => None,
    }
}
