//! Webhooks that otpmux sends: signed as [Standard Webhooks](https://www.standardwebhooks.com) says, to
//! public addresses only.
//!
//! ```
//! use otpmux_http::webhook::{WebhookSecret, WebhookUrl};
//!
//! let url = WebhookUrl::parse("https://example.com/otp-events", false)?;
//! assert!(WebhookUrl::parse("https://10.0.0.7/otp-events", false).is_err());
//! let secret: WebhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse()?;
//! let signature = secret.sign("msg_1", 1_700_000_000, b"{}");
//! assert!(signature.starts_with("v1,"));
//! # let _ = url;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
mod secret;
mod sender;
mod url;

pub use crate::client::resolver::{Lookup, SystemLookup};
pub use address::is_public;
pub use secret::{WebhookSecret, WebhookSecretError};
pub use sender::{Posted, WebhookSender};
pub use url::{WebhookUrl, WebhookUrlError};
