#![doc = include_str!("../README.md")]

mod config;
mod error;
mod fields;
mod management;
mod provider;
mod read;
#[cfg(test)]
mod tests;
mod wire;

pub use config::{ADAPTER, AirTextsBuilder, AirTextsConfig, Approval, Credentials};
pub use management::{ListQuery, OtpStatus, Page, ReportQuery};
pub use provider::AirTexts;
pub use wire::Endpoint;
