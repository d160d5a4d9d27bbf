/// Returns bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(2 * bytes.len());
    push_hex(&mut text, bytes);
    // Digits are valid UTF-8.
    String::from_utf8(text).unwrap_or_default()
}

/// Appends the digits of [`hex`].
pub(crate) fn push_hex(text: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let from = text.len();
    text.resize(from + 2 * bytes.len(), b'0');
    let (pairs, _) = text[from..].as_chunks_mut::<2>();
    for (pair, byte) in pairs.iter_mut().zip(bytes) {
        *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
    }
}

/// Decodes what [`hex`] has written; `None` for any other text.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    if pairs.len() != N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
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
