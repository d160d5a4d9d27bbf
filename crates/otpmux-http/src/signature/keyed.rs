use aws_lc_rs::{constant_time, digest as lc, hmac as keyed};

/// The hash below a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Digest {
    /// SHA-1. Safe inside an HMAC; for nothing else.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// Returns the HMAC of the parts, one after the other, under a key of any length.
pub fn hmac(digest: Digest, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let algorithm = match digest {
        Digest::Sha1 => keyed::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Digest::Sha256 => keyed::HMAC_SHA256,
        Digest::Sha512 => keyed::HMAC_SHA512,
    };
    let mut context = keyed::Context::with_key(&keyed::Key::new(algorithm, key));
    for part in parts {
        context.update(part);
    }
    context.sign().as_ref().to_vec()
}

/// Returns the hash of the parts, one after the other.
pub fn digest(digest: Digest, parts: &[&[u8]]) -> Vec<u8> {
    let mut context = lc::Context::new(match digest {
        Digest::Sha1 => &lc::SHA1_FOR_LEGACY_USE_ONLY,
        Digest::Sha256 => &lc::SHA256,
        Digest::Sha512 => &lc::SHA512,
    });
    for part in parts {
        context.update(part);
    }
    context.finish().as_ref().to_vec()
}

/// Compares two values in a time that depends on their lengths only.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(one, other).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::Encoding;

    /// RFC 2202 (SHA-1) and RFC 4231 (SHA-256, SHA-512), test case 2.
    #[test]
    fn the_published_vectors() {
        for (kind, expected) in [
            (Digest::Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (Digest::Sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (
                Digest::Sha512,
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
            ),
        ] {
            let parts: [&[u8]; 2] = [b"what do ya want ", b"for nothing?"];
            assert_eq!(Encoding::Hex.encode(&hmac(kind, b"Jefe", &parts)), expected);
        }
        assert_eq!(
            Encoding::Hex.encode(&digest(Digest::Sha256, &[b"a", b"bc"])),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn compares_whole_values() {
        assert!(same(b"abc", b"abc") && same(b"", b""));
        assert!(!same(b"abc", b"abd") && !same(b"abc", b"ab") && !same(b"", b"a"));
    }
}
