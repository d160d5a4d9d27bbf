use otpmux_core::{Blame, Certainty, Error, ErrorKind, plain_words};
use redis::RedisError;

use crate::script::Operation;

/// Reason why a call has no answer. Holds no address, user or password: texts of other parties are
/// replaced by fixed ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    /// No connection was made, so nothing was sent to Redis.
    Unreachable(String),
    /// The connection was lost, or no answer came in time: the call may have been carried out.
    NoAnswer(String),
    /// The answer is one that no script of this store gives.
    Unreadable,
    /// Redis refused: its error code and its message.
    Refused { code: String, words: String },
    /// Another node of the cluster has the keys.
    Moved { host: String, port: u16 },
}

impl CallError {
    /// Classifies an error of connecting.
    pub(crate) fn of_connecting(error: &RedisError) -> Self {
        match error.code() {
            Some(code) => Self::refused(code, error),
            None if error.kind() == redis::ErrorKind::AuthenticationFailed => {
                Self::refused("WRONGPASS", error)
            }
            None => Self::Unreachable(words(error)),
        }
    }

    /// Classifies an error of a command.
    pub(crate) fn of_asking(error: &RedisError) -> Self {
        match error.code() {
            Some("MOVED") => moved(error).unwrap_or(Self::Unreadable),
            Some(code) => Self::refused(code, error),
            None if error.is_io_error() => Self::NoAnswer(words(error)),
            None => Self::Unreadable,
        }
    }

    fn refused(code: &str, error: &RedisError) -> Self {
        let words = plain_words(error.detail().unwrap_or_default());
        Self::Refused { code: plain_words(code), words }
    }

    pub(crate) fn is_no_script(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "NOSCRIPT")
    }

    /// Returns whether Redis refused because its memory is full.
    pub(crate) fn is_out_of_memory(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "OOM")
    }

    /// Returns whether Redis cannot parse the script.
    pub(crate) fn is_no_lua(&self) -> bool {
        matches!(self, Self::Refused { code, words } if code == "ERR" && words.contains("compiling script"))
    }

    /// Returns whether a new connection may help: this one is broken, or leads to the wrong server.
    pub(crate) fn ends_connection(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::NoAnswer(_) | Self::Unreadable | Self::Moved { .. } => {
                true
            }
            Self::Refused { code, .. } => {
                matches!(
                    &**code,
                    "READONLY" | "MASTERDOWN" | "NOAUTH" | "WRONGPASS" | "CLUSTERDOWN"
                )
            }
        }
    }

    /// Returns the error for the caller, with a text that an operator can act on.
    pub(crate) fn into_error(self, operation: Operation) -> Error {
        let name = operation.name();
        let done = if operation.only_reads() { "" } else { "; it may have been carried out" };
        // The call may have been carried out, so only its caller can record the outcome.
        let certainty = match &self {
            Self::NoAnswer(_) | Self::Unreadable if !operation.only_reads() => Certainty::Unknown,
            _ => Certainty::NotSent,
        };
        let detail = match self {
            Self::Unreachable(why) => format!("no connection to Redis: {why}"),
            Self::NoAnswer(why) => format!("Redis gave no answer to `{name}`{done}: {why}"),
            Self::Unreadable => format!(
                "Redis gave an answer to `{name}` that cannot be read{done}; does another program \
                 write into this namespace?"
            ),
            Self::Moved { .. } => format!(
                "Redis refused `{name}`: another node of its cluster has the keys; set cluster = \
                 true, or where it is, ask again shortly"
            ),
            Self::Refused { code, words } => match advice(&code) {
                Some(advice) => format!("Redis refused `{name}` ({code}): {advice}"),
                None => format!("Redis refused `{name}` ({code}): {words}"),
            },
        };
        Error::new(ErrorKind::Store, certainty, Blame::Internal).with_detail(detail)
    }
}

fn words(error: &RedisError) -> String {
    if error.is_connection_refusal() {
        "connection refused".to_owned()
    } else if error.is_connection_dropped() {
        "the connection was closed".to_owned()
    } else {
        plain_words(&error.to_string())
    }
}

fn moved(error: &RedisError) -> Option<CallError> {
    let (address, _slot) = error.redirect_node()?;
    let (host, port) = address.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    Some(CallError::Moved { host, port: port.parse().ok()? })
}

/// Returns advice for an error code of Redis.
fn advice(code: &str) -> Option<&'static str> {
    Some(match code {
        "LOADING" => "it is reading its data after a start; ask again shortly",
        "OOM" => "its memory is full; raise maxmemory, and keep maxmemory-policy noeviction",
        "READONLY" => "it is a replica; the URL must lead to the primary",
        "MISCONF" => "it cannot write its data to disk; see its log",
        "NOREPLICAS" => "it has too few replicas for its min-replicas-to-write",
        "BUSY" => "a long script keeps it busy; see SCRIPT KILL",
        "MASTERDOWN" => "it is a replica that has lost its primary",
        "CLUSTERDOWN" => "the cluster has no node for these keys; see CLUSTER INFO",
        "ASK" | "TRYAGAIN" => "the cluster is moving these keys to another node; ask again shortly",
        "NOAUTH" | "WRONGPASS" => "check the user and password of its URL",
        "NOPERM" => "its ACL must let this user run scripts and use the keys of this namespace",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str) -> Error {
        let words = "something".to_owned();
        CallError::Refused { code: code.to_owned(), words }.into_error(Operation::CheckGuess)
    }

    #[test]
    fn every_fault_is_the_stores_and_says_what_to_do() {
        for (error, words) in [
            (refused("OOM"), "raise maxmemory"),
            (refused("LOADING"), "ask again shortly"),
            (refused("ERR"), "Redis refused `check_guess` (ERR): something"),
            (CallError::Unreachable("refused".into()).into_error(Operation::Load), "no connection"),
            (
                CallError::NoAnswer("lost".into()).into_error(Operation::Create),
                "may have been carried out",
            ),
        ] {
            assert_eq!(error.kind(), ErrorKind::Store);
            assert!(error.detail().contains(words), "{error}");
        }
        let read = CallError::NoAnswer("lost".into()).into_error(Operation::Load);
        assert_eq!(read.detail(), "Redis gave no answer to `load`: lost");
    }

    #[test]
    fn a_guess_whose_answer_was_lost_is_not_said_to_be_unchecked() {
        let certainty = |error: CallError, operation| error.into_error(operation).certainty();
        let lost = || CallError::NoAnswer("lost".into());
        for operation in [Operation::CheckGuess, Operation::Approve, Operation::EndGuess] {
            assert_eq!(certainty(lost(), operation), Certainty::Unknown);
            assert_eq!(certainty(CallError::Unreadable, operation), Certainty::Unknown);
            let unreachable = CallError::Unreachable("refused".into());
            assert_eq!(certainty(unreachable, operation), Certainty::NotSent);
        }
    }
}
