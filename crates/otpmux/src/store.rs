//! What a [`VerificationStore`] of one's own is made of.

pub use otpmux_engine::{
    Guessed, StartAttempt, AttemptStarted, Charge, Choice, CodeMac, Counted, Create, Created, GRACE, Guess,
    HEALTH_KEPT, HealthMark, KeyCheck, KeyId, SendAttempt, AttemptEnd, AttemptState, LimitKey, LimitScope, Limited,
    OpenMark, RecipientHash, Record, RequestTag, ResendTerms, Sealed, Settle, Skip, SkipReason,
    State, VendorTerms, VerificationStore, longest, millis,
};
