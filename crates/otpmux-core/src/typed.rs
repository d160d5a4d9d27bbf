//! Text as people type and paste it: one reading of digits, spaces, dashes and invisible characters
//! for numbers, codes and keys.

/// Returns the value of a decimal digit of any script: `7`, full-width `７`, Arabic-Indic `٧`,
/// Persian `۷`, Devanagari `७`. Superscripts, Roman numerals and the like are not decimal digits.
///
/// ```
/// use otpmux_core::typed::decimal_digit;
/// assert_eq!(decimal_digit('٧'), Some(7));
/// assert_eq!(decimal_digit('²'), None);
/// ```
pub fn decimal_digit(c: char) -> Option<u8> {
    let c = u32::from(c);
    let at = ZEROS.partition_point(|zero| *zero <= c).checked_sub(1)?;
    u8::try_from(c - ZEROS[at]).ok().filter(|value| *value < 10)
}

/// Returns whether a character is invisible and has no width: direction marks, zero-width
/// characters, the byte order mark, soft hyphens, variation selectors.
pub fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{AD}'
            | '\u{34F}'
            | '\u{61C}'
            | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FE00}'..='\u{FE0F}'
            | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E007F}'
    )
}

/// Returns whether a character is a hyphen, dash or minus.
pub fn is_dash(c: char) -> bool {
    matches!(
        c,
        '-' | '\u{2010}'
            ..='\u{2015}'
                | '\u{2043}'
                | '\u{2212}'
                | '\u{30FC}'
                | '\u{FE58}'
                | '\u{FE63}'
                | '\u{FF0D}'
                | '\u{FF70}'
    )
}

/// Returns whether a character only separates digits or is invisible: white space of any kind
/// (no-break space, tab, line break), dashes, and [invisible](is_invisible) characters.
pub fn is_filler(c: char) -> bool {
    c.is_whitespace() || is_dash(c) || is_invisible(c)
}

/// Returns the text without white space and invisible characters at its ends.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || is_invisible(c))
}

/// The zero of every script that has decimal digits (Unicode 16, general category Nd), sorted. The
/// other nine digits follow each zero.
const ZEROS: [u32; 76] = [
    0x30, 0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66,
    0xDE6, 0xE50, 0xED0, 0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90,
    0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
    0x104A0, 0x10D30, 0x10D40, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0,
    0x11650, 0x116C0, 0x116D0, 0x116DA, 0x11730, 0x118E0, 0x11950, 0x11BF0, 0x11C50, 0x11D50,
    0x11DA0, 0x11F50, 0x16130, 0x16A60, 0x16AC0, 0x16B50, 0x16D70, 0x1CCF0, 0x1D7CE, 0x1D7D8,
    0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E4F0, 0x1E5F1, 0x1E950, 0x1FBF0,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_has_ten_digits_and_no_eleventh() {
        assert!(ZEROS.is_sorted_by(|a, b| a + 10 <= *b));
        let digits = |text: &str| text.chars().map(decimal_digit).collect::<Option<Vec<_>>>();
        for text in ["0123456789", "０１２３４５６７８９", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "০১২৩৪৫৬৭৮৯"]
        {
            assert_eq!(digits(text).unwrap(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], "{text}");
        }
        assert_eq!(digits("𝟘𝟡"), Some(vec![0, 9]));
        for none in ['/', ':', 'o', 'O', 'l', '²', '½', 'Ⅷ', '٪', '٫', '①'] {
            assert_eq!(decimal_digit(none), None, "{none}");
        }
        // The standard library knows these characters and further numeric ones.
        let known = |c: &char| decimal_digit(*c).is_some();
        assert_eq!(('\0'..=char::MAX).filter(known).count(), 10 * ZEROS.len());
    }

    #[test]
    fn ends_are_trimmed_of_what_is_not_seen() {
        assert_eq!(trim("\u{FEFF}\u{200F} a b\u{A0}\u{200B}\r\n"), "a b");
        assert!("\t \u{202F}\u{2011}\u{2066}-–".chars().all(is_filler));
        assert!(!"0+(.a".chars().any(is_filler));
    }
}
