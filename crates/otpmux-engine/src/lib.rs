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
    BuildError, CandidateView, ClientBuilder, ClientConfig, CodeSourceView, Explanation,
    HistoryEntry, InFlight, LimitView, NewVerification, OpenStoreError, OtpClient, ProviderView,
    Reloaded, Resend, Scope, ScopedClient, SendAttemptView, Verification, VerificationStatus,
    Verify, describe_metrics,
};
pub use health::{Health, HealthUpdate, OpenCircuit, Witness};
pub use id::{ParseIdError, VerificationId};
pub use keys::{
    CodeMac, Guess, GuessName, GuessWindows, KeyCheck, KeyError, KeyId, RecipientHash, Sealed,
    ServerKeys,
};
pub use layers::{BreakerSettings, Resilience, ResilientProvider, RetryBudget};
pub use limits::{LimitExceeded, LimitHit, LimitKey, LimitScope, Refund, longest, millis};
pub use memory::MemoryStore;
pub use policy::{MessageLimits, Policy, PolicyError, ResendBy};
pub use record::{
    AttemptState, Choice, IdempotencyRecord, Record, SendAttempt, Skip, SkipReason, State,
    VendorTerms,
};
pub use routing::{Route, RouteError, Routes};
pub use store::{
    AttemptEnd, AttemptStarted, Behind, Counted, Create, Created, GuessEnd, GuessState, Guessed,
    HEALTH_TTL, HEALTH_UPDATES_KEPT, LOOKS_BEHIND, Lost, NamedGuess, RETENTION, RecordOutcome,
    ResendTerms, StartAttempt, StoreState, VerificationStore, uncovered,
};
