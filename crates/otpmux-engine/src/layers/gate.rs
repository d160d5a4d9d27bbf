use std::collections::VecDeque;
use std::time::Duration;

use otpmux_core::RateLimit;
use tokio::time::Instant;

/// Sliding windows of a provider's rate limit: one exact log per limit, never longer than its
/// count.
///
/// Of each limit a quarter is kept for sends and a quarter for all other calls, while both kinds
/// are wanted: a user who guesses a vendor's codes must not stop all sends, nor many sends the
/// verifications.
#[derive(Debug)]
pub(super) struct Gate {
    logs: Vec<Log>,
    /// When a call of each kind was last requested, let through or not.
    wanted: [Option<Instant>; 2],
    /// The vendor asked to hold sends back until then.
    held_until: Option<Instant>,
    /// The recipient whose send the vendor refused last as one too many, with none accepted since.
    refused: Option<u64>,
    /// Calls that wait for their turn. They precede any send, except for the sends' share.
    pub(super) waiting: usize,
}

/// The kind of call that a slot is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Send,
    Other,
}

#[derive(Debug)]
struct Log {
    limit: RateLimit,
    /// When requests were let through, oldest first, while they still count.
    taken: VecDeque<(Instant, Kind)>,
    /// How many of them are of each kind.
    counts: [usize; 2],
}

impl Gate {
    /// The longest hold that a vendor can ask for.
    const LONGEST_HOLD: Duration = Duration::from_mins(5);

    /// Ignores limits that let nothing through, or everything.
    pub(super) fn new(limits: &[RateLimit]) -> Self {
        let sound = limits.iter().filter(|limit| limit.count > 0 && !limit.per.is_zero());
        let logs = sound.map(|limit| Log::new(*limit)).collect();
        Self { logs, wanted: [None; 2], held_until: None, refused: None, waiting: 0 }
    }

    /// Takes a slot for a send.
    ///
    /// # Errors
    ///
    /// The time to wait.
    pub(super) fn take_for_send(&mut self, now: impl Fn() -> Instant) -> Result<(), Duration> {
        if self.logs.is_empty() && self.held_until.is_none() {
            return Ok(());
        }
        let now = now();
        if let Some(held) = self.held_until {
            if held > now {
                return Err(held - now);
            }
            self.held_until = None;
        }
        if self.waiting > 0 && !self.logs.iter_mut().all(|log| log.owes_sends(now)) {
            self.wanted[Kind::Send as usize] = Some(now);
            return Err(self.left_for(Kind::Send, now).max(self.spacing()));
        }
        self.take_as(Kind::Send, now)
    }

    /// Takes a slot for any other call.
    ///
    /// # Errors
    ///
    /// The time until the next slot is free.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        self.take_as(Kind::Other, now)
    }

    fn take_as(&mut self, kind: Kind, now: Instant) -> Result<(), Duration> {
        self.wanted[kind as usize] = Some(now);
        let left = self.left_for(kind, now);
        if !left.is_zero() {
            return Err(left);
        }
        for log in &mut self.logs {
            log.take(kind, now);
        }
        Ok(())
    }

    /// The vendor refused the send to this recipient as one too many, with a time to wait. Holds
    /// all sends back only if the limit may be the account's: the send to another recipient was
    /// refused too, or many were sent. Otherwise it may be the limit of that recipient only.
    pub(super) fn too_many(&mut self, whose: u64, after: Duration, now: Instant) {
        let another = self.refused.replace(whose).is_some_and(|before| before != whose);
        if another || self.logs.iter_mut().any(|log| log.is_half_full(now)) {
            self.hold(after, now);
        }
    }

    /// The vendor has accepted a send.
    pub(super) fn accepted(&mut self) {
        self.refused = None;
    }

    fn hold(&mut self, after: Duration, now: Instant) {
        let until = now + after.min(Self::LONGEST_HOLD);
        self.held_until = self.held_until.max(Some(until));
    }

    /// How long until every limit has room for a call that is no send.
    pub(super) fn left(&mut self, now: Instant) -> Duration {
        self.left_for(Kind::Other, now)
    }

    fn left_for(&mut self, kind: Kind, now: Instant) -> Duration {
        let other = match kind {
            Kind::Send => Kind::Other,
            Kind::Other => Kind::Send,
        };
        let wanted = self.wanted[other as usize];
        let left = |log: &mut Log| log.left(kind, wanted, now);
        self.logs.iter_mut().map(left).max().unwrap_or_default()
    }

    /// The distance between requests that use the limits fully.
    fn spacing(&self) -> Duration {
        let apart = self.logs.iter().map(|log| log.limit.per / log.limit.count);
        apart.max().unwrap_or_default()
    }
}

impl Log {
    fn new(limit: RateLimit) -> Self {
        Self { limit, taken: VecDeque::new(), counts: [0; 2] }
    }

    fn take(&mut self, kind: Kind, now: Instant) {
        self.taken.push_back((now, kind));
        self.counts[kind as usize] += 1;
    }

    /// The slots kept for each kind while the other one is wanted too.
    fn share(&self) -> usize {
        self.limit.count as usize / 4
    }

    fn forget(&mut self, now: Instant) {
        let over = |at: Instant| now.saturating_duration_since(at) >= self.limit.per;
        while let Some((at, kind)) = self.taken.front().copied()
            && over(at)
        {
            self.taken.pop_front();
            self.counts[kind as usize] -= 1;
        }
    }

    fn left(&mut self, kind: Kind, other_wanted: Option<Instant>, now: Instant) -> Duration {
        self.forget(now);
        let per = self.limit.per;
        let left = |(at, _): &(Instant, Kind)| (*at + per).saturating_duration_since(now);
        let all = self.limit.count as usize;
        let full = self.taken.len() >= all;
        let until_room = self.taken.front().filter(|_| full).map_or(Duration::ZERO, left);
        let kept = other_wanted.is_some_and(|at| now.saturating_duration_since(at) < per);
        if !kept {
            return until_room;
        }
        // The request that must leave the window before there is room in the share.
        let beyond = self.counts[kind as usize].checked_sub(all - self.share());
        let own = |taken: &&(Instant, Kind)| taken.1 == kind;
        let until_share = beyond.and_then(|beyond| self.taken.iter().filter(own).nth(beyond));
        until_room.max(until_share.map_or(Duration::ZERO, left))
    }

    /// Whether sends have used less than the slots kept for them.
    fn owes_sends(&mut self, now: Instant) -> bool {
        self.forget(now);
        self.counts[Kind::Send as usize] < self.share()
    }

    fn is_half_full(&mut self, now: Instant) -> bool {
        self.forget(now);
        self.taken.len() * 2 >= self.limit.count as usize
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
        gate.too_many(1, 7 * SECOND, start);
        gate.too_many(2, 7 * SECOND, start);
        gate.too_many(1, 3 * SECOND, start);
        assert_eq!(gate.take_for_send(|| start), Err(7 * SECOND));
        assert_eq!(gate.take(start), Ok(()), "everything else goes on");
        assert_eq!(gate.take_for_send(|| start + 7 * SECOND), Ok(()));
        gate.too_many(2, Duration::MAX, start);
        assert_eq!(gate.take_for_send(|| start), Err(300 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_of_one_user_holds_no_other_back() {
        let start = Instant::now();
        let mut gate = Gate::new(&[RateLimit::new(4, 60 * SECOND)]);
        for _ in 0..9 {
            gate.too_many(1, 7 * SECOND, start);
        }
        assert_eq!(gate.take_for_send(|| start), Ok(()));
        gate.accepted();
        gate.too_many(2, 7 * SECOND, start);
        assert_eq!(gate.take_for_send(|| start), Ok(()), "one has gone through in between");
        gate.too_many(2, 7 * SECOND, start);
        assert_eq!(gate.take_for_send(|| start), Err(7 * SECOND), "so much was sent");
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiting_send_comes_before_those_that_have_had_their_share() {
        let start = Instant::now();
        let mut gate = Gate::new(&[RateLimit::new(4, 60 * SECOND)]);
        gate.waiting = 1;
        assert_eq!(gate.take_for_send(|| start), Ok(()));
        assert_eq!(gate.take_for_send(|| start), Err(15 * SECOND));
        assert_eq!(gate.take(start), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn neither_kind_takes_the_others_share_while_both_are_wanted() {
        let start = Instant::now();
        let full = |gate: &mut Gate, sends: bool, at: Instant| {
            let mut take = || if sends { gate.take_for_send(|| at) } else { gate.take(at) };
            (0..200).take_while(|_| take().is_ok()).count()
        };
        for sends in [true, false] {
            let mut gate = Gate::new(&[RateLimit::new(120, 60 * SECOND)]);
            assert_eq!(full(&mut gate, sends, start), 120, "no other call wants any");
            // Both are refused, and so both are wanted.
            let meanwhile = start + 30 * SECOND;
            assert_eq!(full(&mut gate, !sends, meanwhile), 0);
            assert_eq!(full(&mut gate, sends, meanwhile), 0);
            let later = start + 60 * SECOND;
            assert_eq!(full(&mut gate, !sends, later), 90);
            assert_eq!(full(&mut gate, sends, later), 30);
        }
    }

    #[test]
    fn a_limit_that_cannot_be_is_none() {
        let gate = Gate::new(&[RateLimit::new(0, SECOND), RateLimit::new(1, Duration::ZERO)]);
        assert!(gate.logs.is_empty());
    }
}
