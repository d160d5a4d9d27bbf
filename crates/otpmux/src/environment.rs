use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

/// Environment variables as a value: a configuration may refer to them (`env:NAME`) and they may
/// override it (`OTPMUX_STORE__URL`). Tests create their own instead of changing those of the
/// process.
///
/// ```
/// use otpmux::config::Environment;
/// let environment = Environment::new().with("EASYOTP_API_KEY", "made-up");
/// assert_eq!(environment.get("EASYOTP_API_KEY"), Ok(Some("made-up")));
/// ```
#[derive(Clone, Default)]
pub struct Environment {
    /// The values by name; `None` for a value that is not Unicode.
    variables: BTreeMap<String, Option<String>>,
    /// Names that are not Unicode, as far as they can be shown.
    unreadable_names: Vec<String>,
}

/// Error returned when the value of a variable is not Unicode.
#[derive(Clone, PartialEq, Eq)]
pub struct NotUnicode {
    name: String,
}

impl Environment {
    /// Returns an environment without variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the current variables of this process. A variable that is not Unicode is an error
    /// when it is read, and never counts as absent.
    pub fn from_process() -> Self {
        Self::of_system(std::env::vars_os())
    }

    /// Creates an environment from variables as the system returns them.
    pub fn of_system(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::new();
        for (name, value) in variables {
            match name.into_string() {
                Ok(name) => {
                    environment.variables.insert(name, value.into_string().ok());
                }
                Err(name) => {
                    environment.unreadable_names.push(name.to_string_lossy().into_owned());
                }
            }
        }
        environment
    }

    /// Adds or replaces a variable.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), Some(value.into()));
        self
    }

    /// Returns these variables and others, which replace those of the same name.
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.variables.extend(others.variables);
        self
    }

    /// Returns the value of a variable; `None` if it is not set.
    ///
    /// # Errors
    ///
    /// The value is not Unicode.
    pub fn get(&self, name: &str) -> Result<Option<&str>, NotUnicode> {
        match self.variables.get(name) {
            None => Ok(None),
            Some(Some(value)) => Ok(Some(value)),
            Some(None) => Err(NotUnicode { name: name.to_owned() }),
        }
    }

    /// Returns all variables, by name; `None` for a value that is not Unicode.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_deref()))
    }

    /// Returns the names that are not Unicode, with a replacement for the parts that cannot be
    /// shown.
    pub(crate) fn unreadable_names(&self) -> impl Iterator<Item = &str> {
        self.unreadable_names.iter().map(String::as_str)
    }
}

impl fmt::Display for NotUnicode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the environment variable `{}` is not UTF-8 text", self.name)
    }
}

impl std::error::Error for NotUnicode {}

otpmux_core::debug_as_display!(NotUnicode);

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let add = |environment: Self, (name, value): (N, V)| environment.with(name, value);
        variables.into_iter().fold(Self::new(), add)
    }
}

impl fmt::Debug for Environment {
    /// Values may be secrets: only their number is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment({} variables)", self.variables.len())
    }
}
