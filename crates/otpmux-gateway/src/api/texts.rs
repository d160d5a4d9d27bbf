//! The fields of a request that decide about the text of a message.

use std::collections::BTreeMap;

use otpmux::Messages;

use super::fields::Fields;
use crate::keys::TextRights;
use crate::problem::Code;

/// The most characters of a text.
const MESSAGE: usize = 1000;

/// Reads the values of variables. Only declared ones are allowed.
pub(super) fn variables(
    body: &mut Fields,
    messages: Option<&Messages>,
) -> BTreeMap<String, String> {
    let must = "an object of strings, with the names of declared variables";
    let Some(given) = body.strings("variables", must, |_| true) else { return BTreeMap::new() };
    let known = |name: &String| messages.is_some_and(|all| all.variables().contains_key(name));
    if !given.keys().all(known) {
        let names = messages.into_iter().flat_map(|all| all.variables().keys());
        let names: Vec<_> = names.map(String::as_str).collect();
        let message = match names.as_slice() {
            [] => "holds a variable, and none is declared".to_owned(),
            names => {
                format!("holds a variable that is not declared; declared are {}", names.join(", "))
            }
        };
        body.mistake("variables", Code::UnknownField, message);
    }
    for (name, value) in given.iter().filter(|(name, _)| known(name)) {
        if let Some(Err(message)) = messages.map(|all| all.check_variable(name, value)) {
            body.mistake(&format!("variables.{name}"), Code::WrongFormat, message);
        }
    }
    given
}

/// Reads the name of the service. Only those of the API key are allowed.
pub(super) fn brand(body: &mut Fields, rights: &TextRights) -> Option<String> {
    let brand = body.text("brand", 1..=40)?;
    if rights.brands.contains(&brand) {
        return Some(brand);
    }
    let message = match &*rights.brands {
        [] => {
            "this API key may give no brand; list those that it may give in its `brands`".to_owned()
        }
        brands => format!("this API key may give one of these brands: {}", brands.join(", ")),
    };
    body.mistake("brand", Code::NotAllowed, message);
    None
}

/// Reads a text with `{code}` in the place of the code. Only some API keys may give one.
pub(super) fn message(body: &mut Fields, rights: &TextRights) -> Option<String> {
    text(body, rights, true)
}

/// Reads a finished text, which may hold the code itself. Only some API keys may give one.
pub(super) fn finished(body: &mut Fields, rights: &TextRights) -> Option<String> {
    text(body, rights, false)
}

fn text(body: &mut Fields, rights: &TextRights, needs_placeholder: bool) -> Option<String> {
    let text = body.parsed("message", |text| {
        let control = |c: char| c.is_control() && c != '\n';
        if needs_placeholder && !text.contains("{code}") {
            Err("must hold {code} where the code belongs".to_owned())
        } else if text.chars().count() > MESSAGE || text.chars().any(control) {
            Err(format!(
                "must be at most {MESSAGE} characters, and no control character but the line break"
            ))
        } else {
            Ok(text)
        }
    })?;
    if rights.free_text {
        return Some(text);
    }
    let message = "this API key may not give a text; the configured one is sent. To allow it, set \
                   free_text = true for the key";
    body.mistake("message", Code::NotAllowed, message);
    None
}
