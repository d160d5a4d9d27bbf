//! The one place that touches the wall clock and the operating system's randomness.

use std::fmt;
use std::time::SystemTime;

/// Where the time of day comes from. Inject a clock of your own to test what expires.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The current time.
    fn now(&self) -> SystemTime;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one module that may")]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A cryptographically secure source of random bytes: codes, ids and keys are made from it.
pub trait Entropy: Send + Sync + fmt::Debug {
    /// Fills `dest` with unpredictable bytes.
    ///
    /// # Errors
    ///
    /// [`EntropyError`] when no randomness can be had; nothing may be sent then.
    fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError>;
}

/// No randomness could be had.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system's source of randomness failed, so no code can be made; nothing was sent")]
#[non_exhaustive]
pub struct EntropyError;

crate::debug_as_display!(EntropyError);

impl EntropyError {
    /// The error for an [`Entropy`] of one's own.
    pub const fn new() -> Self {
        Self
    }
}

impl Default for EntropyError {
    fn default() -> Self {
        Self::new()
    }
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    #[expect(clippy::disallowed_methods, reason = "this is the one module that may")]
    fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
        getrandom::fill(dest).map_err(|_| EntropyError)
    }
}
