use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use otpmux_core::{Channel, ClientContext, Purpose, Recipient};
use serde_json::Value;

use crate::ExternalId;
use crate::Repeat;

/// A verification to be sent, with options for its message.
///
/// ```
/// use otpmux_core::{Channel, Recipient};
/// use otpmux_engine::NewVerification;
///
/// let to: Recipient = "+14155550123".parse()?;
/// let new = NewVerification::to(to).by(Channel::Voice);
/// # Ok::<(), otpmux_core::RecipientError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewVerification {
    /// Recipient of the code.
    pub recipient: Recipient,
    /// Channel of the message; `None` means SMS for a number and e-mail for an address.
    pub channel: Option<Channel>,
    /// Purpose of the code: a code for one purpose is invalid for another.
    pub purpose: Purpose,
    /// How long the code is valid; `None` means the policy's TTL.
    pub ttl: Option<Duration>,
    /// Digits of the code; `None` means the policy's number, or the vendor's where it alone
    /// decides.
    pub code_length: Option<u8>,
    /// The text, with `{code}` in place of the code, for providers that take a text.
    pub message: Option<String>,
    /// The subject of an e-mail.
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
    /// What is known about the end user's device. Not stored.
    pub client: ClientContext,
    /// Further parameters, by provider kind, then by the vendor's parameter name.
    pub extensions: BTreeMap<String, Value>,
    /// The application's own notes, such as an order number: stored encrypted with the
    /// verification, returned by [`status`](crate::OtpClient::status), and never sent to a vendor.
    /// At most [`METADATA_ENTRIES`](Self::METADATA_ENTRIES).
    pub metadata: BTreeMap<String, String>,
    /// What happens while a verification of this recipient and purpose is live; `None` means the
    /// policy's [`repeat`](crate::Policy::repeat). With [`Repeat::SameCode`], the send is a resend
    /// of the live one by this request's channel and locale; everything else is as it was sent
    /// first.
    pub repeat: Option<Repeat>,
    /// The application's own id, by which the code can be verified too
    /// ([`Selector::External`](crate::Selector::External)). Unique within the purpose as long as
    /// the verification is known; released if the send failed. Stored as a keyed hash.
    pub external_id: Option<ExternalId>,
    /// Whether the [steps](crate::Route::escalate) of the route apply to it. If not, no message is
    /// sent that its user did not ask for.
    pub escalate: bool,
    /// Idempotency key. A repeat with the same key, from any process, returns the original
    /// verification and sends nothing. The key is valid as long as the verification is known, and
    /// is released if the send failed. Stored as a keyed hash.
    pub idempotency_key: Option<String>,
    /// What to do while the first request with this key is under way.
    pub in_flight: InFlight,
}

/// Options of a resend: another message for the same verification.
///
/// ```
/// use otpmux_core::Channel;
/// use otpmux_engine::Resend;
///
/// let resend = Resend::new().by(Channel::Voice).with_idempotency_key("page-3-again");
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Resend {
    /// Channel of the message; `None` means the policy decides.
    pub channel: Option<Channel>,
    /// Language of the message, such as `pt-BR`; `None` means that of the send.
    pub locale: Option<String>,
    /// Idempotency key. A repeat with the same key sends nothing and returns the present state of
    /// the verification. The key is valid as long as the verification, and is released if the
    /// resend failed. Stored as a keyed hash.
    pub idempotency_key: Option<String>,
    /// What to do while the first request with this key is under way.
    pub in_flight: InFlight,
}

impl Resend {
    /// A resend as the policy says.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the channel.
    pub fn by(mut self, channel: Channel) -> Self {
        self.channel = Some(channel);
        self
    }

    /// Sets the language of the message, such as `pt-BR`.
    pub fn with_locale(mut self, locale: impl Into<String>) -> Self {
        self.locale = Some(locale.into());
        self
    }

    /// Sets the idempotency key, so that a repeat sends nothing.
    pub fn with_idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }
}

/// Options of a verify, beside the code that the user typed.
///
/// ```
/// use otpmux_engine::Verify;
///
/// let verify = Verify::new().with_idempotency_key("form-17").from_client("192.0.2.1".parse()?);
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Verify {
    /// Idempotency key of this guess. A repeat with the same key, from any process, counts no guess
    /// and returns the same verdict, also an approval, so an answer that was lost can be requested
    /// again. The key is valid as long as the verification is known, and is released if the guess
    /// was not compared. Stored as a keyed hash. Another code with the same key is
    /// [`ErrorKind::KeyReused`](otpmux_core::ErrorKind::KeyReused).
    pub idempotency_key: Option<String>,
    /// The address of the end user's device. Wrong codes from one address then do not lock out
    /// users at another ([`MessageLimits::guesses`](crate::MessageLimits::guesses)). Stored only as
    /// a keyed hash.
    pub client: Option<IpAddr>,
    /// Expected recipient: a verification of another one is not found, and nothing is counted.
    pub recipient: Option<Recipient>,
    /// Expected purpose: a verification for another one is not found, and nothing is counted.
    pub purpose: Option<Purpose>,
}

impl Verify {
    /// A verify without options.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the idempotency key, so that a repeat counts no guess.
    pub fn with_idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Sets the client address that the code came from.
    pub fn from_client(mut self, address: IpAddr) -> Self {
        self.client = Some(address);
        self
    }

    /// Sets the expected recipient.
    pub fn for_recipient(mut self, recipient: impl Into<Recipient>) -> Self {
        self.recipient = Some(recipient.into());
        self
    }

    /// Sets the expected purpose.
    pub fn for_purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = Some(purpose);
        self
    }
}

/// What happens to a request while an earlier one with its idempotency key is under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InFlight {
    /// It waits for the result of the earlier one.
    #[default]
    Wait,
    /// It is refused with [`ErrorKind::Conflict`](otpmux_core::ErrorKind::Conflict).
    Refuse,
}

impl NewVerification {
    /// The most entries that its metadata may have.
    pub const METADATA_ENTRIES: usize = 16;
    /// The most characters that a key of its metadata may have; the minimum is 1.
    pub const METADATA_KEY: usize = 40;
    /// The most characters that a value of its metadata may have.
    pub const METADATA_VALUE: usize = 200;

    /// A verification of this recipient; policy and provider decide everything else.
    pub fn to(recipient: impl Into<Recipient>) -> Self {
        Self {
            recipient: recipient.into(),
            channel: None,
            purpose: Purpose::default(),
            ttl: None,
            code_length: None,
            message: None,
            subject: None,
            template: None,
            locale: None,
            sender: None,
            brand: None,
            variables: BTreeMap::new(),
            client: ClientContext::default(),
            extensions: BTreeMap::new(),
            metadata: BTreeMap::new(),
            repeat: None,
            external_id: None,
            escalate: true,
            idempotency_key: None,
            in_flight: InFlight::default(),
        }
    }

    /// Whether a send accepts these notes.
    pub fn metadata_fits(metadata: &BTreeMap<String, String>) -> bool {
        let fits = |(key, value): (&String, &String)| {
            (1..=Self::METADATA_KEY).contains(&key.chars().count())
                && value.chars().count() <= Self::METADATA_VALUE
        };
        metadata.len() <= Self::METADATA_ENTRIES && metadata.iter().all(fits)
    }

    pub(super) fn channel_or_default(&self) -> Channel {
        let email = self.recipient.email().is_some();
        let default = if email { Channel::Email } else { Channel::Sms };
        self.channel.clone().unwrap_or(default)
    }

    /// Sets the channel.
    pub fn by(mut self, channel: Channel) -> Self {
        self.channel = Some(channel);
        self
    }

    /// Sets the purpose.
    pub fn for_purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }

    /// Sets how long the code is valid.
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Sets the number of digits.
    pub fn with_code_length(mut self, digits: u8) -> Self {
        self.code_length = Some(digits);
        self
    }

    /// Sets what happens while a verification of this recipient and purpose is live.
    pub fn with_repeat(mut self, repeat: Repeat) -> Self {
        self.repeat = Some(repeat);
        self
    }

    /// Sets the idempotency key, so that a repeat sends nothing.
    pub fn with_idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Sets the application's own id.
    pub fn with_external_id(mut self, id: ExternalId) -> Self {
        self.external_id = Some(id);
        self
    }

    /// Sets what is known about the end user's device.
    pub fn from_client(mut self, client: ClientContext) -> Self {
        self.client = client;
        self
    }

    /// Sets the language of the message, such as `pt-BR`.
    pub fn with_locale(mut self, locale: impl Into<String>) -> Self {
        self.locale = Some(locale.into());
        self
    }

    /// Sets the value of a declared variable of the text.
    pub fn with_variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Sets the name of the service in the text, in place of the configured one.
    pub fn with_brand(mut self, brand: impl Into<String>) -> Self {
        self.brand = Some(brand.into());
        self
    }

    /// Sets the text, with `{code}` in place of the code.
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }
}
