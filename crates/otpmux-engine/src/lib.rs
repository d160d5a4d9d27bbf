#![doc = include_str!("../README.md")]

mod client;
mod health;
mod id;
mod keys;
mod layers;
mod limits;
mod memory;
mod numbers;
mod policy;
mod record;
mod routing;
mod store;

pub use client::{
    BuildError, CandidateView, ClientBuilder, ClientConfig, CodeSourceView, Explanation, InFlight,
    SendAttemptView, LimitView, NewVerification, OtpClient, ProviderView, Reloaded, Resend, Scope,
    ScopedClient, HistoryEntry, Verification, VerificationStatus, Verify, describe_metrics,
};
pub use health::{Health, HealthUpdate, OpenCircuit, Witness};
pub use id::{ParseIdError, VerificationId};
pub use keys::{
    CodeMac, Guess, GuessName, GuessWindows, KeyCheck, KeyError, KeyId, RecipientHash, Sealed,
    ServerKeys,
};
pub use layers::{BreakerSettings, ResilientProvider, Resilience, ResilienceError, RetryBudget};
pub use limits::{LimitHit, LimitKey, LimitScope, LimitExceeded, Refund, longest, millis};
pub use memory::MemoryStore;
pub use policy::{MessageLimits, Policy, PolicyError, ResendBy};
pub use record::{Choice, SendAttempt, AttemptState, Record, IdempotencyRecord, Skip, SkipReason, State, VendorTerms};
pub use routing::{Route, Routes};
pub use store::{
    Guessed, StartAttempt, AttemptStarted, Behind, Counted, Create, Created, RETENTION, GuessEnd, GuessState,
    HEALTH_TTL, LOOKS_BEHIND, AttemptEnd, Lost, HEALTH_UPDATES_KEPT, NamedGuess, ResendTerms, RecordOutcome,
    StoreState, VerificationStore, uncovered,
};
