//! The options that a new verification and a new delivery share.

use std::collections::BTreeMap;
use std::time::Duration;

use otpmux_core::{Channel, ClientContext, Purpose};
use serde_json::Value;

use super::InFlight;

/// Options of a message and its code, for a [`NewVerification`](crate::NewVerification) and a
/// [`NewDelivery`](crate::NewDelivery). Both have a method for each.
///
/// ```
/// use otpmux_core::Recipient;
/// use otpmux_engine::{NewVerification, SendOptions};
///
/// let mut options = SendOptions::default();
/// options.locale = Some("pt-BR".to_owned());
/// let to: Recipient = "+14155550123".parse()?;
/// let new = NewVerification::to(to).with_options(options);
/// # Ok::<(), otpmux_core::RecipientError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SendOptions {
    /// Channel of the message; `None` means SMS for a number and e-mail for an address.
    pub channel: Option<Channel>,
    /// Purpose of the code, for routes, texts, limits, and the scope of a caller. The code of a
    /// verification for one purpose is invalid for another.
    pub purpose: Purpose,
    /// How long the code is valid; `None` means the policy's TTL. A delivery is kept as long:
    /// [`MIN_TTL`](crate::NewDelivery::MIN_TTL) to [`MAX_TTL`](crate::NewDelivery::MAX_TTL).
    pub ttl: Option<Duration>,
    /// The text, with `{code}` in place of the code, for providers that take a text. The text of a
    /// delivery may hold the code itself.
    pub message: Option<String>,
    /// The subject of an e-mail. That of a delivery may hold `{code}` or the code itself.
    pub subject: Option<String>,
    /// The vendor's name for a message template.
    pub template: Option<String>,
    /// The language of the message, such as `pt`.
    pub locale: Option<String>,
    /// The sender's name.
    pub sender: Option<String>,
    /// The name of the service in the text, in place of the configured one; needs
    /// [`Messages`](crate::Messages).
    pub brand: Option<String>,
    /// The values of the declared variables of the text.
    pub variables: BTreeMap<String, String>,
    /// The end user's device, as far as it is known. Not stored.
    pub client: ClientContext,
    /// Further parameters, by provider kind, then by the vendor's parameter name.
    pub extensions: BTreeMap<String, Value>,
    /// The application's own notes, such as an order number: stored encrypted, returned by
    /// [`status`](crate::OtpClient::status) and [`delivery`](crate::OtpClient::delivery), and never
    /// sent to a vendor. At most [`METADATA_ENTRIES`](Self::METADATA_ENTRIES).
    pub metadata: BTreeMap<String, String>,
    /// Idempotency key. A repeat with the same key, from any process, returns the original
    /// verification or delivery and sends nothing. The key is valid as long as that is known, and
    /// is released if the send failed. Stored as a keyed hash.
    pub idempotency_key: Option<String>,
    /// What to do while the first request with this key is under way.
    pub in_flight: InFlight,
}

impl SendOptions {
    /// The most entries that metadata may have.
    pub const METADATA_ENTRIES: usize = 16;
    /// The most characters that a key of metadata may have; the minimum is 1.
    pub const METADATA_KEY: usize = 40;
    /// The most characters that a value of metadata may have.
    pub const METADATA_VALUE: usize = 200;

    /// Whether a send accepts these notes.
    pub fn metadata_fits(metadata: &BTreeMap<String, String>) -> bool {
        let fits = |(key, value): (&String, &String)| {
            (1..=Self::METADATA_KEY).contains(&key.chars().count())
                && value.chars().count() <= Self::METADATA_VALUE
        };
        metadata.len() <= Self::METADATA_ENTRIES && metadata.iter().all(fits)
    }
}

/// Implements the setters of [`SendOptions`] for a type that has them in its field `options`.
macro_rules! impl_option_setters {
    ($type:ty) => {
        impl $type {
            /// Replaces all options.
            pub fn with_options(mut self, options: $crate::SendOptions) -> Self {
                self.options = options;
                self
            }

            /// Sets the channel.
            pub fn by(mut self, channel: ::otpmux_core::Channel) -> Self {
                self.options.channel = Some(channel);
                self
            }

            /// Sets the purpose.
            pub fn for_purpose(mut self, purpose: ::otpmux_core::Purpose) -> Self {
                self.options.purpose = purpose;
                self
            }

            /// Sets how long the code is valid.
            pub fn with_ttl(mut self, ttl: ::std::time::Duration) -> Self {
                self.options.ttl = Some(ttl);
                self
            }

            /// Sets the text, with `{code}` in place of the code.
            pub fn with_message(mut self, message: impl Into<String>) -> Self {
                self.options.message = Some(message.into());
                self
            }

            /// Sets the subject of an e-mail.
            pub fn with_subject(mut self, subject: impl Into<String>) -> Self {
                self.options.subject = Some(subject.into());
                self
            }

            /// Sets the vendor's name for a message template.
            pub fn with_template(mut self, template: impl Into<String>) -> Self {
                self.options.template = Some(template.into());
                self
            }

            /// Sets the language of the message, such as `pt-BR`.
            pub fn with_locale(mut self, locale: impl Into<String>) -> Self {
                self.options.locale = Some(locale.into());
                self
            }

            /// Sets the sender's name.
            pub fn with_sender(mut self, sender: impl Into<String>) -> Self {
                self.options.sender = Some(sender.into());
                self
            }

            /// Sets the name of the service in the text, in place of the configured one.
            pub fn with_brand(mut self, brand: impl Into<String>) -> Self {
                self.options.brand = Some(brand.into());
                self
            }

            /// Sets the value of a declared variable of the text.
            pub fn with_variable(
                mut self,
                name: impl Into<String>,
                value: impl Into<String>,
            ) -> Self {
                self.options.variables.insert(name.into(), value.into());
                self
            }

            /// Adds one of the application's own notes.
            pub fn with_metadata(
                mut self,
                key: impl Into<String>,
                value: impl Into<String>,
            ) -> Self {
                self.options.metadata.insert(key.into(), value.into());
                self
            }

            /// Sets the end user's device.
            pub fn from_client(mut self, client: ::otpmux_core::ClientContext) -> Self {
                self.options.client = client;
                self
            }

            /// Sets the idempotency key, so that a repeat sends nothing.
            pub fn with_idempotency_key(mut self, key: impl Into<String>) -> Self {
                self.options.idempotency_key = Some(key.into());
                self
            }
        }
    };
}
pub(super) use impl_option_setters;
