use serde_json::Value;

/// Returns a value of a configuration as TOML: the same as in JSON, except for tables.
pub(crate) fn toml(value: &Value) -> String {
    let Some(table) = value.as_object() else { return value.to_string() };
    let entries: Vec<_> =
        table.iter().map(|(key, value)| format!("{key} = {}", toml(value))).collect();
    format!("{{ {} }}", entries.join(", "))
}
