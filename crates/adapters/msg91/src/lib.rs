#![doc = include_str!("../README.md")]

mod config;
mod provider;
mod read;
mod receipts;
mod words;

#[cfg(test)]
mod tests;

pub use config::{ADAPTER, Msg91Builder};
pub use provider::Msg91;
