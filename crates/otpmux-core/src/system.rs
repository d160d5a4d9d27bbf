//! The only module that reads the wall clock and the operating system's randomness.

use std::fmt;
use std::time::SystemTime;

/// The source of the current time. Inject another clock to test expiry.
pub trait Clock: Send + Sync + fmt::Debug {
    /// Returns the current time.
    fn now(&self) -> SystemTime;
}

/// The system clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one module that may")]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A cryptographically secure source of random bytes, for codes, ids and keys.
pub trait Entropy: Send + Sync + fmt::Debug {
    /// Fills `dest` with unpredictable bytes.
    ///
    /// # Errors
    ///
    /// [`EntropyError`] if there is no randomness; nothing may be sent then.
    fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError>;
}

/// Error returned when there is no randomness.
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the system's source of randomness failed, so no code can be made; nothing was sent")]
#[non_exhaustive]
pub struct EntropyError;

crate::debug_as_display!(EntropyError);

impl EntropyError {
    /// Returns the error, for implementations of [`Entropy`].
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
