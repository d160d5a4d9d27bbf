//! The items for implementing a [`VerificationStore`].

pub use otpmux_engine::{
    AttemptEnd, AttemptStarted, AttemptState, Choice, CodeMac, Counted, Create, Created, Guess,
    Guessed, HEALTH_TTL, HealthUpdate, IdempotencyRecord, KeyCheck, KeyId, LimitExceeded, LimitHit,
    LimitKey, LimitScope, OpenCircuit, RETENTION, RecipientHash, Record, RecordOutcome,
    ResendTerms, Sealed, SendAttempt, Skip, SkipReason, StartAttempt, State, VendorTerms,
    VerificationStore, longest, millis,
};
