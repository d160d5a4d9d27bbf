use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use otpmux_core::{Channel, Code, CountryCode, NumberKind, RateLimit};

use crate::LimitScope;
use crate::numbers::{is_country, is_prefix};

/// The rules that hold for every verification.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Policy {
    /// Digits of a code, where we make it. Default 6.
    pub code_length: u8,
    /// Allow codes of fewer than six digits, which can be guessed. Default no.
    pub allow_short_codes: bool,
    /// How long a code is good for, counted from the first send and not renewed by a resend.
    /// Default 5 minutes, at most 10.
    pub ttl: Duration,
    /// The same for messages by some channels, such as e-mail, which takes longer. A resend by another
    /// channel does not change it. Default none.
    pub ttls: BTreeMap<Channel, Duration>,
    /// Wrong codes before a verification is locked. Default 5.
    pub max_guesses: u32,
    /// Messages that may go out beyond the one that the user needs, when it is unknown whether that
    /// one did. Default 1.
    pub max_duplicates: u32,
    /// How long a whole send may take, over all providers. Default 20 s.
    pub deadline: Duration,
    /// When a provider has not answered for so long, the next one is asked beside it, with the same
    /// code; it counts as a duplicate. Default never.
    pub hedge_after: Option<Duration>,
    /// How long a user must wait before the first resend; the wait doubles with each. Default 30 s.
    pub resend_delay: Duration,
    /// What that wait grows to. Default 10 minutes.
    pub resend_delay_max: Duration,
    /// Resends of one verification. Default 4.
    pub max_resends: u32,
    /// By whom a message is sent again. Default the next provider.
    pub resend_by: ResendBy,
    /// The order in which [`ResendBy::NextChannel`] goes through channels. Default sms, whatsapp,
    /// voice.
    pub channels: Vec<Channel>,
    /// The countries whose numbers get messages, as ISO 3166-1 codes of two capital letters; a
    /// number of any other country, or of none, is refused. Default `None`: every country that a
    /// route takes, which lets fraudsters choose the dearest one. Name yours wherever strangers make
    /// you send.
    ///
    /// `GB+` is a country with all that share its calling code: here Guernsey, Jersey and the Isle of
    /// Man, for `US+` all of the North American plan.
    pub countries: Option<Vec<String>>,
    /// The country in whose national form numbers may be given, where
    /// [`OtpClient::read_recipient`](crate::OtpClient::read_recipient) reads them. Default `None`:
    /// numbers need their calling code.
    pub default_country: Option<CountryCode>,
    /// The kinds of numbers that get no messages. Default premium, shared cost, personal, pager,
    /// universal access, voicemail, toll-free and those of no country: nobody's telephone, or a dear
    /// one. [`NumberKind::Unassigned`] is not among them, since ranges come into use before a table
    /// knows.
    pub refuse_numbers: Vec<NumberKind>,
    /// Beginnings of numbers, each with its `+`, that get messages whatever their kind and country:
    /// for ranges of which the table is not right (any more). Default none. A route that names
    /// countries does not take them unless it names the prefix.
    pub allow_prefixes: Vec<String>,
    /// How many messages and guesses there may be.
    pub limits: MessageLimits,
}

/// How many messages there may be, and how many guesses. Each list holds sliding windows that must
/// all have room; an empty list does not restrict.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageLimits {
    /// To one recipient, however its number or address is
    /// [spelt](otpmux_core::Recipient::counted). Default 2 in a minute, 15 in an hour, 50 in a day.
    pub recipient: Vec<RateLimit>,
    /// Asked for from one address (IPv4) or network of 64 bits (IPv6), where it is
    /// [known](otpmux_core::ClientContext::ip). Default 20 in a minute, 200 in an hour.
    pub ip: Vec<RateLimit>,
    /// For one purpose. Default none.
    pub purpose: Vec<RateLimit>,
    /// To numbers that differ in their last four digits only: fraudsters buy them in blocks. Default
    /// 50 in ten minutes.
    pub number_range: Vec<RateLimit>,
    /// To addresses of one mail domain, its
    /// [subdomains](otpmux_core::EmailAddress::counted_domain) included: whoever owns one has as many
    /// mailboxes as it likes. Hosts of many people are counted too, so leave room for the largest.
    /// Default none.
    pub domain: Vec<RateLimit>,
    /// All in all. Default none.
    pub global: Vec<RateLimit>,
    /// Codes that may be tried for one recipient from one address (IPv4) or network of 64 bits (IPv6),
    /// over all its verifications, until one is right; those from addresses that are not
    /// [known](crate::Verify::client) count together. Default 10 in an hour, 30 in a day.
    pub guesses: Vec<RateLimit>,
    /// Codes that may be tried for one recipient from all addresses together, over all its
    /// verifications; a right one counts nothing, and takes nothing back. Default 30 in an hour, 100 in
    /// a day: whoever has as many addresses as they like hits a code of six digits in one day with a
    /// chance of 1 in 10,000.
    pub guesses_total: Vec<RateLimit>,
}

/// By whom a message is sent again when its user asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResendBy {
    /// By the provider that has sent it.
    Same,
    /// By one that has not, where there is one: one that carries the same code before one that makes
    /// its own.
    Next,
    /// By the next channel that can be had, where there is one.
    NextChannel,
}

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

impl Default for MessageLimits {
    fn default() -> Self {
        Self {
            recipient: vec![
                RateLimit::new(2, MINUTE),
                RateLimit::new(15, HOUR),
                RateLimit::new(50, DAY),
            ],
            ip: vec![RateLimit::new(20, MINUTE), RateLimit::new(200, HOUR)],
            purpose: Vec::new(),
            number_range: vec![RateLimit::new(50, 10 * MINUTE)],
            domain: Vec::new(),
            global: Vec::new(),
            guesses: vec![RateLimit::new(10, HOUR), RateLimit::new(30, DAY)],
            guesses_total: vec![RateLimit::new(30, HOUR), RateLimit::new(100, DAY)],
        }
    }
}

impl MessageLimits {
    /// No limit at all: for tests, and for those who limit elsewhere.
    pub fn none() -> Self {
        Self {
            recipient: Vec::new(),
            ip: Vec::new(),
            purpose: Vec::new(),
            number_range: Vec::new(),
            domain: Vec::new(),
            global: Vec::new(),
            guesses: Vec::new(),
            guesses_total: Vec::new(),
        }
    }

    /// Each list with what it counts by, in the order of the fields.
    pub fn by_scope(&self) -> [(LimitScope, &[RateLimit]); 8] {
        [
            (LimitScope::Recipient, &self.recipient),
            (LimitScope::Ip, &self.ip),
            (LimitScope::Purpose, &self.purpose),
            (LimitScope::NumberRange, &self.number_range),
            (LimitScope::Domain, &self.domain),
            (LimitScope::Global, &self.global),
            (LimitScope::Guesses, &self.guesses),
            (LimitScope::GuessesTotal, &self.guesses_total),
        ]
    }

    fn all(&self) -> impl Iterator<Item = &RateLimit> {
        self.by_scope().into_iter().flat_map(|(_, limits)| limits)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            code_length: 6,
            allow_short_codes: false,
            ttl: Duration::from_mins(5),
            ttls: BTreeMap::new(),
            max_guesses: 5,
            max_duplicates: 1,
            deadline: Duration::from_secs(20),
            hedge_after: None,
            resend_delay: Duration::from_secs(30),
            resend_delay_max: Duration::from_mins(10),
            max_resends: 4,
            resend_by: ResendBy::Next,
            channels: vec![Channel::Sms, Channel::WhatsApp, Channel::Voice],
            countries: None,
            default_country: None,
            refuse_numbers: vec![
                NumberKind::Premium,
                NumberKind::SharedCost,
                NumberKind::Personal,
                NumberKind::Pager,
                NumberKind::Uan,
                NumberKind::Voicemail,
                NumberKind::TollFree,
                NumberKind::World,
            ],
            allow_prefixes: Vec::new(),
            limits: MessageLimits::default(),
        }
    }
}

/// A policy that cannot be, or that would not be safe.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The length of codes.
    #[error("code_length must be 6 to 10; 4 and 5 need allow_short_codes = true")]
    CodeLength,
    /// The TTL of codes.
    #[error("ttl must be from 30 s to 10 m")]
    Ttl,
    /// Another number or time.
    #[error("{0} is outside its range")]
    Range(&'static str),
    /// A limit that cannot be.
    #[error("a limit must be 1 to 1,000,000 in 1 s to 7 days")]
    Limit,
    /// A country that no number can have.
    #[error("`{0}` is not a country with telephone numbers; write two capital letters such as IN")]
    Country(String),
    /// A prefix that no number can begin with.
    #[error("`{0}` does not begin a number; write it such as +9198")]
    Prefix(String),
}

otpmux_core::debug_as_display!(PolicyError);

impl Policy {
    /// The longest TTL of a code that reaches its user out of band (NIST SP 800-63B).
    pub const MAX_TTL: Duration = Duration::from_mins(10);
    /// The shortest TTL: a message takes its time.
    pub const MIN_TTL: Duration = Duration::from_secs(30);
    /// What [`max_guesses`](Self::max_guesses) may be.
    pub const MAX_GUESSES: RangeInclusive<u32> = 1..=10;
    /// What [`duplicates`](Self::duplicates) may be.
    pub const MAX_DUPLICATES: RangeInclusive<u32> = 0..=3;
    /// What [`deadline`](Self::deadline) may be.
    pub const DEADLINE: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_mins(2);
    /// What [`hedge_after`](Self::hedge_after) may be.
    pub const HEDGE_AFTER: RangeInclusive<Duration> =
        Duration::from_millis(100)..=Duration::from_mins(1);
    /// What [`resend_delay`](Self::resend_delay) and its maximum may be.
    pub const RESEND_DELAY: RangeInclusive<Duration> = Duration::ZERO..=Self::MAX_TTL;
    /// What [`resends`](Self::resends) may be.
    pub const MAX_RESENDS: RangeInclusive<u32> = 0..=10;
    /// What the count of a limit may be.
    pub const LIMIT_COUNT: RangeInclusive<u32> = 1..=1_000_000;
    /// What the length of a limit's window may be.
    pub const LIMIT_PER: RangeInclusive<Duration> =
        Duration::from_secs(1)..=Duration::from_hours(7 * 24);

    /// Whether all of it holds.
    ///
    /// # Errors
    ///
    /// The first thing that does not.
    pub fn check(&self) -> Result<(), PolicyError> {
        self.check_code_length(self.code_length)?;
        Self::check_ttl(self.ttl)?;
        self.ttls.values().try_for_each(|ttl| Self::check_ttl(*ttl))?;
        let hedge = self.hedge_after.is_none_or(|after| Self::HEDGE_AFTER.contains(&after));
        let growth = self.resend_delay..=*Self::RESEND_DELAY.end();
        let ranges = [
            ("max_guesses", Self::MAX_GUESSES.contains(&self.max_guesses)),
            ("max_duplicates", Self::MAX_DUPLICATES.contains(&self.max_duplicates)),
            ("deadline", Self::DEADLINE.contains(&self.deadline)),
            ("hedge_after", hedge),
            ("resend_delay", Self::RESEND_DELAY.contains(&self.resend_delay)),
            ("resend_delay_max", growth.contains(&self.resend_delay_max)),
            ("max_resends", Self::MAX_RESENDS.contains(&self.max_resends)),
        ];
        if let Some((what, _)) = ranges.into_iter().find(|(_, holds)| !holds) {
            return Err(PolicyError::Range(what));
        }
        if !self.limits.all().all(Self::can_be) {
            return Err(PolicyError::Limit);
        }
        if let Some(prefix) = self.allow_prefixes.iter().find(|prefix| !is_prefix(prefix)) {
            return Err(PolicyError::Prefix(prefix.clone()));
        }
        let mut countries = self.countries.iter().flatten();
        countries
            .find(|country| !is_country(country))
            .map_or(Ok(()), |country| Err(PolicyError::Country(country.clone())))
    }

    /// How long a code that first goes by this channel is good for.
    pub fn ttl_by(&self, channel: &Channel) -> Duration {
        self.ttls.get(channel).copied().unwrap_or(self.ttl)
    }

    /// Whether a limit's count and window are within their ranges.
    pub fn can_be(limit: &RateLimit) -> bool {
        Self::LIMIT_COUNT.contains(&limit.count) && Self::LIMIT_PER.contains(&limit.per)
    }

    /// How long a user must wait after so many resends.
    pub fn resend_delay_after(&self, resends: u32) -> Duration {
        let grown = self.resend_delay.saturating_mul(2u32.saturating_pow(resends));
        grown.min(self.resend_delay_max)
    }

    pub(crate) fn check_code_length(&self, length: u8) -> Result<(), PolicyError> {
        let shortest = if self.allow_short_codes { Code::MIN_LENGTH } else { 6 };
        if (shortest..=Code::MAX_LENGTH).contains(&length) {
            Ok(())
        } else {
            Err(PolicyError::CodeLength)
        }
    }

    pub(crate) fn check_ttl(ttl: Duration) -> Result<(), PolicyError> {
        if (Self::MIN_TTL..=Self::MAX_TTL).contains(&ttl) { Ok(()) } else { Err(PolicyError::Ttl) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_holds() {
        assert_eq!(Policy::default().check(), Ok(()));
    }

    #[test]
    fn sec_02_short_codes_need_their_flag() {
        let mut policy = Policy { code_length: 4, ..Policy::default() };
        assert_eq!(policy.check(), Err(PolicyError::CodeLength));
        policy.allow_short_codes = true;
        assert_eq!(policy.check(), Ok(()));
    }

    #[test]
    fn refuses_what_is_not_safe() {
        for (policy, error) in [
            (Policy { ttl: Duration::from_secs(601), ..Policy::default() }, PolicyError::Ttl),
            (
                Policy {
                    ttls: BTreeMap::from([(Channel::Email, Duration::from_secs(601))]),
                    ..Policy::default()
                },
                PolicyError::Ttl,
            ),
            (Policy { max_guesses: 0, ..Policy::default() }, PolicyError::Range("max_guesses")),
            (
                Policy { max_duplicates: 4, ..Policy::default() },
                PolicyError::Range("max_duplicates"),
            ),
            (
                Policy { deadline: Duration::ZERO, ..Policy::default() },
                PolicyError::Range("deadline"),
            ),
            (
                Policy { resend_delay_max: Duration::ZERO, ..Policy::default() },
                PolicyError::Range("resend_delay_max"),
            ),
            (
                Policy { hedge_after: Some(Duration::ZERO), ..Policy::default() },
                PolicyError::Range("hedge_after"),
            ),
            (
                Policy { countries: Some(vec!["India".into()]), ..Policy::default() },
                PolicyError::Country("India".into()),
            ),
            (
                Policy {
                    limits: MessageLimits {
                        global: vec![RateLimit::new(0, MINUTE)],
                        ..MessageLimits::default()
                    },
                    ..Policy::default()
                },
                PolicyError::Limit,
            ),
        ] {
            assert_eq!(policy.check(), Err(error));
        }
    }

    #[test]
    fn frd_04_the_resend_delay_grows_up_to_its_maximum() {
        let policy = Policy::default();
        let delays: Vec<_> = (0..7).map(|n| policy.resend_delay_after(n).as_secs()).collect();
        assert_eq!(delays, [30, 60, 120, 240, 480, 600, 600]);
        assert_eq!(policy.resend_delay_after(u32::MAX), policy.resend_delay_max);
    }
}
