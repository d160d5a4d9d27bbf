use std::net::IpAddr;

use otpmux_core::{Channel, Purpose, Recipient};

use super::SendOptions;
use super::options::impl_option_setters;
use crate::{EscalationStep, ExternalId, Repeat};

/// A verification to be sent, with options for its message.
///
/// ```
/// use otpmux_core::{Channel, Recipient};
/// use otpmux_engine::NewVerification;
///
/// let to: Recipient = "+14155550123".parse()?;
/// let new = NewVerification::to(to).by(Channel::Voice).with_locale("pt-BR");
/// # Ok::<(), otpmux_core::RecipientError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NewVerification {
    /// Recipient of the code.
    pub recipient: Recipient,
    /// Channel, purpose, TTL, text, and all else that deliveries have too.
    pub options: SendOptions,
    /// Digits of the code; `None` means the policy's number, or the vendor's where it alone
    /// decides.
    pub code_length: Option<u8>,
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
    /// Its own steps of escalation, in place of those of the route; empty means those of the route.
    /// At most [`EscalationStep::MOST`], each with a wait within [`EscalationStep::AFTER`]. Only where
    /// [`ClientBuilder::request_steps`](crate::ClientBuilder::request_steps) allows them. Stored
    /// encrypted with the verification.
    pub steps: Vec<EscalationStep>,
}

impl NewVerification {
    /// A verification of this recipient; policy and provider decide everything else.
    pub fn to(recipient: impl Into<Recipient>) -> Self {
        Self {
            recipient: recipient.into(),
            options: SendOptions::default(),
            code_length: None,
            repeat: None,
            external_id: None,
            escalate: true,
            steps: Vec::new(),
        }
    }

    pub(super) fn channel_or_default(&self) -> Channel {
        let email = self.recipient.email().is_some();
        let default = if email { Channel::Email } else { Channel::Sms };
        self.options.channel.clone().unwrap_or(default)
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

    /// Sets the application's own id.
    pub fn with_external_id(mut self, id: ExternalId) -> Self {
        self.external_id = Some(id);
        self
    }
}

impl_option_setters!(NewVerification);

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
