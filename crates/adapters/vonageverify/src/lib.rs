#![doc = include_str!("../README.md")]

mod config;
mod error;
mod locale;
mod provider;
mod read;
mod receipts;
mod start;
mod token;
mod wire;

pub use config::{ADAPTER, VonageVerifyBuilder};
pub use provider::VonageVerify;
