//! The sections that are one table of settings each.

use otpmux_core::settings::{Setting, nearest};

use super::{limits, policy, resilience, server, store};

/// By their names, in the order of their mistakes.
const SECTIONS: [(&str, &[Setting]); 5] = [
    ("store", store::SETTINGS),
    ("policy", policy::SETTINGS),
    ("limits", limits::SETTINGS),
    ("resilience", resilience::SETTINGS),
    ("server", server::SETTINGS),
];

/// A section by its name.
pub(super) fn find(name: &str) -> Option<(&'static str, &'static [Setting])> {
    SECTIONS.into_iter().find(|(section, _)| *section == name)
}

/// Where a key stands, for those who look for it elsewhere.
pub(super) fn home_of(key: &str) -> Option<&'static str> {
    all().find(|(_, own)| *own == key).map(|(section, _)| section)
}

/// What is wrong with a key that a section does not know, where another section knows it, or one
/// that is nearer than any of its own.
pub(super) fn misplaced(key: &str, own: &[Setting]) -> Option<String> {
    if let Some(home) = home_of(key) {
        return Some(format!("unknown key; it belongs under [{home}]"));
    }
    if nearest(key, own.iter().map(|setting| setting.name)).is_some() {
        return None;
    }
    let meant = nearest(key, all().map(|(_, own)| own))?;
    let home = home_of(meant)?;
    Some(format!("unknown key; did you mean `{meant}`, which belongs under [{home}]?"))
}

fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    let keys = |(section, settings): (&'static str, &'static [Setting])| {
        settings.iter().map(move |setting| (section, setting.name))
    };
    SECTIONS.into_iter().flat_map(keys)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_key_has_two_homes() {
        let mut seen = BTreeSet::new();
        for (section, key) in all() {
            assert!(seen.insert(key), "{section}.{key}");
        }
    }
}
