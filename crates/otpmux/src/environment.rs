use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

/// Environment variables, as a value: what a configuration may refer to (`env:NAME`) and be
/// overridden by (`OTPMUX_STORE__URL`). Tests make their own instead of changing the process's.
///
/// ```
/// use otpmux::config::Environment;
/// let environment = Environment::new().with("EASYOTP_API_KEY", "made-up");
/// assert_eq!(environment.get("EASYOTP_API_KEY"), Ok(Some("made-up")));
/// ```
#[derive(Clone, Default)]
pub struct Environment {
    /// By name; `None` for a value that is not Unicode.
    variables: BTreeMap<String, Option<String>>,
    /// Names that are not Unicode, as far as they can be shown.
    unreadable_names: Vec<String>,
}

/// A variable whose value is not Unicode, so that nothing can be made of it.
#[derive(Clone, PartialEq, Eq)]
pub struct NotUnicode {
    name: String,
}

impl Environment {
    /// No variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// The variables of this process as they are now. One that is not Unicode is an error for
    /// whoever needs it, never one that is not there.
    pub fn from_process() -> Self {
        Self::of_system(std::env::vars_os())
    }

    /// Variables as a system hands them over.
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

    /// These variables and others, which take the place of those of the same name.
    pub(crate) fn and(mut self, others: Self) -> Self {
        self.variables.extend(others.variables);
        self
    }

    /// The value of a variable; `None` when it is not set.
    ///
    /// # Errors
    ///
    /// It is set to something that is not Unicode.
    pub fn get(&self, name: &str) -> Result<Option<&str>, NotUnicode> {
        match self.variables.get(name) {
            None => Ok(None),
            Some(Some(value)) => Ok(Some(value)),
            Some(None) => Err(NotUnicode { name: name.to_owned() }),
        }
    }

    /// All variables, by name; `None` for a value that is not Unicode.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.variables.iter().map(|(name, value)| (name.as_str(), value.as_deref()))
    }

    /// Names that are not Unicode, with a sign in the place of what cannot be shown.
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
