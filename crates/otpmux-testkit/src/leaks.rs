//! Searches texts for secrets.

use std::error::Error;
use std::fmt::Write as _;

/// Returns the secrets that `text` contains: as given, in any letter case; a telephone number also
/// without its `+`, and with its digits separated by other characters.
pub fn found<'a>(text: &str, secrets: &[&'a str]) -> Vec<&'a str> {
    let lower = text.to_lowercase();
    let holds = |secret: &&&str| {
        let wanted = secret.to_lowercase();
        let phone = secret.strip_prefix('+').filter(|rest| is_number(rest));
        lower.contains(&wanted) || phone.is_some_and(|digits| holds_digits(text, digits))
    };
    secrets.iter().filter(|secret| !secret.is_empty()).filter(holds).copied().collect()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether the digits occur in this order with at most one other character between any two:
/// `415 555-0123` is found, digits that are scattered over a page are not.
fn holds_digits(text: &str, digits: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    (0..text.len()).any(|start| {
        let mut at = start;
        digits.chars().enumerate().all(|(i, digit)| {
            if i > 0 && text.get(at) != Some(&digit) {
                at += 1;
            }
            let fits = text.get(at) == Some(&digit);
            at += 1;
            fits
        })
    })
}

/// Checks that `text` contains none of the secrets.
///
/// # Panics
///
/// If it contains one; the message shows the text, so use made-up secrets.
#[track_caller]
pub fn assert_clean(text: &str, secrets: &[&str]) {
    let found = found(text, secrets);
    assert!(found.is_empty(), "{found:?} leaked into:\n{text}");
}

/// Returns all that an error may show: `Display`, `Debug` and alternate `Debug` of it and of each
/// of its sources.
pub fn shown(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{error}\n{error:?}\n{error:#?}");
        next = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRETS: &[&str] = &["+14155550123", "Swordfish", "004217"];

    #[test]
    fn finds_every_form() {
        for text in [
            "to +14155550123",
            "to 14155550123",
            "to 1 415-555.0123",
            "key=SWORDFISH",
            "code \"004217\"",
        ] {
            assert_eq!(found(text, SECRETS).len(), 1, "{text}");
        }
    }

    #[test]
    fn leaves_the_rest_alone() {
        for text in ["", "+1•••••••23", "1 in 4, 1 in 5, 5, 5, 0, 1, 2 or 3", "00421 7"]
        {
            assert_clean(text, SECRETS);
        }
        assert_clean("anything", &[""]);
    }

    #[test]
    fn an_error_is_shown_with_its_sources() {
        let inner = std::io::Error::other("the innermost");
        let outer = std::io::Error::other(inner);
        assert!(shown(&outer).matches("the innermost").count() >= 3);
    }
}
