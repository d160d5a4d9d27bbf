//! Receipt tokens: what a vendor gives back with the receipts of one send attempt.
//!
//! A token names a send attempt without a look-up: it holds the id of the verification and the
//! place of the send attempt, encrypted and authenticated under the server key, together with the
//! name of the provider. It fits the smallest field of the vendors (40 letters and digits). It shows
//! nothing, and no stranger can make one, or one for another send attempt.
//!
//! The encryption is deterministic, with a synthetic IV: the IV is the first 8 bytes of an HMAC over
//! all of the content, and the key stream an HMAC over the IV. So no nonce can repeat, and the token
//! of a send attempt is always the same. A forgery passes with a chance of one in 2^64 for each key
//! of the ring, and then names an id that does not exist.

use hmac::Mac as _;
use otpmux_core::ProviderId;
use subtle::ConstantTimeEq as _;

use super::{Keys, ServerKeys};
use crate::VerificationId;

/// Characters of a token.
const LENGTH: usize = 39;
const IV: usize = 8;
/// The id, and the place.
const CONTENT: usize = 17;
const BYTES: usize = IV + CONTENT;

impl ServerKeys {
    /// Returns the token of a send attempt, for its provider.
    pub(crate) fn receipt_token(
        &self,
        provider: &ProviderId,
        id: VerificationId,
        place: u8,
    ) -> String {
        let mut content = [0; CONTENT];
        content[..16].copy_from_slice(&id.to_bytes());
        content[16] = place;
        let iv = self.signing.receipt_iv(provider, &content);
        let mut bytes = [0; BYTES];
        bytes[..IV].copy_from_slice(&iv);
        bytes[IV..].copy_from_slice(&self.signing.with_receipt_stream(iv, content));
        write(bytes)
    }

    /// Returns the send attempt of a token that this ring has made for this provider.
    pub(crate) fn open_receipt_token(
        &self,
        provider: &ProviderId,
        token: &str,
    ) -> Option<(VerificationId, u8)> {
        let bytes = read(token)?;
        let (iv, content) = bytes.split_first_chunk::<IV>()?;
        let content: [u8; CONTENT] = content.try_into().ok()?;
        let open = |keys: &Keys| {
            let content = keys.with_receipt_stream(*iv, content);
            let expected = keys.receipt_iv(provider, &content);
            bool::from(expected.ct_eq(iv)).then_some(content)
        };
        let [id @ .., place] = self.all().find_map(open)?;
        Some((VerificationId::from_bytes(id), place))
    }

    /// Returns the keyed hash under which a store finds the send attempt of a vendor's reference.
    pub(crate) fn reference_tag(&self, provider: &ProviderId, reference: &str) -> [u8; 16] {
        self.signing.reference_tag(provider, reference)
    }

    /// As [`reference_tag`](Self::reference_tag), under each key of the ring, the signing one first.
    pub(crate) fn reference_tags(
        &self,
        provider: &ProviderId,
        reference: &str,
    ) -> impl Iterator<Item = [u8; 16]> {
        self.all().map(move |keys| keys.reference_tag(provider, reference))
    }
}

impl Keys {
    fn receipt_iv(&self, provider: &ProviderId, content: &[u8; CONTENT]) -> [u8; IV] {
        let mut mac = self.receipt.clone();
        // The content has a fixed length, so no name can pass for a part of it.
        mac.update(b"iv");
        mac.update(content);
        mac.update(provider.as_str().as_bytes());
        let mut iv = [0; IV];
        iv.copy_from_slice(&mac.finalize().into_bytes()[..IV]);
        iv
    }

    /// Encrypts or decrypts.
    fn with_receipt_stream(&self, iv: [u8; IV], mut content: [u8; CONTENT]) -> [u8; CONTENT] {
        let mut mac = self.receipt.clone();
        mac.update(b"stream");
        mac.update(&iv);
        for (byte, key) in content.iter_mut().zip(mac.finalize().into_bytes()) {
            *byte ^= key;
        }
        content
    }

    fn reference_tag(&self, provider: &ProviderId, reference: &str) -> [u8; 16] {
        // No provider's name contains a zero.
        self.tagged(
            "vendor reference",
            &[provider.as_str().as_bytes(), b"\0", reference.as_bytes()],
        )
    }
}

/// Writes 200 bits as 39 digits of base 36.
fn write(mut bytes: [u8; BYTES]) -> String {
    let mut digits = [0; LENGTH];
    for digit in digits.iter_mut().rev() {
        let mut rest = 0_u32;
        for byte in &mut bytes {
            let value = rest << 8 | u32::from(*byte);
            // Less than 256, since `rest` is less than 36.
            *byte = u8::try_from(value / 36).unwrap_or(u8::MAX);
            rest = value % 36;
        }
        *digit = rest;
    }
    digits.iter().filter_map(|digit| char::from_digit(*digit, 36)).collect()
}

/// Reads what `write` has written; `None` for any other text.
fn read(token: &str) -> Option<[u8; BYTES]> {
    let mut bytes = [0_u8; BYTES];
    if token.len() != LENGTH {
        return None;
    }
    for byte in token.bytes() {
        let mut carry = match byte {
            b'0'..=b'9' => u32::from(byte - b'0'),
            b'a'..=b'z' => u32::from(byte - b'a') + 10,
            _ => return None,
        };
        for byte in bytes.iter_mut().rev() {
            let value = u32::from(*byte) * 36 + carry;
            *byte = value.to_be_bytes()[3];
            carry = value >> 8;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use otpmux_core::Secret;
    use proptest::prelude::*;

    use super::*;

    fn ring(names: &[&str]) -> ServerKeys {
        let key = |name: &&str| ((*name).to_owned(), Secret::new(format!("{name:k<42}A")));
        ServerKeys::new(&names.iter().map(key).collect::<Vec<_>>()).unwrap()
    }

    fn provider(name: &str) -> ProviderId {
        ProviderId::new(name).unwrap()
    }

    const ID: VerificationId = VerificationId::from_bytes([7; 16]);

    proptest! {
        #[test]
        fn a_token_is_39_letters_and_digits_and_opens(id in any::<[u8; 16]>(), place in any::<u8>()) {
            let (ring, provider) = (ring(&["a"]), provider("twilio"));
            let id = VerificationId::from_bytes(id);
            let token = ring.receipt_token(&provider, id, place);
            prop_assert_eq!(token.len(), 39);
            prop_assert!(token.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_lowercase()));
            prop_assert_eq!(ring.open_receipt_token(&provider, &token), Some((id, place)));
        }

        #[test]
        fn bytes_of_every_value_come_back(bytes in any::<[u8; BYTES]>()) {
            prop_assert_eq!(read(&write(bytes)), Some(bytes));
        }

        #[test]
        fn no_text_panics_or_opens(text in any::<String>(), token in "[0-9a-z]{39}") {
            let (ring, provider) = (ring(&["a"]), provider("twilio"));
            prop_assert_eq!(ring.open_receipt_token(&provider, &text), None);
            prop_assert_eq!(ring.open_receipt_token(&provider, &token), None);
        }

        #[test]
        fn no_changed_token_opens(place in 0..39_usize, change in 1..36_u32) {
            let (ring, provider) = (ring(&["a"]), provider("twilio"));
            let token = ring.receipt_token(&provider, ID, 0);
            let mut changed: Vec<char> = token.chars().collect();
            let digit = changed[place].to_digit(36).unwrap();
            changed[place] = char::from_digit((digit + change) % 36, 36).unwrap();
            let changed: String = changed.into_iter().collect();
            prop_assert_eq!(ring.open_receipt_token(&provider, &changed), None);
        }
    }

    #[test]
    fn a_token_is_good_for_its_provider_and_its_attempt() {
        let ring = ring(&["a"]);
        let tokens = [0, 1].map(|place| ring.receipt_token(&provider("a"), ID, place));
        assert_ne!(tokens[0], tokens[1]);
        assert_eq!(ring.receipt_token(&provider("a"), ID, 0), tokens[0], "always the same");
        assert_eq!(ring.open_receipt_token(&provider("b"), &tokens[0]), None);
        assert_ne!(ring.receipt_token(&provider("b"), ID, 0), tokens[0]);
        assert!(!tokens[0].contains("0707"));
        // Parts of two tokens are no token: neither an id nor a place can be moved.
        for cut in 1..LENGTH {
            let mixed = [&tokens[0][..cut], &tokens[1][cut..]].concat();
            if !tokens.contains(&mixed) {
                assert_eq!(ring.open_receipt_token(&provider("a"), &mixed), None, "{cut}");
            }
        }
    }

    #[test]
    fn sec_09_every_key_of_the_ring_opens_and_finds() {
        let (old, rotated) = (ring(&["old"]), ring(&["new", "old"]));
        let token = old.receipt_token(&provider("a"), ID, 3);
        assert_eq!(rotated.open_receipt_token(&provider("a"), &token), Some((ID, 3)));
        assert_eq!(ring(&["new"]).open_receipt_token(&provider("a"), &token), None);
        assert_ne!(rotated.receipt_token(&provider("a"), ID, 3), token);
        let tag = old.reference_tag(&provider("a"), "m-1");
        assert!(rotated.reference_tags(&provider("a"), "m-1").any(|it| it == tag));
        assert_ne!(old.reference_tag(&provider("b"), "m-1"), tag);
        assert_ne!(old.reference_tag(&provider("a"), "m-2"), tag);
    }

    #[test]
    fn texts_that_are_too_large_or_have_other_characters() {
        assert_eq!(read(&"z".repeat(39)), None, "more than 200 bits");
        assert_eq!(read(&"0".repeat(39)), Some([0; BYTES]));
        for bad in ["", &"0".repeat(38), &"0".repeat(40), &"A".repeat(39), &"\u{e9}".repeat(20)] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
