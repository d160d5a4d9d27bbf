//! What a [`VerificationStore`] of one's own is made of.

pub use otpmux_engine::{
    Guessed, StartAttempt, AttemptStarted, LimitHit, Choice, CodeMac, Counted, Create, Created, RETENTION, Guess,
    HEALTH_TTL, HealthUpdate, KeyCheck, KeyId, SendAttempt, AttemptEnd, AttemptState, LimitKey, LimitScope, LimitExceeded,
    OpenCircuit, RecipientHash, Record, IdempotencyRecord, ResendTerms, Sealed, RecordOutcome, Skip, SkipReason,
    State, VendorTerms, VerificationStore, longest, millis,
};
