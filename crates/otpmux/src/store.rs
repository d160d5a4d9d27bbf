//! What a [`VerificationStore`] of one's own is made of.

pub use otpmux_engine::{
    Attempt, BeginLeg, Begun, CodeMac, Guess, KeyId, Leg, LegState, RecipientHash, Record,
    ResendTerms, Sealed, SettleLeg, State, VerificationStore,
};
