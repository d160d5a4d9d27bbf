//! Whether a text message fits the 7-bit alphabet (3GPP TS 23.038).

/// The characters of the default alphabet that are not ASCII letters, digits, spaces or common
/// punctuation, and those of its extension.
const OTHERS: &str =
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà\u{c}^{}\\[~]|€";

/// Returns whether a text needs UCS-2, because the 7-bit alphabet lacks a character of it.
pub(crate) fn needs_ucs2(text: &str) -> bool {
    !text.chars().all(|c| c.is_ascii_alphanumeric() || OTHERS.contains(c))
}

#[cfg(test)]
mod tests {
    use super::needs_ucs2;

    #[test]
    fn the_alphabet() {
        for fits in ["Your code is 123456.", "Ihr Code: 1 €, für Sie [ok]", "Ω\n", ""] {
            assert!(!needs_ucs2(fits), "{fits}");
        }
        for not in ["votre code « 1 »", "код 1", "`", "ç", "“1”", "á"] {
            assert!(needs_ucs2(not), "{not}");
        }
    }
}
