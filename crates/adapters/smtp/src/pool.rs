use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lettre::transport::smtp::client::AsyncSmtpConnection;
use tokio::time::Instant;

/// How many idle connections are kept at most.
const MOST: usize = 8;

/// The idle connections to one server, ready for the next message. The newest is used first.
///
/// The pool of the mail library is not used: it does not say how far a message had come when its
/// connection broke, and that decides whether the message may be sent again.
pub(crate) struct Pool {
    idle: Mutex<Vec<(AsyncSmtpConnection, Instant)>>,
    keep: Duration,
}

impl Pool {
    pub(crate) fn new(keep: Duration) -> Self {
        Self { idle: Mutex::new(Vec::new()), keep }
    }

    /// Takes a connection that has not been idle for too long. The server may have closed it.
    pub(crate) fn take(&self) -> Option<AsyncSmtpConnection> {
        let now = Instant::now();
        let mut idle = self.idle();
        idle.retain(|(_, since)| now.duration_since(*since) < self.keep);
        idle.pop().map(|(connection, _)| connection)
    }

    /// Keeps a connection whose last message has been answered.
    pub(crate) fn put(&self, connection: AsyncSmtpConnection) {
        let mut idle = self.idle();
        if !self.keep.is_zero() && idle.len() < MOST {
            idle.push((connection, Instant::now()));
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(AsyncSmtpConnection, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("idle", &self.idle().len()).finish_non_exhaustive()
    }
}
