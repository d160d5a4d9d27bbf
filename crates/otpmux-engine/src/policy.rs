use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use otpmux_core::settings::{ConfigError, Section as _, duration_text, parses};
use otpmux_core::{Channel, Code, CountryCode, NumberKind, RateLimit};

use crate::LimitScope;
use crate::numbers::{check_country, check_one_country, check_prefix};

otpmux_core::settings! {
    /// The rules for every verification: the section `[policy]` of a configuration file.
    #[derive(Clone, Debug)]
    pub struct Policy {
        /// Digits of a code that otpmux generates. Fewer than 6 need `allow_short_codes`.
        pub code_length: u8 = 6,
            integer(Code::MIN_LENGTH as i64..=Code::MAX_LENGTH as i64), example 8;
        /// Allow codes of 4 and 5 digits, which an attacker can guess.
        pub allow_short_codes: bool = false, flag(), example true;
        /// How long a code is valid, counted from the first send. A resend does not renew it.
        pub ttl: Duration = Duration::from_mins(5),
            duration(Policy::MIN_TTL..=Policy::MAX_TTL), example "3m";
        /// How long a code is valid when the first message goes by this channel, in place of
        /// `ttl`. A resend by another channel does not change it.
        pub ttls: BTreeMap<Channel, Duration> = BTreeMap::new(),
            durations(Policy::MIN_TTL..=Policy::MAX_TTL).check(parses::<Channel>),
            example { "email": "10m" };
        /// Wrong codes after which a verification is locked.
        pub max_guesses: u32 = 5, integer(1..=10), example 3;
        /// Messages that may go out beyond the one that the user needs, when it is unknown whether
        /// that one went out.
        pub max_duplicates: u32 = 1, integer(0..=3), example 0;
        /// How long a whole send may take, over all providers.
        pub deadline: Duration = Duration::from_secs(20),
            duration(Duration::from_secs(1)..=Duration::from_mins(2)), example "15s";
        /// When a provider has not answered for this time, the next provider is called as well,
        /// with the same code. The second message counts as a duplicate. Absent: never.
        pub hedge_after: Option<Duration> = None,
            duration(Duration::from_millis(100)..=Duration::from_mins(1)), example "2s";
        /// How long a user must wait before the first resend. The wait doubles with each resend.
        pub resend_delay: Duration = Duration::from_secs(30),
            duration(Duration::ZERO..=Policy::MAX_TTL), example "1m";
        /// The longest wait before a resend. At least `resend_delay`.
        pub resend_delay_max: Duration = Duration::from_mins(10),
            duration(Duration::ZERO..=Policy::MAX_TTL), example "5m";
        /// Resends of one verification.
        pub max_resends: u32 = 4, integer(0..=10), example 2;
        /// The provider that sends a message again: the same one, the next one, or one of the next
        /// channel.
        pub resend_by: ResendBy = ResendBy::Next, choice(ResendBy::WORDS), example "next_channel";
        /// What a second send to a recipient does while a verification of the same purpose is live:
        /// `new_code` sends a new code, and the one that is on its way is not valid any more;
        /// `same_code` is a resend of the live verification, with its code, id, ttl, guesses and
        /// limits of resends. A request may say otherwise.
        pub repeat: Repeat = Repeat::NewCode, choice(Repeat::WORDS), example "same_code";
        /// The order of the channels for `resend_by = "next_channel"`.
        pub channels: Vec<Channel> = vec![Channel::Sms, Channel::WhatsApp, Channel::Voice],
            list().check(parses::<Channel>), example ["whatsapp", "sms"];
        /// The countries whose numbers get messages, as ISO 3166-1 codes of two capital letters, or
        /// `"any"`. `GB+` is GB with all countries that share its calling code. A number of another
        /// country, or of none, is refused. Absent: every country that a route serves, which lets
        /// fraudsters choose the most expensive one; `otpmux serve` requires this key.
        pub countries: Option<Vec<String>> = None,
            list_or("any").check(check_country), example ["IN", "GB+"];
        /// The country in whose national form numbers may be given over HTTP, to the command, and
        /// to `OtpClient::read_recipient`. Absent: numbers need their calling code.
        pub default_country: Option<CountryCode> = None,
            text().check(check_one_country), example "IN";
        /// The kinds of numbers that get no messages: `ordinary`, `voip`, `toll_free`, `premium`,
        /// `shared_cost`, `personal`, `pager`, `uan`, `voicemail`, `world` (of no country),
        /// `unassigned`. The last one is not among the defaults, because ranges come into use
        /// before a table has them.
        pub refuse_numbers: Vec<NumberKind> = vec![
                NumberKind::Premium,
                NumberKind::SharedCost,
                NumberKind::Personal,
                NumberKind::Pager,
                NumberKind::Uan,
                NumberKind::Voicemail,
                NumberKind::TollFree,
                NumberKind::World,
            ],
            list_or_empty().check(parses::<NumberKind>), example ["premium", "voip"];
        /// Beginnings of numbers, each with its `+`, that get messages whatever their kind and
        /// country: for ranges of which the table of numbers is wrong. A route that names countries
        /// serves them only if it names the prefix.
        pub allow_prefixes: Vec<String> = Vec::new(),
            list_or_empty().check(check_prefix), example ["+4490"];
        plain {
            /// How many messages and guesses are allowed.
            pub limits: MessageLimits = MessageLimits::default();
        }
    }
}

otpmux_core::settings! {
    /// How many messages and guesses are allowed: the section `[limits]` of a configuration file.
    /// Each list holds sliding windows that must all have room; an empty list switches the limit
    /// off.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct MessageLimits {
        /// Messages to one recipient. Different spellings of a number or an address count as one
        /// recipient.
        pub recipient: Vec<RateLimit> = vec![
                RateLimit::new(2, MINUTE),
                RateLimit::new(15, HOUR),
                RateLimit::new(50, DAY),
            ],
            limits(LIMIT_COUNT, LIMIT_PER, MOST_LIMITS), example ["1/1m", "5/1h"];
        /// Messages that one client address (IPv4) or network of 64 bits (IPv6) asks for, where the
        /// address is known.
        pub ip: Vec<RateLimit> = vec![RateLimit::new(20, MINUTE), RateLimit::new(200, HOUR)],
            limits(LIMIT_COUNT, LIMIT_PER, MOST_LIMITS), example ["10/1m"];
        /// Messages for one purpose.
        pub purpose: Vec<RateLimit> = Vec::new(),
            limits(LIMIT_COUNT, LIMIT_PER, MOST_LIMITS), example ["5000/1h"];
        /// Messages to numbers that differ in their last four digits only: fraudsters buy numbers
        /// in blocks.
        pub number_range: Vec<RateLimit> = vec![RateLimit::new(50, TEN_MINUTES)],
            limits(LIMIT_COUNT, LIMIT_PER, MOST_LIMITS), example ["20/10m"];
        /// Messages to addresses of one mail domain, its subdomains included. Large mail hosts are
        /// counted too, so leave room for the largest one of your users.
        pub domain: Vec<RateLimit> = Vec::new(),
            limits(LIMIT_COUNT, LIMIT_PER, MOST_LIMITS), example ["500/1h"];
        /// All messages.
        pub global: Vec<RateLimit> = Vec::new(),
            limits(LIMIT_COUNT, LIMIT_PER, MOST_LIMITS), example ["2000/1d"];
        /// Codes that may be tried for one recipient from one client address (IPv4) or network of
        /// 64 bits (IPv6), over all its verifications, until one is right. Guesses without a known
        /// address count together.
        pub guesses: Vec<RateLimit> = vec![RateLimit::new(10, HOUR), RateLimit::new(30, DAY)],
            limits(LIMIT_COUNT, LIMIT_PER, MOST_LIMITS), example ["5/1h"];
        /// Codes that may be tried for one recipient from all addresses together, over all its
        /// verifications. A right code counts nothing and gives nothing back. With the default, an
        /// attacker with any number of addresses hits a code of six digits in one day with a chance
        /// of 1 in 10,000.
        pub guesses_total: Vec<RateLimit> = vec![RateLimit::new(30, HOUR), RateLimit::new(100, DAY)],
            limits(LIMIT_COUNT, LIMIT_PER, MOST_LIMITS), example ["20/1h"];
    }
}

const MINUTE: Duration = Duration::from_mins(1);
const TEN_MINUTES: Duration = Duration::from_mins(10);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// The count of a limit.
const LIMIT_COUNT: RangeInclusive<u32> = 1..=1_000_000;
/// The window of a limit.
const LIMIT_PER: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(7 * 24);
/// The limits in one list.
pub(crate) const MOST_LIMITS: usize = 8;

/// The provider that sends a message again when its user asks for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResendBy {
    /// The provider that sent the message.
    Same,
    /// A provider that did not send it, where there is one: one that carries the same code before
    /// one that makes its own.
    Next,
    /// A provider of the next channel that is available, where there is one.
    NextChannel,
}

impl ResendBy {
    const ALL: [Self; 3] = [Self::Same, Self::Next, Self::NextChannel];
    const WORDS: &'static [&'static str] = &["same", "next", "next_channel"];
}

impl fmt::Display for ResendBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Same => "same",
            Self::Next => "next",
            Self::NextChannel => "next_channel",
        })
    }
}

impl FromStr for ResendBy {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || format!("must be one of: {}", Self::WORDS.join(", "));
        let found = Self::ALL.into_iter().find(|by| by.to_string() == text);
        found.ok_or_else(|| ConfigError::new("resend_by", expected()))
    }
}

otpmux_core::text_setting!(ResendBy);

/// What a send does while a verification of its recipient and purpose is live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Repeat {
    /// It is a new verification, with a new code. Once its message may have been sent, the older
    /// code is not valid any more.
    #[default]
    NewCode,
    /// It is a resend of the live verification: the same id, code, TTL and guesses, and the limits
    /// of resends.
    SameCode,
}

impl Repeat {
    const ALL: [Self; 2] = [Self::NewCode, Self::SameCode];
    const WORDS: &'static [&'static str] = &["new_code", "same_code"];

    /// The word that configuration, HTTP and the command use.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewCode => "new_code",
            Self::SameCode => "same_code",
        }
    }
}

impl fmt::Display for Repeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Repeat {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = || format!("must be one of: {}", Self::WORDS.join(", "));
        let found = Self::ALL.into_iter().find(|repeat| repeat.as_str() == text);
        found.ok_or_else(|| ConfigError::new("repeat", expected()))
    }
}

otpmux_core::text_setting!(Repeat);

impl MessageLimits {
    /// No limit at all: for tests, and for applications that limit elsewhere.
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

    /// Each list with its scope, in the order of the fields.
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
}

/// A policy that is invalid or not safe.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The length of codes is invalid.
    #[error("code_length must be 6 to 10; 4 and 5 need allow_short_codes = true")]
    CodeLength,
    /// The TTL of codes is invalid.
    #[error("ttl must be from 30 s to 10 m")]
    Ttl,
    /// Another key of `[policy]` is invalid.
    #[error("policy.{0}")]
    Setting(ConfigError),
    /// A key of `[limits]` is invalid.
    #[error("limits.{0}")]
    Limit(ConfigError),
}

otpmux_core::debug_as_display!(PolicyError);

impl Policy {
    /// The longest TTL of a code that reaches its user out of band (NIST SP 800-63B).
    pub const MAX_TTL: Duration = Duration::from_mins(10);
    /// The shortest TTL: a message needs time to arrive.
    pub const MIN_TTL: Duration = Duration::from_secs(30);

    /// Checks every value and the rules between them.
    ///
    /// # Errors
    ///
    /// The first invalid value.
    pub fn check(&self) -> Result<(), PolicyError> {
        self.check_code_length(self.code_length)?;
        Self::check_ttl(self.ttl)?;
        otpmux_core::settings::Section::check(self).map_err(PolicyError::Setting)?;
        self.limits.check().map_err(PolicyError::Limit)?;
        self.conflicts().into_iter().next().map_or(Ok(()), |error| Err(PolicyError::Setting(error)))
    }

    /// Returns the values that are in their ranges but contradict each other, each by its key.
    pub fn conflicts(&self) -> Vec<ConfigError> {
        let mut conflicts = Vec::new();
        if let Err(error) = self.check_code_length(self.code_length) {
            conflicts.push(ConfigError::new("code_length", error.to_string()));
        }
        if self.resend_delay_max < self.resend_delay {
            let delay = duration_text(self.resend_delay);
            let message = format!("must be at least resend_delay, which is {delay}");
            conflicts.push(ConfigError::new("resend_delay_max", message));
        }
        conflicts
    }

    /// How long a code that first goes by this channel is valid.
    pub fn ttl_by(&self, channel: &Channel) -> Duration {
        self.ttls.get(channel).copied().unwrap_or(self.ttl)
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
    fn each_value_outside_its_range_is_named() {
        let long = Duration::from_secs(601);
        let country = Some(vec!["India".to_owned()]);
        let default = Policy::default;
        let cases = [
            (default().ttl(long), "ttl must be"),
            (default().ttls([(Channel::Email, long)]), "policy.ttls.email: must be a time"),
            (default().max_guesses(0), "policy.max_guesses: must be a whole number from 1 to 10"),
            (
                default().max_duplicates(4),
                "policy.max_duplicates: must be a whole number from 0 to 3",
            ),
            (default().deadline(Duration::ZERO), "policy.deadline: must be a time"),
            (
                default().resend_delay_max(Duration::ZERO),
                "policy.resend_delay_max: must be at least resend_delay, which is 30s",
            ),
            (default().hedge_after(Duration::ZERO), "policy.hedge_after: must be a time"),
            (Policy { countries: country, ..default() }, "policy.countries[0]: `India` is not"),
            (
                default().allow_prefixes(["44".to_owned()]),
                "policy.allow_prefixes[0]: `44` does not",
            ),
            (
                Policy {
                    limits: MessageLimits::default().global([RateLimit::new(0, MINUTE)]),
                    ..default()
                },
                "limits.global[0]: must be a limit",
            ),
        ];
        for (policy, expected) in cases {
            let error = policy.check().unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn every_word_for_a_resend_is_known() {
        assert_eq!(ResendBy::ALL.map(|by| by.to_string()), ResendBy::WORDS);
        for by in ResendBy::ALL {
            assert_eq!(by.to_string().parse(), Ok(by));
        }
    }

    #[test]
    fn every_word_for_a_repeat_is_known() {
        assert_eq!(Repeat::ALL.map(Repeat::as_str), Repeat::WORDS);
        for repeat in Repeat::ALL {
            assert_eq!(repeat.as_str().parse(), Ok(repeat));
        }
        assert!("same".parse::<Repeat>().is_err());
    }

    #[test]
    fn frd_04_the_resend_delay_grows_up_to_its_maximum() {
        let policy = Policy::default();
        let delays: Vec<_> = (0..7).map(|n| policy.resend_delay_after(n).as_secs()).collect();
        assert_eq!(delays, [30, 60, 120, 240, 480, 600, 600]);
        assert_eq!(policy.resend_delay_after(u32::MAX), policy.resend_delay_max);
    }
}
