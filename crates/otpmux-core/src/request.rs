use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;

use crate::{Channel, Code, CodeSource, Purpose, Recipient, VendorReference};

/// What the caller wants sent. Fields that a provider cannot honour make it refuse the request
/// before any I/O (see [`Capabilities::check_send`](crate::Capabilities::check_send)), unless their
/// documentation calls them wishes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SendRequest {
    /// Who gets the code.
    pub recipient: Recipient,
    /// How it gets there.
    pub channel: Channel,
    /// Who makes the code.
    pub code: CodeSource,
    /// How long the code is good for; `None` leaves it to the vendor.
    pub ttl: Option<Duration>,
    /// The text of the message, with `{code}` where the code belongs. A wish: a vendor that sends
    /// by template ignores it.
    pub message: Option<String>,
    /// The subject of an e-mail. Ignored on every other channel.
    pub subject: Option<String>,
    /// The vendor's name for a message template, overriding the configured one. A wish.
    pub template: Option<String>,
    /// The language of the message, such as `pt` or `pt-BR`. A wish.
    pub locale: Option<String>,
    /// The sender's name, overriding the configured one. A wish.
    pub sender: Option<String>,
    /// What the verification is for.
    pub purpose: Purpose,
    /// What is known about the end user's device.
    pub client: ClientContext,
    /// Further parameters, by provider kind, then by the vendor's own word. A wish: an adapter takes
    /// those that it documents and ignores the rest.
    pub extensions: BTreeMap<String, Value>,
}

impl SendRequest {
    /// A request with everything optional left open.
    pub fn new(recipient: impl Into<Recipient>, channel: Channel, code: CodeSource) -> Self {
        Self {
            recipient: recipient.into(),
            channel,
            code,
            ttl: None,
            message: None,
            subject: None,
            template: None,
            locale: None,
            sender: None,
            purpose: Purpose::default(),
            client: ClientContext::default(),
            extensions: BTreeMap::new(),
        }
    }
}

/// A code to be checked by the vendor that made it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct VerifyRequest {
    /// Who got the code: some vendors verify by number rather than by id.
    pub recipient: Recipient,
    /// What the vendor answered to the send; `None` when that answer was lost.
    pub reference: Option<VendorReference>,
    /// The code that the user typed.
    pub code: Code,
    /// What is known about the end user's device.
    pub client: ClientContext,
}

impl VerifyRequest {
    /// A request without client context.
    pub fn new(recipient: Recipient, reference: Option<VendorReference>, code: Code) -> Self {
        Self { recipient, reference, code, client: ClientContext::default() }
    }
}

/// A wish to have the vendor's code sent again by the same vendor.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ResendRequest {
    /// What was sent before.
    pub target: Target,
    /// Another channel than before, if the vendor can.
    pub channel: Option<Channel>,
}

impl ResendRequest {
    /// The same again.
    pub fn new(target: Target) -> Self {
        Self { target, channel: None }
    }
}

/// A message or verification at the vendor, for cancel and status.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Target {
    /// Who got it.
    pub recipient: Recipient,
    /// What the vendor answered to the send; `None` when that answer was lost.
    pub reference: Option<VendorReference>,
}

impl Target {
    /// Names what was sent.
    pub fn new(recipient: Recipient, reference: Option<VendorReference>) -> Self {
        Self { recipient, reference }
    }
}

/// What is known about the end user's device. Some vendors use it against fraud.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientContext {
    /// The address that the user's request came from.
    pub ip: Option<IpAddr>,
    /// The `User-Agent` of the user's request.
    pub user_agent: Option<String>,
}

impl ClientContext {
    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the address that the user's request came from.
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
    /// An address is personal: only whether it is known is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientContext")
            .field("ip", &self.ip.map(|_| "•••"))
            .field("user_agent", &self.user_agent.as_ref().map(|_| "•••"))
            .finish()
    }
}
