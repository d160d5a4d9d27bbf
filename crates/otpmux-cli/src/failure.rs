//! What went wrong, for a reader or for a program.

use std::io;

use otpmux::{Blame, Certainty, ConfigErrors, Error, ErrorKind};
use serde_json::{Value, json};

use crate::Exit;
use crate::output::Output;

pub(crate) struct Failure {
    kind: ErrorKind,
    certainty: Certainty,
    blame: Blame,
    provider: Option<String>,
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

    /// Tells it, on standard output as JSON or on standard error as text.
    pub(crate) fn tell(&self, as_json: bool, output: &mut Output) -> io::Result<Exit> {
        if as_json {
            output.json(&self.json())?;
        } else {
            output.note(format_args!("error: {}", self.message))?;
        }
        Ok(self.exit)
    }

    fn json(&self) -> Value {
        json!({ "error": {
            "kind": self.kind.as_str(),
            "certainty": self.certainty.as_str(),
            "blame": self.blame.as_str(),
            "provider": self.provider,
            "message": self.message,
            "retry_after": self.retry_after,
        }})
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            kind: error.kind(),
            certainty: error.certainty(),
            blame: error.blame(),
            provider: error.provider().map(ToString::to_string),
            // Rounded up: coming back too early is refused again.
            retry_after: error
                .retry_after()
                .map(|after| after.as_secs() + u64::from(after.subsec_nanos() > 0)),
            message: error.to_string(),
            exit: Exit::Failed,
        }
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self { kind: ErrorKind::Configuration, message: errors.to_string(), ..Self::usage("") }
    }
}
