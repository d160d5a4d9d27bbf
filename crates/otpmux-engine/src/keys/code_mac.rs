//! Codes at rest.

use otpmux_core::Code;

use super::{HmacSha256, KeyId, Keys, RecipientHash, ServerKeys, Which};
use crate::{Record, VerificationId};
use hmac::Mac;
use otpmux_core::Purpose;
use std::sync::Arc;

/// A code at rest: one HMAC for each way in which a guess can select its verification, and the id
/// of their key. A guess is compared with the one of its way, because it knows nothing else:
/// one that selects by recipient does not know the id.
///
/// Each is HMAC-SHA-256, cut to 128 bits: a guess that does not have the code matches with a
/// probability of 2^-128, and only counted guesses are compared.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct CodeMac {
    /// The key that signed it.
    pub key: KeyId,
    /// Bound to the id of its verification.
    pub by_id: [u8; 16],
    /// Bound to the recipient and the purpose.
    pub by_recipient: [u8; 16],
    /// Bound to the [external id](Record::external), if the verification has one.
    pub by_external: Option<[u8; 16]>,
}

impl ServerKeys {
    /// Returns the form of a code at rest, for this record, whose recipient this ring has hashed.
    pub fn sign(&self, record: &Record, code: &Code) -> CodeMac {
        let keys = &self.signing;
        CodeMac {
            key: Arc::clone(&keys.id),
            by_id: keys.code_of_id(record.id, code),
            by_recipient: keys.code_of_recipient(&record.recipient, &record.purpose, code),
            by_external: record.external.map(|tag| keys.code_of_external(tag, code)),
        }
    }
}

impl CodeMac {
    /// The HMAC with which a guess that selects its verification in this way is compared.
    pub fn of(&self, which: &Which) -> Option<[u8; 16]> {
        match which {
            Which::Id(_) => Some(self.by_id),
            Which::Recipient { .. } => Some(self.by_recipient),
            Which::External(_) => self.by_external,
        }
    }
}

impl Keys {
    pub(super) fn code_of_id(&self, id: VerificationId, code: &Code) -> [u8; 16] {
        half(&self.code, &[&id.to_bytes(), code.expose().as_bytes()])
    }

    pub(super) fn code_of_recipient(
        &self,
        recipient: &RecipientHash,
        purpose: &Purpose,
        code: &Code,
    ) -> [u8; 16] {
        // The hash has a fixed length, and no purpose contains a zero. With a short label all of it
        // is one block of SHA-256 for most purposes.
        let purpose = purpose.as_str().as_bytes();
        half(&self.selected_code, &[b"r", &recipient.0, purpose, &[0], code.expose().as_bytes()])
    }

    /// The tag is bound to the purpose.
    pub(super) fn code_of_external(&self, tag: [u8; 16], code: &Code) -> [u8; 16] {
        half(&self.selected_code, &[b"e", &tag, code.expose().as_bytes()])
    }
}

/// The first half of the HMAC of these parts together.
fn half(key: &HmacSha256, parts: &[&[u8]]) -> [u8; 16] {
    let mut mac = key.clone();
    for part in parts {
        mac.update(part);
    }
    let mut half = [0; 16];
    half.copy_from_slice(&mac.finalize().into_bytes()[..16]);
    half
}
