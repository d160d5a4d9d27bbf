//! `[resilience]` for every provider, `[providers.NAME.resilience]` for one.

use otpmux_core::settings::duration_text;
use otpmux_engine::Resilience;
use serde_json::{Map, Value};

use super::document::Document;
use super::providers::ConfiguredProvider;
use super::reading::Reading;

/// Reads the settings for every provider, then those of single providers, which inherit them.
pub(super) fn read(
    document: &Document,
    providers: &mut [ConfiguredProvider],
    cx: &mut Reading<'_>,
) {
    let mistakes = cx.errors.len();
    let mut common = Resilience::default();
    if let Some(table) = cx.table(&document.root, "resilience") {
        apply("resilience", table, &mut common, cx);
    }
    let common_is_right = cx.errors.len() == mistakes;
    for (name, table) in document.provider_tables() {
        let mut resilience = common.clone();
        let path = format!("providers.{name}.resilience");
        match table.get("resilience") {
            None => {}
            // A pause that contradicts another wrong pause is not reported again.
            Some(Value::Object(table)) if common_is_right => {
                apply(&path, table, &mut resilience, cx);
            }
            Some(Value::Object(table)) => cx.apply(&path, table, &mut resilience),
            Some(_) => {
                let message = format!("must be a table; begin it with [{path}]");
                cx.mistake(path, message);
            }
        }
        if let Some(own) = providers.iter_mut().find(|own| own.id.as_str() == name) {
            own.resilience = resilience;
        }
    }
}

fn apply(
    path: &str,
    table: &Map<String, Value>,
    resilience: &mut Resilience,
    cx: &mut Reading<'_>,
) {
    let mistakes = cx.errors.len();
    cx.apply(path, table, resilience);
    if cx.errors.len() > mistakes {
        return;
    }
    for [(shorter, least), (longer, pause)] in resilience.unordered_pauses() {
        // The mistake is at the key that was set here; the other one may be a default.
        if table.contains_key(longer) {
            let message = format!("must be at least {shorter}, which is {}", duration_text(least));
            cx.mistake(format!("{path}.{longer}"), message);
        } else {
            let message = format!(
                "must be at most {longer}, which is {}; set that too",
                duration_text(pause)
            );
            cx.mistake(format!("{path}.{shorter}"), message);
        }
    }
}
