#![doc = include_str!("../README.md")]

mod config;
mod error;
mod provider;
mod wire;

pub use config::{ADAPTER, EasyOtpBuilder, EasyOtpConfig};
pub use provider::EasyOtp;
