//! The rate limits of an API key in this process.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use otpmux::RateLimit;
use tokio::time::Instant;

/// Token buckets, all of which must have room. Each fills at its limit's rate and holds its count.
#[derive(Debug)]
pub(crate) struct Pace(Mutex<Vec<Bucket>>);

#[derive(Debug)]
struct Bucket {
    /// The time in which one request is refilled.
    price: Duration,
    /// The time in which an empty bucket becomes full.
    depth: Duration,
    /// When the bucket is full again; it is full if this is in the past.
    full_at: Instant,
}

impl Pace {
    pub(crate) fn new(limits: &[RateLimit], now: Instant) -> Self {
        let bucket = |limit: &RateLimit| Bucket {
            price: limit.per / limit.count.max(1),
            depth: limit.per,
            full_at: now,
        };
        Self(Mutex::new(limits.iter().map(bucket).collect()))
    }

    /// Counts one request.
    ///
    /// # Errors
    ///
    /// The wait until the next request is allowed; nothing was counted.
    pub(crate) fn take(&self, now: Instant) -> Result<(), Duration> {
        // No step under the lock can panic half-way.
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let after = |bucket: &Bucket| bucket.full_at.max(now) + bucket.price;
        let wait = |bucket: &Bucket| (after(bucket) - now).saturating_sub(bucket.depth);
        let longest = buckets.iter().map(wait).max().unwrap_or_default();
        if !longest.is_zero() {
            return Err(longest);
        }
        for bucket in buckets.iter_mut() {
            bucket.full_at = after(bucket);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_rate() {
        let second = Duration::from_secs(1);
        let limits = [RateLimit::new(10, second), RateLimit::new(12, 60 * second)];
        let now = Instant::now();
        let pace = Pace::new(&limits, now);
        for _ in 0..10 {
            pace.take(now).unwrap();
        }
        assert_eq!(pace.take(now), Err(Duration::from_millis(100)));
        pace.take(now + Duration::from_millis(100)).unwrap();
        assert!(pace.take(now + Duration::from_millis(150)).is_err());
        pace.take(now + second).unwrap();
        // The longer limit has had its twelve: the next comes at its rate.
        let wait = pace.take(now + 2 * second).unwrap_err();
        assert_eq!(wait, Duration::from_secs(3));
        pace.take(now + 5 * second).unwrap();
    }

    #[test]
    fn without_limits_nothing_is_refused() {
        let pace = Pace::new(&[], Instant::now());
        for _ in 0..1_000 {
            pace.take(Instant::now()).unwrap();
        }
    }
}
