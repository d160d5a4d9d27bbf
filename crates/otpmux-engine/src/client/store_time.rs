//! The time that all processes of one store use: the store's.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use otpmux_core::{Clock, Error};
use tokio::time::Instant;

use super::metrics;
use crate::{VerificationStore, background, millis};

/// How long a measurement is used before the next one.
const EVERY: Duration = Duration::from_secs(60);
/// How long a more exact measurement is preferred to later ones; clocks drift.
const KEPT: Duration = Duration::from_mins(10);
/// The difference, in milliseconds, from which an operator is warned.
const RELEVANT: u64 = 1_000;

/// This process's clock, corrected by its difference from the store's.
///
/// A time that one process writes is compared by another one with its own clock: expiry, windows of
/// limits, health updates. Uncorrected, a slow clock would approve a code that has expired, and a
/// fast one would block a recipient elsewhere.
#[derive(Debug)]
pub(super) struct StoreTime {
    own: Arc<dyn Clock>,
    store: Arc<dyn VerificationStore>,
    /// By how many milliseconds the store's clock is ahead.
    ahead: AtomicI64,
    /// The current measurement, and the difference that was last logged for the operator.
    standing: Mutex<(Option<Sample>, i64)>,
    begun: Instant,
    /// When the next measurement is due, in milliseconds since `begun`.
    due: AtomicU64,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    ahead: i64,
    /// The largest error, in milliseconds: half of the round trip.
    doubt: u64,
    at: Instant,
}

impl StoreTime {
    pub(super) fn new(own: Arc<dyn Clock>, store: Arc<dyn VerificationStore>) -> Self {
        let (ahead, standing, due) = (AtomicI64::new(0), Mutex::default(), AtomicU64::new(0));
        Self { own, store, ahead, standing, begun: Instant::now(), due }
    }

    /// The store's time, as far as it is known.
    pub(super) fn now(&self) -> SystemTime {
        let (own, ahead) = (self.own.now(), self.ahead.load(Ordering::Relaxed));
        if ahead == 0 {
            return own;
        }
        let by = Duration::from_millis(ahead.unsigned_abs());
        let corrected = if ahead < 0 { own.checked_sub(by) } else { own.checked_add(by) };
        corrected.unwrap_or(own)
    }

    /// Reads the store's time and applies the difference from now on.
    pub(super) async fn measure(&self) -> Result<(), Error> {
        let (asked, own) = (Instant::now(), self.own.now());
        let Some(theirs) = self.store.time().await? else {
            self.record(0);
            return Ok(());
        };
        let at = Instant::now();
        let doubt = whole_millis((at - asked) / 2);
        let ahead = signed(millis(theirs)) - signed(millis(own)) - signed(doubt);
        let sample = Sample { ahead, doubt, at };
        let ahead = {
            let mut standing = self.standing.lock().unwrap_or_else(PoisonError::into_inner);
            let before = standing.0;
            // Of two that may both be right, the more exact one is kept.
            let stays = |old: &Sample| {
                old.doubt < doubt
                    && at - old.at < KEPT
                    && old.ahead.abs_diff(ahead) <= old.doubt + doubt
            };
            let now = before.filter(stays).unwrap_or(sample);
            standing.0 = Some(now);
            log_change(now.ahead, &mut standing.1);
            now.ahead
        };
        self.record(ahead);
        Ok(())
    }

    /// Starts a measurement in the background when one is due.
    pub(super) fn keep_measured(self: &Arc<Self>) {
        let now = whole_millis(self.begun.elapsed());
        let due = self.due.load(Ordering::Relaxed);
        let next = now + whole_millis(EVERY);
        let mine =
            || self.due.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if now >= due && mine() {
            let time = Arc::clone(self);
            // On failure, the last measurement stays.
            background::spawn(async move { drop(time.measure().await) });
        }
    }

    fn record(&self, ahead: i64) {
        self.ahead.store(ahead, Ordering::Relaxed);
        let next = whole_millis(self.begun.elapsed() + EVERY);
        self.due.store(next, Ordering::Relaxed);
        metrics::store_is_ahead(ahead);
    }
}

impl Clock for StoreTime {
    fn now(&self) -> SystemTime {
        Self::now(self)
    }
}

/// Logs the difference once for each relevant change.
fn log_change(ahead: i64, logged: &mut i64) {
    if ahead.abs_diff(*logged) < RELEVANT {
        return;
    }
    *logged = ahead;
    let milliseconds = ahead;
    if ahead.unsigned_abs() < RELEVANT {
        tracing::info!(milliseconds, "this machine's clock and the store's agree again");
    } else {
        tracing::warn!(
            store_ahead_ms = milliseconds,
            "this machine's clock is not the store's; times are corrected by the difference, but \
             set the clock right"
        );
    }
}

fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
