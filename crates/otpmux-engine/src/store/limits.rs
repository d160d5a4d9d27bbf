use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use otpmux_core::RateLimit;

use crate::RecipientHash;

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "stores write each of them down")]
pub enum LimitScope {
    /// Messages to one recipient.
    Recipient,
    /// Messages asked for from one address: an IPv4 address, or an IPv6 network of 64 bits.
    Ip,
    /// Messages for one purpose.
    Purpose,
    /// Messages to numbers that differ in their last four digits only.
    NumberRange,
    /// Messages to addresses of one mail domain, its subdomains included.
    Domain,
    /// Messages by one provider.
    Provider,
    /// All messages.
    Global,
    /// Guesses for one recipient from one address, over all its verifications.
    Guesses,
    /// Guesses for one recipient from all addresses, over all its verifications.
    GuessesTotal,
}

impl LimitScope {
    /// The word that the configuration, the HTTP API and logs use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recipient => "recipient",
            Self::Ip => "ip",
            Self::Purpose => "purpose",
            Self::NumberRange => "number_range",
            Self::Domain => "domain",
            Self::Provider => "provider",
            Self::Global => "global",
            Self::Guesses => "guesses",
            Self::GuessesTotal => "guesses_total",
        }
    }
}

/// Key under which hits are counted together: a scope, and a hash of the subject within it.
/// Personal data is hashed under a server key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct LimitKey {
    /// The scope.
    pub scope: LimitScope,
    /// The hash of the subject.
    pub hash: [u8; 16],
}

impl LimitKey {
    /// The key of the guesses at a recipient's codes by one group of guessers. Half of it is the
    /// recipient, half the guesser, so that a store builds it from a record, and the caller need
    /// not know the recipient.
    pub fn of_guesses(scope: LimitScope, recipient: &RecipientHash, who: [u8; 8]) -> Self {
        let mut hash = [0; 16];
        hash[..8].copy_from_slice(&recipient.0[..8]);
        hash[8..].copy_from_slice(&who);
        Self { scope, hash }
    }

    /// The key of a recipient within a scope, the same for all its spellings.
    pub fn of_recipient(scope: LimitScope, recipient: &RecipientHash) -> Self {
        Self { scope, hash: recipient.counted() }
    }
}

impl fmt::Debug for LimitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitKey").field("scope", &self.scope).finish_non_exhaustive()
    }
}

/// One rate-limit hit, counted if all windows have room.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct LimitHit {
    /// Where it is counted.
    pub key: LimitKey,
    /// The windows that must have room. Each has a count of one at least.
    pub windows: Arc<[RateLimit]>,
}

/// One hit to be taken back, because nothing was sent or compared for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct Refund {
    /// Where it was counted.
    pub key: LimitKey,
    /// When it was counted.
    pub at: SystemTime,
}

/// A limit that has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores put it together")]
pub struct LimitExceeded {
    /// What it counts.
    pub scope: LimitScope,
    /// The window.
    pub window: RateLimit,
    /// How long until there is room, if nothing else is counted until then.
    pub retry_after: Duration,
}

impl LimitExceeded {
    /// Of two limits without room, returns the one with the longer wait.
    pub fn later(a: Option<Self>, b: Option<Self>) -> Option<Self> {
        [a, b].into_iter().flatten().max_by_key(|limited| limited.retry_after)
    }
}

/// The hits of one key, as sliding windows need them: no window of a length holds more hits than
/// its count, wherever it begins. For stores that hold the hits in memory.
///
/// Invariant: milliseconds since the epoch, oldest first; as many hits as the largest count among
/// its windows, at most.
///
/// The newest hit is a field by itself, because most keys are hit once before their windows end:
/// such a log allocates nothing. A table of logs is large and read at random, so each log is small.
#[derive(Clone, Debug, Default)]
pub(crate) struct HitLog {
    #[expect(clippy::box_collection, reason = "most logs have none, and are smaller without it")]
    older: Option<Box<VecDeque<u64>>>,
    newest: Option<NonZeroU64>,
    /// The longest window among its hits.
    longest: u64,
}

impl HitLog {
    /// The hit `back` positions from the end; the newest is at 1.
    fn nth_back(&self, back: u32) -> Option<u64> {
        match usize::try_from(back).unwrap_or(usize::MAX) {
            1 => self.newest.map(NonZeroU64::get),
            back => {
                let older = self.older.as_deref()?;
                older.get((older.len() + 1).checked_sub(back)?).copied()
            }
        }
    }

    /// Returns the window without room that has the longest wait.
    ///
    /// A window of `count` in `per` has room when the hit that is `count` back is older than `per`.
    pub(crate) fn full(
        &self,
        scope: LimitScope,
        windows: &[RateLimit],
        now: SystemTime,
    ) -> Option<LimitExceeded> {
        let full = |window: &RateLimit| {
            let room = self.nth_back(window.count)?.saturating_add(millis_of(window.per));
            let wait = room.checked_sub(millis(now)).filter(|wait| *wait > 0)?;
            Some(LimitExceeded { scope, window: *window, retry_after: Duration::from_millis(wait) })
        };
        windows.iter().filter_map(full).max_by_key(|limited| limited.retry_after)
    }

    pub(crate) fn hit(&mut self, windows: &[RateLimit], now: SystemTime) {
        let most = windows.iter().map(|window| window.count).max().unwrap_or(0);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        if most <= 1 {
            self.older = None;
        } else if let Some(newest) = self.newest {
            let older = self.older.get_or_insert_default();
            older.push_back(newest.get());
            while older.len() >= most {
                older.pop_front();
            }
        }
        self.newest = Some(stamp(now));
        self.longest = millis_of(longest(windows));
    }

    /// Takes back one hit at this time, if there is one.
    pub(crate) fn take_back(&mut self, at: SystemTime) {
        let at = stamp(at);
        let older = self.older.as_deref_mut();
        if self.newest == Some(at) {
            self.newest = older.and_then(VecDeque::pop_back).and_then(NonZeroU64::new);
        } else if let Some(older) = older
            && let Some(place) = older.iter().rposition(|hit| *hit == at.get())
        {
            older.remove(place);
        }
    }

    /// When the last hit leaves all windows, in milliseconds since the epoch.
    pub(crate) fn end(&self) -> u64 {
        self.newest.map_or(0, |newest| newest.get().saturating_add(self.longest))
    }
}

/// A clock before 1970 gives a valid stamp too.
fn stamp(time: SystemTime) -> NonZeroU64 {
    NonZeroU64::new(millis(time)).unwrap_or(NonZeroU64::MIN)
}

/// A time as stores write it: milliseconds since 1970, 0 for earlier times.
pub fn millis(time: SystemTime) -> u64 {
    millis_of(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

fn millis_of(time: Duration) -> u64 {
    // In 64 bits: this is done several times in each step of a store.
    time.as_secs().saturating_mul(1_000).saturating_add(u64::from(time.subsec_millis()))
}

/// The length of the longest of these windows: an older hit counts in none.
pub fn longest(windows: &[RateLimit]) -> Duration {
    windows.iter().map(|window| window.per).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
    }

    fn full(log: &HitLog, windows: &[RateLimit], seconds: u64) -> Option<u64> {
        let full = log.full(LimitScope::Recipient, windows, at(seconds));
        full.map(|limited| limited.retry_after.as_secs())
    }

    #[test]
    fn a_window_slides() {
        let windows = [RateLimit::new(2, MINUTE)];
        let mut log = HitLog::default();
        assert_eq!(full(&log, &windows, 0), None);
        log.hit(&windows, at(0));
        assert_eq!(full(&log, &windows, 50), None);
        log.hit(&windows, at(50));
        assert_eq!(full(&log, &windows, 51), Some(9));
        assert_eq!(full(&log, &windows, 59), Some(1));
        assert_eq!(full(&log, &windows, 60), None);
        log.hit(&windows, at(60));
        assert_eq!(full(&log, &windows, 61), Some(49), "not a window that starts anew");
    }

    #[test]
    fn the_longest_wait_is_reported() {
        let windows = [RateLimit::new(1, MINUTE), RateLimit::new(2, 10 * MINUTE)];
        let mut log = HitLog::default();
        log.hit(&windows, at(0));
        log.hit(&windows, at(100));
        let limited = log.full(LimitScope::Ip, &windows, at(110)).unwrap();
        assert_eq!((limited.window, limited.retry_after.as_secs()), (windows[1], 490));
    }

    proptest! {
        /// For any sequence of hits: no window holds more than its count, and a hit is refused only
        /// if one would.
        #[test]
        fn no_window_ever_holds_more(steps in prop::collection::vec(0u64..30, 1..200)) {
            let windows =
                [RateLimit::new(2, MINUTE), RateLimit::new(5, 5 * MINUTE), RateLimit::new(9, 20 * MINUTE)];
            let (mut log, mut taken, mut now) = (HitLog::default(), Vec::<u64>::new(), 0);
            let within = |taken: &[u64], now: u64, window: &RateLimit| {
                let young = |hit: &&u64| now - **hit < window.per.as_secs();
                u32::try_from(taken.iter().filter(young).count()).unwrap()
            };
            for step in steps {
                now += step;
                let room = windows.iter().all(|window| within(&taken, now, window) < window.count);
                prop_assert_eq!(full(&log, &windows, now).is_none(), room);
                if room {
                    log.hit(&windows, at(now));
                    taken.push(now);
                }
            }
        }
    }
}
