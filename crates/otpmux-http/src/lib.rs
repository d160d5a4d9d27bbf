#![doc = include_str!("../README.md")]

mod answer;
mod base_url;
mod call;
mod client;
mod connections;
mod decimal;
mod reading;
mod receipt_settings;
mod retry_after;
mod settings;
pub mod signature;
mod target;
mod transport;
pub mod webhook;

pub use answer::Answer;
pub use base_url::{BaseUrl, BaseUrlError};
pub use call::Call;
pub use decimal::is_decimal;
pub use http::Method;
pub use otpmux_core::rfc3339::parse as parse_time;
pub use reading::Reading;
pub use receipt_settings::{ReceiptMode, ReceiptSettings};
pub use retry_after::retry_after_field;
pub use settings::{HttpConfig, HttpSettings};
pub use transport::{Transport, basic, check_credential};
