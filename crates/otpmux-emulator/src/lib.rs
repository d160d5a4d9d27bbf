#![doc = include_str!("../README.md")]

mod admin;
mod airtexts;
mod arrivals;
mod body;
mod check;
mod clock;
mod config;
mod connection;
mod dispatch;
mod easyotp;
mod emulator;
mod exchange;
mod fault;
mod fault_json;
mod handset;
mod ids;
mod ledger;
mod limits;
mod outbox;
mod ready;
mod requests;
mod server;
mod startmessaging;
mod system;
mod vendor;
mod world;

pub use airtexts::{AirTextsAccount, ErrorShape, ExpiryField, SendShape, VerifyShape, WrongCode};
pub use arrivals::Arrivals;
pub use config::EmulatorConfig;
pub use easyotp::EasyOtpAccount;
pub use emulator::Emulator;
pub use fault::{Fault, FaultKind, Garbage};
pub use handset::{FaultPreset, Relay, RelayAnswer, RelayRequest};
pub use outbox::{Message, MessageFilter};
pub use requests::SeenRequest;
pub use startmessaging::{
    Delivery, Dialect, Idempotency, MessageShape, Onboarding, StartMessagingAccount, Template,
};
pub use vendor::{UnknownVendor, Vendor};
