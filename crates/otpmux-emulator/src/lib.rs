#![doc = include_str!("../README.md")]

mod admin;
mod arrivals;
mod body;
mod check;
mod clock;
mod config;
mod connection;
mod dispatch;
mod emulator;
mod exchange;
mod fault;
mod faults;
mod handset;
mod ids;
mod ledger;
mod limits;
mod outbox;
mod preset;
mod ready;
mod relay;
mod requests;
mod server;
mod shared;
mod system;
mod vendor_api;
pub mod vendors;
mod world;

pub use arrivals::Arrivals;
pub use config::EmulatorConfig;
pub use emulator::Emulator;
pub use fault::{Fault, FaultKind, Garbage};
pub use outbox::{Message, MessageFilter};
pub use preset::FaultPreset;
pub use relay::{Relay, RelayAnswer, RelayRequest};
pub use requests::SeenRequest;
pub use vendors::{UnknownVendor, Vendor};
