#![doc = include_str!("../README.md")]

mod api;
mod app;
mod auth;
mod error;
mod gateway;
mod http;
mod keys;
mod metrics;
mod offers;
mod pace;
mod problem;
mod settings;
mod tls;

pub use api::openapi;
pub use error::StartError;
pub use gateway::{Gateway, Options, Reloader};
pub use metrics::{describe_metrics, install_metrics};
