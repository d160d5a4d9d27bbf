use std::sync::LazyLock;

use otpmux_engine::{GRACE, HEALTH_KEPT, LOOKS_BEHIND, MARKS_KEPT};

/// One operation of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    BeginLeg,
    Settle,
    Attempt,
    Approve,
    Cancel,
    Load,
    Health,
    CheckKeys,
    Probe,
}

impl Operation {
    /// Its method of `VerificationStore`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::BeginLeg => "begin_leg",
            Self::Settle => "settle",
            Self::Attempt => "attempt",
            Self::Approve => "approve",
            Self::Cancel => "cancel",
            Self::Load => "load",
            Self::Health => "health",
            Self::CheckKeys => "check_keys",
            Self::Probe => "probe",
        }
    }

    /// Whether it changes nothing.
    pub(crate) fn only_reads(self) -> bool {
        matches!(self, Self::Load | Self::Health)
    }

    pub(crate) fn script(self) -> &'static Script {
        &SCRIPTS[self as usize]
    }

    /// What of the shared parts it needs, each after those that it builds on.
    fn shared(self) -> &'static [&'static str] {
        use shared::{
            ARGUMENTS, CHARGES, ENDS, HEALTH, KEYS, LIMITS, MARKS, NEWS, OVER, RECORD, SENT,
            UNCOVER,
        };
        match self {
            Self::Create => &[ARGUMENTS, RECORD, OVER, SENT, LIMITS, CHARGES, HEALTH, MARKS],
            Self::BeginLeg => &[ARGUMENTS, RECORD, OVER, SENT, ENDS, LIMITS, CHARGES, HEALTH, NEWS],
            Self::Settle => &[ARGUMENTS, RECORD, SENT, ENDS, HEALTH, NEWS, UNCOVER],
            Self::Attempt => &[ARGUMENTS, KEYS, RECORD, OVER, SENT, LIMITS],
            Self::Approve => &[ARGUMENTS, KEYS, RECORD, OVER],
            Self::Cancel => &[ARGUMENTS, RECORD, OVER],
            Self::Load => &[ARGUMENTS, RECORD],
            Self::Health => &[ARGUMENTS, HEALTH, MARKS],
            Self::CheckKeys | Self::Probe => &[],
        }
    }

    fn body(self) -> &'static str {
        match self {
            Self::Create => include_str!("lua/create.lua"),
            Self::BeginLeg => include_str!("lua/begin_leg.lua"),
            Self::Settle => include_str!("lua/settle.lua"),
            Self::Attempt => include_str!("lua/attempt.lua"),
            Self::Approve => include_str!("lua/approve.lua"),
            Self::Cancel => include_str!("lua/cancel.lua"),
            Self::Load => include_str!("lua/load.lua"),
            Self::Health => include_str!("lua/health.lua"),
            Self::CheckKeys => include_str!("lua/check_keys.lua"),
            Self::Probe => include_str!("lua/probe.lua"),
        }
    }
}

/// Text that Redis runs as one atomic step, and the hash by which Redis knows it.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) text: String,
    pub(crate) hash: String,
}

/// What scripts share. A script has no more of it than it needs, since Redis makes its functions anew
/// with every call.
mod shared {
    pub(super) const ARGUMENTS: &str = include_str!("lua/shared/arguments.lua");
    pub(super) const KEYS: &str = include_str!("lua/shared/keys.lua");
    pub(super) const RECORD: &str = include_str!("lua/shared/record.lua");
    pub(super) const OVER: &str = include_str!("lua/shared/over.lua");
    pub(super) const SENT: &str = include_str!("lua/shared/sent.lua");
    pub(super) const ENDS: &str = include_str!("lua/shared/ends.lua");
    pub(super) const LIMITS: &str = include_str!("lua/shared/limits.lua");
    pub(super) const CHARGES: &str = include_str!("lua/shared/charges.lua");
    pub(super) const HEALTH: &str = include_str!("lua/shared/health.lua");
    pub(super) const MARKS: &str = include_str!("lua/shared/marks.lua");
    pub(super) const NEWS: &str = include_str!("lua/shared/news.lua");
    pub(super) const UNCOVER: &str = include_str!("lua/shared/uncover.lua");
}

static SCRIPTS: LazyLock<[Script; 10]> = LazyLock::new(|| {
    // In the order of the variants, by which they are found.
    [
        Operation::Create,
        Operation::BeginLeg,
        Operation::Settle,
        Operation::Attempt,
        Operation::Approve,
        Operation::Cancel,
        Operation::Load,
        Operation::Health,
        Operation::CheckKeys,
        Operation::Probe,
    ]
    .map(|operation| {
        let (grace, kept) = (GRACE.as_millis(), HEALTH_KEPT.as_millis());
        let constants = format!(
            "local GRACE, HEALTH_KEPT, MARKS_KEPT, LOOKS_BEHIND = \
                {grace}, {kept}, {MARKS_KEPT}, {LOOKS_BEHIND}\n"
        );
        let text = [&constants, &operation.shared().concat(), operation.body()].concat();
        let hash = redis::Script::new(&text).get_hash().to_owned();
        Script { text, hash }
    })
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_finds_its_own_script() {
        for operation in [Operation::Create, Operation::Attempt, Operation::Load, Operation::Probe]
        {
            assert!(operation.script().text.ends_with(operation.body()), "{operation:?}");
            assert!(operation.script().text.starts_with(
                "local GRACE, HEALTH_KEPT, MARKS_KEPT, LOOKS_BEHIND = 600000, 3600000, 8, 16"
            ));
            assert_eq!(operation.script().hash.len(), 40);
        }
    }
}
