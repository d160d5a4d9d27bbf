//! Random identifiers and codes in the forms that the vendors use.

use uuid::Uuid;

use crate::system;

pub(crate) fn uuid() -> String {
    uuid::Builder::from_random_bytes(system::random()).into_uuid().to_string()
}

pub(crate) fn is_uuid(text: &str) -> bool {
    // `Uuid` also reads the braced form and the form without hyphens; the vendors accept neither.
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

pub(crate) fn random_bytes() -> [u8; 32] {
    system::random()
}

/// Returns the prefix and 16 hexadecimal digits.
pub(crate) fn prefixed(prefix: &str) -> String {
    prefix.to_owned() + &base16ct::lower::encode_string(&system::random::<8>())
}

/// Returns `length` decimal digits, each equally likely.
pub(crate) fn code(length: u8) -> String {
    let mut digits = String::with_capacity(length.into());
    while digits.len() < usize::from(length) {
        for byte in system::random::<16>() {
            // 250 is the largest multiple of ten in a byte: higher values would favour low digits.
            if byte < 250 && digits.len() < usize::from(length) {
                digits.push(char::from(b'0' + byte % 10));
            }
        }
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert!(is_uuid(&uuid()));
        assert!(!is_uuid("6a1f0f0e2c1b4c559c3e1f2a3b4c5d6e"));
        assert_eq!(prefixed("req_").len(), 20);
        for length in 4..=10 {
            let code = code(length);
            assert_eq!(code.len(), usize::from(length));
            assert!(code.bytes().all(|byte| byte.is_ascii_digit()));
        }
    }
}
