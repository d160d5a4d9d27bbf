//! Searches texts for secrets.

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

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
    let mut digits = digits.chars();
    let Some(first) = digits.next() else { return true };
    text.match_indices(first).any(|(start, _)| {
        let mut next = text[start..].chars().skip(1);
        digits.clone().all(|digit| next.next() == Some(digit) || next.next() == Some(digit))
    })
}

/// Returns the secrets that `bytes` contains: as given, or as hexadecimal digits. For what a server has
/// written: it passes over millions of bytes quickly.
///
/// # Panics
///
/// If a secret is shorter than two bytes: such a one is anywhere.
pub fn found_in_bytes<'a>(bytes: &[u8], secrets: &'a [String]) -> BTreeSet<&'a String> {
    let hex = |secret: &str| {
        let digits = |byte| [byte >> 4, byte & 15].map(|n| char::from_digit(u32::from(n), 16));
        secret.bytes().flat_map(digits).flatten().collect()
    };
    let mut forms = HashMap::<[u8; 2], Vec<(String, &String)>>::new();
    for secret in secrets {
        for form in [secret.clone(), hex(secret)] {
            let start = [form.as_bytes()[0], form.as_bytes()[1]];
            forms.entry(start).or_default().push((form, secret));
        }
    }
    let place = |start| usize::from(u16::from_be_bytes(start));
    let mut begins = vec![false; 1 << 16];
    for start in forms.keys() {
        begins[place(*start)] = true;
    }
    let (mut found, begins) = (BTreeSet::new(), &begins[..]);
    for at in 0..bytes.len().saturating_sub(1) {
        let start = [bytes[at], bytes[at + 1]];
        if begins[place(start)] {
            let begun = forms.get(&start).into_iter().flatten();
            let whole = begun.filter(|(form, _)| bytes[at..].starts_with(form.as_bytes()));
            found.extend(whole.map(|(_, secret)| *secret));
        }
    }
    found
}

/// Returns the contents of every file in a directory and those below it.
///
/// # Panics
///
/// If one cannot be read.
#[expect(clippy::expect_used, reason = "a test that cannot read all must fail")]
pub fn contents(directory: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry of it").path();
        let read = || fs::read(&path).expect("a file that can be read");
        all.extend(if path.is_dir() { contents(&path) } else { read() });
    }
    all
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
    fn finds_both_forms_in_bytes_and_nothing_else() {
        let secrets = ["14155550123", "swordfish", "004217"].map(str::to_owned);
        let bytes = b"\0 14155550123 \xff 303034323137 swordfis";
        let both = BTreeSet::from([&secrets[0], &secrets[2]]);
        assert_eq!(found_in_bytes(bytes, &secrets), both);
        assert_eq!(found_in_bytes(b"7", &secrets), BTreeSet::new());
    }

    #[test]
    fn an_error_is_shown_with_its_sources() {
        let inner = std::io::Error::other("the innermost");
        let outer = std::io::Error::other(inner);
        assert!(shown(&outer).matches("the innermost").count() >= 3);
    }
}
