//! What went wrong, for a reader or for a program.

use std::io;

use otpmux::{Blame, Certainty, ConfigErrors, Error, ErrorKind};
use serde_json::{Value, json};

use crate::Exit;
use crate::output::{BAD, Output};
use crate::report::seconds;

pub(crate) struct Failure {
    kind: ErrorKind,
    certainty: Certainty,
    blame: Blame,
    provider: Option<String>,
    /// The whole of it in a line.
    message: String,
    retry_after: Option<u64>,
    exit: Exit,
}

impl Failure {
    /// Arguments that do not fit; the message says what would.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::InvalidRequest,
            certainty: Certainty::NotSent,
            blame: Blame::Caller,
            provider: None,
            message: message.into(),
            retry_after: None,
            exit: Exit::Usage,
        }
    }

    /// Something of this machine's that fails.
    pub(crate) fn here(message: impl Into<String>) -> Self {
        let (kind, blame) = (ErrorKind::Internal, Blame::Policy);
        Self { kind, blame, exit: Exit::Failed, ..Self::usage(message) }
    }

    /// Tells it on standard error.
    pub(crate) fn tell(&self, output: &mut Output) -> io::Result<Exit> {
        if output.is_json() {
            output.note_json(&json!({ "error": self.json() }))?;
        } else {
            output.note(format_args!("{BAD}error:{BAD:#} {}", self.message))?;
        }
        Ok(self.exit)
    }

    /// Its facts, for a program.
    pub(crate) fn json(&self) -> Value {
        json!({
            "kind": self.kind.as_str(),
            "certainty": self.certainty.as_str(),
            "blame": self.blame.as_str(),
            "provider": self.provider,
            "detail": self.message,
            "retry_after": self.retry_after,
        })
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::of(&error)
    }
}

impl Failure {
    pub(crate) fn of(error: &Error) -> Self {
        Self {
            kind: error.kind(),
            certainty: error.certainty(),
            blame: error.blame(),
            provider: error.provider().map(ToString::to_string),
            retry_after: error.retry_after().map(seconds),
            exit: exit(error),
            message: error.to_string(),
        }
    }
}

fn exit(error: &Error) -> Exit {
    let nothing_done = error.certainty() != Certainty::Unknown;
    match error.kind() {
        _ if !nothing_done => Exit::Unknown,
        _ if error.retry_after().is_some() => Exit::Later,
        ErrorKind::NotFound if error.blame() == Blame::Caller => Exit::Over,
        ErrorKind::InvalidRequest if error.blame() == Blame::Caller => Exit::Usage,
        ErrorKind::Configuration | ErrorKind::KeyReused => Exit::Usage,
        _ => Exit::Failed,
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::from(&errors)
    }
}

impl From<&ConfigErrors> for Failure {
    fn from(errors: &ConfigErrors) -> Self {
        Self { kind: ErrorKind::Configuration, ..Self::usage(errors.to_string()) }
    }
}
