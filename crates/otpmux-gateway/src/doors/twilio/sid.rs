//! SIDs: two letters that say what it is, and 32 hex digits.

use otpmux::{DeliveryId, VerificationId};

/// Returns whether a text is a SID of this kind.
pub(super) fn is(text: &str, kind: &str) -> bool {
    let digits = text.strip_prefix(kind);
    digits.is_some_and(|hex| hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// The SID of a verification.
pub(super) fn of(id: &impl std::fmt::Display) -> String {
    format!("VE{id}")
}

/// The SID of a send attempt, by its place.
pub(super) fn of_attempt(id: &impl std::fmt::Display, place: usize) -> String {
    let id = id.to_string();
    format!("VL{}{:02x}", id.get(2..).unwrap_or_default(), place % 256)
}

/// What a SID names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Verification(VerificationId),
    /// A delivery of the caller's own code.
    Delivery(DeliveryId),
}

/// Reads a SID; `None` for any other text.
pub(super) fn read(text: &str) -> Option<Named> {
    let hex = text.strip_prefix("VE")?.to_ascii_lowercase();
    let verification = hex.parse().map(Named::Verification);
    verification.or_else(|_| hex.parse().map(Named::Delivery)).ok()
}
