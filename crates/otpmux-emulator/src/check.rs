//! Checks that more than one vendor makes.

use serde_json::Value;
use subtle::ConstantTimeEq;

/// Compares a presented secret with the right one, in a time that does not depend on where they
/// differ.
pub(crate) fn same_secret(presented: &str, right: &str) -> bool {
    presented.as_bytes().ct_eq(right.as_bytes()).into()
}

pub(crate) fn is_digits(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns whether the text is `+` and 7 to 15 digits, the first of which is not zero.
pub(crate) fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|rest| is_digits(rest, 7..=15) && !rest.starts_with('0'))
}

/// Returns whether the text is an Indian mobile number: `+91`, 6 to 9, nine digits.
pub(crate) fn is_indian_mobile(text: &str) -> bool {
    text.strip_prefix("+91").is_some_and(|rest| {
        is_digits(rest, 10..=10) && rest.as_bytes().first().is_some_and(|first| *first >= b'6')
    })
}

pub(crate) fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    text.len() <= 254
        && !local.is_empty()
        && domain.contains('.')
        && domain.split('.').all(|label| !label.is_empty())
        && text.matches('@').count() == 1
        && !text.contains(|c: char| c.is_whitespace() || c.is_control())
}

/// Returns the first of these members of the object that is not null.
pub(crate) fn first<'a>(object: &'a Value, names: &[&str]) -> Option<&'a Value> {
    names.iter().filter_map(|name| object.get(name)).find(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients() {
        assert!(is_e164("+1234567890"));
        for wrong in ["12345", "+0123456789", "+123456", "+1234567890123456", "+12 34567", "+1;+2"]
        {
            assert!(!is_e164(wrong), "{wrong}");
        }
        assert!(is_indian_mobile("+919876543210"));
        for wrong in ["+915876543210", "919876543210", "+9198765432100", " +919876543210"] {
            assert!(!is_indian_mobile(wrong), "{wrong}");
        }
        assert!(is_email("user@example.com"));
        for wrong in ["user", "@example.com", "user@", "user@host", "a@b@c.d", "a b@c.de", "a@b..c"]
        {
            assert!(!is_email(wrong), "{wrong}");
        }
    }

    #[test]
    fn secrets_of_other_lengths_differ() {
        assert!(same_secret("abc", "abc"));
        assert!(!same_secret("ab", "abc"));
        assert!(!same_secret("abd", "abc"));
    }
}
