use super::ConfigError;

/// Returns the mistake for an unknown key, with the nearest known key, or else all known keys.
pub fn unknown_key<'k>(
    path: impl Into<String>,
    key: &str,
    known: impl Iterator<Item = &'k str> + Clone,
) -> ConfigError {
    let message = if let Some(name) = nearest(key, known.clone()) {
        format!("unknown key; did you mean `{name}`?")
    } else {
        format!("unknown key; the known ones are: {}", known.collect::<Vec<_>>().join(", "))
    };
    ConfigError::new(path, message)
}

/// Returns the known word nearest to `word`, if one is near enough.
pub fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known
        .map(|name| (strsim::damerau_levenshtein(word, name), name))
        .filter(|(distance, name)| *distance <= name.len().max(word.len()) / 3 + 1)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
