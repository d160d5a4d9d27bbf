use std::time::Duration;

use tokio::time::Instant;

const BUCKETS: u32 = 10;

/// Successes and failures of the recent past, in ten buckets of equal length that are dropped one
/// by one: an average weighted by arrival would forget a failing night after a minute of traffic.
#[derive(Debug)]
pub(super) struct Window {
    /// How long one bucket is filled.
    width: Duration,
    /// When the newest bucket began.
    begun: Instant,
    /// The newest bucket first.
    buckets: [Counts; BUCKETS as usize],
}

/// Counts of calls by result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) good: u64,
    pub(super) bad: u64,
}

impl Counts {
    pub(super) fn calls(self) -> u64 {
        self.good + self.bad
    }
}

impl Window {
    /// A window of `length`; the oldest tenth of it is dropped at once when its time comes.
    pub(super) fn new(length: Duration, now: Instant) -> Self {
        Self { width: length / BUCKETS, begun: now, buckets: Default::default() }
    }

    pub(super) fn add(&mut self, good: bool, now: Instant) {
        self.advance(now);
        let newest = &mut self.buckets[0];
        if good {
            newest.good += 1;
        } else {
            newest.bad += 1;
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let add = |all: Counts, bucket: &Counts| Counts {
            good: all.good + bucket.good,
            bad: all.bad + bucket.bad,
        };
        self.buckets.iter().fold(Counts::default(), add)
    }

    /// The counts at this time, without buckets that have ended since the last call.
    pub(super) fn counts_at(&mut self, now: Instant) -> Counts {
        self.advance(now);
        self.counts()
    }

    pub(super) fn clear(&mut self) {
        self.buckets = Default::default();
    }

    fn advance(&mut self, now: Instant) {
        for _ in 0..BUCKETS {
            if now.saturating_duration_since(self.begun) < self.width {
                return;
            }
            self.buckets.rotate_right(1);
            self.buckets[0] = Counts::default();
            self.begun += self.width;
        }
        // All buckets are empty, however long ago the last call was.
        self.begun = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn calls_fall_off_when_their_time_is_over() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut window = Window::new(Duration::from_mins(1), start);
        window.add(false, start);
        window.add(true, at(7));
        window.add(true, at(59));
        assert_eq!(window.counts(), Counts { good: 2, bad: 1 });
        window.add(true, at(60));
        assert_eq!(window.counts(), Counts { good: 3, bad: 0 });
        window.add(true, at(66));
        assert_eq!(window.counts(), Counts { good: 3, bad: 0 });
        window.add(false, at(100_000));
        assert_eq!(window.counts(), Counts { good: 0, bad: 1 });
    }
}
