use std::time::{Duration, SystemTime};

use otpmux_core::{Clock, Entropy, ErrorKind};
use tokio::time::Instant;

use super::chance;
use super::guards::BreakerSettings;
use super::outcome::Outcome;
use super::window::Window;
use crate::health::{Health, OpenMark};

/// The state of a breaker, without I/O: everything it knows of the world is handed in.
#[derive(Debug)]
pub(super) struct Circuit {
    settings: BreakerSettings,
    open: Option<Open>,
    /// Failures since the last success.
    streak: u32,
    window: Window,
    /// Counts openings and closings: what a call of another epoch ends in counts no more.
    epoch: u64,
    /// When the newest change was, our own or another process's.
    newest: Option<SystemTime>,
    /// A change of our own that nobody was told yet.
    untold: Option<(SystemTime, Option<OpenMark>)>,
}

#[derive(Debug)]
struct Open {
    since: SystemTime,
    why: ErrorKind,
    until: Instant,
    /// The pause that is to be doubled, before jitter and the vendor's wish.
    pause: Duration,
    probing: bool,
}

/// The present, and what is asked only when something changes.
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

/// No call now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) why: ErrorKind,
    pub(super) retry_after: Duration,
}

/// Where a breaker stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Closed,
    Probing,
    Open,
}

/// A change that an operator wants to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Opened { why: ErrorKind, pause: Duration },
    Closed,
}

impl Circuit {
    /// When to come back while somebody else probes.
    const PROBE_TIME: Duration = Duration::from_secs(1);
    /// Two changes are never told with the same time, nor in the wrong order, though clocks may
    /// differ. A store may keep times to the millisecond.
    const TICK: Duration = Duration::from_millis(1);

    pub(super) fn new(settings: BreakerSettings, now: Instant) -> Self {
        Self {
            settings,
            open: None,
            streak: 0,
            window: Window::new(settings.window, now),
            epoch: 0,
            newest: None,
            untold: None,
        }
    }

    /// Asks to make a call. `probe` goes ahead although the pause is not over.
    pub(super) fn admit(
        &mut self,
        probe: bool,
        now: impl FnOnce() -> Instant,
    ) -> Result<Ticket, Refusal> {
        let epoch = self.epoch;
        let Some(open) = &mut self.open else { return Ok(Ticket { epoch, probe: false }) };
        let left = open.until.saturating_duration_since(now());
        if open.probing {
            let left = if probe { Duration::ZERO } else { left };
            return Err(Refusal { why: open.why, retry_after: left.max(Self::PROBE_TIME) });
        }
        if !left.is_zero() && !probe {
            return Err(Refusal { why: open.why, retry_after: left });
        }
        open.probing = true;
        Ok(Ticket { epoch, probe: true })
    }

    /// Takes in how a call ended.
    pub(super) fn settle(
        &mut self,
        ticket: Ticket,
        outcome: Outcome,
        now: Now<'_>,
    ) -> Option<Change> {
        if ticket.epoch != self.epoch {
            return None;
        }
        match outcome {
            Outcome::Ignored => {
                self.release(ticket);
                None
            }
            Outcome::Success if ticket.probe => {
                self.close();
                self.tell(now.clock.now(), None);
                Some(Change::Closed)
            }
            Outcome::Success => {
                self.streak = 0;
                self.window.add(true, now.instant);
                None
            }
            Outcome::OpensAtOnce(why, hint) => {
                self.trip(why, hint, self.settings.account_pause, now)
            }
            Outcome::Failure(why, hint) => {
                self.streak += 1;
                self.window.add(false, now.instant);
                if ticket.probe || self.streak >= self.settings.failures || self.is_poor() {
                    self.trip(why, hint, self.settings.pause, now)
                } else {
                    None
                }
            }
        }
    }

    /// Gives back the right to probe; the probe stays due.
    pub(super) fn release(&mut self, ticket: Ticket) {
        if let Some(open) = &mut self.open
            && ticket.probe
            && ticket.epoch == self.epoch
        {
            open.probing = false;
        }
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
            // A probe that went ahead of its time: it shows nothing new, and many of them must not
            // drive the pause up.
            Some(open) if open.until > now.instant => {
                (Some(open.since), Some(open.until), open.pause)
            }
            Some(open) => (Some(open.since), None, open.pause.saturating_mul(2)),
        };
        let pause = base.clamp(first, longest);
        let asked = hint.map_or(pause, |hint| hint.clamp(first, longest));
        let asked = asked + asked.mul_f64(chance(now.entropy) / 5.0);
        let until = now.instant + asked;
        if let (Some(open), Some(before)) = (&mut self.open, before)
            && (until <= before || (hint.is_none() && base >= first))
        {
            open.probing = false;
            return None;
        }
        let wall = now.clock.now();
        let since = since.unwrap_or(wall);
        self.begin_epoch();
        self.open = Some(Open { since, why, until, pause, probing: false });
        self.tell(wall, Some(OpenMark { since, until: wall + asked, why }));
        Some(Change::Opened { why, pause: asked })
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

    fn tell(&mut self, wall: SystemTime, mark: Option<OpenMark>) {
        let after = |newest: SystemTime| newest.checked_add(Self::TICK).unwrap_or(newest);
        let at = self.newest.map_or(wall, |newest| wall.max(after(newest)));
        self.newest = Some(at);
        self.untold = Some((at, mark));
    }

    /// What changed here since the last call of this, if anything did.
    pub(super) fn news(&mut self) -> Option<(SystemTime, Option<OpenMark>)> {
        self.untold.take()
    }

    /// Takes back what could not be told, unless something newer is known.
    pub(super) fn take_back(&mut self, at: SystemTime, mark: Option<OpenMark>) {
        if self.newest == Some(at) {
            self.untold = Some((at, mark));
        }
    }

    /// Takes in what another process saw at `at`, unless something newer is known.
    pub(super) fn learn(
        &mut self,
        at: SystemTime,
        mark: Option<&OpenMark>,
        wall: SystemTime,
        now: Now<'_>,
    ) -> Option<Change> {
        if self.newest.is_some_and(|newest| at <= newest) {
            return None;
        }
        self.newest = Some(at);
        self.untold = None;
        match mark {
            Some(mark) => self.learn_open(at, mark, wall, now),
            None if self.open.is_some() => {
                self.close();
                Some(Change::Closed)
            }
            None => None,
        }
    }

    fn learn_open(
        &mut self,
        at: SystemTime,
        mark: &OpenMark,
        wall: SystemTime,
        now: Now<'_>,
    ) -> Option<Change> {
        let BreakerSettings { pause: first, longest_pause: longest, .. } = self.settings;
        let span = |from, to: SystemTime| to.duration_since(from).unwrap_or_default();
        // The other's clock may be wrong, but no pause is longer than the longest.
        let mut left = span(wall, mark.until).min(longest + longest / 5);
        if !left.is_zero() {
            // Not all at once: who finds out first tells the others.
            left += first.mul_f64(chance(now.entropy));
        }
        let until = now.instant + left;
        let pause = span(at, mark.until).clamp(first, longest);
        if let Some(open) = &mut self.open {
            open.since = open.since.min(mark.since);
            open.until = open.until.max(until);
            open.pause = open.pause.max(pause);
            open.why = mark.why;
            return None;
        }
        self.begin_epoch();
        let OpenMark { since, why, .. } = *mark;
        self.open = Some(Open { since, why, until, pause, probing: false });
        Some(Change::Opened { why, pause: left })
    }

    pub(super) fn phase(&self) -> Phase {
        match &self.open {
            None => Phase::Closed,
            Some(Open { probing: true, .. }) => Phase::Probing,
            Some(_) => Phase::Open,
        }
    }

    pub(super) fn health(&self, now: impl FnOnce() -> (Instant, SystemTime)) -> Health {
        match &self.open {
            None => Health::Closed,
            Some(Open { since, why, probing: true, .. }) => {
                Health::Probing { since: *since, why: *why }
            }
            Some(Open { since, why, until, .. }) => {
                let (now, wall) = now();
                // By the clock that decides, so that a jump of the other one does no harm. A pause
                // that is over ends in the past, not now: whoever asks has looked at the clock
                // before.
                let over = now.saturating_duration_since(*until);
                let until = wall + until.saturating_duration_since(now);
                let until = until.checked_sub(over).unwrap_or(until);
                Health::Open { since: *since, until, why: *why }
            }
        }
    }
}
