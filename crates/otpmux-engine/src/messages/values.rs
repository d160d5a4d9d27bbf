//! What a value or a name may be.

use super::template::COMMON;

/// The most characters of a brand.
const BRAND: usize = 40;

/// Checks the name of a service: 1 to 40 characters, none of them a control character.
///
/// # Errors
///
/// What is wrong with it. The error does not repeat it.
pub fn check_brand(text: &str) -> Result<(), String> {
    let length = text.chars().count();
    if !(1..=BRAND).contains(&length) || text.trim() != text {
        return Err(format!("must be 1 to {BRAND} characters, without space around them"));
    }
    no_controls(text)
}

/// Checks a value of a variable. The error does not repeat the value.
pub(super) fn check_value(value: &str, max: u32) -> Result<(), String> {
    if value.chars().count() > max as usize {
        return Err(format!("must have at most {max} characters"));
    }
    no_controls(value)?;
    match link(value) {
        Some(_) => Err("must not be or contain a link or an address".to_owned()),
        None => Ok(()),
    }
}

/// Checks the name of a variable.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if COMMON.contains(&name) {
        return Err("is the name of a value that otpmux sets; choose another one".to_owned());
    }
    if (1..=40).contains(&name.len()) && name.chars().all(fits) {
        return Ok(());
    }
    Err("must be named by 1 to 40 characters of a-z, 0-9 and '_'".to_owned())
}

/// A line break would forge a line, and an override of the direction of writing would change what
/// people read.
fn no_controls(text: &str) -> Result<(), String> {
    let refused = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let rule = || "must not contain control characters or line breaks".to_owned();
    if text.chars().any(refused) { Err(rule()) } else { Ok(()) }
}

/// Returns the first part of a text that a phone would show as a link: an address with a scheme,
/// or a name with a dot such as `acme.example`.
pub(super) fn link(text: &str) -> Option<&str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '(' | ')' | ','))
        .find(|word| word.contains("://") || is_host(word))
}

fn is_host(word: &str) -> bool {
    let mut before = None;
    word.split('.').any(|label| {
        let led = before.replace(label).and_then(|before| before.chars().next_back());
        let top = label.chars().take_while(|c| c.is_alphabetic()).count();
        led.is_some_and(char::is_alphanumeric) && top >= 2
    })
}

/// Checks the host of a website.
pub(super) fn check_host(text: &str) -> Result<(), String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let fits = text.len() <= 253 && text.contains('.') && text.split('.').all(label);
    let rule =
        "must be a host name in lower case, such as acme.example: no scheme, no port, no path";
    fits.then_some(()).ok_or_else(|| rule.to_owned())
}

/// Checks the hash of an Android app: the first 11 characters of a Base64 text.
pub(super) fn check_android_hash(text: &str) -> Result<(), String> {
    let base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let fits = text.len() == 11 && text.bytes().all(base64);
    let rule =
        "must be the 11 characters that Android's AppSignatureHelper or keytool gives for your app";
    fits.then_some(()).ok_or_else(|| rule.to_owned())
}

/// Checks an id of India's DLT platforms.
pub(super) fn check_digits(text: &str) -> Result<(), String> {
    let fits = (1..=30).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let rule = "must be the digits that the DLT platform shows, in quotes";
    fits.then_some(()).ok_or_else(|| rule.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_a_phone_shows_as_a_link() {
        for text in [
            "https://acme.example/x",
            "see acme.example",
            "www.acme.example.",
            "bit.ly/3x",
            "a@b.example",
            "code.Do not share",
            "сайт.рф",
            "(acme.example)",
        ] {
            assert!(link(text).is_some(), "{text}");
        }
        for text in
            ["J. Smith", "12.50", "Hello. World", "...", "您的验证码。请勿告诉他人。", "a.b", "2.0"]
        {
            assert_eq!(link(text), None, "{text}");
        }
    }

    #[test]
    fn a_value_is_plain() {
        for value in ["Zoë", "O'Neil-Smith", "محمد", "{code}", "<b>", "علی\u{200c}رضا", ""]
        {
            assert_eq!(check_value(value, 20), Ok(()), "{value:?}");
        }
        let controls = "must not contain control characters or line breaks";
        for value in ["a\nb", "a\u{202e}b", "\u{0}", "a\u{2028}b"] {
            assert_eq!(check_value(value, 20), Err(controls.to_owned()));
        }
        let long = "must have at most 3 characters".to_owned();
        assert_eq!((check_value("äöü", 3), check_value("äöüx", 3)), (Ok(()), Err(long)));
        let link = "must not be or contain a link or an address".to_owned();
        assert_eq!(check_value("go to evil.example", 20), Err(link));
    }

    #[test]
    fn names_and_ids() {
        for (checked, right, wrong) in [
            (check_brand as fn(&str) -> Result<(), String>, "Acme Pay", " Acme"),
            (check_name, "first_name", "First"),
            (check_name, "order_2", "code"),
            (check_host, "login.acme.example", "https://acme.example"),
            (check_host, "acme.example", "acme"),
            (check_android_hash, "FA+9qCX9VSu", "FA+9qCX9VS"),
            (check_digits, "1101234567890123456", "11 01"),
        ] {
            assert_eq!(checked(right), Ok(()), "{right}");
            assert!(checked(wrong).is_err(), "{wrong}");
        }
    }
}
