//! The code in a finished text.

use otpmux_core::Code;

/// Error returned when a finished text does not show which part of it is the code.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodeInTextError {
    /// It holds no number of 4 to 10 digits.
    #[error("the text holds no code: a number of 4 to 10 digits")]
    None,
    /// It holds several different numbers of 4 to 10 digits.
    #[error("the text holds several numbers of 4 to 10 digits; give the code beside the text")]
    Several,
}

otpmux_core::debug_as_display!(CodeInTextError);

/// Finds the code in a text: the one run of 4 to 10 ASCII digits, or of `digits` digits, that no
/// letter or digit touches, and no dash joins to another digit: `123-456` is no code of three
/// digits, and `2026-11-29` none of four. It may occur several times, as in texts that browsers
/// read (`@example.com #123456`).
pub(super) fn code_in_text(text: &str, digits: Option<u8>) -> Result<Code, CodeInTextError> {
    let fits = |run: &&str| match digits {
        Some(digits) => run.len() == usize::from(digits),
        None => (4..=10).contains(&run.len()),
    };
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '-');
    let pieces = words.filter(|word| !is_joined(word)).flat_map(|word| word.split('-'));
    let is_number = |piece: &&str| piece.bytes().all(|byte| byte.is_ascii_digit());
    let mut codes = pieces.filter(is_number).filter(fits);
    let code = codes.next().ok_or(CodeInTextError::None)?;
    if codes.any(|other| other != code) {
        return Err(CodeInTextError::Several);
    }
    Code::given(code).map_err(|_| CodeInTextError::None)
}

/// Whether a dash is between two digits.
fn is_joined(word: &str) -> bool {
    let digit = |byte: &u8| byte.is_ascii_digit();
    word.as_bytes().windows(3).any(|three| match three {
        [left, b'-', right] => digit(left) && digit(right),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_is_the_code() {
        for (text, length, code) in [
            ("482913 is your code", None, "482913"),
            ("Your code: 0042.", None, "0042"),
            ("G-482913 (valid 5 minutes)", None, "482913"),
            ("482913\n\n@example.com #482913", None, "482913"),
            ("Since 2026: 482913", Some(6), "482913"),
            ("On 2026-11-29: 482913", None, "482913"),
            ("482913- is it", None, "482913"),
            ("Call +4915112345678 about 482913", None, "482913"),
        ] {
            let found = code_in_text(text, length).unwrap();
            assert_eq!(found.expose(), code, "{text}");
        }
    }

    #[test]
    fn in_doubt_there_is_none() {
        for (text, length) in [
            ("", None),
            ("no number", None),
            ("123", None),
            ("12345678901", None),
            ("AB1234CD", None),
            ("1234 or 5678", None),
            ("482913", Some(4)),
            ("48-2913", None),
            ("1234-5678", None),
            ("Since 2026: 482913", None),
            ("４８２９１３", None),
        ] {
            assert!(code_in_text(text, length).is_err(), "{text}");
        }
    }
}
