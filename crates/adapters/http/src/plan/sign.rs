//! The signature of a request.

use otpmux_core::Secret;
use otpmux_core::settings::ConfigError;
use otpmux_http::signature::{Digest, Encoding, hmac};
use zeroize::Zeroizing;

use super::given::Given;
use super::values::Values;
use crate::definition::{KeyEncoding, Sign};
use crate::template::{Piece, Template};
use crate::var::{SignatureValue, Signed, Slot};

/// How requests are signed.
pub(crate) struct SignPlan {
    digest: Digest,
    key: Zeroizing<Vec<u8>>,
    content: Vec<SignedPart>,
    encoding: Encoding,
    pub(crate) header: String,
    value: Template<SignatureValue>,
}

enum SignedPart {
    Literal(Zeroizing<String>),
    Body,
    Slot(Slot),
}

impl SignPlan {
    pub(super) fn bind(sign: &Sign, given: &Given) -> Result<Self, ConfigError> {
        let missing = |name: &str| {
            ConfigError::new(sign.path.as_str(), format!("needs the setting `{name}`"))
        };
        let key = given.secret(&sign.key).ok_or_else(|| missing(&sign.key))?;
        let key = decode_key(sign.key_encoding, key)
            .ok_or_else(|| ConfigError::new(sign.path.as_str(), WRONG_KEY))?;
        let mut content = Vec::new();
        for piece in &sign.content.pieces {
            content.push(match piece {
                Piece::Literal(text) => SignedPart::Literal(Zeroizing::new(text.clone())),
                Piece::Value(Signed::Body, _) => SignedPart::Body,
                Piece::Value(Signed::Timestamp, _) => SignedPart::Slot(Slot::Timestamp),
                Piece::Value(Signed::IdempotencyKey, _) => SignedPart::Slot(Slot::IdempotencyKey),
                Piece::Value(Signed::Setting(name), _) => {
                    let value = given.get(name).ok_or_else(|| missing(name))?;
                    SignedPart::Literal(Zeroizing::new(value.expose().into_owned()))
                }
            });
        }
        Ok(Self {
            digest: sign.digest,
            key,
            content,
            encoding: sign.encoding,
            header: sign.header.clone(),
            value: sign.value.clone(),
        })
    }

    /// Returns the value of the header.
    pub(crate) fn sign(&self, body: &[u8], values: &Values<'_>) -> String {
        let parts: Vec<&[u8]> = self
            .content
            .iter()
            .map(|part| match part {
                SignedPart::Literal(text) => text.as_bytes(),
                SignedPart::Body => body,
                SignedPart::Slot(slot) => values.get(slot).unwrap_or_default().as_bytes(),
            })
            .collect();
        let signature = self.encoding.encode(&hmac(self.digest, &self.key, &parts));
        let mut text = String::new();
        for piece in &self.value.pieces {
            text.push_str(match piece {
                Piece::Literal(text) => text,
                Piece::Value(SignatureValue::Signature, _) => &signature,
                Piece::Value(SignatureValue::Timestamp, _) => {
                    values.get(&Slot::Timestamp).unwrap_or_default()
                }
            });
        }
        text
    }
}

const WRONG_KEY: &str = "the key of the signature does not have the form of `key_encoding`";

/// Returns the bytes of a key.
pub(crate) fn decode_key(form: KeyEncoding, key: &Secret) -> Option<Zeroizing<Vec<u8>>> {
    let text = key.expose();
    let bytes = match form {
        KeyEncoding::Text => Some(text.as_bytes().to_vec()),
        KeyEncoding::Base64 => Encoding::Base64.decode(text),
        KeyEncoding::Hex => Encoding::Hex.decode(text),
        KeyEncoding::Whsec => Encoding::Base64.decode(text.strip_prefix("whsec_").unwrap_or(text)),
    };
    bytes.filter(|bytes| !bytes.is_empty()).map(Zeroizing::new)
}
