#![doc = include_str!("../README.md")]

mod config;
mod credentials;
mod error;
mod provider;
mod receipts;
mod ses;
mod sigv4;
mod sms;
mod sns;
mod time;
mod xml;

pub use config::{ADAPTER, AwsBuilder};
pub use provider::Aws;
