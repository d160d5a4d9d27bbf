use std::ops::RangeInclusive;
use std::time::Duration;

use otpmux_core::RateLimit;

/// How one provider is called: retries, breaker, rate limit and concurrency. Each setting has a
/// range, public so that a reader of configuration can use the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Resilience {
    /// Further tries of one send at this provider. 0 to 10, default 2.
    pub retries: u32,
    /// The pause before the first further try, where the vendor does not say; it doubles with each
    /// and is cut by up to a half at random. Up to 1 minute, default 250 ms.
    pub retry_pause: Duration,
    /// How many further tries all sends together may make.
    pub retry_budget: RetryBudget,
    /// When to leave the provider alone.
    pub breaker: BreakerSettings,
    /// How many requests, in how long a time; all limits hold at once. `None`, the default, means
    /// what the vendor documents (`capabilities().limits.requests`); empty means no limit. Counts
    /// messages over all processes that share a store, and besides all calls of this process, of
    /// which a quarter is kept for sends and a quarter for all others while both are wanted.
    pub requests: Option<Vec<RateLimit>>,
    /// How many calls may be under way at once. 1 to 10 000; `None`, the default, is no bound.
    pub concurrency: Option<usize>,
}

/// How many further tries all sends to one provider may make together, so that its outage does not
/// multiply its traffic.
///
/// Each send earns `percent` hundredths of a further try, and each second earns `per_second`; each
/// further try costs one. What is earned is saved up to ten seconds' worth of `per_second`, but no
/// less than ten; that of `per_second` is there at the start. So `n` sends during an outage of `t`
/// seconds make at most `n * percent / 100 + per_second * t` further tries, beside what was saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryBudget {
    /// Further tries per hundred sends. 0 to 100, default 20.
    pub percent: u32,
    /// Further tries per second, however few sends there are. 0 to 1000, default 2.
    pub per_second: u32,
}

/// When a provider is left alone, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BreakerSettings {
    /// Failures one after another that open the breaker. 1 to 1000, default 5.
    pub failures: u32,
    /// Below this success rate in the window it opens as well. 0 (never) to 100 percent,
    /// default 50.
    pub success_percent: u32,
    /// Calls in the window before the success rate counts. 1 to 100 000, default 20.
    pub min_calls: u32,
    /// How far back the success rate looks, in ten steps. 1 second to 1 hour, default 1 minute.
    pub window: Duration,
    /// How long it stays open at first; doubles with every probe that fails. Up to a fifth is added
    /// at random. 100 ms to 1 hour, default 5 seconds.
    pub pause: Duration,
    /// The same when the account is the trouble: credentials, permission, money. From `pause` to
    /// 24 hours, default 1 minute.
    pub account_pause: Duration,
    /// The longest pause, also when the vendor asks for a longer one. From `account_pause` to
    /// 24 hours, default 5 minutes.
    pub longest_pause: Duration,
}

impl Default for Resilience {
    fn default() -> Self {
        Self {
            retries: 2,
            retry_pause: Duration::from_millis(250),
            retry_budget: RetryBudget::default(),
            breaker: BreakerSettings::default(),
            requests: None,
            concurrency: None,
        }
    }
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self { percent: 20, per_second: 2 }
    }
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            failures: 5,
            success_percent: 50,
            min_calls: 20,
            window: Duration::from_mins(1),
            pause: Duration::from_secs(5),
            account_pause: Duration::from_mins(1),
            longest_pause: Duration::from_mins(5),
        }
    }
}

/// A setting of [`Resilience`] that is out of its range.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResilienceError {
    /// The further tries.
    #[error("retries must be 0 to 10")]
    Retries,
    /// The pause before a further try.
    #[error("retry_pause must be at most 1 m")]
    RetryPause,
    /// The retry budget's share of the sends.
    #[error("retry_budget.percent must be 0 to 100")]
    BudgetPercent,
    /// The retry budget's floor.
    #[error("retry_budget.per_second must be 0 to 1000")]
    BudgetPerSecond,
    /// The failures that open the breaker.
    #[error("breaker.failures must be 1 to 1000")]
    Failures,
    /// The success rate that opens the breaker.
    #[error("breaker.success_percent must be 0 to 100")]
    SuccessPercent,
    /// The calls before the success rate counts.
    #[error("breaker.min_calls must be 1 to 100000")]
    MinCalls,
    /// The window of the success rate.
    #[error("breaker.window must be from 1 s to 1 h")]
    Window,
    /// The first pause.
    #[error("breaker.pause must be from 100 ms to 1 h")]
    Pause,
    /// The first pause when the account is the trouble.
    #[error("breaker.account_pause must be from breaker.pause to 24 h")]
    AccountPause,
    /// The longest pause.
    #[error("breaker.longest_pause must be from breaker.account_pause to 24 h")]
    LongestPause,
    /// The number of requests of a rate limit.
    #[error("requests must be a count of 1 to 100000 each")]
    RequestCount,
    /// The time of a rate limit.
    #[error("requests must be per 1 s to 24 h each")]
    RequestTime,
    /// The number of rate limits.
    #[error("requests must be at most 8 limits")]
    RequestLimits,
    /// The bound on calls under way.
    #[error("concurrency must be 1 to 10000")]
    Concurrency,
}

otpmux_core::debug_as_display!(ResilienceError);

const DAY: Duration = Duration::from_hours(24);

impl RetryBudget {
    /// The range of [`percent`](Self::percent).
    pub const PERCENT: RangeInclusive<u32> = 0..=100;
    /// The range of [`per_second`](Self::per_second).
    pub const PER_SECOND: RangeInclusive<u32> = 0..=1000;
}

impl BreakerSettings {
    /// The range of [`failures`](Self::failures).
    pub const FAILURES: RangeInclusive<u32> = 1..=1000;
    /// The range of [`success_percent`](Self::success_percent).
    pub const SUCCESS_PERCENT: RangeInclusive<u32> = 0..=100;
    /// The range of [`min_calls`](Self::min_calls).
    pub const MIN_CALLS: RangeInclusive<u32> = 1..=100_000;
    /// The range of [`window`](Self::window).
    pub const WINDOW: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(1);
    /// The range of [`pause`](Self::pause).
    pub const PAUSE: RangeInclusive<Duration> =
        Duration::from_millis(100)..=Duration::from_hours(1);
    /// The range of [`account_pause`](Self::account_pause) and
    /// [`longest_pause`](Self::longest_pause); neither may be shorter than the one before it.
    pub const LONG_PAUSE: RangeInclusive<Duration> = Duration::from_millis(100)..=DAY;

    fn rules(&self) -> [(bool, ResilienceError); 7] {
        let account = self.pause..=*Self::LONG_PAUSE.end();
        let longest = self.account_pause..=*Self::LONG_PAUSE.end();
        [
            (Self::FAILURES.contains(&self.failures), ResilienceError::Failures),
            (
                Self::SUCCESS_PERCENT.contains(&self.success_percent),
                ResilienceError::SuccessPercent,
            ),
            (Self::MIN_CALLS.contains(&self.min_calls), ResilienceError::MinCalls),
            (Self::WINDOW.contains(&self.window), ResilienceError::Window),
            (Self::PAUSE.contains(&self.pause), ResilienceError::Pause),
            (account.contains(&self.account_pause), ResilienceError::AccountPause),
            (longest.contains(&self.longest_pause), ResilienceError::LongestPause),
        ]
    }

    fn within(mut self) -> Self {
        bring(&mut self.failures, &Self::FAILURES);
        bring(&mut self.success_percent, &Self::SUCCESS_PERCENT);
        bring(&mut self.min_calls, &Self::MIN_CALLS);
        bring(&mut self.window, &Self::WINDOW);
        bring(&mut self.pause, &Self::PAUSE);
        bring(&mut self.account_pause, &(self.pause..=DAY));
        bring(&mut self.longest_pause, &(self.account_pause..=DAY));
        self
    }
}

impl Resilience {
    /// The range of [`retries`](Self::retries).
    pub const RETRIES: RangeInclusive<u32> = 0..=10;
    /// The range of [`retry_pause`](Self::retry_pause).
    pub const RETRY_PAUSE: RangeInclusive<Duration> = Duration::ZERO..=Duration::from_mins(1);
    /// The range of the count of each of the [`requests`](Self::requests).
    pub const REQUEST_COUNT: RangeInclusive<u32> = 1..=100_000;
    /// The range of the time of each of the [`requests`](Self::requests).
    pub const REQUEST_TIME: RangeInclusive<Duration> = Duration::from_secs(1)..=DAY;
    /// How many [`requests`](Self::requests) limits there may be.
    pub const REQUEST_LIMITS: usize = 8;
    /// The range of [`concurrency`](Self::concurrency).
    pub const CONCURRENCY: RangeInclusive<usize> = 1..=10_000;

    /// Checks every setting.
    ///
    /// # Errors
    ///
    /// The first setting that is out of its range.
    pub fn check(&self) -> Result<(), ResilienceError> {
        let budget = self.retry_budget;
        let requests = || self.requests.iter().flatten();
        let times_fit = requests().all(|limit| Self::REQUEST_TIME.contains(&limit.per));
        let counts_fit = requests().all(|limit| Self::REQUEST_COUNT.contains(&limit.count));
        let few = requests().count() <= Self::REQUEST_LIMITS;
        let bound_fits = self.concurrency.is_none_or(|bound| Self::CONCURRENCY.contains(&bound));
        let percent_fits = RetryBudget::PERCENT.contains(&budget.percent);
        let floor_fits = RetryBudget::PER_SECOND.contains(&budget.per_second);
        let rules = [
            (Self::RETRIES.contains(&self.retries), ResilienceError::Retries),
            (Self::RETRY_PAUSE.contains(&self.retry_pause), ResilienceError::RetryPause),
            (percent_fits, ResilienceError::BudgetPercent),
            (floor_fits, ResilienceError::BudgetPerSecond),
            (counts_fit, ResilienceError::RequestCount),
            (times_fit, ResilienceError::RequestTime),
            (few, ResilienceError::RequestLimits),
            (bound_fits, ResilienceError::Concurrency),
        ];
        let broken = rules.into_iter().chain(self.breaker.rules()).find(|(holds, _)| !holds);
        broken.map_or(Ok(()), |(_, error)| Err(error))
    }

    /// These settings, each brought into its range, for what was never checked.
    pub(super) fn within(mut self) -> Self {
        bring(&mut self.retries, &Self::RETRIES);
        bring(&mut self.retry_pause, &Self::RETRY_PAUSE);
        bring(&mut self.retry_budget.percent, &RetryBudget::PERCENT);
        bring(&mut self.retry_budget.per_second, &RetryBudget::PER_SECOND);
        self.breaker = self.breaker.within();
        for limit in self.requests.iter_mut().flatten() {
            bring(&mut limit.count, &Self::REQUEST_COUNT);
            bring(&mut limit.per, &Self::REQUEST_TIME);
        }
        if let Some(bound) = &mut self.concurrency {
            bring(bound, &Self::CONCURRENCY);
        }
        self
    }
}

fn bring<T: Ord + Copy>(value: &mut T, range: &RangeInclusive<T>) {
    *value = (*value).clamp(*range.start(), *range.end());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_holds() {
        assert_eq!(Resilience::default().check(), Ok(()));
        assert_eq!(Resilience::default().within(), Resilience::default());
    }

    #[test]
    fn each_setting_has_a_range_and_an_error_that_names_it() {
        type Change = fn(&mut Resilience);
        let hour = Duration::from_hours(1);
        assert_eq!(Resilience::RETRY_PAUSE.end().as_secs(), 60);
        assert_eq!(BreakerSettings::PAUSE.end(), &hour);
        let cases: [(Change, &str); 17] = [
            (|g| g.retries = 11, "retries "),
            (|g| g.retry_pause = Duration::from_secs(61), "retry_pause "),
            (|g| g.retry_budget.percent = 101, "retry_budget.percent "),
            (|g| g.retry_budget.per_second = 1001, "retry_budget.per_second "),
            (|g| g.breaker.failures = 0, "breaker.failures "),
            (|g| g.breaker.success_percent = 101, "breaker.success_percent "),
            (|g| g.breaker.min_calls = 0, "breaker.min_calls "),
            (|g| g.breaker.window = Duration::ZERO, "breaker.window "),
            (|g| g.breaker.pause = Duration::ZERO, "breaker.pause "),
            (|g| g.breaker.account_pause = Duration::from_secs(1), "breaker.account_pause "),
            (|g| g.breaker.longest_pause = Duration::from_secs(6), "breaker.longest_pause "),
            (|g| g.breaker.longest_pause = Duration::MAX, "breaker.longest_pause "),
            (|g| g.requests = Some(vec![RateLimit::new(0, DAY)]), "requests "),
            (|g| g.requests = Some(vec![RateLimit::new(1, Duration::ZERO)]), "requests "),
            (|g| g.requests = Some(vec![RateLimit::new(1, DAY); 9]), "requests "),
            (|g| g.concurrency = Some(0), "concurrency "),
            (|g| g.concurrency = Some(usize::MAX), "concurrency "),
        ];
        for (change, name) in cases {
            let mut resilience = Resilience::default();
            change(&mut resilience);
            let error = resilience.check().unwrap_err().to_string();
            assert!(error.starts_with(name), "{error}");
            let mut within = resilience.within();
            if let Some(requests) = &mut within.requests {
                requests.truncate(Resilience::REQUEST_LIMITS);
            }
            assert_eq!(within.check(), Ok(()), "{name}");
        }
    }

    #[test]
    fn the_ends_of_the_ranges_hold() {
        let short = *BreakerSettings::PAUSE.start();
        let least = Resilience {
            retries: 0,
            retry_pause: Duration::ZERO,
            retry_budget: RetryBudget { percent: 0, per_second: 0 },
            breaker: BreakerSettings {
                failures: 1,
                success_percent: 0,
                min_calls: 1,
                window: Duration::from_secs(1),
                pause: short,
                account_pause: short,
                longest_pause: short,
            },
            requests: Some(vec![RateLimit::new(1, Duration::from_secs(1))]),
            concurrency: Some(1),
        };
        assert_eq!(least.check(), Ok(()));
    }
}
