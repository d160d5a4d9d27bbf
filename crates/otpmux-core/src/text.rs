/// Reduces a vendor's free text to words that are safe in a log: plain letters, up to 160
/// characters. A word with any other content (digits, `@`, a letter of a key) becomes `…`.
///
/// Vendors repeat recipients and keys in their error texts, so every such text goes through this
/// function.
///
/// ```
/// use otpmux_core::plain_words;
/// assert_eq!(plain_words("Invalid number +14155550123: try again."), "Invalid number … try again.");
/// ```
pub fn plain_words(text: &str) -> String {
    const LIMIT: usize = 160;
    let mut plain = String::new();
    for word in text.split_whitespace().take(LIMIT) {
        let word = if is_plain(word) { word } else { "…" };
        if word == "…" && plain.ends_with('…') {
            continue;
        }
        if plain.len() + word.len() + 1 > LIMIT {
            plain.push('…');
            break;
        }
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.push_str(word);
    }
    plain
}

/// Whether a word has at most 24 characters, all letters or the punctuation of texts and field
/// names. A longer word is a token.
fn is_plain(word: &str) -> bool {
    word.len() <= 24
        && word.bytes().all(|b| b.is_ascii_alphabetic() || b"'\"(),.:;!?/_-".contains(&b))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::plain_words;

    proptest! {
        #[test]
        fn no_digit_no_address_no_control_gets_through(text in "\\PC{0,400}|[ -~\\n]{0,400}") {
            let plain = plain_words(&text);
            prop_assert!(!plain.contains(|c: char| c.is_numeric() || c == '@' || c.is_control()));
            prop_assert!(plain.len() <= 164);
        }
    }
}
