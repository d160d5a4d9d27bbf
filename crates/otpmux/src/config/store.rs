//! `[store]`

use otpmux_core::settings::Setting;
use serde_json::{Map, Value};

use super::reading::Reading;

pub(crate) const SETTINGS: &[Setting] = &[
    Setting::text(
        "url",
        "Where verifications live. `memory:`, the default and the only store of this version: in \
         this process, gone with it.",
    ),
    Setting::integer(
        "capacity",
        1..=100_000_000,
        "How many verifications the memory store holds. Default 100000, some 50 MB.",
    ),
];

/// Stores that this version knows of and does not have.
const LATER: [&str; 3] = ["sqlite:", "redis://", "rediss://"];

/// Where verifications live.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreConfig {
    /// In this process.
    Memory {
        /// How many verifications it holds.
        capacity: usize,
    },
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self::Memory { capacity: 100_000 }
    }
}

pub(super) fn read(root: &Map<String, Value>, cx: &mut Reading<'_>) -> StoreConfig {
    let table = cx.table(root, "store");
    let settings = table.and_then(|table| cx.settings("store", &[SETTINGS], table));
    let Some(settings) = settings else {
        return StoreConfig::default();
    };
    // An address may hold a password: only its beginning is ever repeated.
    let url = settings.text("url").unwrap_or("memory:");
    if let Some(scheme) = LATER.iter().find(|scheme| url.starts_with(**scheme)) {
        let message = format!("`{scheme}` is not available in this version; write memory:");
        cx.mistake("store.url", message);
    } else if url != "memory:" {
        cx.mistake("store.url", "not a store that is known; write memory:");
    }
    match settings.integer("capacity").map(usize::try_from) {
        Some(Ok(capacity)) => StoreConfig::Memory { capacity },
        Some(Err(_)) | None => StoreConfig::default(),
    }
}
