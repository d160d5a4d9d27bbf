#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod config;
mod environment;
mod registry;
mod schema;
mod secret_ref;
pub mod store;
pub mod vendors;

pub use async_trait::async_trait;
#[doc(hidden)]
pub use otpmux_core::debug_as_display;
pub use otpmux_core::{
    Balance, Blame, CancelCheck, Cancellation, Capabilities, Certainty, Channel, ClientContext,
    Clock, Code, CodeError, CodeSource, Context, CountryCode, CountryError, Delivery, EmailAddress,
    Entropy, EntropyError, Error, ErrorKind, IdError, IdempotencyKey, Incompatibility, Limits,
    NUMBERS_VERSION, NextStep, NumberKind, NumberKindError, OsEntropy, OtpProvider, PhoneNumber,
    Place, ProviderId, Purpose, RateLimit, Recipient, RecipientError, ResendRequest, Secret,
    SecretTextError, SendRequest, Sent, Situation, Status, SystemClock, Target, VendorCodes,
    VendorReference, Verdict, VerifyRequest, next_step, plain_words, settings, typed,
};
pub use otpmux_engine::{
    AttemptState, BreakerSettings, BuildError, CandidateView, Choice, ClientBuilder, ClientConfig,
    CodeSourceView, Explanation, Health, HistoryEntry, InFlight, KeyError, LimitScope, LimitView,
    MemoryStore, MessageLimits, NewVerification, OpenStoreError, OtpClient, ParseIdError, Policy,
    PolicyError, ProviderView, Reloaded, Resend, ResendBy, Resilience, ResilientProvider,
    RetryBudget, Route, RouteError, Routes, Scope, ScopedClient, SendAttemptView, ServerKeys, Skip,
    SkipReason, StoreState, Verification, VerificationId, VerificationStatus, VerificationStore,
    Verify, describe_metrics,
};

pub use config::{
    ApiKey, ApiKeySecret, Config, ConfigBuilder, ConfigErrors, ConfiguredProvider, Durability,
    MemorySettings, Network, RedisSettings, ServerConfig, SqliteSettings, StoreConfig,
    StoreSettings, TlsFiles,
};
pub use environment::{Environment, NotUnicode};
pub use registry::{Registry, UnknownKind};
pub use schema::config_schema;
pub use secret_ref::{SecretError, SecretRef};

#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub use otpmux_http as http;
#[cfg(feature = "redis")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
pub use otpmux_redis as redis;
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use otpmux_sqlite as sqlite;
