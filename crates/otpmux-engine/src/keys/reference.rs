//! Vendors' references at rest.

use otpmux_core::{Recipient, VendorReference};

use super::{NONCE, ServerKeys};
use crate::VerificationId;

/// Prefix of an encrypted reference. The nonce and the ciphertext in hexadecimal digits, a colon,
/// and the id of the key follow.
const SEALED: &str = "sealed:";
/// A reference shows the recipient if it contains this many of its characters in a row, separators
/// aside.
const SHOWN: usize = 6;
/// Distinguishes references from other data encrypted for their verification.
const ASSOCIATED: &[u8] = b"vendor reference";

impl ServerKeys {
    /// Returns the stored form of a vendor's reference: unchanged, or encrypted if it shows the
    /// recipient, as some vendors derive it from the number.
    pub(crate) fn keep_reference(
        &self,
        id: VerificationId,
        recipient: &Recipient,
        reference: VendorReference,
    ) -> Option<VendorReference> {
        let text = reference.as_str();
        // A reference with the prefix is encrypted too, since it could not be read back otherwise.
        if !shows(text, recipient.expose()) && !text.starts_with(SEALED) {
            return Some(reference);
        }
        // Derived from the text, so that no two texts use one nonce.
        let unique = self.tag("reference nonce", &[&id.to_bytes()[..], text.as_bytes()].concat());
        let nonce = *unique.first_chunk::<NONCE>()?;
        let write = |place: &mut Vec<u8>| place.extend_from_slice(text.as_bytes());
        let sealed = self.signing.encrypt(id, nonce, ASSOCIATED, text.len(), write)?;
        let digit = |n: u8| char::from_digit(u32::from(n), 16);
        let digits = sealed.into_iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
        let digits: String = digits.flatten().collect();
        Some(VendorReference::new(format!("{SEALED}{digits}:{}", self.signing.id)))
    }

    /// Returns a reference as the vendor gave it; `None` when the key is gone or it was tampered
    /// with.
    pub(crate) fn reveal_reference(
        &self,
        id: VerificationId,
        kept: &VendorReference,
    ) -> Option<VendorReference> {
        let Some(sealed) = kept.as_str().strip_prefix(SEALED) else { return Some(kept.clone()) };
        let (digits, key) = sealed.split_once(':')?;
        let digit = |text: &[u8]| u8::from_str_radix(str::from_utf8(text).ok()?, 16).ok();
        let bytes = digits.as_bytes().chunks(2).map(digit).collect::<Option<Vec<u8>>>()?;
        let text = String::from_utf8(self.decrypt(id, key, &bytes, ASSOCIATED)?).ok()?;
        Some(VendorReference::new(text))
    }
}

fn shows(reference: &str, recipient: &str) -> bool {
    let (reference, recipient) = (plain(reference), plain(recipient));
    // Most references have no such run of characters that the recipient has too.
    let runs = reference.split(|byte| !recipient.contains(byte));
    let mut parts = runs.flat_map(|run| run.windows(SHOWN));
    parts.any(|part| recipient.windows(SHOWN).any(|other| other == part))
}

/// Returns a text without separators and upper case.
fn plain(text: &str) -> Vec<u8> {
    let separates = |byte: &u8| byte.is_ascii_punctuation() || byte.is_ascii_whitespace();
    let plain = text.bytes().filter(|byte| !separates(byte));
    plain.map(|byte| byte.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use otpmux_core::Secret;

    use super::*;

    fn ring(names: &[&str]) -> ServerKeys {
        let key = |name: &&str| {
            let text = name.replace(':', "");
            ((*name).to_owned(), Secret::new(format!("{text:k<42}A")))
        };
        ServerKeys::new(&names.iter().map(key).collect::<Vec<_>>()).unwrap()
    }

    const ID: VerificationId = VerificationId::from_bytes([1; 16]);

    fn kept(ring: &ServerKeys, to: &str, reference: &str) -> VendorReference {
        ring.keep_reference(ID, &to.parse().unwrap(), VendorReference::new(reference)).unwrap()
    }

    #[test]
    fn a_reference_that_shows_the_recipient_is_encrypted_and_comes_back() {
        let ring = ring(&["a:b"]);
        for (to, reference) in [
            ("+14155550123", "14155550123"),
            ("+14155550123", "otp-(415) 555-01"),
            ("+14155550123", "9f/141555/zwölf"),
            ("anna.maier@example.org", "ANNA-MAIER/1"),
            ("+14155550123", "sealed:00:a:b"),
        ] {
            let kept = kept(&ring, to, reference);
            assert!(kept.as_str().starts_with("sealed:") && kept.as_str().ends_with(":a:b"));
            assert!(!shows(kept.as_str(), to) && !kept.as_str().contains(reference));
            assert_eq!(ring.reveal_reference(ID, &kept).unwrap().as_str(), reference);
        }
        for reference in ["", "11f951d5-32d1-4b49-bdda-7da248e2615c", "41555", "sealed"] {
            let kept = kept(&ring, "+14155550123", reference);
            assert_eq!(kept.as_str(), reference, "says nothing, and stays as it is");
            assert_eq!(ring.reveal_reference(ID, &kept).unwrap().as_str(), reference);
        }
    }

    #[test]
    fn sec_09_an_older_key_reveals_and_nothing_else_does() {
        let (old, rotated, other) = (ring(&["old"]), ring(&["new", "old"]), ring(&["new"]));
        let kept = kept(&old, "+14155550123", "id-14155550123");
        assert_eq!(rotated.reveal_reference(ID, &kept).unwrap().as_str(), "id-14155550123");
        assert_eq!(other.reveal_reference(ID, &kept), None, "the key is gone");
        let elsewhere = VerificationId::from_bytes([2; 16]);
        assert_eq!(old.reveal_reference(elsewhere, &kept), None, "another verification's");
        for (from, to) in
            [(":old", ""), (":old", ":"), ("sealed:", "sealed:x"), ("sealed:", "sealed:0")]
        {
            let bad = VendorReference::new(kept.as_str().replacen(from, to, 1));
            assert_eq!(old.reveal_reference(ID, &bad), None, "{from} {to}");
        }
    }
}
