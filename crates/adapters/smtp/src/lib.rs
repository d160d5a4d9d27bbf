#![doc = include_str!("../README.md")]

mod config;
mod connection;
mod error;
mod line_stream;
mod mail;
mod pool;
mod provider;
mod stage;

pub use config::{ADAPTER, SmtpBuilder};
pub use provider::Smtp;
