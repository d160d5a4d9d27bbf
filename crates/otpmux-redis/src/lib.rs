#![doc = include_str!("../README.md")]

mod call;
mod fault;
mod form;
mod link;
mod names;
mod options;
mod reply;
mod script;
mod store;

pub use options::{Options, OptionsError};
pub use store::RedisStore;
