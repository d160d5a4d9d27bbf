use std::time::SystemTime;

use otpmux_core::{ErrorKind, ProviderId};
use serde::{Deserialize, Serialize};

/// What one process tells the others about a provider: its breaker has opened, stays open for
/// longer, or has closed again. The store carries it; the newest one per provider counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct HealthMark {
    /// The provider.
    pub provider: ProviderId,
    /// When it changed, by the clock of the process that saw it.
    pub at: SystemTime,
    /// How it is open; `None` when it has closed.
    pub state: Option<OpenMark>,
}

/// A breaker that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart and put it together")]
pub struct OpenMark {
    /// When it opened first, that is, since when the provider has been left alone.
    pub since: SystemTime,
    /// From when on one call may probe.
    pub until: SystemTime,
    /// The kind of the failure that opened it, or that its last probe ended in.
    pub why: ErrorKind,
}
