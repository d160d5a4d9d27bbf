use std::time::Duration;

use otpmux_core::RateLimit;
use otpmux_core::settings::{ConfigError, duration_text};

use crate::policy::MOST_LIMITS;

otpmux_core::settings! {
    /// How one provider is called, with retries, a circuit breaker, a rate limit and a bound on
    /// concurrent calls: the section `[resilience]` of a configuration file, and
    /// `[providers.NAME.resilience]`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Resilience {
        /// Further tries of one send at this provider, where nothing was sent.
        pub retries: u32 = 2, integer(0..=10), example 1;
        /// The pause before the first further try, where the vendor does not ask for another one.
        /// It doubles with each try and is cut by up to a half at random.
        pub retry_pause: Duration = Duration::from_millis(250),
            duration(Duration::ZERO..=Duration::from_mins(1)), example "500ms";
        /// The rate limit of the provider; all limits hold at once, and `[]` is no limit. Messages
        /// count over all processes that share a store. Besides, all calls of this process count,
        /// of which a quarter is kept for sends and a quarter for other calls while both are
        /// wanted. Absent: the limit that the vendor documents.
        pub requests: Option<Vec<RateLimit>> = None,
            limits(1..=100_000, SECOND..=DAY, MOST_LIMITS), example ["100/1s"];
        /// Calls that may run at once. Absent: no bound.
        pub concurrency: Option<usize> = None, integer(1..=10_000), example 50;
        groups {
            /// How many further tries all sends together may make.
            pub retry_budget: RetryBudget;
            /// When the circuit of the provider opens, and for how long.
            pub breaker: BreakerSettings;
        }
    }
}

otpmux_core::settings! {
    /// How many further tries all sends to one provider may make together, so that its outage does
    /// not multiply its traffic.
    ///
    /// Each send earns `percent` hundredths of a further try, and each second earns `per_second`;
    /// each further try costs one. Up to ten seconds' worth of `per_second` is saved, and at least
    /// ten tries; the share of `per_second` is there at the start. So `n` sends during an outage of
    /// `t` seconds make at most `n * percent / 100 + per_second * t` further tries, and those
    /// saved.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct RetryBudget prefix "retry_budget_" {
        /// Further tries per hundred sends, over all sends.
        pub percent: u32 = 20, integer(0..=100), example 10;
        /// Further tries per second, however few sends there are.
        pub per_second: u32 = 2, integer(0..=1000), example 5;
    }
}

otpmux_core::settings! {
    /// When the circuit of a provider opens, and for how long.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct BreakerSettings prefix "breaker_" {
        /// Failures in a row that open the circuit.
        pub failures: u32 = 5, integer(1..=1000), example 3;
        /// The success rate, in percent, below which the circuit opens as well. 0 is never.
        pub success_percent: u32 = 50, integer(0..=100), example 80;
        /// Calls in the window before the success rate counts.
        pub min_calls: u32 = 20, integer(1..=100_000), example 50;
        /// The window of the success rate, counted in ten steps.
        pub window: Duration = Duration::from_mins(1),
            duration(SECOND..=Duration::from_hours(1)), example "30s";
        /// How long the circuit stays open at first. The pause doubles with each failed call in
        /// half-open state; up to a fifth is added at random.
        pub pause: Duration = Duration::from_secs(5),
            duration(Duration::from_millis(100)..=Duration::from_hours(1)), example "10s";
        /// The first pause after a failure of the account: credentials, permission, money. At least
        /// `breaker_pause`.
        pub account_pause: Duration = Duration::from_mins(1),
            duration(Duration::from_millis(100)..=DAY), example "2m";
        /// The longest pause, also when the vendor asks for a longer one. At least
        /// `breaker_account_pause`.
        pub longest_pause: Duration = Duration::from_mins(5),
            duration(Duration::from_millis(100)..=DAY), example "15m";
    }
}

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_hours(24);

/// Two pauses, each with its key: the second one must not be shorter.
type Pauses = [(&'static str, Duration); 2];

impl Resilience {
    /// Checks every value and the order of the pauses.
    ///
    /// # Errors
    ///
    /// The first value that is not valid, with its key.
    pub fn check(&self) -> Result<(), ConfigError> {
        otpmux_core::settings::Section::check(self)?;
        match self.unordered_pauses().next() {
            None => Ok(()),
            Some([(shorter, least), (longer, _)]) => {
                let least = duration_text(least);
                Err(ConfigError::new(
                    longer,
                    format!("must be at least {shorter}, which is {least}"),
                ))
            }
        }
    }

    /// The pauses that are shorter than the one before them, each pair by its keys.
    pub fn unordered_pauses(&self) -> impl Iterator<Item = Pauses> {
        let BreakerSettings { pause, account_pause, longest_pause, .. } = self.breaker;
        let first = ("breaker_pause", pause);
        let account = ("breaker_account_pause", account_pause);
        let longest = ("breaker_longest_pause", longest_pause);
        let pairs = [[first, account], [account, longest]].into_iter();
        pairs.filter(|[(_, shorter), (_, longer)]| longer < shorter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid() {
        assert_eq!(Resilience::default().check(), Ok(()));
    }

    #[test]
    fn each_value_outside_its_range_is_named() {
        type Change = fn(&mut Resilience);
        let cases: [(Change, &str); 17] = [
            (|g| g.retries = 11, "retries"),
            (|g| g.retry_pause = Duration::from_secs(61), "retry_pause"),
            (|g| g.retry_budget.percent = 101, "retry_budget_percent"),
            (|g| g.retry_budget.per_second = 1001, "retry_budget_per_second"),
            (|g| g.breaker.failures = 0, "breaker_failures"),
            (|g| g.breaker.success_percent = 101, "breaker_success_percent"),
            (|g| g.breaker.min_calls = 0, "breaker_min_calls"),
            (|g| g.breaker.window = Duration::ZERO, "breaker_window"),
            (|g| g.breaker.pause = Duration::ZERO, "breaker_pause"),
            (|g| g.breaker.account_pause = SECOND, "breaker_account_pause"),
            (|g| g.breaker.longest_pause = Duration::from_secs(6), "breaker_longest_pause"),
            (|g| g.breaker.longest_pause = Duration::MAX, "breaker_longest_pause"),
            (|g| g.requests = Some(vec![RateLimit::new(0, DAY)]), "requests[0]"),
            (|g| g.requests = Some(vec![RateLimit::new(1, Duration::ZERO)]), "requests[0]"),
            (|g| g.requests = Some(vec![RateLimit::new(1, DAY); 9]), "requests"),
            (|g| g.concurrency = Some(0), "concurrency"),
            (|g| g.concurrency = Some(usize::MAX), "concurrency"),
        ];
        for (change, key) in cases {
            let mut resilience = Resilience::default();
            change(&mut resilience);
            assert_eq!(resilience.check().unwrap_err().path(), key);
        }
    }

    #[test]
    fn the_ends_of_the_ranges_are_valid() {
        let short = Duration::from_millis(100);
        let breaker = BreakerSettings::default().failures(1).success_percent(0).min_calls(1);
        let breaker = breaker.window(SECOND).pause(short).account_pause(short).longest_pause(short);
        let least = Resilience::default()
            .retries(0)
            .retry_pause(Duration::ZERO)
            .retry_budget(RetryBudget { percent: 0, per_second: 0 })
            .breaker(breaker)
            .requests([RateLimit::new(1, SECOND)])
            .concurrency(1);
        assert_eq!(least.check(), Ok(()));
    }
}
