#![doc = include_str!("../README.md")]

mod codec;
mod connection;
mod decoder;
mod encoder;
mod error;
mod key_names;
mod layout;
mod options;
mod outbox;
mod reply;
mod script;
mod script_call;
mod steps;
mod store;

pub use options::{Options, OptionsError, Time};
pub use store::RedisStore;
