use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    Blame, Certainty, Channel, CodeSource, CountryCode, Error, ErrorKind, ProviderId, ReceiptTrust,
    Recipient, SendRequest,
};

/// The capabilities of one provider, as data. Engines route by them and reject unsupported requests
/// before any I/O; the conformance suite tests every claim.
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
    /// The lengths of otpmux-generated codes that it carries; `None` if it carries none.
    pub otpmux_codes: Option<RangeInclusive<u8>>,
    /// The codes that it carries may have ASCII letters: it writes them into a text, or its vendor
    /// documents them.
    pub letters_in_codes: bool,
    /// The codes that the vendor generates and only it can verify, if it does.
    pub vendor_codes: Option<VendorCodes>,
    /// The TTLs that can be set; `None` if the TTL cannot be set.
    pub ttls: Option<RangeInclusive<Duration>>,
    /// The prefixes of the telephone numbers that it reaches, each with its `+`; empty means all.
    pub phone_prefixes: &'static [&'static str],
    /// The countries whose telephone numbers it reaches; empty means all.
    pub countries: Vec<CountryCode>,
    /// It accepts the message.
    pub message: bool,
    /// It cannot send without a message, because the vendor has no text for codes.
    pub needs_message: bool,
    /// It passes on the ids that India's networks require for an SMS ([`Message::dlt`]). A route to
    /// India then needs them.
    ///
    /// [`Message::dlt`]: crate::Message::dlt
    pub needs_dlt: bool,
    /// It accepts the name of a template.
    pub template: bool,
    /// It accepts a language.
    pub locale: bool,
    /// It accepts a sender's name.
    pub sender: bool,
    /// It sends a vendor-generated code again on
    /// [`OtpProvider::resend`](crate::OtpProvider::resend).
    pub resend: bool,
    /// It supports [`OtpProvider::cancel`](crate::OtpProvider::cancel).
    pub cancel: bool,
    /// It supports [`OtpProvider::status`](crate::OtpProvider::status).
    pub status: bool,
    /// [`OtpProvider::status`](crate::OtpProvider::status) finds a message by the idempotency key
    /// if the answer with its reference was lost.
    pub status_by_key: bool,
    /// It supports [`OtpProvider::balance`](crate::OtpProvider::balance).
    pub balance: bool,
    /// It supports [`OtpProvider::report`](crate::OtpProvider::report).
    pub report: bool,
    /// It supports [`OtpProvider::receipts`](crate::OtpProvider::receipts), and how far they can be
    /// trusted.
    pub receipts: Option<ReceiptTrust>,
    /// Its receipts name a message by the vendor's [id](crate::Sent::receipt_reference) only, because the
    /// vendor returns nothing that otpmux gives it. otpmux then remembers each id.
    pub receipts_by_reference: bool,
    /// Repeated sends with one idempotency key are known to send one message. Documentation alone
    /// is not enough: a wrong claim here costs users a second message.
    pub idempotent: bool,
    /// The vendor's test recipients, verified by the vendor's fixed codes. Empty unless the
    /// configuration enables them: anyone who enters such a recipient is let in.
    pub test_recipients: &'static [&'static str],
    /// The limits that the vendor documents.
    pub limits: Limits,
}

/// The codes that a vendor generates.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VendorCodes {
    /// The lengths that can be requested; `None` if only the vendor decides.
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
    /// How long a verification stays locked.
    pub lockout: Option<Duration>,
}

/// A capability that a provider lacks for a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Incompatibility {
    /// It does not send by this channel.
    Channel,
    /// It does not reach this country or kind of number.
    Recipient,
    /// It does not carry codes that otpmux generated.
    OtpmuxCode,
    /// It does not generate codes.
    VendorCode,
    /// It does not support this code length.
    CodeLength,
    /// It carries codes of digits only.
    LettersInCode,
    /// It does not support this TTL.
    Ttl,
}

impl Incompatibility {
    /// Returns the word that the HTTP API and the command line use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Channel => "unsupported_channel",
            Self::Recipient => "unsupported_recipient",
            Self::OtpmuxCode => "unsupported_otpmux_code",
            Self::VendorCode => "unsupported_vendor_code",
            Self::CodeLength => "unsupported_code_length",
            Self::LettersInCode => "unsupported_letters_in_code",
            Self::Ttl => "unsupported_ttl",
        }
    }
}

/// For an operator, as a sentence without a full stop.
impl fmt::Display for Incompatibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Channel => "this provider does not send by this channel",
            Self::Recipient => "this provider does not reach this country or kind of number",
            Self::OtpmuxCode => "this provider does not carry a code that otpmux generated",
            Self::VendorCode => "this provider does not generate codes",
            Self::LettersInCode => "this provider carries codes of digits only",
            Self::CodeLength => "the length of the code is outside the range of this provider",
            Self::Ttl => "the ttl is outside the range of this provider",
        })
    }
}

/// A rate limit: at most `count` events per `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// The number of events.
    pub count: u32,
    /// The length of the sliding window.
    pub per: Duration,
}

impl RateLimit {
    /// Returns a limit of `count` in any window of length `per`.
    pub const fn new(count: u32, per: Duration) -> Self {
        Self { count, per }
    }
}

impl Capabilities {
    /// Returns capabilities with these channels and no other claims.
    pub fn new(channels: impl IntoIterator<Item = Channel>) -> Self {
        Self {
            channels: channels.into_iter().collect(),
            otpmux_codes: None,
            letters_in_codes: false,
            vendor_codes: None,
            ttls: None,
            phone_prefixes: &[],
            countries: Vec::new(),
            message: false,
            needs_message: false,
            needs_dlt: false,
            template: false,
            locale: false,
            sender: false,
            resend: false,
            cancel: false,
            status: false,
            status_by_key: false,
            balance: false,
            report: false,
            receipts: None,
            receipts_by_reference: false,
            idempotent: false,
            test_recipients: &[],
            limits: Limits::default(),
        }
    }

    /// Adds that it carries otpmux-generated codes of these lengths.
    pub fn with_otpmux_codes(mut self, lengths: RangeInclusive<u8>) -> Self {
        self.otpmux_codes = Some(lengths);
        self
    }

    /// Adds that it generates and verifies codes; `lengths` are those that can be requested.
    pub fn with_vendor_codes(mut self, lengths: Option<RangeInclusive<u8>>) -> Self {
        self.vendor_codes = Some(VendorCodes { lengths });
        self
    }

    /// Adds that the TTL can be set within this range.
    pub fn with_ttls(mut self, ttls: RangeInclusive<Duration>) -> Self {
        self.ttls = Some(ttls);
        self
    }

    /// Returns whether any channel of this provider reaches a recipient, as far as the number
    /// shows.
    pub fn reaches(&self, recipient: &Recipient) -> bool {
        match recipient {
            Recipient::Phone(phone) => {
                let prefixes = self.phone_prefixes;
                let by_prefix = prefixes.is_empty()
                    || prefixes.iter().any(|prefix| phone.expose().starts_with(prefix));
                let country = || phone.place().country;
                by_prefix
                    && (self.countries.is_empty()
                        || country().is_some_and(|country| self.countries.contains(&country)))
            }
            Recipient::Email(_) => self.channels.iter().any(Channel::wants_email),
        }
    }

    /// Rejects a request that this provider cannot send, before any I/O.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`], not sent, blamed on the provider: another one may support it.
    /// [`ErrorKind::InvalidRequest`], not sent, blamed on the caller, if recipient and channel do
    /// not fit: no provider could send that.
    pub fn check_send(&self, provider: &ProviderId, request: &SendRequest) -> Result<(), Error> {
        let email = matches!(request.recipient, Recipient::Email(_));
        let open = matches!(request.channel, Channel::Other(_));
        if !open && request.channel.wants_email() != email {
            return Err(Error::new(ErrorKind::InvalidRequest, Certainty::NotSent, Blame::Caller)
                .with_provider(provider.clone())
                .with_detail("the channel and the recipient do not go together"));
        }
        match self.incompatibility(request) {
            None if self.needs_message && request.message.is_none() => {
                Err(Error::new(ErrorKind::InvalidRequest, Certainty::NotSent, Blame::Caller)
                    .with_provider(provider.clone())
                    .with_detail("this provider needs the text of the message"))
            }
            None => Ok(()),
            Some(what) => Err(Error::unsupported(provider, what.to_string())),
        }
    }

    /// Returns the first capability that this provider lacks for a request, if any. Does not check
    /// whether channel and recipient fit.
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
        if !self.letters_in_codes && request.code.otpmux_code().is_some_and(|it| !it.is_numeric()) {
            return Some(Incompatibility::LettersInCode);
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
    fn letters_in_a_code_need_their_claim() {
        let mut request = request("+919876543210", "123456");
        request.code = CodeSource::Otpmux(crate::Code::given("0M53RF").unwrap());
        let mut can = capabilities();
        assert_eq!(can.incompatibility(&request), Some(Incompatibility::LettersInCode));
        can.letters_in_codes = true;
        assert_eq!(can.incompatibility(&request), None);
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
        cases.push((vendor, "does not generate codes"));
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
