use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use otpmux_core::{Channel, ClientContext, Purpose, Recipient};
use serde_json::Value;

/// What an application wants verified, and its wishes for the message.
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
    /// Who gets the code.
    pub recipient: Recipient,
    /// How it gets there; `None` means sms for a number and e-mail for an address.
    pub channel: Option<Channel>,
    /// What for: a code for one purpose is no good for another.
    pub purpose: Purpose,
    /// How long the code is good for; `None` means the policy's TTL.
    pub ttl: Option<Duration>,
    /// Digits of the code; `None` means the policy's, or the vendor's where it alone decides.
    pub code_length: Option<u8>,
    /// The text, with `{code}` where the code belongs, where the provider takes one.
    pub message: Option<String>,
    /// The subject of an e-mail.
    pub subject: Option<String>,
    /// The vendor's name for a message template.
    pub template: Option<String>,
    /// The language of the message, such as `pt`.
    pub locale: Option<String>,
    /// The sender's name.
    pub sender: Option<String>,
    /// What is known about the end user's device. Not stored.
    pub client: ClientContext,
    /// Further parameters, by provider kind, then by the vendor's own word.
    pub extensions: BTreeMap<String, Value>,
    /// The application's own notes, such as an order's number: kept encrypted with the verification,
    /// given back by [`status`](crate::OtpClient::status), and told to nobody else. At most
    /// [`METADATA_ENTRIES`](Self::METADATA_ENTRIES).
    pub metadata: BTreeMap<String, String>,
    /// A name for this request: saying it again under the same name, from whichever process, sends
    /// nothing and gives the verification that the first one made. Good as long as that is known. A
    /// request that came to nothing frees its name. Payload as a keyed hash.
    pub idempotency_key: Option<String>,
    /// What to do when the first request under this name is still under way.
    pub in_flight: InFlight,
}

/// A wish for another message with the same verification.
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
    /// How it gets there; `None` means as the policy says.
    pub channel: Option<Channel>,
    /// A name for this request: saying it again under the same name sends nothing, and tells how
    /// the verification stands since. Good as long as the verification. A resend that came to
    /// nothing frees its name. Payload as a keyed hash.
    pub idempotency_key: Option<String>,
    /// What to do when the first request under this name is still under way.
    pub in_flight: InFlight,
}

impl Resend {
    /// As the policy says.
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses the channel.
    pub fn by(mut self, channel: Channel) -> Self {
        self.channel = Some(channel);
        self
    }

    /// Names the request, so that saying it twice sends once.
    pub fn with_idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }
}

/// What belongs to a code that somebody has typed, beside the code.
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
    /// A name for this guess: saying it again under the same name, from whichever process, counts
    /// nothing and gives the same verdict, an approval too; so an answer that was lost can be asked for
    /// again. Good as long as the verification is known. A guess that nobody has compared frees its
    /// name. Payload as a keyed hash. Under one name there is one code:
    /// [`ErrorKind::KeyReused`](otpmux_core::ErrorKind::KeyReused).
    pub idempotency_key: Option<String>,
    /// The address of the end user's device. Wrong codes from one address then lock out nobody at
    /// another ([`MessageLimits::guesses`](crate::MessageLimits::guesses)). Not kept, but as a keyed
    /// hash.
    pub client: Option<IpAddr>,
    /// Who is to prove: a verification of anyone else is not found, and nothing is counted.
    pub recipient: Option<Recipient>,
    /// What for: a verification for anything else is not found, and nothing is counted.
    pub purpose: Option<Purpose>,
}

impl Verify {
    /// A code alone.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the guess, so that saying it twice counts once.
    pub fn with_idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Says from which address the code came.
    pub fn from_client(mut self, address: IpAddr) -> Self {
        self.client = Some(address);
        self
    }

    /// Expects a recipient.
    pub fn for_recipient(mut self, recipient: impl Into<Recipient>) -> Self {
        self.recipient = Some(recipient.into());
        self
    }

    /// Expects a purpose.
    pub fn for_purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = Some(purpose);
        self
    }
}

/// What becomes of a request while an earlier one under its name is still under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InFlight {
    /// It waits for what the other comes to.
    #[default]
    Wait,
    /// It is refused with [`ErrorKind::Conflict`](otpmux_core::ErrorKind::Conflict).
    Refuse,
}

impl NewVerification {
    /// How many entries its metadata may have.
    pub const METADATA_ENTRIES: usize = 16;
    /// How many characters a key of its metadata may have; it has one at least.
    pub const METADATA_KEY: usize = 40;
    /// How many characters a value of its metadata may have.
    pub const METADATA_VALUE: usize = 200;

    /// A verification of this recipient, with everything else left to policy and provider.
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
            client: ClientContext::default(),
            extensions: BTreeMap::new(),
            metadata: BTreeMap::new(),
            idempotency_key: None,
            in_flight: InFlight::default(),
        }
    }

    /// Whether a send would take these notes.
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

    /// Chooses the channel.
    pub fn by(mut self, channel: Channel) -> Self {
        self.channel = Some(channel);
        self
    }

    /// Names the purpose.
    pub fn for_purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }

    /// Sets how long the code is good for.
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Sets the number of digits.
    pub fn with_code_length(mut self, digits: u8) -> Self {
        self.code_length = Some(digits);
        self
    }

    /// Names the request, so that saying it twice sends once.
    pub fn with_idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Says what is known about the end user's device.
    pub fn from_client(mut self, client: ClientContext) -> Self {
        self.client = client;
        self
    }

    /// Sets the text, with `{code}` where the code belongs.
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }
}
