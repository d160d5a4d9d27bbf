use std::time::SystemTime;

use otpmux_core::{ErrorKind, ProviderId};
use serde::{Deserialize, Serialize};

/// What one process tells the others about a provider: its breaker has opened, stays open for
/// longer, or has closed again. The store carries the newest one of each provider and process.
///
/// an update is what its process has seen with its own calls; what it was told by others it does not
/// repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct HealthUpdate {
    /// The provider.
    pub provider: ProviderId,
    /// Who has seen it.
    pub witness: Witness,
    /// When it changed, by the clock of the process that saw it.
    pub at: SystemTime,
    /// How it is open; `None` when it has closed.
    pub state: Option<OpenCircuit>,
}

/// Who writes an update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct Witness {
    /// The process, by a number that it has drawn when it started.
    pub process: u64,
    /// A short keyed hash of the provider's settings there, where they are known: those of another
    /// one have another address or other credentials.
    pub settings: Option<u64>,
}

/// A breaker that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct OpenCircuit {
    /// When it opened first, that is, since when the provider has been left alone.
    pub since: SystemTime,
    /// From when on one call may probe.
    pub until: SystemTime,
    /// The kind of the failure that opened it, or that its last probe ended in.
    pub why: ErrorKind,
}

/// How one process sees a provider: the state of its breaker.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// Calls go through.
    Closed,
    /// Left alone after failures. Once the pause is over, one call probes.
    Open {
        /// Since when it has been left alone.
        since: SystemTime,
        /// From when on one call may probe.
        until: SystemTime,
        /// The kind of the failure that opened it, or that its last probe ended in.
        why: ErrorKind,
    },
    /// Calls are finding out whether it is well again; others go to other providers meanwhile, if
    /// there are any.
    HalfOpen {
        /// Since when it has been left alone.
        since: SystemTime,
        /// The kind of the failure that opened it, or that its last probe ended in.
        why: ErrorKind,
    },
}

impl Health {
    /// Whether an ordinary send would be let through at this time: the breaker is closed, or its
    /// pause is over and nobody probes yet.
    pub fn is_available(&self, now: SystemTime) -> bool {
        match self {
            Self::Closed => true,
            Self::Open { until, .. } => *until <= now,
            Self::HalfOpen { .. } => false,
        }
    }

    /// The word that the HTTP API, the command and logs use.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { .. } => "open",
            Self::HalfOpen { .. } => "allow_half_open",
        }
    }

    /// The kind of the failure for which the provider is being left alone, if it is.
    pub fn why(&self) -> Option<ErrorKind> {
        match self {
            Self::Closed => None,
            Self::Open { why, .. } | Self::HalfOpen { why, .. } => Some(*why),
        }
    }

    /// Since when the provider has been left alone, if it is.
    pub fn since(&self) -> Option<SystemTime> {
        match self {
            Self::Closed => None,
            Self::Open { since, .. } | Self::HalfOpen { since, .. } => Some(*since),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_open_breaker_admits_from_its_time_on() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        let why = ErrorKind::Unavailable;
        let open = Health::Open { since: now, until: now + Duration::from_secs(5), why };
        assert!(!open.is_available(now + Duration::from_millis(4_999)));
        assert!(open.is_available(now + Duration::from_secs(5)));
        assert!(Health::Closed.is_available(now));
        assert!(!Health::HalfOpen { since: now, why }.is_available(now + Duration::from_mins(1)));
    }

    #[test]
    fn a_update_survives_the_store() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_500);
        let open = OpenCircuit { since: at, until: at, why: ErrorKind::InsufficientFunds };
        for state in [None, Some(open)] {
            let witness = Witness { process: u64::MAX, settings: Some(7) };
            let provider = ProviderId::new("a").unwrap();
            let update = HealthUpdate { provider, witness, at, state };
            let text = serde_json::to_string(&update).unwrap();
            assert_eq!(serde_json::from_str::<HealthUpdate>(&text).unwrap(), update);
        }
    }
}
