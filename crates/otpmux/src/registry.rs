use std::fmt;

use otpmux_core::settings::{Adapter, nearest};

/// The vendors that a configuration may name: a value, made by the application and handed to
/// whoever reads a configuration.
///
/// ```
/// use otpmux::Registry;
/// let registry = Registry::new(); // knows nobody
/// assert_eq!(registry.kinds().count(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct Registry {
    adapters: Vec<Adapter>,
}

/// Every kind that a feature of this crate switches on. The feature has the same name.
const KNOWN: [&str; 3] = ["easyotp", "startmessaging", "airtexts"];

impl Registry {
    /// A registry that knows nobody.
    pub const fn new() -> Self {
        Self { adapters: Vec::new() }
    }

    /// The adapters whose features are switched on.
    pub fn with_compiled_in() -> Self {
        Self {
            adapters: vec![
                #[cfg(feature = "easyotp")]
                otpmux_easyotp::ADAPTER,
                #[cfg(feature = "startmessaging")]
                otpmux_startmessaging::ADAPTER,
                #[cfg(feature = "airtexts")]
                otpmux_airtexts::ADAPTER,
            ],
        }
    }

    /// Adds an adapter of one's own. It takes the place of an earlier one of the same kind.
    pub fn register(mut self, adapter: Adapter) -> Self {
        self.adapters.retain(|known| known.kind != adapter.kind);
        self.adapters.push(adapter);
        self
    }

    /// The kinds that it can build.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> + Clone + '_ {
        self.adapters.iter().map(|adapter| adapter.kind)
    }

    /// The adapters, in the order of their registration.
    pub fn adapters(&self) -> &[Adapter] {
        &self.adapters
    }

    /// The adapter of a kind.
    ///
    /// # Errors
    ///
    /// Nobody of that kind is here: what to do about it, in words.
    pub fn adapter(&self, kind: &str) -> Result<&Adapter, UnknownKind> {
        let found = self.adapters.iter().find(|adapter| adapter.kind == kind);
        found.ok_or_else(|| UnknownKind {
            kind: kind.to_owned(),
            known: KNOWN.into_iter().filter(|kind| !self.has(kind)).chain(self.kinds()).collect(),
        })
    }

    fn has(&self, kind: &str) -> bool {
        self.kinds().any(|known| known == kind)
    }
}

/// A kind that a registry cannot build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKind {
    kind: String,
    /// What the registry has, and what features could add.
    known: Vec<&'static str>,
}

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = &self.kind;
        if self.known.contains(&kind.as_str()) {
            return write!(
                f,
                "kind `{kind}` is not compiled in; enable the feature `{kind}` of the crate `otpmux`"
            );
        }
        match nearest(kind, self.known.iter().copied()) {
            Some(near) => write!(f, "unknown kind `{kind}`; did you mean `{near}`?"),
            None => {
                write!(f, "unknown kind `{kind}`; the known ones are: {}", self.known.join(", "))
            }
        }
    }
}

impl std::error::Error for UnknownKind {}

impl Default for Registry {
    /// [`with_compiled_in`](Self::with_compiled_in).
    fn default() -> Self {
        Self::with_compiled_in()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_kind_that_is_not_compiled_in_names_its_feature() {
        let error = Registry::new().adapter("airtexts").unwrap_err().to_string();
        assert_eq!(
            error,
            "kind `airtexts` is not compiled in; enable the feature `airtexts` of the crate `otpmux`"
        );
    }

    #[test]
    fn an_unknown_kind_names_the_nearest_or_all() {
        let registry = Registry::new();
        assert_eq!(
            registry.adapter("easyopt").unwrap_err().to_string(),
            "unknown kind `easyopt`; did you mean `easyotp`?"
        );
        assert_eq!(
            registry.adapter("carrier-pigeon").unwrap_err().to_string(),
            "unknown kind `carrier-pigeon`; \
             the known ones are: easyotp, startmessaging, airtexts"
        );
    }

    #[cfg(all(feature = "easyotp", feature = "startmessaging", feature = "airtexts"))]
    #[test]
    fn every_known_kind_can_be_compiled_in() {
        let registry = Registry::default();
        assert!(registry.kinds().eq(KNOWN));
    }

    #[cfg(feature = "easyotp")]
    #[test]
    fn an_own_adapter_takes_the_place_of_one_of_its_kind() {
        let registry = Registry::with_compiled_in();
        let count = registry.kinds().count();
        let again = registry.register(otpmux_easyotp::ADAPTER);
        assert_eq!(again.kinds().count(), count);
    }
}
