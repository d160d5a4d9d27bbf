use std::error::Error as _;
use std::io;

use otpmux_core::{Blame, Certainty, Error, ErrorKind};
use tokio_postgres::error::{DbError, Severity};

use crate::sql::{AGAIN, VERSION};

/// Reason why a call has no answer. Holds no address, user or password, and no text of another
/// party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    /// There was no connection, so nothing was sent to PostgreSQL.
    Unreachable(String),
    /// The connection was lost, or no answer came in time: the step may have been carried out.
    NoAnswer(String),
    /// The answer is one that no function of this store gives.
    Unreadable,
    /// PostgreSQL, or a pooler before it, refused.
    Refused {
        /// The SQLSTATE.
        code: String,
        /// Whether the error proves that the transaction was rolled back.
        rolled_back: bool,
    },
}

/// A part of an answer.
pub(crate) type Read<T> = Result<T, CallError>;

impl CallError {
    /// Classifies an error of connecting: no step was sent.
    pub(crate) fn of_connecting(error: &tokio_postgres::Error) -> Self {
        if let Some(error) = error.as_db_error() {
            return Self::Refused { code: code(error), rolled_back: true };
        }
        // The texts of the client library's own kinds of errors name no server.
        let kind = error.to_string();
        let kind = kind.split(':').next().unwrap_or_default();
        if kind.contains("TLS") {
            return Self::Unreachable(format!(
                "{kind}; the server must offer TLS with a certificate for its name that this \
                 machine trusts, or the URL must say sslmode=disable"
            ));
        }
        let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
        Self::Unreachable(match cause {
            Some(cause) if cause.kind() == io::ErrorKind::PermissionDenied => {
                "every server is a replica; one of the URL must be the primary".to_owned()
            }
            Some(cause) => cause.kind().to_string(),
            None => kind.to_owned(),
        })
    }

    /// Classifies an error of a step.
    pub(crate) fn of_asking(error: &tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(error) => Self::Refused { code: code(error), rolled_back: is_rolled_back(error) },
            None if error.is_closed() => Self::NoAnswer("the connection was closed".to_owned()),
            None => match error.source().and_then(|cause| cause.downcast_ref::<io::Error>()) {
                Some(cause) => Self::NoAnswer(cause.kind().to_string()),
                None => Self::Unreadable,
            },
        }
    }

    /// Returns whether the step must be called again: it was rolled back, and would succeed.
    pub(crate) fn is_again(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == AGAIN)
    }

    /// Returns whether tables or functions are missing that were there before.
    pub(crate) fn is_missing_schema(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if matches!(&**code, "3F000" | "42883" | "42P01"))
    }

    /// Returns whether a new connection may help: this one is broken, or leads to the wrong server.
    pub(crate) fn ends_connection(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::NoAnswer(_) | Self::Unreadable => true,
            Self::Refused { code, rolled_back } => !rolled_back || code == "25006",
        }
    }

    /// Returns the error for the caller, with a text that an operator can act on.
    pub(crate) fn into_error(self, step: &str, only_reads: bool) -> Error {
        let unknown = match &self {
            Self::NoAnswer(_) | Self::Unreadable => true,
            Self::Refused { rolled_back, .. } => !rolled_back,
            Self::Unreachable(_) => false,
        };
        let unknown = unknown && !only_reads;
        let done = if unknown { "; it may have been carried out" } else { "" };
        let certainty = if unknown { Certainty::Unknown } else { Certainty::NotSent };
        let detail = match self {
            Self::Unreachable(why) => format!("no connection to PostgreSQL: {why}"),
            Self::NoAnswer(why) => format!("PostgreSQL gave no answer to `{step}`{done}: {why}"),
            Self::Unreadable => format!(
                "PostgreSQL gave an answer to `{step}` that cannot be read{done}; another program \
                 may have changed this schema"
            ),
            Self::Refused { code, .. } => {
                let advice = advice(&code).unwrap_or("see the server's log");
                format!("PostgreSQL refused `{step}` (SQLSTATE {code}){done}: {advice}")
            }
        };
        Error::new(ErrorKind::Store, certainty, Blame::Internal).with_detail(detail)
    }
}

fn code(error: &DbError) -> String {
    error.code().code().chars().filter(char::is_ascii_alphanumeric).take(5).collect()
}

/// Returns whether an error proves that its transaction was rolled back. A statement that fails does;
/// a session that ends does not, since it may end while a commit waits for a replica; and a pooler
/// reports that it has lost a server with codes of the same form (class 08).
fn is_rolled_back(error: &DbError) -> bool {
    let is_error = match error.parsed_severity() {
        Some(severity) => severity == Severity::Error,
        None => error.severity() == "ERROR",
    };
    let code = code(error);
    let proves = match code.get(..2) {
        Some("08" | "57" | "58" | "XX" | "F0" | "HV") | None => code == "57014",
        Some(_) => code != "40003",
    };
    is_error && proves
}

/// Returns advice for a SQLSTATE.
fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "25006" => "it is a replica; the URL must lead to the primary",
        "28000" | "28P01" => "check the user and password of its URL, and the server's pg_hba.conf",
        "3D000" => "its database does not exist; create it",
        "3F000" | "42883" | "42P01" => {
            "the schema is not complete; a program may have removed it, or migrate is off"
        }
        "40001" | "40P01" => "another transaction was in its way; ask again",
        "42501" => {
            "this user lacks a privilege; README of otpmux-postgres lists those that are needed"
        }
        "53100" => "its disk is full; make room",
        "53200" => "it has no memory left; see max_locks_per_transaction and work_mem",
        "53300" => "it has too many connections; raise its max_connections, or lower the store's",
        "55P03" => "a lock was not free within its lock_timeout; ask again",
        "57014" => "it took longer than its statement_timeout, or was cancelled",
        "57P01" | "57P02" => "it is shutting down",
        "57P03" => "it is starting, or recovering; ask again shortly",
        "08P01" => "the pooler has lost its server, or cannot get one",
        "58030" => "its disk fails; see its log",
        "XX001" | "XX002" => "its data is damaged; see its log",
        _ => return None,
    })
}

/// Why a database cannot be used, in a text for an operator.
pub(crate) mod unusable {
    use super::{CallError, VERSION};

    fn unusable(why: String) -> CallError {
        CallError::Unreachable(why)
    }

    pub(crate) fn newer(found: i32) -> CallError {
        unusable(format!(
            "its schema needs version {found} or later of the store, and this is version \
             {VERSION}; upgrade otpmux"
        ))
    }

    pub(crate) fn missing() -> CallError {
        unusable(format!(
            "its schema is missing or older than version {VERSION}, and migrate is off; let an \
             administrator apply the migration"
        ))
    }

    pub(crate) fn server(found: i64) -> CallError {
        unusable(format!(
            "the server has version {}, and the store needs PostgreSQL 14 or later",
            found / 10_000
        ))
    }

    pub(crate) fn isolation() -> CallError {
        unusable(
            "transactions of this user or database are not `read committed` by default; set \
             default_transaction_isolation"
                .to_owned(),
        )
    }

    pub(crate) fn replica() -> CallError {
        unusable("it is a replica; the URL must lead to the primary".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, rolled_back: bool) -> Error {
        CallError::Refused { code: code.to_owned(), rolled_back }.into_error("check_guess", false)
    }

    #[test]
    fn every_fault_is_the_stores_and_says_what_to_do() {
        let lost = || CallError::NoAnswer("lost".into());
        for (error, words, certainty) in [
            (refused("53100", true), "its disk is full", Certainty::NotSent),
            (refused("40P01", true), "ask again", Certainty::NotSent),
            (
                refused("57P01", false),
                "may have been carried out: it is shutting",
                Certainty::Unknown,
            ),
            (refused("22003", true), "(SQLSTATE 22003): see the server's log", Certainty::NotSent),
            (
                CallError::Unreachable("refused".into()).into_error("create", false),
                "no connection to PostgreSQL: refused",
                Certainty::NotSent,
            ),
            (lost().into_error("create", false), "may have been carried out", Certainty::Unknown),
            (lost().into_error("load", true), "no answer to `load`: lost", Certainty::NotSent),
            (
                CallError::Unreadable.into_error("approve", false),
                "cannot be read; it may have been carried out",
                Certainty::Unknown,
            ),
        ] {
            assert_eq!((error.kind(), error.certainty()), (ErrorKind::Store, certainty), "{error}");
            assert!(error.detail().contains(words), "{error}");
        }
    }
}
