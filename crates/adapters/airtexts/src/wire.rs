//! Requests, with the vendor's own names: the overview and the send page document the fields of
//! send and verify, and the paths of the rest. Answers are not documented; see
//! [`read`](crate::read).

use serde::Serialize;

/// The endpoints, with the paths of the vendor's overview page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `POST /otp/send`.
    Send,
    /// `POST /otp/verify`.
    Verify,
    /// `POST /otp/resend`.
    Resend,
    /// `GET /otp/status`.
    Status,
    /// `GET /otp/list`.
    List,
    /// `GET /otp/logs`.
    Logs,
    /// `GET /otp/rate-limits`.
    RateLimits,
    /// `GET /otp/attempts`.
    Attempts,
    /// `GET /otp/reports`.
    Reports,
}

impl Endpoint {
    /// All endpoints.
    pub const ALL: [Self; 9] = [
        Self::Send,
        Self::Verify,
        Self::Resend,
        Self::Status,
        Self::List,
        Self::Logs,
        Self::RateLimits,
        Self::Attempts,
        Self::Reports,
    ];

    /// Returns its key in the setting `paths`.
    pub fn name(self) -> &'static str {
        self.name_and_path().0
    }

    /// Returns the documented path.
    pub fn path(self) -> &'static str {
        self.name_and_path().1
    }

    fn name_and_path(self) -> (&'static str, &'static str) {
        match self {
            Self::Send => ("send", "/otp/send"),
            Self::Verify => ("verify", "/otp/verify"),
            Self::Resend => ("resend", "/otp/resend"),
            Self::Status => ("status", "/otp/status"),
            Self::List => ("list", "/otp/list"),
            Self::Logs => ("logs", "/otp/logs"),
            Self::RateLimits => ("rate_limits", "/otp/rate-limits"),
            Self::Attempts => ("attempts", "/otp/attempts"),
            Self::Reports => ("reports", "/otp/reports"),
        }
    }

    /// Returns whether only its path is documented, so that it may be missing.
    pub(crate) fn is_optional(self) -> bool {
        !matches!(self, Self::Send | Self::Verify)
    }
}

/// Body of `POST /otp/send`. Optional fields are omitted, not sent as `null`.
#[derive(Serialize)]
pub(crate) struct Send<'a> {
    pub appid: &'a str,
    /// One number in international form with `+`: a sibling endpoint splits at `,` and `;`.
    pub recipient: &'a str,
    /// `sms` or `whatsapp`.
    pub channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<&'a str>,
    /// 4 to 8; the vendor's default is 6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otp_length: Option<u8>,
    /// The one name in camel case.
    #[serde(rename = "templateId", skip_serializing_if = "Option::is_none")]
    pub template_id: Option<u64>,
    /// A language such as `pt`; the vendor's default is `en`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lang: Option<&'a str>,
}

/// Body of `POST /otp/verify`.
#[derive(Serialize)]
pub(crate) struct Verify<'a> {
    pub appid: &'a str,
    /// Optional at the vendor; always sent, since it may bind the check to the number.
    pub recipient: &'a str,
    pub otp_code: &'a str,
    pub verification_id: &'a str,
}

/// Body of `POST /otp/resend`: the fields are assumed (A15).
#[derive(Serialize)]
pub(crate) struct Resend<'a> {
    pub appid: &'a str,
    pub recipient: &'a str,
    pub verification_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channel: Option<&'a str>,
}
