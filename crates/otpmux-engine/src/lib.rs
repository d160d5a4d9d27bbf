#![doc = include_str!("../README.md")]

mod audit;
mod background;
mod client;
mod escalation;
mod events;
mod external_id;
mod id;
mod keyed_map;
mod keys;
mod layers;
mod messages;
mod numbers;
mod policy;
mod routing;
mod store;

pub use audit::{AuditAttempt, AuditEntry, AuditSink};
pub use client::{
    BuildError, CandidateView, Checked, ClientBuilder, ClientConfig, CodeDelivery,
    CodeDeliveryStatus, CodeInTextError, CodeSourceView, EventDelivery, EventStream, Explanation,
    HistoryEntry, InFlight, LastHour, LimitView, Looks, MessageView, NewDelivery, NewVerification,
    OpenStoreError, OtpClient, ProviderView, Reloaded, Resend, Scope, ScopedClient, Selector,
    SendAttemptView, SendOptions, TakenEvents, Timers, Verification, VerificationStatus, Verify,
    describe_metrics,
};
pub use escalation::{EscalationStep, StepBy};
pub use events::{
    DueEvents, EndedEvent, EndpointName, EndpointNameError, EndpointState, EndpointStatus, Event,
    EventData, EventEnd, EventEndpoint, EventId, EventSettings, EventTerms, EventType, EventTypes,
    EventTypesError, EventsEnded, MOST_EVENTS, NewEvent, Once, Outbox, ParseEventIdError,
    QueuedEvent, Want, Wanted,
};
pub use external_id::{ExternalId, ExternalIdError};
pub use id::{DeliveryId, ParseDeliveryIdError, ParseIdError, VerificationId};
pub use keys::{
    CodeForm, CodeMac, Guess, GuessName, GuessWindows, KeyCheck, KeyError, KeyId, RecipientHash,
    Sealed, ServerKeys, Which,
};
pub use layers::{BreakerSettings, Resilience, ResilientProvider, RetryBudget};
pub use messages::{
    ChannelText, DltIds, Locale, LocaleError, LocalizedText, MessageSettings, Messages,
    SmsEncoding, SmsSize, Variable, check_brand,
};
pub use policy::{MessageLimits, Policy, PolicyError, Repeat, ResendBy};
pub use routing::{Route, RouteError, Routes};
pub use store::delivery::{DeliveryMark, ReceiptOf, Received};
pub use store::health::{Health, HealthUpdate, OpenCircuit, Witness};
pub use store::limits::{LimitExceeded, LimitHit, LimitKey, LimitScope, Refund, longest, millis};
pub use store::memory::MemoryStore;
pub use store::operations::{
    AcceptedAttempt, AttemptEnd, AttemptStarted, Create, Created, EscalationTerms, GuessEnd,
    GuessState, Guessed, Lost, NamedGuess, RecordOutcome, Reschedule, ResendTerms, StartAttempt,
    Unconfirmed,
};
pub use store::record::{
    AttemptState, Choice, IdempotencyRecord, Record, SendAttempt, Skip, SkipReason, State,
    VendorTerms,
};
pub use store::steps::{Before, Behind, Counted, LOOKS_BEHIND, selected, uncovered};
pub use store::{
    EARLY_RECEIPT, HEALTH_TTL, HEALTH_UPDATES_KEPT, RETENTION, StoreState, VerificationStore,
};
