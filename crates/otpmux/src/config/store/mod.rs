//! `[store]`

mod open;
mod url;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use otpmux_core::settings::{Setting, Settings};
use otpmux_engine::VerificationStore;
use serde_json::{Map, Value};

use super::reading::Reading;
use crate::SecretRef;
use url::{Kind, Url};

const TIMEOUT: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(10)..=Duration::from_mins(1);

/// From a megabyte to a terabyte.
const MAX_BYTES: std::ops::RangeInclusive<i64> = 1 << 20..=1 << 40;

pub(crate) const SETTINGS: &[Setting] = &[
    Setting::text(
        "url",
        "Where verifications live: memory: (the default, in this process and gone with it), \
         sqlite:PATH (for the processes of one machine), redis://HOST or rediss://HOST (for any \
         number); the nodes of a cluster separated by commas. With a password in it, a reference: \
         env:NAME or file:PATH.",
    ),
    Setting::integer(
        "capacity",
        1..=100_000_000,
        "memory: how many verifications it holds. Default 100000, some 50 MB.",
    ),
    Setting::choice(
        "durability",
        &["power", "process"],
        "sqlite: what an answered operation survives: the machine losing power, or the process \
         dying. Default power.",
    ),
    Setting::duration(
        "busy_timeout",
        TIMEOUT,
        "sqlite: how long to wait for another process that is writing. Default 5s.",
    ),
    Setting::integer(
        "max_bytes",
        MAX_BYTES,
        "sqlite: how much it holds before new verifications are refused; a million take about 1 GB. \
         Default 1073741824.",
    ),
    Setting::text(
        "namespace",
        "redis: what all keys begin with. 1 to 32 characters of a-z, 0-9, '_' and '-'. Default \
         otpmux.",
    ),
    Setting::flag("cluster", "redis: whether the servers are a Redis Cluster. Default false."),
    Setting::duration(
        "connect_timeout",
        TIMEOUT,
        "redis: how long it may take to get a connection. Default 2s.",
    ),
    Setting::duration(
        "answer_timeout",
        TIMEOUT,
        "redis: how long it may take to answer. Default 2s.",
    ),
];

/// Where verifications live. Its address is not told: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreConfig {
    /// In this process.
    Memory {
        /// How many verifications it holds.
        capacity: usize,
    },
    /// In a file, for the processes of one machine.
    Sqlite {
        /// What an answered operation survives.
        durability: Durability,
        /// How long to wait for another process that is writing.
        busy_timeout: Duration,
        /// How much it holds before new verifications are refused, in bytes.
        max_bytes: u64,
    },
    /// At Redis, for any number of processes.
    Redis {
        /// What all keys begin with.
        namespace: String,
        /// Whether the servers are a cluster.
        cluster: bool,
        /// How long it may take to get a connection.
        connect_timeout: Duration,
        /// How long it may take to answer.
        answer_timeout: Duration,
    },
}

/// What an answered operation of a store survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// The machine losing power.
    Power,
    /// The process dying at any instant.
    Process,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self::Memory { capacity: 100_000 }
    }
}

impl StoreConfig {
    /// Whether other processes, and this one after a restart, find what it holds.
    pub fn is_shared(&self) -> bool {
        !matches!(self, Self::Memory { .. })
    }
}

/// A store with its address.
#[derive(Clone)]
pub(super) struct Store {
    pub(super) config: StoreConfig,
    url: Url,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.config.fmt(f)
    }
}

impl Store {
    /// The same for the same section and no other. Gives nothing away.
    pub(super) fn name(&self) -> String {
        self.url.hash_with(&format!("{:?}", self.config))
    }

    /// Why it cannot be opened, as far as that is known without touching it.
    pub(super) fn unreachable(&self) -> Option<String> {
        open::unreachable(&self.config, &self.url)
    }

    /// Opens it, when somebody asks.
    pub(super) fn opener(
        &self,
    ) -> impl FnOnce() -> Result<Arc<dyn VerificationStore>, String> + Send + 'static {
        let Self { config, url } = self.clone();
        move || open::open(&config, &url)
    }
}

pub(super) fn read(root: &Map<String, Value>, cx: &mut Reading<'_>) -> Store {
    let default = Store { config: StoreConfig::default(), url: Url::memory() };
    let Some(table) = cx.table(root, "store") else {
        return default;
    };
    let settings = cx.section_at("store", SETTINGS, table);
    // By itself, so that it is told also when another key is wrong.
    let url = match table.get("url").map(|url| url.as_str().unwrap_or_default()) {
        None => Url::memory(),
        Some("") => return default,
        Some(text) => match resolve(text, cx) {
            Ok(url) => url,
            Err(message) => {
                cx.mistake("store.url", message);
                return default;
            }
        },
    };
    belongs(url.kind(), table, cx);
    if url.kind() != Kind::Memory && !root.contains_key("server_keys") {
        let message = "missing; what this store holds must be good after a restart and for other \
                       processes. Add [[server_keys]] with id = \"1\" and key = \
                       \"env:SERVER_KEY\", the same in each; make one with \
                       `openssl rand -base64 32`";
        cx.mistake("server_keys", message);
    }
    let Some(settings) = settings else {
        return default;
    };
    let store = Store { config: config(url.kind(), &settings), url };
    if let Some((key, message)) = open::mistake(&store.config, &store.url) {
        cx.mistake(format!("store.{key}"), message);
    }
    store
}

/// The address itself, looked up where it is a reference.
fn resolve(text: &str, cx: &Reading<'_>) -> Result<Url, String> {
    let is_reference = text.starts_with("env:") || text.starts_with("file:");
    if !is_reference {
        return Url::parse(text, cx.allow_literals);
    }
    let secret = SecretRef::parse(text, false).and_then(|at| at.resolve(cx.environment));
    Url::parse(secret.map_err(|error| error.to_string())?.expose(), true)
}

/// Names each key that means nothing to this kind of store.
fn belongs(kind: Kind, table: &Map<String, Value>, cx: &mut Reading<'_>) {
    for (key, its) in [
        ("capacity", Kind::Memory),
        ("durability", Kind::Sqlite),
        ("busy_timeout", Kind::Sqlite),
        ("max_bytes", Kind::Sqlite),
        ("namespace", Kind::Redis),
        ("cluster", Kind::Redis),
        ("connect_timeout", Kind::Redis),
        ("answer_timeout", Kind::Redis),
    ] {
        if its != kind && table.contains_key(key) {
            let message = format!("is for {}, and this is {}", its.words(), kind.words());
            cx.mistake(format!("store.{key}"), message);
        }
    }
}

fn config(kind: Kind, settings: &Settings) -> StoreConfig {
    match kind {
        Kind::Memory => match settings.integer("capacity").map(usize::try_from) {
            Some(Ok(capacity)) => StoreConfig::Memory { capacity },
            Some(Err(_)) | None => StoreConfig::default(),
        },
        Kind::Sqlite => StoreConfig::Sqlite {
            durability: match settings.text("durability") {
                Some("process") => Durability::Process,
                _ => Durability::Power,
            },
            busy_timeout: settings.duration("busy_timeout").unwrap_or(Duration::from_secs(5)),
            max_bytes: match settings.integer("max_bytes").map(u64::try_from) {
                Some(Ok(bytes)) => bytes,
                Some(Err(_)) | None => 1 << 30,
            },
        },
        Kind::Redis => {
            let time = |key| settings.duration(key).unwrap_or(Duration::from_secs(2));
            StoreConfig::Redis {
                namespace: settings.text("namespace").unwrap_or("otpmux").to_owned(),
                cluster: settings.flag("cluster").unwrap_or(false),
                connect_timeout: time("connect_timeout"),
                answer_timeout: time("answer_timeout"),
            }
        }
    }
}
