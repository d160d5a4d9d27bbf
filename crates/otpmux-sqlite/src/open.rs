use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::failure::is_busy;
use crate::options::Durability;
use crate::patience::patiently;
use crate::schema::{APPLICATION, TABLES, VERSION, statements};

/// Error returned by [`SqliteStore::open`](crate::SqliteStore::open).
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file can neither be opened nor created.
    #[error(
        "cannot open {path}; its directory must exist, and this user must be able to write it",
        path = path.display()
    )]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not a database, or this user cannot write it.
    #[error(
        "cannot use {path} as a database; it must be whole, and this user must be able to write it",
        path = path.display()
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file is the database of another program.
    #[error(
        "{path} is the database of another program; choose another path",
        path = path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A newer otpmux wrote the file.
    #[error(
        "{path} has version {found}, and this otpmux knows {VERSION}; upgrade otpmux",
        path = path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
    },
    /// An older otpmux wrote the file. Its content could be misread, so it is not changed.
    #[error(
        "{path} has version {found}, of an older otpmux, and this one knows {VERSION} only; choose \
         another path, or stop every otpmux that uses it and move it away: what it holds (pending \
         verifications, limits that have counted) is over after a day or the longest limit",
        path = path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i32,
    },
    /// The file has this version, but other tables.
    #[error(
        "{path} says that it has version {VERSION}, and has other tables than this otpmux; another \
         build has made it, so use that one, or choose another path",
        path = path.display()
    )]
    OtherTables {
        /// The file.
        path: PathBuf,
    },
    /// Another process held the lock for longer than the busy timeout.
    #[error(
        "{path} is locked by another process; end that one, or raise the busy timeout",
        path = path.display()
    )]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// The file system lacks what several processes need to share the file.
    #[error(
        "the file system of {path} cannot share it between processes; put it on a local disk",
        path = path.display()
    )]
    FileSystem {
        /// The file.
        path: PathBuf,
    },
    /// The system has no thread left.
    #[error("cannot start the database's thread")]
    Thread(#[source] io::Error),
}

otpmux_core::debug_as_display!(OpenError);

/// Opens a connection to a database that has the tables of this version.
pub(crate) fn open(
    path: &Path,
    durability: Durability,
    patience: Duration,
) -> Result<Connection, OpenError> {
    let file = |source| OpenError::File { path: path.to_owned(), source };
    // Absolute, since SQLite gives `:memory:` and `file:` another meaning.
    let whole = std::path::absolute(path).map_err(file)?;
    make_private(&whole).map_err(file)?;
    let failed = |error: rusqlite::Error| {
        let path = path.to_owned();
        if is_busy(&error) {
            OpenError::Busy { path }
        } else {
            OpenError::Unusable { path, source: error.into() }
        }
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(&whole, flags).map_err(failed)?;
    conn.busy_timeout(Duration::ZERO).map_err(failed)?;
    // Before anything is changed in it.
    let standing = patiently(patience, || Standing::of(&*conn.unchecked_transaction()?));
    standing.map_err(failed)?.check(path)?;
    let mode = patiently(patience, || record_outcome(&conn, durability)).map_err(failed)?;
    if mode != "wal" {
        return Err(OpenError::FileSystem { path: path.to_owned() });
    }
    patiently(patience, || conn.execute_batch("BEGIN IMMEDIATE")).map_err(failed)?;
    // Another process may have created the tables meanwhile.
    let standing = Standing::of(&conn).map_err(failed)?;
    standing.check(path)?;
    if standing.is_empty() {
        conn.execute_batch(TABLES).map_err(failed)?;
        conn.pragma_update(None, "application_id", APPLICATION).map_err(failed)?;
        conn.pragma_update(None, "user_version", VERSION).map_err(failed)?;
    }
    conn.execute_batch("COMMIT").map_err(failed)?;
    Ok(conn)
}

/// Creates the file, for its owner only, if it does not exist. Its log and index get the same mode.
///
/// One at a time: closing a file releases the locks that this process holds on it through other
/// handles, so no other part of this process may have it open already.
fn make_private(path: &Path) -> io::Result<()> {
    static MAKING: Mutex<()> = Mutex::new(());
    let _guard = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path).map(|_: File| ()) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        done => done,
    }
}

/// Facts that a database gives about itself. Read within one transaction, since another process may
/// be creating it.
struct Standing {
    application: i32,
    version: i32,
    /// The statements that created its tables and indexes, in order.
    tables: Vec<String>,
}

impl Standing {
    fn of(conn: &Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            application: conn.pragma_query_value(None, "application_id", |row| row.get(0))?,
            version: conn.pragma_query_value(None, "user_version", |row| row.get(0))?,
            tables: conn
                .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()?,
        })
    }

    fn is_empty(&self) -> bool {
        (self.application, self.version) == (0, 0) && self.tables.is_empty()
    }

    fn check(&self, path: &Path) -> Result<(), OpenError> {
        if self.is_empty() {
            Ok(())
        } else if self.application != APPLICATION {
            Err(OpenError::Foreign { path: path.to_owned() })
        } else if self.version > VERSION {
            Err(OpenError::Newer { path: path.to_owned(), found: self.version })
        } else if self.version < VERSION {
            Err(OpenError::Older { path: path.to_owned(), found: self.version })
        } else if !self.tables.iter().map(String::as_str).eq(statements()) {
            Err(OpenError::OtherTables { path: path.to_owned() })
        } else {
            Ok(())
        }
    }
}

/// Configures this connection; returns the resulting journal mode.
fn record_outcome(conn: &Connection, durability: Durability) -> rusqlite::Result<String> {
    // Room for every statement of the store, so that each is prepared once.
    conn.set_prepared_statement_cache_capacity(64);
    // No statement is planned again for other bound values.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    let synchronous = match durability {
        Durability::Power => "FULL",
        Durability::Process => "NORMAL",
    };
    conn.pragma_update(None, "synchronous", synchronous)?;
    // For a new file. Half of the default, since most changes are of few bytes in many places (the
    // indexes by random ids and hashes), and a commit writes whole pages: it writes a quarter less.
    conn.pragma_update(None, "page_size", 2_048)?;
    // Removed content is overwritten.
    conn.pragma_update(None, "secure_delete", "ON")?;
    conn.pragma_update(None, "trusted_schema", "OFF")?;
    // A malformed page is an error.
    conn.pragma_update(None, "cell_size_check", "ON")?;
    // 16 MiB: the pages that a busy service uses again and again.
    conn.pragma_update(None, "cache_size", -16_384)?;
    // No temporary files.
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    // Checkpoint at 16 MiB: a page that is written several times until then is copied once.
    conn.pragma_update(None, "wal_autocheckpoint", 8_192)?;
    // After a burst, the log shrinks back to 64 MiB.
    conn.pragma_update(None, "journal_size_limit", 64 << 20)?;
    conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the settings that only a power cut would test.
    #[test]
    fn a_connection_waits_for_the_disk_as_its_durability_says() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("otpmux.db");
        for (durability, synchronous) in [(Durability::Power, 2), (Durability::Process, 1)] {
            let conn = open(&path, durability, Duration::ZERO).unwrap();
            let number = |pragma| -> i64 {
                conn.pragma_query_value(None, pragma, |row| row.get(0)).unwrap()
            };
            assert_eq!((number("synchronous"), number("secure_delete")), (synchronous, 1));
            assert_eq!((number("page_size"), number("wal_autocheckpoint")), (2_048, 8_192));
            assert_eq!(
                (number("application_id"), number("user_version")),
                (0x6f74_706d, VERSION.into())
            );
        }
    }
}
