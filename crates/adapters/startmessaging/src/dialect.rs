use std::time::Duration;

use otpmux_core::{Capabilities, Channel, Code, Context, RateLimit, SendRequest, VendorReference};
use serde::{Deserialize, Serialize};

use crate::wire::{Send, Variables, Verify};

const MINUTE: Duration = Duration::from_mins(1);

/// The prefixes of Indian mobiles, in the form that the vendor's server accepts.
const INDIAN_MOBILES: &[&str] = &["+916", "+917", "+918", "+919"];

/// The side that verifies codes. It never changes by itself: after a managed send the user may hold
/// a code that only the vendor knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Mode {
    /// otpmux generates and verifies the code; the vendor sends it.
    #[default]
    Transport,
    /// The vendor verifies, in one of its documented dialects.
    Managed(Dialect),
}

/// A version of the API as the vendor has documented it. The operator chooses it, since a trial
/// could cost a guess: a verify in the wrong dialect may count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Dialect {
    /// The tutorials: the vendor generates the code.
    #[default]
    A,
    /// The reference of February 2026: a code of otpmux in `otp`; the only dialect with a resend.
    B,
    /// The documentation since then: a code of otpmux in `variables.otp`.
    C,
}

impl Mode {
    /// Returns whether its sends have fields for templates.
    pub(crate) fn has_variables(self) -> bool {
        matches!(self, Self::Transport | Self::Managed(Dialect::C))
    }

    /// Returns whether the vendor generates the code.
    pub(crate) fn vendor_makes_code(self) -> bool {
        self == Self::Managed(Dialect::A)
    }

    /// Returns what the vendor documents for it. Where otpmux generates the code, otpmux verifies
    /// it, though dialects b and c have a verify, too.
    pub(crate) fn capabilities(self) -> Capabilities {
        let mut capabilities = Capabilities::new([Channel::Sms]);
        if self.vendor_makes_code() {
            capabilities = capabilities.with_vendor_codes(None);
            capabilities.limits.guesses = Some(3);
        } else {
            // Some pages say 8; the server refuses more than 6.
            capabilities = capabilities.with_otpmux_codes(4..=6);
            // The tutorials' answers have no message id.
            capabilities.status = true;
        }
        capabilities.phone_prefixes = INDIAN_MOBILES;
        capabilities.template = self.has_variables();
        capabilities.balance = true;
        // The limits page and the SMS page.
        capabilities.limits.requests = vec![RateLimit::new(20, Duration::from_secs(1))];
        capabilities.limits.sends_per_recipient = vec![RateLimit::new(3, 5 * MINUTE)];
        capabilities
    }

    /// Returns the body of a send. `template` and `app_name` are used where the dialect has fields
    /// for them.
    pub(crate) fn send<'a>(
        self,
        cx: &Context,
        request: &'a SendRequest,
        template: Option<&'a str>,
        app_name: Option<&'a str>,
    ) -> Send<'a> {
        let otp = request.code.otpmux_code().map(Code::expose);
        let variables =
            otp.map(|otp| Variables { otp, app_name, expiry: request.ttl.map(minutes) });
        Send {
            phone_number: request.recipient.expose(),
            otp: otp.filter(|_| self == Self::Managed(Dialect::B)),
            variables: variables.filter(|_| self.has_variables()),
            template_id: template.filter(|id| self.has_variables() && !id.is_empty()),
            idempotency_key: cx.idempotency_key.to_string(),
        }
    }
}

/// Rounds down: a message must not promise more time than there is.
fn minutes(ttl: Duration) -> String {
    (ttl.as_secs() / 60).max(1).to_string()
}

impl Dialect {
    /// Returns the body of a verify.
    pub(crate) fn verify<'a>(self, id: &'a str, code: &'a Code) -> Verify<'a> {
        let code = code.expose();
        match self {
            Self::A | Self::C => Verify::RequestId { request_id: id, otp_code: code },
            Self::B => Verify::OtpRequestId { otp_request_id: id, otp: code },
        }
    }
}

/// The result of a send, and how it was made: all that later calls need.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reference {
    pub mode: Mode,
    /// For verify and resend.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otp: Option<String>,
    /// For the delivery status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

impl Reference {
    /// Encodes it for the store; `None` if it is empty.
    pub(crate) fn write(&self) -> Option<VendorReference> {
        let text = serde_json::to_string(self).ok()?;
        (self.otp.is_some() || self.message.is_some()).then(|| VendorReference::new(text))
    }

    pub(crate) fn read(reference: Option<&VendorReference>) -> Option<Self> {
        serde_json::from_str(reference?.as_str()).ok()
    }

    /// Returns the dialect and id of a managed send; `None` if the vendor cannot verify it.
    pub(crate) fn managed(reference: Option<&VendorReference>) -> Option<(Dialect, String)> {
        let reference = Self::read(reference)?;
        match reference.mode {
            Mode::Transport => None,
            Mode::Managed(dialect) => Some((dialect, reference.otp?)),
        }
    }
}
