//! The text of a configuration file, with its comments.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use otpmux::config::Registry;
use serde_json::Value;

use super::draft::{API_KEY, APP, Countries, Draft, Provider, SERVER_KEY};
use crate::toml_value::toml;

/// How long a line of a comment may be.
const WIDTH: usize = 100;

pub(super) fn text(draft: &Draft, registry: &Registry) -> String {
    let shared = shared_keys(registry);
    let mut text = String::from(
        "# The configuration of otpmux. Check it with `otpmux check-config`. Every key, with its range\n\
         # and default: `otpmux schema --markdown`. No secret is in this file: `env:` names a variable,\n\
         # `file:` a file.\n",
    );
    for provider in &draft.providers {
        write_provider(&mut text, provider, &shared);
    }
    let about = "The name of your service, for the texts of messages that otpmux writes. Without texts of \
                 your own it sends built-in ones, in 20 languages.";
    comment(&mut text, about);
    if draft.needs_message() {
        let _ = writeln!(text, "[messages]\napp = \"{APP}\"   # an example: replace it");
    } else {
        let _ = writeln!(text, "# [messages]\n# app = \"{APP}\"");
    }
    let names: Vec<_> = draft.providers.iter().map(|provider| provider.name.as_str()).collect();
    if names.len() > 1 {
        comment(
            &mut text,
            "The order of failover. Add routes for single countries before this one.",
        );
        let _ = writeln!(text, "[[routes]]\nproviders = {}", Value::from(names));
    }
    let (about, url) = match draft.store.as_str() {
        "memory" => ("Verifications are lost when the process ends.", "memory"),
        url if url.starts_with("sqlite:") => {
            ("One machine. Several machines need Redis or PostgreSQL.", url)
        }
        url => ("All processes with this store share verifications, limits and health.", url),
    };
    comment(&mut text, about);
    let _ = writeln!(text, "[store]\nurl = {}", Value::from(url));
    comment(
        &mut text,
        "The first key signs and encrypts, all verify. Create one: openssl rand -base64 32",
    );
    let _ = writeln!(text, "[[server_keys]]\nid = \"1\"\nkey = \"env:{SERVER_KEY}\"");
    comment(&mut text, "Numbers of other countries get no message.");
    let countries = match &draft.countries {
        Countries::Any => Value::from("any"),
        Countries::These(codes) => codes.iter().map(|code| Value::from(code.as_str())).collect(),
    };
    let _ = writeln!(text, "[policy]\ncountries = {countries}");
    text.push_str(
        "# ttl = \"5m\"              # how long a code is good\n\
         # code_length = 6\n\
         # max_guesses = 5          # wrong codes before a verification is locked\n",
    );
    comment(&mut text, "The most messages in a sliding window.");
    text.push_str(
        "[limits]\n\
         recipient = [\"2/1m\", \"15/1h\", \"50/1d\"]\n\
         ip = [\"20/1m\", \"200/1h\"]\n\
         global = [\"10000/1d\"]      # the most that a day may cost; adjust it\n",
    );
    comment(&mut text, "The HTTP service. `openssl rand -hex 32` creates an API key.");
    let _ = writeln!(text, "[server]\nlisten = \"127.0.0.1:8080\"\n");
    let _ = writeln!(text, "[[server.api_keys]]\nname = \"app\"\nkey = \"env:{API_KEY}\"");
    text
}

fn write_provider(text: &mut String, provider: &Provider, shared: &[&str]) {
    let _ = writeln!(text, "\n[providers.{}]\nkind = \"{}\"", provider.name, provider.adapter.kind);
    let (set, open): (Vec<_>, Vec<_>) =
        provider.settings().partition(|setting| provider.values.contains_key(setting.name));
    for setting in set {
        let Some(value) = provider.values.get(setting.name) else { continue };
        let example = provider.examples.contains(&setting.name);
        wrapped(text, setting.doc);
        let replace = if example { "   # an example: replace it" } else { "" };
        let _ = writeln!(text, "{} = {}{replace}", setting.name, toml(value));
    }
    for setting in open.into_iter().filter(|setting| !shared.contains(&setting.name)) {
        let Some(example) = setting.example else { continue };
        wrapped(text, setting.doc);
        let _ = writeln!(text, "# {} = {}", setting.name, toml(&example()));
    }
}

/// Returns the keys that every adapter has. The reference documents them once.
fn shared_keys(registry: &Registry) -> Vec<&'static str> {
    let mut counts = BTreeMap::<&str, usize>::new();
    let adapters = registry.adapters();
    for adapter in adapters {
        for setting in adapter.settings.iter().copied().flatten() {
            *counts.entry(setting.name).or_default() += 1;
        }
    }
    // With one adapter compiled in, all of its keys are shown.
    let all = adapters.len().max(2);
    counts.into_iter().filter(|(_, count)| *count == all).map(|(name, _)| name).collect()
}

/// Writes a comment before a section.
fn comment(text: &mut String, about: &str) {
    text.push('\n');
    wrapped(text, about);
}

/// Writes a comment in lines of at most [`WIDTH`] characters.
fn wrapped(text: &mut String, about: &str) {
    let mut line = String::from("#");
    for word in about.split_whitespace() {
        if line.len() > 1 && line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(text, "{line}");
            line.truncate(1);
        }
        let _ = write!(line, " {word}");
    }
    let _ = writeln!(text, "{line}");
}
