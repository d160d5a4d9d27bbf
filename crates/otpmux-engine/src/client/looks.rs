use std::time::Duration;

use tokio::time::Instant;

/// How long there has been no work when a process begins to look less often: longer than the first
/// pause after a failed try.
const RECENT: Duration = Duration::from_secs(10);

/// How often a process asks the store for work that it has not written itself: that of a process that
/// died, and tries and steps that are due. Often while there is work, and less often after ten seconds
/// without any.
///
/// An idle process that looks for events and for due verifications makes at most one call a second.
#[derive(Clone, Copy, Debug)]
pub struct Looks {
    busy: Duration,
    idle: Duration,
    worked_at: Option<Instant>,
}

impl Looks {
    /// Looks for events: every second, or every three seconds. A process that has just started may
    /// find the work of another one.
    #[must_use]
    pub fn for_events() -> Self {
        let (busy, idle) = (Duration::from_secs(1), Duration::from_secs(3));
        Self { busy, idle, worked_at: Some(Instant::now()) }
    }

    /// Looks for due verifications: with the jitter about once a second, or every two seconds.
    pub(super) fn for_timers() -> Self {
        let (busy, idle) = (Duration::from_millis(750), Duration::from_secs(2));
        Self { busy, idle, worked_at: None }
    }

    /// Notes that there was work: something was written, taken or tried.
    pub fn worked(&mut self) {
        self.worked_at = Some(Instant::now());
    }

    /// How long to wait before the next look.
    pub fn pause(&self) -> Duration {
        if self.worked_at.is_some_and(|at| at.elapsed() < RECENT) { self.busy } else { self.idle }
    }
}
