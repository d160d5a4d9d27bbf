use std::time::SystemTime;

use otpmux_core::{ErrorKind, ProviderId};
use serde::{Deserialize, Serialize};

/// An update from one process to the others about a provider's circuit: it opened, stays open for
/// longer, or closed. The store keeps the newest one of each provider and process.
///
/// An update reports only what the calls of its process showed; it never repeats updates of others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct HealthUpdate {
    /// The provider.
    pub provider: ProviderId,
    /// The process that saw it.
    pub witness: Witness,
    /// When it changed, by the clock of the process that saw it.
    pub at: SystemTime,
    /// How the circuit is open; `None` when it closed.
    pub state: Option<OpenCircuit>,
}

/// The writer of an update.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct Witness {
    /// A number that the process drew at random when it started.
    pub process: u64,
    /// A short keyed hash of the provider's settings in that process, if known: other settings mean
    /// another address or other credentials.
    pub settings: Option<u64>,
}

/// An open circuit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct OpenCircuit {
    /// When it opened first.
    pub since: SystemTime,
    /// When one call may probe.
    pub until: SystemTime,
    /// The kind of the failure that opened it, or of its last failed probe.
    pub why: ErrorKind,
}

/// The health of a provider, as one process knows it: the state of its circuit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// Calls go through.
    Closed,
    /// The circuit is open after failures. Once the pause is over, one call probes.
    Open {
        /// When the circuit opened.
        since: SystemTime,
        /// When one call may probe.
        until: SystemTime,
        /// The kind of the failure that opened it, or of its last failed probe.
        why: ErrorKind,
    },
    /// Probes are under way; other calls use other providers meanwhile, if there are any.
    HalfOpen {
        /// When the circuit opened.
        since: SystemTime,
        /// The kind of the failure that opened it, or of its last failed probe.
        why: ErrorKind,
    },
}

impl Health {
    /// Whether an ordinary send would be let through at this time: the circuit is closed, or its
    /// pause is over and no probe is under way.
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
            Self::HalfOpen { .. } => "half_open",
        }
    }

    /// The kind of the failure that opened the circuit, unless it is closed.
    pub fn why(&self) -> Option<ErrorKind> {
        match self {
            Self::Closed => None,
            Self::Open { why, .. } | Self::HalfOpen { why, .. } => Some(*why),
        }
    }

    /// When the circuit opened, unless it is closed.
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
    fn the_words_are_those_of_the_documentation() {
        let (now, why) = (SystemTime::UNIX_EPOCH, ErrorKind::Unavailable);
        assert_eq!(Health::Closed.as_str(), "closed");
        assert_eq!(Health::Open { since: now, until: now, why }.as_str(), "open");
        assert_eq!(Health::HalfOpen { since: now, why }.as_str(), "half_open");
    }

    #[test]
    fn an_open_circuit_admits_from_its_time_on() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        let why = ErrorKind::Unavailable;
        let open = Health::Open { since: now, until: now + Duration::from_secs(5), why };
        assert!(!open.is_available(now + Duration::from_millis(4_999)));
        assert!(open.is_available(now + Duration::from_secs(5)));
        assert!(Health::Closed.is_available(now));
        assert!(!Health::HalfOpen { since: now, why }.is_available(now + Duration::from_mins(1)));
    }

    #[test]
    fn an_update_survives_the_store() {
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
