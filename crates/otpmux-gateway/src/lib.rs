#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod answer;
mod api;
mod app;
mod audit;
mod auth;
mod balance;
mod body;
mod capabilities;
pub mod delivery_views;
mod doors;
mod error;
mod forwarded;
mod gateway;
mod http;
mod keys;
mod metrics;
mod open_files;
mod pace;
mod problem;
mod readiness;
mod receipts;
mod settings;
mod tls;
pub mod views;

pub use api::openapi;
pub use error::StartError;
pub use gateway::{Gateway, Options, Reloader};
pub use metrics::{describe_metrics, install_metrics};
pub use open_files::raise_open_files;
