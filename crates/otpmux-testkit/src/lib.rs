#![doc = include_str!("../README.md")]

pub mod answers;
pub mod conformance;
pub mod faulty;
pub mod golden;
pub mod leaks;
pub mod shared_store;
pub mod stores;

mod counting_store;
mod cutting_proxy;
mod log_capture;
mod manual_clock;
#[cfg(unix)]
mod postgres_server;
mod redis_server;
mod script;
mod scripted_provider;
mod seeded_entropy;
mod wrapped_store;

pub use counting_store::{Counting, CountingStore};
pub use cutting_proxy::{Cut, CuttingProxy};
pub use log_capture::LogCapture;
pub use manual_clock::ManualClock;
#[cfg(unix)]
pub use postgres_server::{PgBouncer, PostgresServer};
pub use redis_server::{RedisServer, Reply as RedisReply};
pub use script::Script;
pub use scripted_provider::{ScriptedProvider, VendorsRequest};
pub use seeded_entropy::SeededEntropy;
pub use wrapped_store::{StepInput, StoreWrapper, WrappedStore};
