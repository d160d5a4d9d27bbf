#![doc = include_str!("../README.md")]

mod accepted;
mod due_set;
mod failure;
mod guesses;
mod health_updates;
mod limits;
mod open;
mod options;
mod outbox;
mod patience;
mod receipts;
mod records;
mod schema;
mod standing;
mod store;
mod sweep;
mod tables;
mod writer;

pub use open::OpenError;
pub use options::{Durability, Options};
pub use store::SqliteStore;
