use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use otpmux::config::settings::limit_text;
use otpmux::errors::seconds_rounded_up;
use otpmux::numbers::NUMBERS_VERSION;
use otpmux::{Code, Config, CountryCode, Messages, Policy, Purpose};
use serde::Serialize;
use utoipa::ToSchema;

/// The capabilities of this gateway, as configured.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(title = "Capabilities")]
pub(crate) struct Capabilities {
    /// The channels that at least one provider sends by.
    channels: BTreeSet<String>,
    /// The countries whose numbers may get messages (ISO 3166-1); null means every country that a
    /// provider reaches.
    #[schema(required)]
    countries: Option<Vec<String>>,
    /// The country for numbers in national form; null means that such numbers are rejected.
    #[schema(required)]
    default_country: Option<&'static str>,
    /// Digits of a code.
    code_length: Lengths,
    /// The TTL, in seconds, that may be requested. Every provider of the routes accepts it, so it
    /// does not depend on which of them carries the message. Some channels may have another
    /// default.
    ttl: Range,
    /// Wrong codes before a verification is locked.
    max_guesses: u32,
    /// Resends of one verification.
    resends: u32,
    /// Seconds before the first resend; the wait doubles with each.
    resend_delay: u64,
    /// The limits by `recipient`, `ip`, `purpose`, `number_range`, `domain`, `global`, `guesses`
    /// and `guesses_total`, each as `COUNT/TIME`: all of them must have room.
    limits: BTreeMap<&'static str, Vec<String>>,
    /// The texts that otpmux writes; null if it writes none, because no provider takes any.
    #[schema(required)]
    messages: Option<Texts>,
    /// The data on telephone numbers.
    numbers: Numbers,
}

/// The texts of messages.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(title = "Messages")]
struct Texts {
    /// The locale for requests without one, and for languages without a text.
    default_locale: String,
    /// The locales of the texts, by purpose; every other purpose has those of `default`.
    locales: BTreeMap<String, Vec<String>>,
    /// The variables that may be given, by name.
    variables: BTreeMap<String, VariableLength>,
}

/// A variable of texts.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(title = "Variable")]
struct VariableLength {
    /// Characters that a value may have.
    max: u32,
}

/// The data on telephone numbers.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Numbers {
    /// The source of the data on country, kind and length.
    source: &'static str,
    /// Its version.
    version: &'static str,
    /// The kinds of numbers that get no messages.
    refused: Vec<&'static str>,
}

/// The allowed length of a code.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Lengths {
    default: u8,
    min: u8,
    max: u8,
}

/// The allowed TTL of a code, in seconds.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct Range {
    default: u64,
    min: u64,
    max: u64,
}

impl Capabilities {
    /// The allowed TTL of a code, in seconds.
    pub(crate) const TTL: RangeInclusive<u64> =
        Policy::MIN_TTL.as_secs()..=Policy::MAX_TTL.as_secs();

    /// The digits of a code for a request that names no number of digits.
    pub(crate) fn code_length(&self) -> u8 {
        self.code_length.default
    }

    /// The allowed digits of a code.
    pub(crate) fn code_lengths(&self) -> RangeInclusive<u64> {
        self.code_length.min.into()..=self.code_length.max.into()
    }

    pub(crate) fn of(config: &Config) -> Self {
        let policy = config.policy();
        let channels = config.providers().iter().flat_map(|configured| {
            let channels = &configured.capabilities.channels;
            channels.iter().map(|channel| channel.as_str().to_owned())
        });
        Self {
            channels: channels.collect(),
            countries: policy.countries.clone(),
            default_country: policy.default_country.map(CountryCode::as_str),
            code_length: Lengths {
                default: policy.code_length,
                min: if policy.allow_short_codes { Code::MIN_LENGTH } else { 6 },
                max: Code::MAX_LENGTH,
            },
            ttl: ttl(config),
            max_guesses: policy.max_guesses,
            resends: policy.max_resends,
            resend_delay: policy.resend_delay.as_secs(),
            limits: policy
                .limits
                .by_scope()
                .into_iter()
                .map(|(scope, limits)| (scope.as_str(), limits.iter().map(limit_text).collect()))
                .collect(),
            messages: config.messages().map(texts),
            numbers: Numbers {
                source: "libphonenumber",
                version: NUMBERS_VERSION,
                refused: policy.refuse_numbers.iter().map(|kind| kind.as_str()).collect(),
            },
        }
    }
}

fn texts(messages: &Messages) -> Texts {
    let default = Purpose::default();
    let purposes = messages.purposes().chain([&default]);
    let locales = purposes.map(|purpose| {
        let locales = messages.locales(purpose).map(ToString::to_string);
        (purpose.to_string(), locales.collect())
    });
    let variables = messages.variables().iter();
    Texts {
        default_locale: messages.settings().default_locale.to_string(),
        locales: locales.collect(),
        variables: variables
            .map(|(name, variable)| (name.clone(), VariableLength { max: variable.max }))
            .collect(),
    }
}

/// The TTL range that every provider of the routes accepts; if they have none in common, the range
/// of the policy.
fn ttl(config: &Config) -> Range {
    let policy = config.policy();
    let routed = |id: &otpmux::provider::ProviderId| match config.routes() {
        Some(routes) => routes.as_slice().iter().any(|route| route.providers.contains(id)),
        None => true,
    };
    let (mut min, mut max) = (Policy::MIN_TTL, Policy::MAX_TTL);
    for configured in config.providers().iter().filter(|one| routed(&one.id)) {
        if let Some(range) = &configured.capabilities.ttls {
            (min, max) = (min.max(*range.start()), max.min(*range.end()));
        }
    }
    if min > max {
        (min, max) = (Policy::MIN_TTL, Policy::MAX_TTL);
    }
    let default = policy.ttl.clamp(min, max).as_secs();
    // Whole seconds within the range.
    Range { default, min: seconds_rounded_up(min), max: max.as_secs() }
}
