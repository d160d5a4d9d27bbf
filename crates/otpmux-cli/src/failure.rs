//! Failures of a command, as text or as JSON.

use std::borrow::Cow;
use std::io;

use otpmux::config::ConfigErrors;
use otpmux::errors::seconds_rounded_up;
use otpmux::{Blame, Certainty, Error, ErrorKind};
use serde_json::{Value, json};

use crate::Exit;
use crate::output::{BAD, Output};

pub(crate) struct Failure {
    kind: Cow<'static, str>,
    certainty: Option<Certainty>,
    /// `None` if a gateway does not report it.
    blame: Option<Blame>,
    provider: Option<String>,
    /// The complete message, in one line.
    message: String,
    retry_after: Option<u64>,
    /// The limit that is reached, as its key under `[limits]`.
    limit: Option<String>,
    exit: Exit,
}

impl Failure {
    /// Invalid arguments; the message says what is expected.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::InvalidRequest.as_str().into(),
            certainty: Some(Certainty::NotSent),
            blame: Some(Blame::Caller),
            provider: None,
            message: message.into(),
            retry_after: None,
            limit: None,
            exit: Exit::Usage,
        }
    }

    /// A failure of this machine.
    pub(crate) fn here(message: impl Into<String>) -> Self {
        let kind = ErrorKind::Internal.as_str().into();
        Self { kind, blame: Some(Blame::Internal), exit: Exit::Failed, ..Self::usage(message) }
    }

    pub(crate) fn of(error: &Error) -> Self {
        Self {
            kind: error.kind().as_str().into(),
            certainty: Some(error.certainty()),
            blame: Some(error.blame()),
            provider: error.provider().map(ToString::to_string),
            retry_after: error.retry_after().map(seconds_rounded_up),
            limit: error.limit().map(ToOwned::to_owned),
            exit: exit(error),
            message: error.to_string(),
        }
    }

    /// A failure that a gateway reported: a status and a problem (RFC 9457).
    pub(crate) fn of_problem(status: u16, problem: &Value) -> Self {
        let text = |key: &str| problem[key].as_str().map(ToOwned::to_owned);
        let kind = text("type").and_then(|kind| Some(kind.rsplit_once(['/', ':'])?.1.to_owned()));
        let words = [Certainty::NotSent, Certainty::Rejected, Certainty::Unknown];
        let certainty = words.into_iter().find(|word| problem["certainty"] == word.as_str());
        let blames =
            [Blame::Caller, Blame::Policy, Blame::Provider, Blame::Recipient, Blame::Internal];
        let blame = blames.into_iter().find(|word| problem["blame"] == word.as_str());
        let retry_after = problem["retry_after"].as_u64();
        let exit = match status {
            _ if certainty == Some(Certainty::Unknown) => Exit::Unknown,
            _ if retry_after.is_some() => Exit::Later,
            404 | 410 => Exit::Over,
            400..=428 => Exit::Usage,
            _ => Exit::Failed,
        };
        let detail = text("detail").or_else(|| text("title"));
        let detail =
            detail.unwrap_or_else(|| format!("it answered status {status} without a word"));
        Self {
            kind: kind.map_or_else(|| ErrorKind::Protocol.as_str().into(), Cow::from),
            certainty,
            blame,
            provider: text("provider"),
            message: format!("the gateway: {detail}"),
            retry_after,
            limit: text("limit"),
            exit,
        }
    }

    /// Returns whether the verification does not exist or has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.exit == Exit::Over
    }

    /// Reports the failure on standard error.
    pub(crate) fn report(&self, output: &mut Output) -> io::Result<Exit> {
        if output.is_json() {
            output.note_json(&json!({ "error": self.json() }))?;
        } else {
            output.note(format_args!("{BAD}error:{BAD:#} {}", self.message))?;
        }
        Ok(self.exit)
    }

    /// Returns the failure as JSON.
    pub(crate) fn json(&self) -> Value {
        json!({
            "kind": self.kind,
            "certainty": self.certainty.map(Certainty::as_str),
            "blame": self.blame.map(Blame::as_str),
            "provider": self.provider,
            "detail": self.message,
            "retry_after": self.retry_after,
            "limit": self.limit,
        })
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::of(&error)
    }
}

fn exit(error: &Error) -> Exit {
    match error.kind() {
        _ if error.certainty() == Certainty::Unknown => Exit::Unknown,
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
        let kind = ErrorKind::Configuration.as_str().into();
        Self { kind, ..Self::usage(errors.to_string()) }
    }
}
