#![doc = include_str!("../README.md")]

mod config;
mod error;
mod provider;
mod read;
mod reference;
mod wire;

pub use config::{ADAPTER, TwilioVerifyBuilder};
pub use provider::TwilioVerify;
