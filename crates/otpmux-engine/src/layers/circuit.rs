use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use otpmux_core::{Clock, Entropy, ErrorKind};
use tokio::time::Instant;

use super::chance;
use super::others::{Belief, Heard, Others};
use super::outcome::{Outcome, is_of_the_account};
use super::resilience::BreakerSettings;
use super::window::Window;
use crate::store::health::{Health, HealthUpdate, OpenCircuit, Witness};

/// The state of a breaker, without I/O: time, randomness and updates are arguments.
#[derive(Debug)]
pub(super) struct Circuit {
    settings: BreakerSettings,
    me: Witness,
    open: Option<Open>,
    /// Failures since the last success.
    streak: u32,
    window: Window,
    /// When a call last succeeded, since calls of this process last opened the circuit.
    last_good: Option<Instant>,
    /// Counts openings by calls of this process, and closings: the outcome of a call of another
    /// epoch is ignored.
    epoch: u64,
    others: Others,
    /// Another process cannot reach the provider: the next failure here is the second witness.
    suspected: bool,
    /// Time of the newest update that this process has written or will write.
    newest: Option<SystemTime>,
    /// A change that was not written to the store yet.
    unrecorded: Option<(SystemTime, Option<OpenCircuit>)>,
    /// The store has an update of this process with an open circuit, from before a reload.
    outdated: bool,
}

#[derive(Debug)]
struct Open {
    since: SystemTime,
    why: ErrorKind,
    until: Instant,
    /// The pause that doubles next, before jitter and the vendor's `retry_after`.
    pause: Duration,
    /// How many probes are under way.
    probes: u32,
    /// Only other processes reported failures: the provider is skipped, but calls that have no
    /// other provider are never refused.
    learned: bool,
}

/// The present time, and sources that are read only when something changes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now<'a> {
    pub(super) instant: Instant,
    pub(super) clock: &'a dyn Clock,
    pub(super) entropy: &'a dyn Entropy,
}

/// The right to make one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket {
    epoch: u64,
    pub(super) probe: bool,
}

/// The refusal of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) why: ErrorKind,
    pub(super) retry_after: Duration,
    /// True if only the number of probes prevents the call: it can wait for their ends.
    pub(super) crowded: bool,
}

/// The phase of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Closed,
    HalfOpen,
    Open,
}

/// A change to be logged for an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Opened { why: ErrorKind, pause: Duration },
    Closed,
}

impl Circuit {
    /// The `retry_after` while others probe.
    pub(super) const PROBE_TIME: Duration = Duration::from_secs(1);
    /// How many calls may probe at once if there is no other provider: enough to find the end of an
    /// outage soon, and few enough for a vendor that is recovering.
    const PROBES: u32 = 16;
    /// How long a process trusts its last success more than reports of others: eight times the
    /// average time between its successes, within these bounds.
    const RECENT: RangeInclusive<Duration> = Duration::from_secs(2)..=Duration::from_secs(30);
    /// This many failures in a row end that trust.
    const SHAKEN: u32 = 2;
    /// Two changes never have the same time, nor times in the wrong order, though clocks may
    /// differ. A store may keep times to the millisecond.
    const TICK: Duration = Duration::from_millis(1);

    pub(super) fn new(settings: BreakerSettings, me: Witness, now: Instant) -> Self {
        Self {
            settings,
            me,
            open: None,
            streak: 0,
            window: Window::new(settings.window, now),
            last_good: None,
            epoch: 0,
            others: Others::default(),
            suspected: false,
            newest: None,
            unrecorded: None,
            outdated: false,
        }
    }

    /// Requests a call. With `probe` there is no better provider: the call proceeds before the
    /// pause is over, and beside other probes.
    pub(super) fn admit(
        &mut self,
        probe: bool,
        now: impl FnOnce() -> Instant,
    ) -> Result<Ticket, Refusal> {
        let epoch = self.epoch;
        let Some(open) = &mut self.open else { return Ok(Ticket { epoch, probe: false }) };
        let left = if probe { Duration::ZERO } else { open.until.saturating_duration_since(now()) };
        let most = match (probe, open.learned) {
            (true, true) => u32::MAX,
            (true, false) => Self::PROBES,
            (false, _) => 1,
        };
        if left.is_zero() && open.probes < most {
            open.probes += 1;
            return Ok(Ticket { epoch, probe: true });
        }
        let retry_after = if open.probes > 0 { left.max(Self::PROBE_TIME) } else { left };
        Err(Refusal { why: open.why, retry_after, crowded: probe })
    }

    /// Applies the outcome of a call.
    pub(super) fn record_outcome(
        &mut self,
        ticket: Ticket,
        outcome: Outcome,
        now: Now<'_>,
    ) -> Option<Change> {
        if ticket.epoch != self.epoch {
            return None;
        }
        self.release(ticket);
        match outcome {
            Outcome::Ignored => None,
            Outcome::Success => self.succeed(now),
            Outcome::OpensAtOnce(why, hint) => {
                self.trip(why, hint, self.settings.account_pause, now)
            }
            Outcome::Failure(why, hint) => {
                let second_witness = self.suspected && !self.trusts_itself(now.instant);
                self.streak += 1;
                self.window.add(false, now.instant);
                let many = self.streak >= self.settings.failures || self.is_poor();
                if self.open.is_some() || second_witness || many {
                    self.trip(why, hint, self.settings.pause, now)
                } else {
                    None
                }
            }
        }
    }

    fn succeed(&mut self, now: Now<'_>) -> Option<Change> {
        let closed = self.open.is_some();
        if closed {
            self.close();
        } else {
            self.streak = 0;
            self.window.add(true, now.instant);
        }
        self.last_good = Some(now.instant);
        self.suspected = false;
        self.others.refute();
        if closed || std::mem::take(&mut self.outdated) {
            self.publish(now.clock.now(), None);
        }
        closed.then_some(Change::Closed)
    }

    /// Gives back the right to probe; the probe stays due.
    pub(super) fn release(&mut self, ticket: Ticket) {
        if let Some(open) = &mut self.open
            && ticket.probe
            && ticket.epoch == self.epoch
        {
            open.probes = open.probes.saturating_sub(1);
        }
    }

    /// Whether calls of this process have shown that the provider works: this outweighs all reports
    /// of other processes.
    fn trusts_itself(&mut self, now: Instant) -> bool {
        let Some(last) = self.last_good.filter(|_| self.streak < Self::SHAKEN) else {
            return false;
        };
        let good = self.window.counts_at(now).good.clamp(1, u64::from(u32::MAX));
        let between = self.settings.window / u32::try_from(good).unwrap_or(u32::MAX);
        let recent = between.saturating_mul(8).clamp(*Self::RECENT.start(), *Self::RECENT.end());
        now.saturating_duration_since(last) <= recent
    }

    fn is_poor(&self) -> bool {
        let counts = self.window.counts();
        counts.calls() >= u64::from(self.settings.min_calls)
            && counts.good * 100 < counts.calls() * u64::from(self.settings.success_percent)
    }

    fn trip(
        &mut self,
        why: ErrorKind,
        hint: Option<Duration>,
        first: Duration,
        now: Now<'_>,
    ) -> Option<Change> {
        let longest = self.settings.longest_pause;
        let (since, before, base) = match &self.open {
            None => (None, None, first),
            // A probe before the end of the pause, or beside another one: it shows nothing new, and
            // many of them must not increase the pause.
            Some(open) if open.until > now.instant => {
                (Some(open.since), Some(open.until), open.pause)
            }
            Some(open) => (Some(open.since), None, open.pause.saturating_mul(2)),
        };
        let pause = base.clamp(first, longest);
        let asked = hint.map_or(pause, |hint| hint.clamp(first, longest));
        let asked = asked + asked.mul_f64(chance(now.entropy) / 5.0);
        let mut until = now.instant + asked;
        let learned = self.open.as_ref().is_some_and(|open| open.learned);
        match before {
            // Reported by others, and now observed: that is an update, but does not shorten the
            // pause.
            Some(before) if learned => until = until.max(before),
            Some(before) if until <= before || (hint.is_none() && base >= first) => return None,
            _ => {}
        }
        let wall = now.clock.now();
        let since = since.unwrap_or(wall);
        let probes = self.open.as_ref().map(|open| open.probes);
        if probes.is_none() {
            self.begin_epoch();
        }
        self.last_good = None;
        let probes = probes.unwrap_or(0);
        self.open = Some(Open { since, why, until, pause, probes, learned: false });
        let pause = until.saturating_duration_since(now.instant);
        self.publish(wall, Some(OpenCircuit { since, until: wall + pause, why }));
        Some(Change::Opened { why, pause })
    }

    fn close(&mut self) {
        self.begin_epoch();
        self.open = None;
    }

    fn begin_epoch(&mut self) {
        self.epoch += 1;
        self.streak = 0;
        self.window.clear();
    }

    fn publish(&mut self, wall: SystemTime, update: Option<OpenCircuit>) {
        let after = |newest: SystemTime| newest.checked_add(Self::TICK).unwrap_or(newest);
        let at = self.newest.map_or(wall, |newest| wall.max(after(newest)));
        self.newest = Some(at);
        self.unrecorded = Some((at, update));
        self.outdated = false;
    }

    /// Returns the newest change since the last call, if there is one.
    pub(super) fn take_update(&mut self) -> Option<(SystemTime, Option<OpenCircuit>)> {
        self.unrecorded.take()
    }

    /// Puts back a change that could not be written, unless there is a newer one.
    pub(super) fn requeue(&mut self, at: SystemTime, update: Option<OpenCircuit>) {
        if self.newest == Some(at) {
            self.unrecorded = Some((at, update));
        }
    }

    /// Applies the updates of all processes.
    pub(super) fn apply<'a>(
        &mut self,
        updates: &(impl Iterator<Item = &'a HealthUpdate> + Clone),
        wall: SystemTime,
        now: Now<'_>,
    ) -> Option<Change> {
        let me = self.me;
        for update in updates.clone() {
            if update.witness.process == me.process {
                self.recall(update);
                continue;
            }
            let settings = self.settings;
            let heard = || heard(update, &settings, wall, now);
            let good = self.others.hear(update, &me, heard);
            if good && self.is_about_this(update) {
                self.hope(now.instant);
            }
        }
        self.others.keep(|process| updates.clone().any(|update| update.witness.process == process));
        let trusts_itself = self.trusts_itself(now.instant);
        let belief = if trusts_itself { Belief::Nothing } else { self.others.belief() };
        self.suspected = matches!(belief, Belief::Suspicion);
        self.follow(belief, now.instant)
    }

    /// Reads an update of this process from the store. After a reload it may be unknown here.
    fn recall(&mut self, update: &HealthUpdate) {
        if self.newest.is_none_or(|newest| update.at > newest) {
            self.newest = Some(update.at);
            self.outdated = update.state.is_some();
        }
    }

    /// Whether a success of another process is newer than the last change here, and about the same
    /// account, if the failure was the account's.
    fn is_about_this(&self, update: &HealthUpdate) -> bool {
        let same = update.witness.settings.is_some() && update.witness.settings == self.me.settings;
        let newer = self.newest.is_none_or(|newest| update.at > newest);
        newer && self.open.as_ref().is_some_and(|open| same || !is_of_the_account(open.why))
    }

    /// Another process has reached the provider: a probe is due. The circuit does not close at
    /// once, because the provider may still be out of reach from here.
    fn hope(&mut self, now: Instant) {
        if let Some(open) = &mut self.open {
            open.until = open.until.min(now);
        }
    }

    fn follow(&mut self, belief: Belief, now: Instant) -> Option<Change> {
        let open = self.open.as_mut();
        match (belief, open) {
            (Belief::Ill(Heard { since, why, until, pause, .. }), None) => {
                let probes = 0;
                self.open = Some(Open { since, why, until, pause, probes, learned: true });
                Some(Change::Opened { why, pause: until.saturating_duration_since(now) })
            }
            (Belief::Ill(heard), Some(open)) => {
                if open.learned {
                    (open.since, open.why) = (heard.since, heard.why);
                    (open.until, open.pause) = (heard.until, heard.pause);
                } else if heard.certain {
                    (open.since, open.why) = (open.since.min(heard.since), heard.why);
                    open.until = open.until.max(heard.until);
                    open.pause = open.pause.max(heard.pause);
                }
                None
            }
            (_, Some(open)) if open.learned => {
                self.open = None;
                Some(Change::Closed)
            }
            _ => None,
        }
    }

    pub(super) fn phase(&self) -> Phase {
        match &self.open {
            None => Phase::Closed,
            Some(Open { probes: 1.., .. }) => Phase::HalfOpen,
            Some(_) => Phase::Open,
        }
    }

    pub(super) fn health(&self, now: impl FnOnce() -> (Instant, SystemTime)) -> Health {
        match &self.open {
            None => Health::Closed,
            Some(Open { since, why, probes: 1.., .. }) => {
                Health::HalfOpen { since: *since, why: *why }
            }
            Some(Open { since, why, until, .. }) => {
                let (now, wall) = now();
                // Uses the monotonic clock, so that a jump of the wall clock does no harm. A pause
                // that is over ends in the past, not now, because the caller has read the clock
                // before.
                let over = now.saturating_duration_since(*until);
                let until = wall + until.saturating_duration_since(now);
                let until = until.checked_sub(over).unwrap_or(until);
                Health::Open { since: *since, until, why: *why }
            }
        }
    }
}

/// Converts an open update to the clock and limits of this process.
fn heard(
    update: &HealthUpdate,
    settings: &BreakerSettings,
    wall: SystemTime,
    now: Now<'_>,
) -> Option<Heard> {
    let OpenCircuit { since, until, why } = *update.state.as_ref()?;
    let BreakerSettings { pause: first, longest_pause: longest, .. } = *settings;
    let span = |from, to: SystemTime| to.duration_since(from).unwrap_or_default();
    // The other process's clock may be wrong, but no pause exceeds the longest.
    let mut left = span(wall, until).min(longest + longest / 5);
    if !left.is_zero() {
        // Spread, so that one process probes first and informs the others.
        left += first.mul_f64(chance(now.entropy));
    }
    let pause = span(update.at, until).clamp(first, longest);
    Some(Heard { since, why, until: now.instant + left, pause, certain: false })
}
