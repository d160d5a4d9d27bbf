#![doc = include_str!("../README.md")]

mod answer;
mod call;
mod codec;
mod error;
mod migrate;
mod options;
mod outbox;
mod pool;
mod sql;
mod steps;
mod store;
mod tls;
mod url;

pub use options::{Options, OptionsError, Time};
pub use store::PostgresStore;
