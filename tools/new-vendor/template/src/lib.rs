#![doc = include_str!("../README.md")]

mod config;
mod error;
mod provider;
mod wire;

pub use config::{ADAPTER, AcmeBuilder};
pub use provider::Acme;
