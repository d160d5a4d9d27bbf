#![doc = include_str!("../README.md")]

mod answer;
mod base_url;
mod body;
mod call;
mod connections;
mod reading;
mod retry_after;
mod settings;
mod time;
mod transport;

pub use answer::Answer;
pub use base_url::{BaseUrl, BaseUrlError};
pub use call::Call;
pub use reading::Reading;
pub use retry_after::retry_after_field;
pub use settings::{HttpConfig, HttpSettings};
pub use time::parse_time;
pub use transport::{Transport, check_credential};
