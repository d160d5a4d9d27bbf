#![doc = include_str!("../README.md")]

mod config;
mod dialect;
mod error;
mod provider;
mod read;
mod wire;

#[cfg(test)]
mod tests;

pub use config::{ADAPTER, StartMessagingBuilder, StartMessagingConfig};
pub use dialect::{Dialect, Mode};
pub use provider::StartMessaging;
