//! Configuration keys as data. One declaration of a key gives its parser, range, default, error, JSON
//! Schema and documentation, and the field of a struct that holds its value.
//!
//! ```
//! use otpmux_core::Secret;
//! use otpmux_core::settings::{Section as _, SettingsReader};
//!
//! otpmux_core::settings! {
//!     /// One account at a vendor.
//!     #[derive(Clone, Debug)]
//!     pub struct Account {
//!         /// The key from the vendor's dashboard.
//!         pub api_key: Option<Secret> = None, secret().required(), example "env:VENDOR_KEY";
//!         /// Tries of one request.
//!         pub tries: u32 = 3, integer(1..=10), example 5;
//!     }
//! }
//!
//! let reader = SettingsReader::new(&|_| Ok(Secret::new("made-up")));
//! let read = |table: serde_json::Value| reader.read("p", Account::KEYS, table.as_object().unwrap());
//!
//! let mut account = Account::default();
//! account.apply(&read(serde_json::json!({ "api_key": "env:KEY", "tries": 7 })).unwrap());
//! assert_eq!(account.tries, 7);
//!
//! let errors = read(serde_json::json!({ "api_kye": "env:KEY", "tries": 0 })).unwrap_err();
//! assert_eq!(errors[0].to_string(), "p.api_kye: unknown key; did you mean `api_key`?");
//! assert_eq!(errors[1].to_string(), "p.api_key: missing; it is required");
//! assert_eq!(errors[2].to_string(), "p.tries: must be a whole number from 1 to 10");
//! // The same range holds for values that were set in code.
//! assert!(Account::default().tries(11).check().is_err());
//! ```

mod adapter;
mod error;
mod forms;
mod lists;
mod nearest;
mod reader;
mod section;
mod setting;
mod value;
mod values;

pub use adapter::{Adapter, BuildProvider, DescribeProvider, VendorSettings};
pub use error::ConfigError;
pub use forms::{duration_text, limit_text, parse_duration};
pub use lists::read_list;
pub use nearest::{nearest, unknown_key};
pub use reader::SettingsReader;
pub use section::{Section, required};
pub use setting::{CheckText, Setting, SettingKind, parses};
pub use value::SettingValue;
pub use values::Settings;

#[doc(hidden)]
pub use serde_json::{Value as Json, json};
