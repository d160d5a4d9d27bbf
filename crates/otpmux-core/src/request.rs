use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;

use crate::{Channel, Code, CodeSource, Message, Purpose, Recipient, VendorReference};

/// A request to send. A provider that does not support a field rejects the request before any I/O
/// (see [`Capabilities::check_send`](crate::Capabilities::check_send)), unless the field is
/// documented as a wish.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SendRequest {
    /// The recipient of the code.
    pub recipient: Recipient,
    /// The channel.
    pub channel: Channel,
    /// The generator of the code.
    pub code: CodeSource,
    /// The TTL of the code; `None` leaves it to the vendor.
    pub ttl: Option<Duration>,
    /// The message. A wish, unless the provider
    /// [needs one](crate::Capabilities::needs_message): a vendor that sends by template ignores it.
    pub message: Option<Message>,
    /// The vendor's name for a message template; overrides the configured one. A wish.
    pub template: Option<String>,
    /// The language of the message, such as `pt` or `pt-BR`. A wish.
    pub locale: Option<String>,
    /// The sender's name; overrides the configured one. A wish.
    pub sender: Option<String>,
    /// The purpose of the verification.
    pub purpose: Purpose,
    /// The end user's device.
    pub client: ClientContext,
    /// Further parameters, by provider kind, then by the vendor's word. A wish: an adapter uses
    /// those that it documents and ignores the rest.
    pub extensions: BTreeMap<String, Value>,
}

impl SendRequest {
    /// Returns a request without optional values.
    pub fn new(recipient: impl Into<Recipient>, channel: Channel, code: CodeSource) -> Self {
        Self {
            recipient: recipient.into(),
            channel,
            code,
            ttl: None,
            message: None,
            template: None,
            locale: None,
            sender: None,
            purpose: Purpose::default(),
            client: ClientContext::default(),
            extensions: BTreeMap::new(),
        }
    }
}

/// A request to verify a code at the vendor that generated it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VerifyRequest {
    /// The recipient of the code: some vendors verify by number rather than by id.
    pub recipient: Recipient,
    /// The reference that the vendor returned for the send; `None` if its answer was lost.
    pub reference: Option<VendorReference>,
    /// The code that the user typed.
    pub code: Code,
    /// The end user's device.
    pub client: ClientContext,
}

impl VerifyRequest {
    /// Returns a request without client context.
    pub fn new(recipient: Recipient, reference: Option<VendorReference>, code: Code) -> Self {
        Self { recipient, reference, code, client: ClientContext::default() }
    }
}

/// A request to send the vendor's code again, by the same vendor.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ResendRequest {
    /// The earlier message.
    pub target: Target,
    /// Another channel than before, if the vendor supports it.
    pub channel: Option<Channel>,
}

impl ResendRequest {
    /// Returns a request with the same channel.
    pub fn new(target: Target) -> Self {
        Self { target, channel: None }
    }
}

/// A message or verification at the vendor, for cancel and status.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Target {
    /// The recipient.
    pub recipient: Recipient,
    /// The reference that the vendor returned for the send; `None` if its answer was lost.
    pub reference: Option<VendorReference>,
}

impl Target {
    /// Returns a target.
    pub fn new(recipient: Recipient, reference: Option<VendorReference>) -> Self {
        Self { recipient, reference }
    }
}

/// A report to the vendor on how a verification ended whose code otpmux generated. Vendors with
/// protection against fraud, and those that go on sending until a code is verified, need it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReportRequest {
    /// The message.
    pub target: Target,
    /// How the verification ended.
    pub outcome: Outcome,
    /// The code, for a vendor that must verify it; `None` unless it was approved.
    pub code: Option<Code>,
}

impl ReportRequest {
    /// Returns a report without a code.
    pub fn new(target: Target, outcome: Outcome) -> Self {
        Self { target, outcome, code: None }
    }

    /// Sets the code.
    pub fn with_code(mut self, code: Code) -> Self {
        self.code = Some(code);
        self
    }
}

/// How a verification ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The user typed the right code.
    Approved,
    /// The application cancelled the verification.
    Cancelled,
}

impl Outcome {
    /// Returns the word that logs and golden files use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Data on the end user's device. Some vendors use it against fraud.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientContext {
    /// The IP address that the user's request came from.
    pub ip: Option<IpAddr>,
    /// The `User-Agent` of the user's request.
    pub user_agent: Option<String>,
}

impl ClientContext {
    /// Returns an empty context.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the IP address that the user's request came from.
    pub fn with_ip(mut self, ip: IpAddr) -> Self {
        self.ip = Some(ip);
        self
    }

    /// Adds the `User-Agent` of the user's request.
    pub fn with_user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }
}

impl fmt::Debug for ClientContext {
    /// An IP address is personal: only its presence is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientContext")
            .field("ip", &self.ip.map(|_| "•••"))
            .field("user_agent", &self.user_agent.as_ref().map(|_| "•••"))
            .finish()
    }
}
