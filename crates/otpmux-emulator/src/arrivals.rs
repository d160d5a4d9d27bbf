//! Messages as they arrive.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use crate::outbox::Message;
use crate::shared::Shared;

/// Stream of the messages that vendors accept from now on.
pub struct Arrivals {
    shared: Arc<Shared>,
    changes: watch::Receiver<()>,
    /// The number of the newest message that was returned or skipped.
    seen: u64,
    waiting: VecDeque<Message>,
}

impl Arrivals {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let (changes, seen) = {
            let world = shared.world();
            (world.changes.subscribe(), world.outbox.newest())
        };
        Self { shared, changes, seen, waiting: VecDeque::new() }
    }

    /// Returns the next message, as soon as there is one. For a slow reader, the emulator keeps the
    /// newest 10,000 messages.
    ///
    /// Safe to drop before it completes: no message is lost.
    pub async fn next(&mut self) -> Message {
        loop {
            // Before reading the outbox: a later change wakes this task again.
            self.changes.mark_unchanged();
            {
                let world = self.shared.world();
                let new = world.outbox.after(self.seen, usize::MAX);
                self.waiting.extend(new.map(|(_, message)| message.clone()));
                self.seen = world.outbox.newest();
            }
            if let Some(message) = self.waiting.pop_front() {
                return message;
            }
            // The sender is in the world, which `shared` keeps alive.
            let _ = self.changes.changed().await;
        }
    }
}

impl fmt::Debug for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrivals").field("seen", &self.seen).finish_non_exhaustive()
    }
}
