//! The sections that consist of one table of keys.

use otpmux_core::settings::{Section as _, Setting, nearest};
use otpmux_engine::{MessageLimits, MessageSettings, Policy, Resilience};

use super::{AuditSettings, ServerConfig, StoreSettings};

/// The declarations of one table, in one or more lists.
pub(super) type Keys = &'static [&'static [Setting]];

/// The sections by name, in the order of their mistakes.
pub(crate) const SECTIONS: [(&str, Keys); 7] = [
    ("store", StoreSettings::KEYS),
    ("policy", Policy::KEYS),
    ("limits", MessageLimits::KEYS),
    ("messages", MessageSettings::KEYS),
    ("resilience", Resilience::KEYS),
    ("server", ServerConfig::KEYS),
    ("audit", AuditSettings::KEYS),
];

/// Returns the names of the keys.
pub(super) fn names(keys: Keys) -> impl Iterator<Item = &'static str> + Clone {
    keys.iter().copied().flatten().map(|setting| setting.name)
}

/// Returns a section by its name.
pub(super) fn find(name: &str) -> Option<(&'static str, Keys)> {
    SECTIONS.into_iter().find(|(section, _)| *section == name)
}

/// Returns the section of a key.
pub(super) fn home_of(key: &str) -> Option<&'static str> {
    all().find(|(_, own)| *own == key).map(|(section, _)| section)
}

/// Returns the mistake for an unknown key of a section, if another section has the key, or has one
/// that is nearer than any key of this section.
pub(super) fn misplaced(key: &str, own: Keys) -> Option<String> {
    if let Some(home) = home_of(key) {
        return Some(format!("unknown key; it belongs under [{home}]"));
    }
    if nearest(key, names(own)).is_some() {
        return None;
    }
    let meant = nearest(key, all().map(|(_, own)| own))?;
    let home = home_of(meant)?;
    Some(format!("unknown key; did you mean `{meant}`, which belongs under [{home}]?"))
}

fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    SECTIONS.into_iter().flat_map(|(section, keys)| names(keys).map(move |name| (section, name)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use otpmux_core::settings::{Section, SettingsReader};
    use serde_json::{Map, Value};

    use super::*;

    #[test]
    fn no_key_has_two_sections() {
        let mut seen = BTreeSet::new();
        for (section, key) in all() {
            assert!(seen.insert(key), "{section}.{key}");
        }
    }

    /// The example of each key is valid, differs from the default, and sets only the field of that
    /// key.
    fn each_key_sets_its_field<S: Section>() {
        let reader = SettingsReader::new(&|_| Err(String::new()));
        for key in S::keys() {
            let example = key.example.unwrap_or_else(|| panic!("{} has no example", key.name))();
            let table = Map::from_iter([(key.name.to_owned(), example.clone())]);
            let mut section = S::default();
            section.apply(&reader.read("s", S::KEYS, &table).unwrap());
            assert_eq!(section.changed(), table, "{}", key.name);
            assert_eq!(section.check(), Ok(()));
        }
        assert_eq!(S::default().check(), Ok(()));
        assert_eq!(S::default().changed(), Map::<String, Value>::new());
    }

    #[test]
    fn every_key_has_an_example_that_sets_its_field() {
        each_key_sets_its_field::<StoreSettings>();
        each_key_sets_its_field::<Policy>();
        each_key_sets_its_field::<MessageLimits>();
        each_key_sets_its_field::<MessageSettings>();
        each_key_sets_its_field::<Resilience>();
        each_key_sets_its_field::<ServerConfig>();
        each_key_sets_its_field::<AuditSettings>();
        each_key_sets_its_field::<otpmux_engine::Route>();
    }
}
