use otpmux_core::Purpose;
use otpmux_engine::{LimitKey, RecipientHash, VerificationId};

/// The names of this store's keys. All begin with one hash tag, so that Redis Cluster keeps them on
/// one node and one script may touch any of them.
///
/// The scripts know three of them: a record's (in `create.lua`), and a limit's of a recipient
/// (`recipients_key` in `keys.lua`), which are found through what a record says.
#[derive(Debug)]
pub(crate) struct Names {
    /// `{namespace}:`.
    prefix: String,
}

impl Names {
    pub(crate) fn new(namespace: &str) -> Self {
        Self { prefix: format!("{{{namespace}}}:") }
    }

    /// A text.
    pub(crate) fn record(&self, id: VerificationId) -> String {
        format!("{}verification:{id}", self.prefix)
    }

    /// The id of the newest verification of a recipient and purpose.
    pub(crate) fn live(&self, recipient: &RecipientHash, purpose: &Purpose) -> String {
        format!("{}live:{}:{purpose}", self.prefix, hex(&recipient.0))
    }

    /// The id of the verification that a request of this name has made.
    pub(crate) fn request(&self, name: &[u8; 16]) -> String {
        format!("{}request:{}", self.prefix, hex(name))
    }

    /// A list of times.
    pub(crate) fn limit(&self, key: &LimitKey) -> String {
        format!("{}limit:{}:{}", self.prefix, key.scope.as_str(), hex(&key.hash))
    }

    /// A hash with one field for each provider.
    pub(crate) fn health(&self) -> String {
        format!("{}health", self.prefix)
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes that [`hex`] has written; `None` for any other text.
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
    use otpmux_engine::LimitScope;

    use super::*;

    #[test]
    fn every_key_has_the_hash_tag() {
        let names = Names::new("eu-1");
        let recipient = RecipientHash([0xab; 32]);
        let key = LimitKey::of_recipient(LimitScope::Guesses, &recipient);
        let half = "ab".repeat(16);
        assert_eq!(
            [
                names.record(VerificationId::from_bytes([1; 16])),
                names.live(&recipient, &Purpose::default()),
                names.request(&[0xab; 16]),
                names.limit(&key),
                names.health(),
            ],
            [
                format!("{{eu-1}}:verification:{}", "01".repeat(16)),
                format!("{{eu-1}}:live:{half}{half}:default"),
                format!("{{eu-1}}:request:{half}"),
                format!("{{eu-1}}:limit:guesses:{half}"),
                "{eu-1}:health".to_owned(),
            ],
        );
    }

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
