use std::fmt;

use otpmux_core::settings::{Adapter, nearest};

use crate::vendors;

/// The vendors that a configuration may name. The application creates the registry and passes it to
/// the call that reads a configuration.
///
/// ```
/// use otpmux::config::Registry;
/// let registry = Registry::new(); // empty
/// assert_eq!(registry.kinds().count(), 0);
/// ```
#[derive(Clone, Debug)]
pub struct Registry {
    adapters: Vec<Adapter>,
}

impl Registry {
    /// Returns an empty registry.
    pub const fn new() -> Self {
        Self { adapters: Vec::new() }
    }

    /// Returns a registry of the adapters whose features are on.
    pub fn with_compiled_in() -> Self {
        Self { adapters: vendors::compiled_in() }
    }

    /// Adds an adapter. It replaces an earlier one of the same kind.
    pub fn register(mut self, adapter: Adapter) -> Self {
        self.adapters.retain(|known| known.kind != adapter.kind);
        self.adapters.push(adapter);
        self
    }

    /// Returns the kinds that it can build.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> + Clone + '_ {
        self.adapters.iter().map(|adapter| adapter.kind)
    }

    /// Returns the adapters, in the order of their registration.
    pub fn adapters(&self) -> &[Adapter] {
        &self.adapters
    }

    /// Returns the adapter of a kind.
    ///
    /// # Errors
    ///
    /// There is no adapter of that kind; the message says how to add it.
    pub fn adapter(&self, kind: &str) -> Result<&Adapter, UnknownKind> {
        let found = self.adapters.iter().find(|adapter| adapter.kind == kind);
        found.ok_or_else(|| UnknownKind {
            kind: kind.to_owned(),
            known: self.kinds_with_features().collect(),
        })
    }

    /// Returns the kinds that features could add, then the kinds of the registry.
    fn kinds_with_features(&self) -> impl Iterator<Item = &'static str> + '_ {
        let absent = |kind: &&str| !self.kinds().any(|known| known == *kind);
        vendors::KINDS.iter().copied().filter(absent).chain(self.kinds())
    }
}

/// Error returned when a registry has no adapter of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKind {
    kind: String,
    /// The kinds of the registry, and those that features could add.
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
        if let Some(near) = nearest(kind, self.known.iter().copied()) {
            return write!(f, "unknown kind `{kind}`; did you mean `{near}`?");
        }
        write!(f, "unknown kind `{kind}`; the known ones are: {}", self.known.join(", "))?;
        f.write_str(if cfg!(feature = "presets") { "" } else { PRESETS })
    }
}

const PRESETS: &str = "; `http` and the presets need the feature `presets` of the crate `otpmux`";

impl std::error::Error for UnknownKind {}

impl Default for Registry {
    /// Returns [`with_compiled_in`](Self::with_compiled_in).
    fn default() -> Self {
        Self::with_compiled_in()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_kind_that_is_not_compiled_in_names_its_feature() {
        for kind in vendors::KINDS {
            let error = Registry::new().adapter(kind).unwrap_err().to_string();
            assert_eq!(
                error,
                format!(
                    "kind `{kind}` is not compiled in; enable the feature `{kind}` of the crate `otpmux`"
                )
            );
        }
    }

    #[test]
    fn an_unknown_kind_names_the_nearest_or_all() {
        let registry = Registry::new();
        assert_eq!(
            registry.adapter("easyopt").unwrap_err().to_string(),
            "unknown kind `easyopt`; did you mean `easyotp`?"
        );
        let mut known = vendors::KINDS.join(", ");
        if !cfg!(feature = "presets") {
            known.push_str(PRESETS);
        }
        assert_eq!(
            registry.adapter("carrier-pigeon").unwrap_err().to_string(),
            format!("unknown kind `carrier-pigeon`; the known ones are: {known}")
        );
    }

    #[test]
    fn an_own_adapter_takes_the_place_of_one_of_its_kind() {
        let registry = Registry::with_compiled_in();
        let kinds: Vec<_> = registry.kinds().collect();
        for adapter in vendors::COMPILED_IN {
            let again = registry.clone().register(*adapter);
            assert_eq!(again.kinds().count(), kinds.len());
            assert_eq!(again.kinds().last(), Some(adapter.kind));
        }
    }
}
