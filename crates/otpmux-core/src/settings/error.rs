use std::fmt;

/// A mistake in a configuration, and where it is. Never holds a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct ConfigError {
    path: String,
    message: String,
    place: Option<(usize, usize)>,
}

impl ConfigError {
    /// A mistake at `path`, such as `providers.primary.api_key`. An empty path means the whole
    /// configuration.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), place: None }
    }

    /// Moves the mistake into a table: `within("policy")` turns `deadline` into `policy.deadline`.
    pub fn within(mut self, table: &str) -> Self {
        self.path = match (table, &*self.path) {
            ("", path) => path.to_owned(),
            (table, "") => table.to_owned(),
            (table, path) => format!("{table}.{path}"),
        };
        self
    }

    /// Adds the position in the file; line and column count from 1.
    pub fn at(mut self, line: usize, column: usize) -> Self {
        self.place = Some((line, column));
        self
    }

    /// Returns the key that is wrong.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the mistake and the expected value.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the line and the column in the file, both from 1; `None` for a configuration without
    /// a file.
    pub fn place(&self) -> Option<(usize, usize)> {
        self.place
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((line, column)) = self.place {
            write!(f, "line {line}, column {column}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for ConfigError {}

crate::debug_as_display!(ConfigError);
