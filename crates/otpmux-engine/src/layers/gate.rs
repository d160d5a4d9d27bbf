use std::collections::VecDeque;
use std::time::Duration;

use otpmux_core::RateLimit;
use tokio::time::Instant;

/// Which requests fit a provider's limits: one exact log per limit, never longer than its count.
#[derive(Debug)]
pub(super) struct Gate {
    logs: Vec<Log>,
    /// Sends are held back until then, because the vendor said so.
    held_until: Option<Instant>,
    /// Calls that wait for their turn. They come before any send.
    pub(super) waiting: usize,
}

#[derive(Debug)]
struct Log {
    limit: RateLimit,
    /// When requests were let through, oldest first, as far as they still count.
    taken: VecDeque<Instant>,
}

impl Gate {
    /// A vendor that asks for more time than this does not get it.
    const LONGEST_HOLD: Duration = Duration::from_mins(5);

    /// Limits that let nothing through, or everything, are no limits.
    pub(super) fn new(limits: &[RateLimit]) -> Self {
        let sound = limits.iter().filter(|limit| limit.count > 0 && !limit.per.is_zero());
        let logs = sound.map(|limit| Log { limit: *limit, taken: VecDeque::new() }).collect();
        Self { logs, held_until: None, waiting: 0 }
    }

    /// Takes a slot for a send.
    ///
    /// # Errors
    ///
    /// How long to stay away.
    pub(super) fn take_for_send(&mut self, now: Instant) -> Result<(), Duration> {
        if let Some(held) = self.held_until {
            if held > now {
                return Err(held - now);
            }
            self.held_until = None;
        }
        if self.waiting > 0 {
            return Err(self.left(now).max(self.spacing()));
        }
        self.take(now)
    }

    /// Takes a slot.
    ///
    /// # Errors
    ///
    /// How long until the next one is free.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        let left = self.left(now);
        if !left.is_zero() {
            return Err(left);
        }
        for log in &mut self.logs {
            log.taken.push_back(now);
        }
        Ok(())
    }

    /// Holds sends back, as the vendor asked for.
    pub(super) fn hold(&mut self, after: Duration, now: Instant) {
        let until = now + after.min(Self::LONGEST_HOLD);
        self.held_until = self.held_until.max(Some(until));
    }

    /// How long until every limit has room.
    pub(super) fn left(&mut self, now: Instant) -> Duration {
        self.logs.iter_mut().map(|log| log.left(now)).max().unwrap_or_default()
    }

    /// How far requests are apart that use the limits up.
    fn spacing(&self) -> Duration {
        let apart = self.logs.iter().map(|log| log.limit.per / log.limit.count);
        apart.max().unwrap_or_default()
    }
}

impl Log {
    fn left(&mut self, now: Instant) -> Duration {
        let left = |taken: Instant| (taken + self.limit.per).saturating_duration_since(now);
        while self.taken.front().is_some_and(|taken| left(*taken).is_zero()) {
            self.taken.pop_front();
        }
        let full = self.taken.len() >= self.limit.count as usize;
        self.taken.front().filter(|_| full).map_or(Duration::ZERO, |taken| left(*taken))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn never_more_than_the_count_in_any_window() {
        let start = Instant::now();
        let mut gate = Gate::new(&[RateLimit::new(3, 10 * SECOND), RateLimit::new(4, 60 * SECOND)]);
        let mut at = |seconds: u32| gate.take(start + seconds * SECOND);
        assert_eq!([at(0), at(4), at(9)], [Ok(()); 3]);
        assert_eq!(at(9), Err(SECOND), "full until the first is ten seconds old");
        assert_eq!(at(10), Ok(()));
        assert_eq!(at(10), Err(50 * SECOND), "the longer limit is full as well");
        assert_eq!(at(59), Err(SECOND));
        assert_eq!(at(60), Ok(()));
        assert_eq!(at(60), Err(4 * SECOND));
        assert!(gate.logs.iter().all(|log| log.taken.len() <= log.limit.count as usize));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_request_takes_nothing() {
        let start = Instant::now();
        let mut gate = Gate::new(&[RateLimit::new(1, SECOND), RateLimit::new(2, 60 * SECOND)]);
        assert_eq!(gate.take(start), Ok(()));
        for _ in 0..9 {
            assert_eq!(gate.take(start), Err(SECOND));
        }
        assert_eq!(gate.take(start + SECOND), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_vendor_holds_sends_back_but_not_for_long() {
        let start = Instant::now();
        let mut gate = Gate::new(&[]);
        gate.hold(7 * SECOND, start);
        gate.hold(3 * SECOND, start);
        assert_eq!(gate.take_for_send(start), Err(7 * SECOND));
        assert_eq!(gate.take(start), Ok(()), "everything else goes on");
        assert_eq!(gate.take_for_send(start + 7 * SECOND), Ok(()));
        gate.hold(Duration::MAX, start);
        assert_eq!(gate.take_for_send(start), Err(300 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_comes_before_sends() {
        let start = Instant::now();
        let mut gate = Gate::new(&[RateLimit::new(4, 60 * SECOND)]);
        gate.waiting = 1;
        assert_eq!(gate.take_for_send(start), Err(15 * SECOND));
        assert_eq!(gate.take(start), Ok(()));
    }

    #[test]
    fn a_limit_that_cannot_be_is_none() {
        let gate = Gate::new(&[RateLimit::new(0, SECOND), RateLimit::new(1, Duration::ZERO)]);
        assert!(gate.logs.is_empty());
    }
}
