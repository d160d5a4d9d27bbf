//! The questions on a terminal.

use std::io::{self, BufRead as _};

use otpmux::config::Registry;
use otpmux::config::settings::SettingKind;

use super::Args;
use super::draft::{DEFAULT_STORE, Draft, Mistake, countries, first_sentence, store};
use crate::output::Output;

/// Asks for everything that a file needs. `None`: the input ended.
pub(super) fn draft(
    registry: &Registry,
    args: &Args,
    output: &mut Output,
) -> io::Result<Option<Draft>> {
    let kinds: Vec<_> = registry.kinds().collect();
    output.note(format_args!("The vendors: {}", kinds.join(", ")))?;
    let question =
        "Your vendors, in the order of failover, as KIND or NAME=KIND, separated by commas:";
    let providers = answered(output, question, None, |text| {
        let mut draft = empty();
        for one in text.split(',') {
            draft.add(registry, one.trim())?;
        }
        Ok(draft)
    })?;
    let Some(mut draft) = providers else { return Ok(None) };
    for provider in &mut draft.providers {
        let required = provider.settings().filter(|setting| setting.required);
        for setting in required.filter(|setting| setting.kind != SettingKind::Secret) {
            let example = setting.example.map(|example| example().to_string()).unwrap_or_default();
            let question = format!(
                "{}: {} (`{}`, such as {example}):",
                provider.name,
                first_sentence(setting.doc),
                setting.name
            );
            let answer =
                answered(output, &question, None, |text| provider.set(setting.name, text))?;
            if answer.is_none() {
                return Ok(None);
            }
        }
    }
    let question = "The countries to send to, such as IN,US, or any:";
    let Some(served) = answered(output, question, args.countries.as_deref(), countries)? else {
        return Ok(None);
    };
    draft.countries = served;
    let question = format!(
        "The store: memory, sqlite:PATH, or env:NAME for the URL of Redis or PostgreSQL in a variable \
         [{DEFAULT_STORE}]:"
    );
    let kept = answered(output, &question, args.store.as_deref(), |text| {
        store(if text.is_empty() { DEFAULT_STORE } else { text })
    })?;
    let Some(kept) = kept else { return Ok(None) };
    draft.store = kept;
    Ok(Some(draft))
}

fn empty() -> Draft {
    Draft {
        providers: Vec::new(),
        countries: super::draft::Countries::Any,
        store: DEFAULT_STORE.to_owned(),
    }
}

/// Asks until the answer is valid. `given` is an answer from the command line.
fn answered<T>(
    output: &mut Output,
    question: &str,
    given: Option<&str>,
    mut read: impl FnMut(&str) -> Result<T, Mistake>,
) -> io::Result<Option<T>> {
    if let Some(Ok(value)) = given.map(&mut read) {
        return Ok(Some(value));
    }
    loop {
        output.ask(question)?;
        let mut line = String::new();
        if io::stdin().lock().read_line(&mut line)? == 0 {
            output.note("\nthe input ended; nothing was written")?;
            return Ok(None);
        }
        match read(line.trim()) {
            Ok(value) => return Ok(Some(value)),
            Err(Mistake(what)) => output.note(what)?,
        }
    }
}
