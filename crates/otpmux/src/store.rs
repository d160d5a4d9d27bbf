//! For a store of your own: the trait [`VerificationStore`], which may change in minor versions, and its types.

pub use otpmux_engine::{
    AcceptedAttempt, AttemptEnd, AttemptStarted, AttemptState, Choice, CodeForm, CodeMac, Counted,
    Create, Created, EscalationTerms, Guess, Guessed, HEALTH_TTL, HealthUpdate, IdempotencyRecord,
    KeyCheck, KeyId, LimitExceeded, LimitHit, LimitKey, LimitScope, OpenCircuit, RETENTION,
    RecipientHash, Record, RecordOutcome, Reschedule, ResendTerms, Sealed, SendAttempt, Skip,
    SkipReason, StartAttempt, State, VendorTerms, VerificationStore, Which, longest, millis,
};
