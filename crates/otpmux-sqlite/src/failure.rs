use otpmux_core::{Blame, Certainty, Error, ErrorKind};
use rusqlite::ErrorCode;

/// Why an operation came to nothing.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Of this operation alone, which has written nothing.
    Refused(Error),
    /// Of the transaction: nothing of it can be kept.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

const DISK: &str = "reading or writing the database failed; check its disk";
const STOPPED: &str = "the database's thread has ended; restart the process";

/// The error of a step of a guess: where the disk or the thread failed, it may have been committed.
pub(crate) fn of_guess(error: Error) -> Error {
    let doubt = [DISK, STOPPED].iter().any(|words| error.detail().starts_with(words));
    if doubt { error.with_certainty(Certainty::Unknown) } else { error }
}

pub(crate) fn stopped() -> Error {
    store_error(STOPPED)
}

/// An error of the store. Nothing was sent: whoever sends writes it down first.
pub(crate) fn store_error(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Store, Certainty::NotSent, Blame::Internal).with_detail(detail)
}

/// The error of everybody in a batch that failed. The library's own message is left out: it may
/// quote what was bound.
pub(crate) fn of_batch(error: &rusqlite::Error) -> Error {
    let number = error.sqlite_error().map_or(0, |error| error.extended_code);
    let told = store_error(format!("{}; SQLite's code is {number}", advice(error)));
    // A disk that fails at the last moment may have kept it.
    let doubtful = error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure);
    if doubtful { told.with_certainty(Certainty::Unknown) } else { told }
}

fn advice(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full; make room",
        _ if is_busy(error) => {
            "another process has kept the database locked for longer than the busy timeout"
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            "the database cannot be written; check the permissions of its file and directory"
        }
        Some(ErrorCode::SystemIoFailure) => DISK,
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "the database is damaged; stop, keep a copy of it, and start with a new file"
        }
        _ => "the database failed",
    }
}

/// Whether another process, or another store of this one, is in the way for now.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    use ErrorCode::{DatabaseBusy, DatabaseLocked, FileLockingProtocolFailed};
    let code = error.sqlite_error_code();
    matches!(code, Some(DatabaseBusy | DatabaseLocked | FileLockingProtocolFailed))
}
