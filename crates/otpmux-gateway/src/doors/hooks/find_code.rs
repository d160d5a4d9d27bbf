//! The code in a finished text.

/// Finds the code in a text: the one run of 4 to 10 ASCII digits, or of `length` digits, that no
/// letter or digit touches, and no dash joins to another digit: `123-456` is no code of three
/// digits, and `2026-11-29` none of four. It may occur several times, as in texts that browsers
/// read (`@example.com #123456`).
///
/// # Errors
///
/// What is in its place.
pub(super) fn find_code(text: &str, length: Option<u8>) -> Result<&str, &'static str> {
    let fits = |run: &&str| match length {
        Some(length) => run.len() == usize::from(length),
        None => (4..=10).contains(&run.len()),
    };
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '-');
    let pieces = words.filter(|word| !is_joined(word)).flat_map(|word| word.split('-'));
    let digits = |piece: &&str| piece.bytes().all(|byte| byte.is_ascii_digit());
    let mut codes = pieces.filter(digits).filter(fits);
    let code = codes.next().ok_or("holds no number that can be the code")?;
    if codes.all(|other| other == code) {
        Ok(code)
    } else {
        Err("holds several numbers that can be the code; set `code_length`")
    }
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
            assert_eq!(find_code(text, length), Ok(code), "{text}");
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
            assert!(find_code(text, length).is_err(), "{text}");
        }
    }
}
