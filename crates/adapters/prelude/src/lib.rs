#![doc = include_str!("../README.md")]

mod config;
mod error;
mod provider;
mod read;
mod receipts;
mod wire;

#[cfg(test)]
mod tests;

pub use config::{ADAPTER, PreludeBuilder};
pub use provider::Prelude;
