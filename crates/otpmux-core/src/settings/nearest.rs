use super::ConfigError;

/// The mistake of a key that nobody knows, with the nearest known one or else all of them.
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

/// The known word nearest to `word`, if one is near enough to be meant.
pub fn nearest<'k>(word: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    known
        .map(|name| (strsim::damerau_levenshtein(word, name), name))
        .filter(|(distance, name)| *distance <= name.len().max(word.len()) / 3 + 1)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
