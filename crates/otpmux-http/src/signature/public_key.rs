use std::fmt;

use aws_lc_rs::signature as lc;
use otpmux_core::Secret;

use super::{Encoding, SignatureError};

/// How a vendor signs with a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// Ed25519.
    Ed25519,
    /// RSA with PKCS #1 v1.5 padding and SHA-1. Only for vendors that have nothing better.
    RsaPkcs1Sha1,
    /// RSA with PKCS #1 v1.5 padding and SHA-256.
    RsaPkcs1Sha256,
    /// RSA-PSS with SHA-256 and a salt of 32 bytes.
    RsaPssSha256,
    /// ECDSA on P-256 with SHA-256, the signature as ASN.1.
    EcdsaP256Sha256,
}

/// A vendor's public key.
#[derive(Clone)]
pub struct PublicKey {
    scheme: Scheme,
    bytes: Vec<u8>,
}

impl PublicKey {
    /// Reads a public key as vendors show it: PEM, or the same in base64 on one line; for Ed25519
    /// also the 32 bytes alone in base64 or hexadecimal digits.
    ///
    /// # Errors
    ///
    /// The text is not a public key of this scheme.
    pub fn parse(scheme: Scheme, text: &str) -> Result<Self, PublicKeyError> {
        let text = text.trim();
        let bytes = match text.strip_prefix("-----BEGIN PUBLIC KEY-----") {
            Some(rest) => rest.split_once("-----END").map_or(rest, |(body, _)| body),
            None => text,
        };
        let bytes: String = bytes.split_ascii_whitespace().collect();
        // A variable of the environment often holds line ends as two characters.
        let bytes = bytes.replace("\\n", "");
        let hex = (bytes.len() == 64).then(|| Encoding::Hex.decode(&bytes)).flatten();
        let bytes = hex.or_else(|| Encoding::Base64.decode(&bytes)).ok_or(PublicKeyError)?;
        Self::from_der(scheme, &bytes)
    }

    /// Reads a public key in DER (`SubjectPublicKeyInfo`), such as the key of a certificate; for
    /// Ed25519 also the 32 bytes alone.
    ///
    /// # Errors
    ///
    /// The bytes are not a public key of this scheme.
    pub fn from_der(scheme: Scheme, bytes: &[u8]) -> Result<Self, PublicKeyError> {
        lc::ParsedPublicKey::new(scheme.algorithm(), bytes).map_err(|_| PublicKeyError)?;
        Ok(Self { scheme, bytes: bytes.to_vec() })
    }

    /// Returns whether the key's owner signed this.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = lc::UnparsedPublicKey::new(self.scheme.algorithm(), &self.bytes);
        key.verify(message, signature).is_ok()
    }
}

impl Scheme {
    fn algorithm(self) -> &'static dyn lc::VerificationAlgorithm {
        match self {
            Self::Ed25519 => &lc::ED25519,
            Self::RsaPkcs1Sha1 => &lc::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
            Self::RsaPkcs1Sha256 => &lc::RSA_PKCS1_2048_8192_SHA256,
            Self::RsaPssSha256 => &lc::RSA_PSS_2048_8192_SHA256,
            Self::EcdsaP256Sha256 => &lc::ECDSA_P256_SHA256_ASN1,
        }
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({:?})", self.scheme)
    }
}

/// Error returned when a text is not a public key. It does not repeat the text.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a public key of the kind that this vendor uses; copy the whole key, as PEM or base64")]
#[non_exhaustive]
pub struct PublicKeyError;

otpmux_core::debug_as_display!(PublicKeyError);

/// The public keys that a receipt may be signed with: the one in force, and during a rotation the
/// one before.
#[derive(Clone, Debug)]
pub struct PublicKeys {
    current: PublicKey,
    old: Option<PublicKey>,
}

impl PublicKeys {
    /// Reads the keys from the settings `receipt_secret` and `receipt_secret_old`.
    ///
    /// # Errors
    ///
    /// A text is not a public key of this scheme; with the name of its setting.
    pub fn read(
        scheme: Scheme,
        current: &Secret,
        old: Option<&Secret>,
    ) -> Result<Self, (&'static str, PublicKeyError)> {
        let read = |name, secret: &Secret| {
            PublicKey::parse(scheme, secret.expose()).map_err(|error| (name, error))
        };
        Ok(Self {
            current: read("receipt_secret", current)?,
            old: old.map(|old| read("receipt_secret_old", old)).transpose()?,
        })
    }

    /// Checks a signature over these parts, one after the other.
    ///
    /// # Errors
    ///
    /// The signature cannot be read, or no key verifies it.
    pub fn check(
        &self,
        encoding: Encoding,
        parts: &[&[u8]],
        signature: &str,
    ) -> Result<(), SignatureError> {
        let given = encoding.decode(signature).ok_or(SignatureError::Unreadable)?;
        let message = parts.concat();
        let mut keys = std::iter::once(&self.current).chain(&self.old);
        let found = keys.any(|key| key.verifies(&message, &given));
        if found { Ok(()) } else { Err(SignatureError::Mismatch) }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::encoding::AsDer as _;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::KeySize;
    use lc::KeyPair as _;

    use super::*;

    fn pem(der: &[u8]) -> String {
        let text = Encoding::Base64.encode(der);
        let lines: Vec<&str> =
            text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    fn check(scheme: Scheme, key: &str, signature: &[u8]) {
        let secret = Secret::new(key);
        let signature = Encoding::Base64.encode(signature);
        let keys = PublicKeys::read(scheme, &secret, None).unwrap();
        let parts: [&[u8]; 2] = [b"1700000000|", b"{}"];
        assert_eq!(keys.check(Encoding::Base64, &parts, &signature), Ok(()), "{scheme:?}");
        let other = keys.check(Encoding::Base64, &[b"1700000000|{ }"], &signature);
        assert_eq!(other, Err(SignatureError::Mismatch), "{scheme:?}");
        assert_eq!(keys.check(Encoding::Base64, &parts, "AAAA"), Err(SignatureError::Mismatch));
        assert_eq!(keys.check(Encoding::Base64, &parts, "?"), Err(SignatureError::Unreadable));
    }

    #[test]
    fn ed25519_in_each_form_of_its_key() {
        let pair = lc::Ed25519KeyPair::generate().unwrap();
        let signature = pair.sign(b"1700000000|{}");
        let raw = pair.public_key().as_ref();
        let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        for key in [
            Encoding::Base64.encode(raw),
            Encoding::Hex.encode(raw),
            pem(der.as_ref()),
            pem(der.as_ref()).trim_end().replace('\n', "\\n"),
            Encoding::Base64.encode(der.as_ref()),
        ] {
            check(Scheme::Ed25519, &key, signature.as_ref());
        }
    }

    #[test]
    fn rsa_and_ecdsa() {
        let pair = lc::RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        for (scheme, padding) in [
            (Scheme::RsaPkcs1Sha256, &lc::RSA_PKCS1_SHA256 as &dyn lc::RsaEncoding),
            (Scheme::RsaPssSha256, &lc::RSA_PSS_SHA256),
        ] {
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(padding, &SystemRandom::new(), b"1700000000|{}", &mut signature).unwrap();
            check(scheme, &pem(der.as_ref()), &signature);
        }
        let pair = lc::EcdsaKeyPair::generate(&lc::ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let der: aws_lc_rs::encoding::PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let signature = pair.sign(&SystemRandom::new(), b"1700000000|{}").unwrap();
        check(Scheme::EcdsaP256Sha256, &Encoding::Base64.encode(der.as_ref()), signature.as_ref());
    }

    #[test]
    fn a_rotation_accepts_both_keys_and_a_wrong_key_names_its_setting() {
        let [one, two, three] = [0; 3].map(|_| lc::Ed25519KeyPair::generate().unwrap());
        let key = |pair: &lc::Ed25519KeyPair| {
            Secret::new(Encoding::Base64.encode(pair.public_key().as_ref()))
        };
        let keys = PublicKeys::read(Scheme::Ed25519, &key(&one), Some(&key(&two))).unwrap();
        let check = |pair: &lc::Ed25519KeyPair| {
            let signature = Encoding::Hex.encode(pair.sign(b"x").as_ref());
            keys.check(Encoding::Hex, &[b"x"], &signature)
        };
        assert_eq!(check(&one), Ok(()));
        assert_eq!(check(&two), Ok(()));
        assert_eq!(check(&three), Err(SignatureError::Mismatch));
        let bad = Secret::new("AAAA");
        let refused = |current, old| PublicKeys::read(Scheme::Ed25519, current, old).unwrap_err().0;
        assert_eq!(refused(&bad, None), "receipt_secret");
        assert_eq!(refused(&key(&one), Some(&bad)), "receipt_secret_old");
        assert!(PublicKey::parse(Scheme::RsaPssSha256, key(&one).expose()).is_err());
    }
}
