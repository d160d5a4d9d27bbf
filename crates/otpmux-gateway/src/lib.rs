#![doc = include_str!("../README.md")]

mod api;
mod auth;
mod error;
mod gateway;
mod http;
mod metrics;
mod pace;
mod problem;
mod settings;

pub use api::openapi;
pub use error::StartError;
pub use gateway::{Gateway, Options, Reloader};
pub use metrics::{describe_metrics, install_metrics};
