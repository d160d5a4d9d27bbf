use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use otpmux_core::Secret;

use crate::Environment;

/// No secret is longer than this; a file that is was named by mistake.
const LONGEST: u64 = 64 * 1024;

/// Where a secret is: `env:NAME`, `file:PATH`, or the secret itself where that is allowed.
#[derive(Clone)]
pub struct SecretRef(Place);

#[derive(Clone)]
enum Place {
    Environment(String),
    File(PathBuf),
    Literal(Secret),
}

impl SecretRef {
    /// Reads a reference, without looking the secret up.
    ///
    /// # Errors
    ///
    /// A secret in plain text, unless `allow_literals`. The message does not repeat it.
    pub fn parse(text: &str, allow_literals: bool) -> Result<Self, String> {
        let place = if let Some(name) = text.strip_prefix("env:") {
            if name.is_empty() {
                return Err("`env:` needs the name of a variable, such as env:API_KEY".to_owned());
            }
            Place::Environment(name.to_owned())
        } else if let Some(path) = text.strip_prefix("file:") {
            if path.is_empty() {
                return Err("`file:` needs a path, such as file:/run/secrets/api_key".to_owned());
            }
            Place::File(path.into())
        } else if allow_literals {
            Place::Literal(Secret::new(text))
        } else {
            return Err("a secret in plain text; write env:NAME or file:PATH, \
                        or set allow_literal_secrets = true"
                .to_owned());
        };
        Ok(Self(place))
    }

    /// Looks the secret up. A file's trailing line end is not part of it.
    ///
    /// # Errors
    ///
    /// It is not there, empty or not text. The message names the variable or the path.
    pub fn resolve(&self, environment: &Environment) -> Result<Secret, String> {
        match &self.0 {
            Place::Environment(name) => match environment.get(name) {
                None => Err(format!("the environment variable `{name}` is not set")),
                Some("") => Err(format!("the environment variable `{name}` is empty")),
                Some(text) => Ok(Secret::new(text)),
            },
            Place::File(path) => read(path),
            Place::Literal(secret) => Ok(secret.clone()),
        }
    }
}

fn read(path: &Path) -> Result<Secret, String> {
    let fault = |what: &str| format!("the file {} {what}", path.display());
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| fault(&format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > LONGEST {
        return Err(fault("is longer than 64 KiB, too long for a secret"));
    }
    let text = String::from_utf8(bytes).map_err(|_| fault("is not UTF-8 text"))?;
    match text.trim_end_matches(['\n', '\r']) {
        "" => Err(fault("is empty")),
        text => Ok(Secret::new(text)),
    }
}

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Environment(name) => write!(f, "env:{name}"),
            Place::File(path) => write!(f, "file:{}", path.display()),
            Place::Literal(_) => f.write_str("•••"),
        }
    }
}
