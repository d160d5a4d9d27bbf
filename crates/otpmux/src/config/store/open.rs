//! Opening of the configured store.

use std::sync::Arc;

use otpmux_engine::{MemoryStore, OpenStoreError, VerificationStore};

use super::StoreConfig;
use super::url::Url;

/// Returns a mistake in the settings, as far as this is known without touching a file or a server:
/// the key and the reason.
#[cfg(any(feature = "redis", feature = "postgres"))]
pub(super) fn mistake(config: &StoreConfig, url: &Url) -> Option<(&'static str, String)> {
    let (key, message) = match config {
        #[cfg(feature = "redis")]
        StoreConfig::Redis { .. } => {
            let error = redis(config, url).err()?;
            let namespace = error == otpmux_redis::OptionsError::Namespace;
            (if namespace { "namespace" } else { "url" }, error.to_string())
        }
        #[cfg(feature = "postgres")]
        StoreConfig::Postgres { .. } => {
            let error = postgres(config, url).err()?;
            let schema = error == otpmux_postgres::OptionsError::Schema;
            (if schema { "schema" } else { "url" }, error.to_string())
        }
        _ => return None,
    };
    // The path names the key already.
    let message = message.strip_prefix(&format!("{key} ")).unwrap_or(&message).to_owned();
    Some((key, message))
}

/// Other stores have no further rules.
#[cfg(not(any(feature = "redis", feature = "postgres")))]
pub(super) fn mistake(_: &StoreConfig, _: &Url) -> Option<(&'static str, String)> {
    None
}

/// Returns why the file of a store cannot be opened, if this is known without creating it.
#[cfg(feature = "sqlite")]
pub(super) fn unreachable(config: &StoreConfig, url: &Url) -> Option<String> {
    use std::fs::OpenOptions;
    use std::io;
    use std::path::Path;

    if !matches!(config, StoreConfig::Sqlite { .. }) {
        return None;
    }
    let file = url.path();
    let directory = match file.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    };
    if !directory.is_dir() {
        return Some(format!("the directory {} does not exist; make it", directory.display()));
    }
    let opened = OpenOptions::new().read(true).write(true).open(file);
    match opened {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Some(format!("{} cannot be opened for writing: {error}", file.display()))
        }
        _ => None,
    }
}

/// Only a file store can have this failure.
#[cfg(not(feature = "sqlite"))]
pub(super) fn unreachable(_: &StoreConfig, _: &Url) -> Option<String> {
    None
}

/// Opens the store.
pub(super) fn open(
    config: &StoreConfig,
    url: &Url,
) -> Result<Arc<dyn VerificationStore>, OpenStoreError> {
    match config {
        StoreConfig::Memory { capacity } => Ok(Arc::new(MemoryStore::new(*capacity))),
        #[cfg(feature = "sqlite")]
        StoreConfig::Sqlite { durability, busy_timeout, max_bytes } => {
            let options = otpmux_sqlite::Options::default()
                .with_durability(match durability {
                    super::Durability::Power => otpmux_sqlite::Durability::Power,
                    super::Durability::Process => otpmux_sqlite::Durability::Process,
                })
                .with_busy_timeout(*busy_timeout)
                .with_max_bytes(*max_bytes);
            sqlite(options, url)
        }
        #[cfg(feature = "redis")]
        StoreConfig::Redis { .. } => {
            let store = redis(config, url).map_err(OpenStoreError::new)?;
            Ok(Arc::new(store))
        }
        #[cfg(feature = "postgres")]
        StoreConfig::Postgres { .. } => {
            let store = postgres(config, url).map_err(OpenStoreError::new)?;
            Ok(Arc::new(store))
        }
        // An address without its feature was reported already.
        #[cfg(not(all(feature = "sqlite", feature = "redis", feature = "postgres")))]
        _ => Err(OpenStoreError::new(format!("{} is not compiled in", url.kind().words()))),
    }
}

#[cfg(feature = "sqlite")]
fn sqlite(
    options: otpmux_sqlite::Options,
    url: &Url,
) -> Result<Arc<dyn VerificationStore>, OpenStoreError> {
    match otpmux_sqlite::SqliteStore::open(url.path(), options) {
        Ok(store) => Ok(Arc::new(store)),
        // The cause holds the report of SQLite; the cause below it repeats it.
        Err(error) => Err(OpenStoreError::new(match std::error::Error::source(&error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        })),
    }
}

#[cfg(feature = "redis")]
fn redis(
    config: &StoreConfig,
    url: &Url,
) -> Result<otpmux_redis::RedisStore, otpmux_redis::OptionsError> {
    let mut options = otpmux_redis::Options::default();
    if let StoreConfig::Redis { namespace, cluster, connect_timeout, answer_timeout } = config {
        options.namespace.clone_from(namespace);
        options.cluster = *cluster;
        options.connect_timeout = *connect_timeout;
        options.answer_timeout = *answer_timeout;
    }
    otpmux_redis::RedisStore::connect(url.servers(), options)
}

#[cfg(feature = "postgres")]
fn postgres(
    config: &StoreConfig,
    url: &Url,
) -> Result<otpmux_postgres::PostgresStore, otpmux_postgres::OptionsError> {
    let mut options = otpmux_postgres::Options::default();
    if let StoreConfig::Postgres { schema, migrate, connections, connect_timeout, answer_timeout } =
        config
    {
        options.schema.clone_from(schema);
        options.migrate = *migrate;
        options.connections = *connections;
        options.connect_timeout = *connect_timeout;
        options.answer_timeout = *answer_timeout;
    }
    otpmux_postgres::PostgresStore::connect(url.whole(), options)
}
