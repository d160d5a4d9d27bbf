#![doc = include_str!("../README.md")]

mod call;
mod fault;
mod form;
mod hex;
mod link;
mod names;
mod options;
mod reply;
mod script;
mod store;
mod words;

pub use options::{Options, OptionsError, Time};
pub use store::RedisStore;
