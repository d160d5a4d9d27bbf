use std::collections::BTreeMap;
use std::fmt;

/// Environment variables, as a value: what a configuration may refer to (`env:NAME`) and be
/// overridden by (`OTPMUX_STORE__URL`). Tests make their own instead of changing the process's.
///
/// ```
/// use otpmux::Environment;
/// let environment = Environment::new().with("EASYOTP_API_KEY", "made-up");
/// assert_eq!(environment.get("EASYOTP_API_KEY"), Some("made-up"));
/// ```
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// No variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// The variables of this process as they are now, without those that are not Unicode.
    pub fn from_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// Adds or replaces a variable.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// All variables, by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let own = |(name, value): (N, V)| (name.into(), value.into());
        Self(variables.into_iter().map(own).collect())
    }
}

impl fmt::Debug for Environment {
    /// Values may be secrets: only their number is shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment({} variables)", self.0.len())
    }
}
