use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use otpmux_core::Clock;

/// Clock that is stopped until a test moves it. Share it in an `Arc`.
///
/// ```
/// use std::time::Duration;
/// use otpmux_core::Clock;
/// use otpmux_testkit::ManualClock;
///
/// let clock = ManualClock::at_unix(1_704_067_200);
/// let before = clock.now();
/// clock.advance(Duration::from_secs(90));
/// assert_eq!(clock.now().duration_since(before).unwrap().as_secs(), 90);
/// ```
#[derive(Debug)]
pub struct ManualClock(Mutex<SystemTime>);

impl ManualClock {
    /// Returns a clock that shows this time.
    pub fn new(now: SystemTime) -> Self {
        Self(Mutex::new(now))
    }

    /// Returns a clock that shows this many seconds after the beginning of 1970.
    pub fn at_unix(seconds: u64) -> Self {
        Self::new(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        *self.lock() += by;
    }

    /// Sets the clock, also backwards, as can happen to a machine's clock.
    pub fn set(&self, now: SystemTime) {
        *self.lock() = now;
    }

    fn lock(&self) -> MutexGuard<'_, SystemTime> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for ManualClock {
    /// Returns a clock at the beginning of 2026, UTC.
    fn default() -> Self {
        Self::at_unix(1_767_225_600)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        *self.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_only_when_set() {
        let clock = ManualClock::default();
        let start = clock.now();
        assert_eq!(clock.now(), start);
        clock.advance(Duration::from_mins(1));
        assert_eq!(clock.now(), start + Duration::from_mins(1));
        clock.set(start);
        assert_eq!(clock.now(), start);
    }
}
