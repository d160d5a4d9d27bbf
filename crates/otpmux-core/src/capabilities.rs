use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    Blame, Certainty, Channel, CodeSource, Error, ErrorKind, ProviderId, Recipient, SendRequest,
};

/// What one provider can do, as data. Engines route by it and refuse by it before any I/O; the
/// conformance suite runs a trial for every claim made here.
///
/// ```
/// use otpmux_core::{Capabilities, Channel};
/// let capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=6);
/// assert!(!capabilities.status);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// The channels that it sends by.
    pub channels: Vec<Channel>,
    /// The lengths of codes that otpmux generated that it carries; `None` when it takes none.
    pub otpmux_codes: Option<RangeInclusive<u8>>,
    /// Whether it makes codes of its own, which only it can verify.
    pub vendor_codes: Option<VendorCodes>,
    /// The TTLs that it lets us set; `None` when it takes none.
    pub ttls: Option<RangeInclusive<Duration>>,
    /// The beginnings of the telephone numbers that it reaches, each with its `+`; empty means all.
    pub phone_prefixes: &'static [&'static str],
    /// It takes a text of ours for the message.
    pub message: bool,
    /// It takes the name of a template.
    pub template: bool,
    /// It takes a language.
    pub locale: bool,
    /// It takes a sender's name.
    pub sender: bool,
    /// It sends its own code again on [`OtpProvider::resend`](crate::OtpProvider::resend).
    pub resend: bool,
    /// It answers [`OtpProvider::cancel`](crate::OtpProvider::cancel).
    pub cancel: bool,
    /// It answers [`OtpProvider::status`](crate::OtpProvider::status).
    pub status: bool,
    /// On [`OtpProvider::status`](crate::OtpProvider::status) it finds a message by our idempotency
    /// key, when the answer with its reference was lost.
    pub status_by_key: bool,
    /// It answers [`OtpProvider::balance`](crate::OtpProvider::balance).
    pub balance: bool,
    /// It is known to send once, however often a send with one idempotency key reaches it. Being
    /// documented is not enough: a wrong claim here costs users a second message.
    pub idempotent: bool,
    /// Recipients that the vendor has for tests, to be verified by the vendor's own fixed codes.
    /// Empty unless the configuration switches them on: whoever names such a recipient gets in.
    pub test_recipients: &'static [&'static str],
    /// What the vendor's documentation says about its limits.
    pub limits: Limits,
}

/// The codes that a vendor makes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VendorCodes {
    /// The lengths that can be asked for; `None` when the vendor alone decides.
    pub lengths: Option<RangeInclusive<u8>>,
}

/// A vendor's documented limits, as data for limiters, pages and emulators.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Requests of one account or key.
    pub requests: Vec<RateLimit>,
    /// Sends to one recipient.
    pub sends_per_recipient: Vec<RateLimit>,
    /// Wrong codes before a verification is locked.
    pub guesses: Option<u32>,
    /// How long it stays locked.
    pub lockout: Option<Duration>,
}

/// What a provider lacks for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Incompatibility {
    /// It does not send by this channel.
    Channel,
    /// It does not reach this country or kind of number.
    Recipient,
    /// It takes no code of ours.
    OtpmuxCode,
    /// It makes no codes of its own.
    VendorCode,
    /// The code's length is outside its range.
    CodeLength,
    /// The TTL is outside its range.
    Ttl,
}

impl Incompatibility {
    /// The word that the HTTP API and the command use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Channel => "unsupported_channel",
            Self::Recipient => "unsupported_recipient",
            Self::OtpmuxCode => "unsupported_otpmux_code",
            Self::VendorCode => "unsupported_vendor_code",
            Self::CodeLength => "unsupported_code_length",
            Self::Ttl => "unsupported_ttl",
        }
    }

    /// The same, for an operator.
    pub fn words(self) -> &'static str {
        match self {
            Self::Channel => "this provider does not send by this channel",
            Self::Recipient => "this provider does not reach this country or kind of number",
            Self::OtpmuxCode => "this provider does not take a otpmux_code code",
            Self::VendorCode => "this provider makes no codes of its own",
            Self::CodeLength => "the code's length is outside this provider's range",
            Self::Ttl => "the ttl is outside this provider's range",
        }
    }
}

/// So many in so long a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// How many.
    pub count: u32,
    /// In how long a time.
    pub per: Duration,
}

impl RateLimit {
    /// `count` in any window of length `per`.
    pub const fn new(count: u32, per: Duration) -> Self {
        Self { count, per }
    }
}

impl Capabilities {
    /// A provider that sends by these channels and claims nothing else.
    pub fn new(channels: impl IntoIterator<Item = Channel>) -> Self {
        Self {
            channels: channels.into_iter().collect(),
            otpmux_codes: None,
            vendor_codes: None,
            ttls: None,
            phone_prefixes: &[],
            message: false,
            template: false,
            locale: false,
            sender: false,
            resend: false,
            cancel: false,
            status: false,
            status_by_key: false,
            balance: false,
            idempotent: false,
            test_recipients: &[],
            limits: Limits::default(),
        }
    }

    /// It carries codes that otpmux generated of these lengths.
    pub fn with_otpmux_codes(mut self, lengths: RangeInclusive<u8>) -> Self {
        self.otpmux_codes = Some(lengths);
        self
    }

    /// It makes and verifies codes of its own; `lengths` are those that can be asked for.
    pub fn with_vendor_codes(mut self, lengths: Option<RangeInclusive<u8>>) -> Self {
        self.vendor_codes = Some(VendorCodes { lengths });
        self
    }

    /// It lets us set the TTL within this range.
    pub fn with_ttls(mut self, ttls: RangeInclusive<Duration>) -> Self {
        self.ttls = Some(ttls);
        self
    }

    /// Whether a recipient is reached by any of this provider's channels, so far as its number
    /// tells.
    pub fn reaches(&self, recipient: &Recipient) -> bool {
        match recipient {
            Recipient::Phone(phone) => {
                self.phone_prefixes.is_empty()
                    || self.phone_prefixes.iter().any(|prefix| phone.expose().starts_with(prefix))
            }
            Recipient::Email(_) => self.channels.iter().any(Channel::wants_email),
        }
    }

    /// Refuses what this provider cannot send, before any I/O.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`], never sent, blamed on the provider: another one may be able to.
    /// [`ErrorKind::InvalidRequest`], never sent, blamed on the caller, when recipient and channel
    /// do not go together: no provider could send that.
    pub fn check_send(&self, provider: &ProviderId, request: &SendRequest) -> Result<(), Error> {
        let email = matches!(request.recipient, Recipient::Email(_));
        let open = matches!(request.channel, Channel::Other(_));
        if !open && request.channel.wants_email() != email {
            return Err(Error::new(ErrorKind::InvalidRequest, Certainty::NotSent, Blame::Caller)
                .with_provider(provider.clone())
                .with_detail("the channel and the recipient do not go together"));
        }
        match self.incompatibility(request) {
            None => Ok(()),
            Some(what) => Err(Error::unsupported(provider, what.words())),
        }
    }

    /// What this provider lacks for a request, if something. Whether channel and recipient go
    /// together is not looked at.
    pub fn incompatibility(&self, request: &SendRequest) -> Option<Incompatibility> {
        if !self.channels.contains(&request.channel) {
            return Some(Incompatibility::Channel);
        }
        if !self.reaches(&request.recipient) {
            return Some(Incompatibility::Recipient);
        }
        let (lengths, wanted) = match &request.code {
            CodeSource::Otpmux(code) => match &self.otpmux_codes {
                None => return Some(Incompatibility::OtpmuxCode),
                lengths => (lengths.as_ref(), Some(code.length())),
            },
            CodeSource::Vendor { length } => match &self.vendor_codes {
                None => return Some(Incompatibility::VendorCode),
                Some(codes) => (codes.lengths.as_ref(), *length),
            },
        };
        if let Some(wanted) = wanted
            && !lengths.is_some_and(|lengths| lengths.contains(&wanted))
        {
            return Some(Incompatibility::CodeLength);
        }
        if let (Some(range), Some(wanted)) = (&self.ttls, request.ttl)
            && !range.contains(&wanted)
        {
            return Some(Incompatibility::Ttl);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn capabilities() -> Capabilities {
        let mut capabilities = Capabilities::new([Channel::Sms])
            .with_otpmux_codes(4..=6)
            .with_ttls(Duration::from_mins(1)..=Duration::from_hours(1));
        capabilities.phone_prefixes = &["+91"];
        capabilities
    }

    fn request(to: &str, code: &str) -> SendRequest {
        let code = CodeSource::Otpmux(code.parse().unwrap());
        SendRequest::new(to.parse::<Recipient>().unwrap(), Channel::Sms, code)
    }

    fn check(request: &SendRequest) -> Result<(), (ErrorKind, Blame, String)> {
        let id = ProviderId::new("p").unwrap();
        capabilities().check_send(&id, request).map_err(|error| {
            assert_eq!(error.certainty(), Certainty::NotSent);
            (error.kind(), error.blame(), error.detail().to_owned())
        })
    }

    #[test]
    fn takes_what_fits() {
        let mut fits = request("+919876543210", "123456");
        fits.ttl = Some(Duration::from_mins(5));
        assert_eq!(check(&fits), Ok(()));
    }

    #[test]
    fn refuses_what_does_not_before_any_io() {
        let fits = || request("+919876543210", "123456");
        let mut cases = vec![(request("+14155550123", "123456"), "country")];
        cases.push((request("+919876543210", "12345678"), "length"));
        let mut voice = fits();
        voice.channel = Channel::Voice;
        cases.push((voice, "channel"));
        let mut short = fits();
        short.ttl = Some(Duration::from_secs(30));
        cases.push((short, "ttl"));
        let mut vendor = fits();
        vendor.code = CodeSource::Vendor { length: None };
        cases.push((vendor, "codes of its own"));
        for (request, word) in cases {
            let (kind, blame, detail) = check(&request).unwrap_err();
            assert_eq!((kind, blame), (ErrorKind::Unsupported, Blame::Provider));
            assert!(detail.contains(word), "{detail}");
        }
    }

    #[test]
    fn email_to_a_phone_is_the_callers_mistake() {
        let (kind, blame, _) = check(&request("a@example.com", "123456")).unwrap_err();
        assert_eq!((kind, blame), (ErrorKind::InvalidRequest, Blame::Caller));
    }
}
