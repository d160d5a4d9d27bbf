/// Returns bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

/// Appends the digits of [`hex`].
pub(crate) fn push_hex(text: &mut Vec<u8>, bytes: &[u8]) {
    let from = text.len();
    text.resize(from + 2 * bytes.len(), b'0');
    // The room is exact, so this does not fail.
    let _ = base16ct::lower::encode(bytes, &mut text[from..]);
}

/// Decodes what [`hex`] has written; `None` for any other text.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let decoded = base16ct::lower::decode(text, &mut bytes).ok()?;
    (decoded.len() == N).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_and_back() {
        let bytes = [0x00, 0x1f, 0xa5, 0xff];
        assert_eq!(hex(&bytes), "001fa5ff");
        assert_eq!(from_hex("001fa5ff"), Some(bytes));
        for bad in ["001fa5f", "001fa5f ", "001fa5fff", "001FA5FF", "001fa5", "+01fa5ff"] {
            assert_eq!(from_hex::<4>(bad), None, "{bad}");
        }
    }
}
