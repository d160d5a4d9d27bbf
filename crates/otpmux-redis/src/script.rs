use std::sync::LazyLock;
use std::time::Duration;

use otpmux_engine::{EARLY_RECEIPT, HEALTH_TTL, HEALTH_UPDATES_KEPT, LOOKS_BEHIND, RETENTION};

use crate::layout;

/// One operation of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Create,
    StartAttempt,
    RecordOutcome,
    RecordAccepted,
    CheckGuess,
    Approve,
    EndGuess,
    Receive,
    Cancel,
    Due,
    Reschedule,
    PutEvent,
    EventsDue,
    EndEvents,
    EventsWaiting,
    Endpoints,
    SetEndpoint,
    Load,
    Health,
    CheckKeys,
    Probe,
    /// As `Probe`, for a Redis whose memory is full.
    ProbeWhenFull,
    Time,
}

impl Operation {
    /// Returns the name of its method of `VerificationStore`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::StartAttempt => "start_attempt",
            Self::RecordOutcome => "record_outcome",
            Self::RecordAccepted => "record_accepted",
            Self::CheckGuess => "check_guess",
            Self::Approve => "approve",
            Self::EndGuess => "end_guess",
            Self::Receive => "receive",
            Self::Cancel => "cancel",
            Self::Due => "due",
            Self::Reschedule => "reschedule",
            Self::PutEvent => "put_event",
            Self::EventsDue => "events_due",
            Self::EndEvents => "end_events",
            Self::EventsWaiting => "events_waiting",
            Self::Endpoints => "endpoints",
            Self::SetEndpoint => "set_endpoint",
            Self::Load => "load",
            Self::Health => "health",
            Self::CheckKeys => "check_keys",
            Self::Probe | Self::ProbeWhenFull => "probe",
            Self::Time => "time",
        }
    }

    /// Returns whether it changes nothing.
    pub(crate) fn only_reads(self) -> bool {
        matches!(
            self,
            Self::EventsWaiting | Self::Endpoints | Self::Load | Self::Health | Self::Time
        )
    }

    pub(crate) fn script(self) -> &'static Script {
        &SCRIPTS[self as usize]
    }

    /// Returns the shared parts that it needs, each after those that it builds on.
    fn shared(self) -> &'static [&'static str] {
        use shared::{
            ARGUMENTS, ATTEMPTS, DUE, ENDS, FIELDS, HAPPENED, HEALTH, HEALTH_UPDATES, HITS, KEYS,
            LIMITS, LOST, NAMED, NOT_DELIVERED, OUTBOX, OVER, RECEIPT, RECIPIENT, RECORD, REPLACE,
            REPORTED, SENT, TAKE_BACK, UNCOVER, WATCH,
        };
        match self {
            Self::Create => &[
                ARGUMENTS,
                RECORD,
                FIELDS,
                DUE,
                OUTBOX,
                HAPPENED,
                OVER,
                SENT,
                RECIPIENT,
                LIMITS,
                HITS,
                HEALTH,
                HEALTH_UPDATES,
            ],
            Self::StartAttempt => &[
                ARGUMENTS,
                RECORD,
                FIELDS,
                OUTBOX,
                HAPPENED,
                NOT_DELIVERED,
                OVER,
                REPLACE,
                DUE,
                WATCH,
                RECEIPT,
                ENDS,
                ATTEMPTS,
                RECIPIENT,
                LIMITS,
                HITS,
                HEALTH,
                REPORTED,
            ],
            Self::RecordOutcome => &[
                ARGUMENTS,
                RECORD,
                FIELDS,
                OUTBOX,
                HAPPENED,
                NOT_DELIVERED,
                SENT,
                REPLACE,
                DUE,
                WATCH,
                RECEIPT,
                ENDS,
                ATTEMPTS,
                LOST,
                HEALTH,
                REPORTED,
                RECIPIENT,
                UNCOVER,
                TAKE_BACK,
            ],
            Self::RecordAccepted | Self::Due => &[ARGUMENTS, RECORD, FIELDS],
            Self::CheckGuess => &[
                ARGUMENTS, KEYS, RECORD, FIELDS, DUE, OUTBOX, HAPPENED, OVER, SENT, RECIPIENT,
                LIMITS, NAMED,
            ],
            Self::Approve => {
                &[ARGUMENTS, KEYS, RECORD, FIELDS, DUE, OUTBOX, HAPPENED, OVER, TAKE_BACK, NAMED]
            }
            Self::EndGuess => &[ARGUMENTS, KEYS, RECORD, TAKE_BACK, NAMED],
            Self::Receive => {
                &[ARGUMENTS, RECORD, FIELDS, OUTBOX, HAPPENED, NOT_DELIVERED, REPLACE, RECEIPT]
            }
            Self::Cancel => &[ARGUMENTS, RECORD, FIELDS, DUE, OUTBOX, HAPPENED, OVER, SENT],
            Self::Reschedule => &[ARGUMENTS, RECORD, FIELDS, REPLACE, DUE, WATCH],
            Self::PutEvent => &[ARGUMENTS, RECORD, FIELDS, OUTBOX],
            Self::EventsDue | Self::EndEvents => &[ARGUMENTS],
            Self::Load => &[ARGUMENTS, RECORD],
            Self::Health => &[ARGUMENTS, RECORD, HEALTH, HEALTH_UPDATES],
            Self::EventsWaiting
            | Self::Endpoints
            | Self::SetEndpoint
            | Self::CheckKeys
            | Self::Probe
            | Self::ProbeWhenFull
            | Self::Time => &[],
        }
    }

    /// Returns its script flags, for Redis 7 and later. When the memory is full, operations that
    /// finish or check existing verifications go on, and those that begin something are refused.
    fn flags(self) -> Option<&'static str> {
        match self {
            Self::Create | Self::StartAttempt | Self::Probe => None,
            Self::EventsWaiting | Self::Endpoints | Self::Load | Self::Health | Self::Time => {
                Some("#!lua flags=no-writes\n")
            }
            Self::RecordOutcome
            | Self::RecordAccepted
            | Self::CheckGuess
            | Self::Approve
            | Self::EndGuess
            | Self::Receive
            | Self::Cancel
            | Self::Due
            | Self::Reschedule
            | Self::PutEvent
            | Self::EventsDue
            | Self::EndEvents
            | Self::SetEndpoint
            | Self::CheckKeys
            | Self::ProbeWhenFull => Some("#!lua flags=allow-oom\n"),
        }
    }

    fn body(self) -> &'static str {
        match self {
            Self::Create => include_str!("lua/create.lua"),
            Self::StartAttempt => include_str!("lua/start_attempt.lua"),
            Self::RecordOutcome => include_str!("lua/record_outcome.lua"),
            Self::RecordAccepted => include_str!("lua/record_accepted.lua"),
            Self::CheckGuess => include_str!("lua/check_guess.lua"),
            Self::Approve => include_str!("lua/approve.lua"),
            Self::EndGuess => include_str!("lua/end_guess.lua"),
            Self::Receive => include_str!("lua/receive.lua"),
            Self::Cancel => include_str!("lua/cancel.lua"),
            Self::Due => include_str!("lua/due.lua"),
            Self::Reschedule => include_str!("lua/reschedule.lua"),
            Self::PutEvent => include_str!("lua/put_event.lua"),
            Self::EventsDue => include_str!("lua/events_due.lua"),
            Self::EndEvents => include_str!("lua/end_events.lua"),
            Self::EventsWaiting => include_str!("lua/events_waiting.lua"),
            Self::Endpoints => include_str!("lua/endpoints.lua"),
            Self::SetEndpoint => include_str!("lua/set_endpoint.lua"),
            Self::Load => include_str!("lua/load.lua"),
            Self::Health => include_str!("lua/health.lua"),
            Self::CheckKeys => include_str!("lua/check_keys.lua"),
            Self::Probe | Self::ProbeWhenFull => include_str!("lua/probe.lua"),
            Self::Time => include_str!("lua/time.lua"),
        }
    }
}

/// Script that Redis runs as one atomic step, with the hash by which Redis finds it.
#[derive(Debug)]
pub(crate) struct Script {
    /// With its flags.
    flagged: Text,
    /// Without flags, for a Redis older than version 7, which rejects them.
    plain: Text,
}

/// One form of a script.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) hash: String,
}

impl Script {
    /// Returns the form for a server.
    pub(crate) fn of(&self, takes_flags: bool) -> &Text {
        if takes_flags { &self.flagged } else { &self.plain }
    }
}

impl Text {
    fn new(text: String) -> Self {
        let hash = redis::Script::new(&text).get_hash().to_owned();
        Self { text, hash }
    }
}

/// Parts that scripts share. A script includes only those that it needs, since Redis makes its
/// functions anew with every call.
mod shared {
    pub(super) const ARGUMENTS: &str = include_str!("lua/shared/arguments.lua");
    pub(super) const KEYS: &str = include_str!("lua/shared/keys.lua");
    pub(super) const RECORD: &str = include_str!("lua/shared/record.lua");
    pub(super) const DUE: &str = include_str!("lua/shared/due.lua");
    pub(super) const WATCH: &str = include_str!("lua/shared/watch.lua");
    pub(super) const OUTBOX: &str = include_str!("lua/shared/outbox.lua");
    pub(super) const HAPPENED: &str = include_str!("lua/shared/happened.lua");
    pub(super) const NOT_DELIVERED: &str = include_str!("lua/shared/not_delivered.lua");
    pub(super) const OVER: &str = include_str!("lua/shared/over.lua");
    pub(super) const FIELDS: &str = include_str!("lua/shared/fields.lua");
    pub(super) const RECIPIENT: &str = include_str!("lua/shared/recipient.lua");
    pub(super) const ATTEMPTS: &str = include_str!("lua/shared/attempts.lua");
    pub(super) const LOST: &str = include_str!("lua/shared/lost.lua");
    pub(super) const TAKE_BACK: &str = include_str!("lua/shared/take_back.lua");
    pub(super) const REPLACE: &str = include_str!("lua/shared/replace.lua");
    pub(super) const RECEIPT: &str = include_str!("lua/shared/receipt.lua");
    pub(super) const SENT: &str = include_str!("lua/shared/sent.lua");
    pub(super) const ENDS: &str = include_str!("lua/shared/ends.lua");
    pub(super) const LIMITS: &str = include_str!("lua/shared/limits.lua");
    pub(super) const HITS: &str = include_str!("lua/shared/limit_hits.lua");
    pub(super) const HEALTH: &str = include_str!("lua/shared/health.lua");
    pub(super) const HEALTH_UPDATES: &str = include_str!("lua/shared/health_updates.lua");
    pub(super) const NAMED: &str = include_str!("lua/shared/named.lua");
    pub(super) const REPORTED: &str = include_str!("lua/shared/reported.lua");
    pub(super) const UNCOVER: &str = include_str!("lua/shared/uncover.lua");
}

/// How long the events of an endpoint are kept after a process has last asked for them, or written one; at
/// least half of it, because the time to live is renewed when half has passed.
const EVENTS_KEPT: Duration = Duration::from_hours(30 * 24);

static SCRIPTS: LazyLock<[Script; 23]> = LazyLock::new(|| {
    // In the order of the variants, which are the index.
    [
        Operation::Create,
        Operation::StartAttempt,
        Operation::RecordOutcome,
        Operation::RecordAccepted,
        Operation::CheckGuess,
        Operation::Approve,
        Operation::EndGuess,
        Operation::Receive,
        Operation::Cancel,
        Operation::Due,
        Operation::Reschedule,
        Operation::PutEvent,
        Operation::EventsDue,
        Operation::EndEvents,
        Operation::EventsWaiting,
        Operation::Endpoints,
        Operation::SetEndpoint,
        Operation::Load,
        Operation::Health,
        Operation::CheckKeys,
        Operation::Probe,
        Operation::ProbeWhenFull,
        Operation::Time,
    ]
    .map(|operation| {
        let (retention, kept) = (RETENTION.as_millis(), HEALTH_TTL.as_millis());
        let (early, events) = (EARLY_RECEIPT.as_millis(), EVENTS_KEPT.as_millis());
        let constants = format!(
            "local RETENTION, HEALTH_TTL, HEALTH_UPDATES_KEPT, LOOKS_BEHIND, EARLY_RECEIPT, EVENTS_KEPT = \
                {retention}, {kept}, {HEALTH_UPDATES_KEPT}, {LOOKS_BEHIND}, {early}, {events}\n"
        );
        let text = [&constants, &operation.shared().concat(), operation.body()].concat();
        let text = layout::fill(&text);
        let flagged = [operation.flags().unwrap_or_default(), &text].concat();
        Script { flagged: Text::new(flagged), plain: Text::new(text) }
    })
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_finds_its_own_script() {
        for operation in
            [Operation::Create, Operation::CheckGuess, Operation::Load, Operation::Probe]
        {
            assert!(
                operation.script().of(false).text.ends_with(&layout::fill(operation.body())),
                "{operation:?}"
            );
            assert!(operation.script().of(false).text.starts_with(
                "local RETENTION, HEALTH_TTL, HEALTH_UPDATES_KEPT, LOOKS_BEHIND, EARLY_RECEIPT, EVENTS_KEPT = \
                    600000, 3600000, 8, 16, 60000, 2592000000"
            ));
            assert_eq!(operation.script().of(true).hash.len(), 40);
        }
    }
}
