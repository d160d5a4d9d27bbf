use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use otpmux_core::Secret;

use crate::config::Environment;

/// The size limit of a secret; a longer file was named by mistake.
const LONGEST: u64 = 64 * 1024;

/// A reference to a secret: `env:NAME`, `file:PATH`, or the secret itself if that is allowed.
#[derive(Clone)]
pub struct SecretRef(Place);

#[derive(Clone)]
enum Place {
    Environment(String),
    File(PathBuf),
    Literal(Secret),
}

impl SecretRef {
    /// Parses a reference, without looking the secret up.
    ///
    /// # Errors
    ///
    /// The text is a secret in plain text, unless `allow_literals`. The message does not repeat it.
    pub fn parse(text: &str, allow_literals: bool) -> Result<Self, SecretError> {
        let place = if let Some(name) = text.strip_prefix("env:") {
            if name.is_empty() {
                return fault("`env:` needs the name of a variable, such as env:API_KEY");
            }
            Place::Environment(name.to_owned())
        } else if let Some(path) = text.strip_prefix("file:") {
            if path.is_empty() {
                return fault("`file:` needs a path, such as file:/run/secrets/api_key");
            }
            Place::File(path.into())
        } else if allow_literals {
            Place::Literal(Secret::new(text))
        } else {
            return fault(
                "a secret in plain text; write env:NAME or file:PATH, \
                 or set allow_literal_secrets = true",
            );
        };
        Ok(Self(place))
    }

    /// Returns the reference as text; `None` for a secret in plain text.
    pub(crate) fn text(&self) -> Option<String> {
        match &self.0 {
            Place::Environment(name) => Some(format!("env:{name}")),
            Place::File(path) => Some(format!("file:{}", path.display())),
            Place::Literal(_) => None,
        }
    }

    /// Looks the secret up, and reads it like [`Secret::read`]: spaces, line ends and a byte order
    /// mark around it are not part of it.
    ///
    /// # Errors
    ///
    /// The secret is missing, not text, empty, in quotes, or holds an invisible character. The
    /// message names the variable or the path, and the mistake, never the secret.
    pub fn resolve(&self, environment: &Environment) -> Result<Secret, SecretError> {
        match &self.0 {
            Place::Environment(name) => match environment.get(name) {
                Err(error) => fault(error.to_string()),
                Ok(None) => fault(format!("the environment variable `{name}` is not set")),
                Ok(Some(text)) => clean(text, || format!("the environment variable `{name}`")),
            },
            Place::File(path) => {
                let text = read(path)?;
                clean(text.expose(), || format!("the file {}", path.display()))
            }
            Place::Literal(secret) => clean(secret.expose(), || "the secret".to_owned()),
        }
    }
}

fn clean(text: &str, place: impl Fn() -> String) -> Result<Secret, SecretError> {
    Secret::read(text).map_err(|error| SecretError(format!("{} {error}", place())))
}

/// Reads the text of a file, unchanged.
fn read(path: &Path) -> Result<Secret, SecretError> {
    let broken = |what: &str| SecretError(format!("the file {} {what}", path.display()));
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| broken(&format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > LONGEST {
        return Err(broken("is longer than 64 KiB, too long for a secret"));
    }
    String::from_utf8(bytes).map(Secret::new).map_err(|_| broken("is not UTF-8 text"))
}

/// Error returned when a secret cannot be read. Names the variable or the path, never the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretError(String);

otpmux_core::debug_as_display!(SecretError);

fn fault<T>(message: impl Into<String>) -> Result<T, SecretError> {
    Err(SecretError(message.into()))
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SecretError {}

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Environment(name) => write!(f, "env:{name}"),
            Place::File(path) => write!(f, "file:{}", path.display()),
            Place::Literal(_) => f.write_str("•••"),
        }
    }
}
