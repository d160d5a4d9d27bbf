//! The emulator's clock: the machine's time, or a fixed start, plus the sum of all advances.

use std::io;
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};

use crate::system;

/// More than any lifetime or limit needs; keeps every later sum within the range of a timestamp.
pub(crate) const MAX_ADVANCE: Duration = Duration::from_secs(100 * 366 * 24 * 3600);

#[derive(Debug)]
pub(crate) struct Clock {
    frozen_at: Option<Timestamp>,
    advanced: Duration,
}

impl Clock {
    pub(crate) fn new(frozen_at: Option<SystemTime>) -> io::Result<Self> {
        let frozen_at = frozen_at
            .map(Timestamp::try_from)
            .transpose()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error.to_string()))?;
        if frozen_at
            .is_some_and(|at| at.checked_add(SignedDuration::from_hours(9_000_000)).is_err())
        {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the frozen clock starts too close to the end of time",
            ));
        }
        Ok(Self { frozen_at, advanced: Duration::ZERO })
    }

    pub(crate) fn now(&self) -> Timestamp {
        let base = self.frozen_at.unwrap_or_else(system::now);
        base.checked_add(self.advanced).unwrap_or(Timestamp::MAX)
    }

    /// Returns the fixed start; `None` if the clock runs.
    pub(crate) fn frozen_at(&self) -> Option<Timestamp> {
        self.frozen_at
    }

    /// Returns the sum of all advances.
    pub(crate) fn advanced(&self) -> Duration {
        self.advanced
    }

    /// Advances the clock. Returns false, without a change, if the sum of all advances would exceed
    /// [`MAX_ADVANCE`].
    pub(crate) fn advance(&mut self, by: Duration) -> bool {
        match self.advanced.checked_add(by).filter(|sum| *sum <= MAX_ADVANCE) {
            Some(sum) => {
                self.advanced = sum;
                true
            }
            None => false,
        }
    }
}

pub(crate) fn plus(at: Timestamp, seconds: u64) -> Timestamp {
    at.checked_add(Duration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// Returns the whole seconds from `now` to `then`, rounded up; 0 if `then` has passed.
pub(crate) fn seconds_until(now: Timestamp, then: Timestamp) -> u64 {
    u64::try_from(then.duration_since(now).as_millis()).unwrap_or(0).div_ceil(1000)
}

/// Formats a time as `2024-01-01T12:05:00.000Z`, as JavaScript back ends do.
pub(crate) fn millis(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// Formats a time as `2024-01-01T12:05:00Z`.
pub(crate) fn seconds(at: Timestamp) -> String {
    format!("{at:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frozen() -> Clock {
        Clock::new(Some(SystemTime::UNIX_EPOCH)).unwrap()
    }

    #[test]
    fn a_frozen_clock_moves_only_by_an_advance() {
        let mut clock = frozen();
        assert_eq!(millis(clock.now()), "1970-01-01T00:00:00.000Z");
        assert!(clock.advance(Duration::from_millis(1500)));
        assert_eq!(millis(clock.now()), "1970-01-01T00:00:01.500Z");
        assert_eq!(seconds(clock.now()), "1970-01-01T00:00:01Z");
    }

    #[test]
    fn an_absurd_advance_is_refused() {
        let mut clock = frozen();
        assert!(!clock.advance(Duration::MAX));
        assert!(clock.advance(MAX_ADVANCE));
        assert!(!clock.advance(Duration::from_secs(1)));
    }

    #[test]
    fn remaining_seconds_round_up() {
        let start = Timestamp::UNIX_EPOCH;
        assert_eq!(seconds_until(start, plus(start, 42)), 42);
        let later = start.checked_add(Duration::from_millis(1)).unwrap();
        assert_eq!(seconds_until(later, plus(start, 42)), 42);
        assert_eq!(seconds_until(plus(start, 43), plus(start, 42)), 0);
    }
}
