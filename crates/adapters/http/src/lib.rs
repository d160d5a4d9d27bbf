#![doc = include_str!("../README.md")]

mod config;
mod definition;
mod gsm;
mod plan;
mod presets;
mod provider;
mod receipts;
mod template;
mod var;
mod view;

pub use config::{ADAPTER, HttpProviderBuilder};
pub use definition::{Definition, DefinitionErrors, ExampleAnswer};
pub use presets::{ADAPTERS, PRESETS, Preset};
pub use provider::HttpProvider;
