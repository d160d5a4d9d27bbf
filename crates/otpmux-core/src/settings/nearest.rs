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
        .map(|name| (distance(word, name), name))
        .filter(|(distance, name)| *distance <= name.len().max(word.len()) / 3 + 1)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Returns how many letters were added, left out, replaced or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<_>, Vec<_>) = (a.chars().collect(), b.chars().collect());
    // Between the first letters of `a` and of `b`: the rows of the last two letters of `a`.
    let (mut before, mut last) = (Vec::new(), (0..=b.len()).collect::<Vec<_>>());
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let replaced = last[j] + usize::from(a[i] != b[j]);
            let mut least = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_slip_of_the_fingers_counts_once() {
        for (word, other, expected) in [
            ("", "", 0),
            ("abc", "", 3),
            ("timeout", "timeout", 0),
            ("timeuot", "timeout", 1),
            ("timout", "timeout", 1),
            ("tiimeout", "timeout", 1),
            ("tinout", "timeout", 2),
            ("tmieuot", "timeout", 2),
            ("\u{e4}b", "ab", 1),
        ] {
            assert_eq!(
                (distance(word, other), distance(other, word)),
                (expected, expected),
                "{word}"
            );
        }
    }
}
