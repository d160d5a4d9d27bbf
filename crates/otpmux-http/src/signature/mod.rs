//! How a vendor's receipt proves that it comes from the vendor: the signatures that vendors use,
//! compared in constant time, each against the secret in force and, during a rotation, the one
//! before.
//!
//! ```
//! use std::time::{Duration, SystemTime};
//!
//! use otpmux_core::Secret;
//! use otpmux_http::signature::{self, Digest, Encoding, ReceiptSecrets};
//!
//! let secrets = ReceiptSecrets::new(Secret::new("made-up")).with_old(Some(Secret::new("before")));
//! let body = br#"{"id":"m-1","status":"delivered"}"#;
//! let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_010);
//!
//! // The vendor signs `timestamp.body` and sends the result as hexadecimal digits.
//! let parts: [&[u8]; 3] = [b"1700000000", b".", body];
//! let header = Encoding::Hex.encode(&signature::hmac(Digest::Sha256, b"before", &parts));
//!
//! secrets.check_hmac(Digest::Sha256, Encoding::Hex, &parts, &header)?;
//! signature::check_fresh("1700000000", now, Duration::from_mins(5))?;
//! assert!(secrets.check_hmac(Digest::Sha1, Encoding::Hex, &parts, &header).is_err());
//! # Ok::<(), signature::SignatureError>(())
//! ```

mod encoding;
mod form;
mod freshness;
mod in_url;
mod jwt;
mod keyed;
mod public_key;
mod secrets;
mod standard_webhooks;
mod timestamped;

use otpmux_core::{Blame, Certainty, Error, ErrorKind, ProviderId};

pub use encoding::Encoding;
pub use form::{sorted_fields, url_forms};
pub use freshness::{DEFAULT_WINDOW, check_fresh, check_fresh_time};
pub use in_url::{check_secret_in_url, token_in_url};
pub use jwt::check_jwt_hs256;
pub use keyed::{Digest, digest, hmac, same};
pub use public_key::{PublicKey, PublicKeyError, PublicKeys, Scheme};
pub use secrets::ReceiptSecrets;
pub use standard_webhooks::{
    StandardWebhook, check_standard_webhook, check_standard_webhook_within,
};
pub use timestamped::check_timestamped;

/// Why a receipt does not prove that it comes from the vendor. Shows nothing of the receipt.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignatureError {
    /// The receipt carries no signature, or a part of it is absent.
    #[error("the receipt has no signature")]
    Missing,
    /// The signature does not have the form that the vendor documents.
    #[error("the signature of the receipt cannot be read")]
    Unreadable,
    /// The signature was made with another secret, or over another receipt or URL.
    #[error("the signature of the receipt does not match; check `receipt_secret` and `public_url`")]
    Mismatch,
    /// The signed time is too far from now. Either the receipt is a repeat, or a clock is wrong.
    #[error("the signature of the receipt is too old, or from the future")]
    Stale,
}

otpmux_core::debug_as_display!(SignatureError);

impl SignatureError {
    /// Returns the error of [`OtpProvider::receipts`](otpmux_core::OtpProvider::receipts): kind
    /// [`Unauthenticated`](ErrorKind::Unauthenticated), the caller's fault, nothing sent.
    pub fn at(self, provider: &ProviderId) -> Error {
        Error::new(ErrorKind::Unauthenticated, Certainty::NotSent, Blame::Caller)
            .with_provider(provider.clone())
            .with_detail(self.to_string())
    }
}
