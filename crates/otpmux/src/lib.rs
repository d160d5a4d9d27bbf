#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod admin;
pub mod audit;
pub mod config;
mod environment;
pub mod errors;
#[cfg(feature = "events")]
#[cfg_attr(docsrs, doc(cfg(feature = "events")))]
pub mod events;
pub mod numbers;
pub mod provider;
mod registry;
mod schema;
mod secret_ref;
pub mod store;
pub mod vendors;

#[doc(hidden)]
pub use otpmux_core::debug_as_display;
pub use otpmux_core::{
    Blame, Certainty, Channel, ClientContext, Code, CountryCode, EmailAddress, Error, ErrorKind,
    OtpProvider, Outcome, PhoneNumber, Purpose, RateLimit, Recipient, Secret, UserReason, Verdict,
};
pub use otpmux_engine::{
    BuildError, ChannelText, Checked, ClientBuilder, CodeDelivery, CodeDeliveryStatus, DeliveryId,
    DltIds, EscalationStep, ExternalId, InFlight, Locale, LocalizedText, MemoryStore,
    MessageLimits, MessageSettings, Messages, NewDelivery, NewVerification, OtpClient, Policy,
    Reloaded, Repeat, Resend, ResendBy, Resilience, Route, Routes, Scope, ScopedClient, Selector,
    SendOptions, ServerKeys, StepBy, Timers, Verification, VerificationId, VerificationStatus,
    Verify,
};

pub use config::Config;

#[cfg(feature = "http")]
#[cfg_attr(docsrs, doc(cfg(feature = "http")))]
pub use otpmux_http as http;
#[cfg(feature = "postgres")]
#[cfg_attr(docsrs, doc(cfg(feature = "postgres")))]
pub use otpmux_postgres as postgres;
#[cfg(feature = "redis")]
#[cfg_attr(docsrs, doc(cfg(feature = "redis")))]
pub use otpmux_redis as redis;
#[cfg(feature = "sqlite")]
#[cfg_attr(docsrs, doc(cfg(feature = "sqlite")))]
pub use otpmux_sqlite as sqlite;
