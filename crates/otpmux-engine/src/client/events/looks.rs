use std::time::Duration;

use tokio::time::Instant;

/// The pause between two looks while there is work, and while there is none.
const BUSY: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_secs(3);
/// How long there has been no work when a process begins to look less often: longer than the first pause
/// after a failed try.
const RECENT: Duration = Duration::from_secs(10);

/// How often a process asks the store for events that it has not written itself: those of a process that
/// died, and those that are tried again. Every second while there is work, and every three seconds
/// after ten without any.
#[derive(Clone, Copy, Debug)]
pub struct EventLooks {
    worked_at: Instant,
}

impl EventLooks {
    /// The looks of a process that has just started, and may find the work of another one.
    #[must_use]
    pub fn new() -> Self {
        Self { worked_at: Instant::now() }
    }

    /// Notes that there was work: an event was written, taken or tried.
    pub fn worked(&mut self) {
        self.worked_at = Instant::now();
    }

    /// How long to wait before the next look.
    pub fn pause(&self) -> Duration {
        if self.worked_at.elapsed() < RECENT { BUSY } else { IDLE }
    }
}

impl Default for EventLooks {
    fn default() -> Self {
        Self::new()
    }
}
