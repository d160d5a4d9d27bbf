//! `[store]`

mod open;
mod url;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use otpmux_core::settings::Section as _;
use otpmux_engine::{OpenStoreError, VerificationStore};
use serde_json::{Map, Value};

use super::reading::Reading;
use super::sections::{Keys, names};
use crate::config::SecretRef;
pub(super) use url::is_secret;
use url::{Kind, Url};

otpmux_core::settings! {
    /// Where verifications are stored: the section `[store]` of a configuration file.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct StoreSettings {
        /// The address of the store: `memory:` (in this process, lost when it ends), `sqlite:PATH`
        /// (for the processes of one machine), `redis://HOST`, `rediss://HOST` or `postgres://HOST/DATABASE`
        /// (for any number of processes); the nodes of a Redis Cluster are separated by commas. An
        /// address with a password must be a reference: `env:NAME` or `file:PATH`.
        pub url: String = "memory:".to_owned(), text(), example "redis://redis.internal:6379";
        groups {
            /// Keys for `memory:`.
            pub memory: MemorySettings;
            /// Keys for `sqlite:`.
            pub sqlite: SqliteSettings;
            /// Keys for `redis://` and `rediss://`.
            pub redis: RedisSettings;
            /// Keys for `postgres://`.
            pub postgres: PostgresSettings;
            /// Keys for stores on a server.
            pub server: StoreServerSettings;
        }
    }
}

otpmux_core::settings! {
    /// Keys of `[store]` for `memory:`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct MemorySettings {
        /// `memory:` only. How many verifications the store holds; 100,000 take about 50 MB.
        pub capacity: usize = 100_000, integer(1..=100_000_000), example 1_000_000;
    }
}

otpmux_core::settings! {
    /// Keys of `[store]` for `sqlite:`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SqliteSettings {
        /// `sqlite:` only. What an operation survives once it was answered: `power` (the machine
        /// losing power) or `process` (the end of the process).
        pub durability: Durability = Durability::Power, choice(Durability::WORDS), example "process";
        /// `sqlite:` only. How long to wait for another process that is writing.
        pub busy_timeout: Duration = Duration::from_secs(5), duration(SHORT..=LONG), example "2s";
        /// `sqlite:` only. The size in bytes at which new verifications are refused; a million
        /// verifications take about 1 GB.
        pub max_bytes: u64 = 1 << 30, integer(1 << 20..=1 << 40), example 4_294_967_296_u64;
    }
}

otpmux_core::settings! {
    /// Keys of `[store]` for `redis://` and `rediss://`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct RedisSettings {
        /// `redis://` only. The beginning of every key in Redis: 1 to 32 characters of a-z, 0-9,
        /// `_` and `-`.
        pub namespace: String = "otpmux".to_owned(), text(), example "otpmux-eu";
        /// `redis://` only. Whether the servers are a Redis Cluster.
        pub cluster: bool = false, flag(), example true;
    }
}

otpmux_core::settings! {
    /// Keys of `[store]` for `postgres://`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PostgresSettings {
        /// `postgres://` only. The schema that holds the tables and functions: 1 to 32 characters of
        /// a-z, 0-9 and `_`.
        pub schema: String = "otpmux".to_owned(), text(), example "otpmux_eu";
        /// `postgres://` only. Whether the gateway creates its schema, tables and functions, and
        /// those of a later version; otherwise an administrator does.
        pub migrate: bool = true, flag(), example false;
        /// `postgres://` only. The most connections of one gateway.
        pub connections: usize = 10, integer(1..=1_000), example 20;
    }
}

otpmux_core::settings! {
    /// Keys of `[store]` for a store on a server: `redis://`, `rediss://` and `postgres://`.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct StoreServerSettings {
        /// `redis://` and `postgres://` only. How long it may take to get a connection.
        pub connect_timeout: Duration = Duration::from_secs(2), duration(SHORT..=LONG), example "1s";
        /// `redis://` and `postgres://` only. How long an answer may take.
        pub answer_timeout: Duration = Duration::from_secs(2), duration(SHORT..=LONG), example "1s";
    }
}

const SHORT: Duration = Duration::from_millis(10);
const LONG: Duration = Duration::from_mins(1);

/// The settings of the store. The address is not shown: it may hold a password.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreConfig {
    /// The memory of this process.
    Memory {
        /// The maximum number of verifications.
        capacity: usize,
    },
    /// A SQLite file, for the processes of one machine.
    Sqlite {
        /// The durability of a completed operation.
        durability: Durability,
        /// How long to wait for another process that is writing.
        busy_timeout: Duration,
        /// The size in bytes from which new verifications are rejected.
        max_bytes: u64,
    },
    /// Redis, for any number of processes.
    Redis {
        /// The prefix of all keys.
        namespace: String,
        /// Whether the servers are a cluster.
        cluster: bool,
        /// How long connecting may take.
        connect_timeout: Duration,
        /// How long an answer may take.
        answer_timeout: Duration,
    },
    /// PostgreSQL, for any number of processes.
    Postgres {
        /// The schema that holds everything.
        schema: String,
        /// Whether it is created where it is missing.
        migrate: bool,
        /// The most connections.
        connections: usize,
        /// How long connecting may take.
        connect_timeout: Duration,
        /// How long an answer may take.
        answer_timeout: Duration,
    },
}

/// The event that a completed operation of a store survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// The machine loses power.
    Power,
    /// The process ends at any instant.
    Process,
}

impl Durability {
    const WORDS: &'static [&'static str] = &["power", "process"];
}

impl fmt::Display for Durability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Power => "power",
            Self::Process => "process",
        })
    }
}

impl FromStr for Durability {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "power" => Ok(Self::Power),
            "process" => Ok(Self::Process),
            _ => Err(format!("must be one of: {}", Self::WORDS.join(", "))),
        }
    }
}

otpmux_core::text_setting!(Durability);

impl Default for StoreConfig {
    fn default() -> Self {
        Self::Memory { capacity: MemorySettings::default().capacity }
    }
}

impl StoreConfig {
    /// Returns whether other processes, and this one after a restart, find its content.
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
    /// Returns a text that is the same for the same section only. A hash: it reveals nothing.
    pub(super) fn name(&self) -> String {
        self.url.hash_with(&format!("{:?}", self.config))
    }

    /// Returns why it cannot be opened, as far as this is known without touching it.
    pub(super) fn unreachable(&self) -> Option<String> {
        open::unreachable(&self.config, &self.url)
    }

    /// Returns a function that opens the store.
    pub(super) fn opener(
        &self,
    ) -> impl FnOnce() -> Result<Arc<dyn VerificationStore>, OpenStoreError> + Send + 'static {
        let Self { config, url } = self.clone();
        move || open::open(&config, &url)
    }
}

pub(super) fn read(root: &Map<String, Value>, cx: &mut Reading<'_>) -> Store {
    let default = Store { config: StoreConfig::default(), url: Url::memory() };
    let Some(table) = cx.table(root, "store") else {
        return default;
    };
    let mistakes = cx.errors.len();
    let mut settings = StoreSettings::default();
    cx.apply("store", table, &mut settings);
    let right = cx.errors.len() == mistakes;
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
    if !right {
        return default;
    }
    let store = Store { config: config(url.kind(), settings), url };
    if let Some((key, message)) = open::mistake(&store.config, &store.url) {
        cx.mistake(format!("store.{key}"), message);
    }
    store
}

/// Resolves the address if it is a reference.
fn resolve(text: &str, cx: &Reading<'_>) -> Result<Url, String> {
    let is_reference = text.starts_with("env:") || text.starts_with("file:");
    if !is_reference {
        return Url::parse(text, cx.allow_literals);
    }
    let secret = SecretRef::parse(text, false).and_then(|at| at.resolve(cx.environment));
    Url::parse(secret.map_err(|error| error.to_string())?.expose(), true)
}

/// Reports each key that is for another kind of store.
fn belongs(kind: Kind, table: &Map<String, Value>, cx: &mut Reading<'_>) {
    let kinds: [(&[Kind], Keys); 5] = [
        (&[Kind::Memory], MemorySettings::KEYS),
        (&[Kind::Sqlite], SqliteSettings::KEYS),
        (&[Kind::Redis], RedisSettings::KEYS),
        (&[Kind::Postgres], PostgresSettings::KEYS),
        (&[Kind::Redis, Kind::Postgres], StoreServerSettings::KEYS),
    ];
    for (others, keys) in kinds.into_iter().filter(|(others, _)| !others.contains(&kind)) {
        for key in names(keys).filter(|key| table.contains_key(*key)) {
            let others: Vec<_> = others.iter().map(|other| other.words()).collect();
            let message = format!("is for {}, and this is {}", others.join(" or "), kind.words());
            cx.mistake(format!("store.{key}"), message);
        }
    }
}

fn config(kind: Kind, settings: StoreSettings) -> StoreConfig {
    let StoreSettings { memory, sqlite, redis, postgres, server, .. } = settings;
    match kind {
        Kind::Memory => StoreConfig::Memory { capacity: memory.capacity },
        Kind::Sqlite => StoreConfig::Sqlite {
            durability: sqlite.durability,
            busy_timeout: sqlite.busy_timeout,
            max_bytes: sqlite.max_bytes,
        },
        Kind::Redis => StoreConfig::Redis {
            namespace: redis.namespace,
            cluster: redis.cluster,
            connect_timeout: server.connect_timeout,
            answer_timeout: server.answer_timeout,
        },
        Kind::Postgres => StoreConfig::Postgres {
            schema: postgres.schema,
            migrate: postgres.migrate,
            connections: postgres.connections,
            connect_timeout: server.connect_timeout,
            answer_timeout: server.answer_timeout,
        },
    }
}
