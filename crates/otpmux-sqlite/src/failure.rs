use otpmux_core::{Blame, Certainty, Error, ErrorKind};
use rusqlite::ErrorCode;

/// Reason why an operation failed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// This operation alone failed, and has written nothing.
    Refused(Error),
    /// The transaction failed: nothing of it can be kept.
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

const DISK: &str = "reading or writing the database failed; check its disk";
const STOPPED: &str = "the database's thread has ended; restart the process";

/// Returns the error of a guess: if the disk or the thread failed, the guess may have been
/// committed.
pub(crate) fn of_guess(error: Error) -> Error {
    let doubt = [DISK, STOPPED].iter().any(|words| error.detail().starts_with(words));
    if doubt { error.with_certainty(Certainty::Unknown) } else { error }
}

pub(crate) fn stopped() -> Error {
    store_error(STOPPED)
}

/// Returns an error of the store. Nothing was sent: a send attempt is written before its call.
pub(crate) fn store_error(detail: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Store, Certainty::NotSent, Blame::Internal).with_detail(detail)
}

/// Returns the error for every operation of a failed batch. SQLite's own message is left out: it
/// may quote bound values.
pub(crate) fn of_batch(error: &rusqlite::Error) -> Error {
    let number = error.sqlite_error().map_or(0, |error| error.extended_code);
    let told = store_error(format!("{}; SQLite's code is {number}", advice(error)));
    // A disk that fails during the commit may have kept it.
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

/// Returns whether another process, or another store of this one, holds the lock.
pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    use ErrorCode::{DatabaseBusy, DatabaseLocked, FileLockingProtocolFailed};
    let code = error.sqlite_error_code();
    matches!(code, Some(DatabaseBusy | DatabaseLocked | FileLockingProtocolFailed))
}
