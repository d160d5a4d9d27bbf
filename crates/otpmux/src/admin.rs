//! For operators: providers and their health, explanations, histories, metrics.

pub use otpmux_core::{Balance, Capabilities, Delivery, Incompatibility};
pub use otpmux_engine::{
    AttemptState, CandidateView, Choice, CodeSourceView, Explanation, Health, HistoryEntry,
    LastHour, LimitScope, LimitView, MessageView, ProviderView, SendAttemptView, Skip, SkipReason,
    StoreState, describe_metrics,
};
