//! Lookups in the generated table.

use super::table::{LEAVES, NODES};
use super::{CountryCode, NumberKind, Place};

/// A row of the table of countries.
pub(super) struct Country {
    pub(super) code: &'static str,
    pub(super) calling: u16,
    pub(super) main: bool,
    /// The prefix dialled before a number within the country; not part of the number.
    pub(super) trunk: &'static str,
    /// The prefix dialled there before a foreign number; empty if it varies.
    pub(super) international: &'static str,
}

/// A class of the numbers with one prefix.
pub(super) struct Class {
    country: u8,
    kind: NumberKind,
    /// The valid lengths, calling code included, as a set of bits. Empty for an unassigned range.
    lengths: u16,
}

pub(super) const fn country(
    code: &'static str,
    calling: u16,
    main: bool,
    trunk: &'static str,
    international: &'static str,
) -> Country {
    Country { code, calling, main, trunk, international }
}

pub(super) const fn class(country: u8, kind: NumberKind, lengths: u16) -> Class {
    Class { country, kind, lengths }
}

/// A step with at least this value leads to a leaf.
const LEAF: u16 = 0x8000;

/// The table's data on digits that begin with a calling code.
pub(super) struct Known {
    classes: &'static [Class],
    length: usize,
}

/// `digits` must be ASCII digits.
pub(super) fn find(digits: &str) -> Known {
    let mut at = 0;
    let mut classes: &[Class] = &[];
    for digit in digits.bytes() {
        let next = NODES[usize::from(at)][usize::from(digit - b'0')];
        if next >= LEAF {
            classes = LEAVES[usize::from(next - LEAF)];
            break;
        }
        at = next;
    }
    Known { classes, length: digits.len() }
}

impl Known {
    /// Returns the place of the first class with this length, or else of the first class.
    pub(super) fn place(&self) -> Place {
        let fitting = self.classes.iter().find(|class| self.has(class));
        let (country, kind) = match fitting.or(self.classes.first()) {
            Some(class) => (CountryCode::at(class.country), class.kind),
            None => (None, NumberKind::Unassigned),
        };
        Place { country, kind }
    }

    /// Returns whether numbers with this prefix and length exist.
    pub(super) fn is_assigned(&self) -> bool {
        self.classes.iter().any(|class| self.has(class))
    }

    /// Returns the lengths of numbers with this prefix, calling code included, as a set of bits.
    /// Empty if none is assigned.
    pub(super) fn lengths(&self) -> u16 {
        self.classes.iter().fold(0, |all, class| all | class.lengths)
    }

    fn has(&self, class: &Class) -> bool {
        self.length < 16 && class.lengths & 1 << self.length != 0
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::COUNTRIES;
    use super::*;

    #[test]
    fn every_step_leads_on_or_to_a_leaf() {
        for (at, node) in NODES.iter().enumerate() {
            for next in node {
                if *next >= LEAF {
                    assert!(usize::from(next - LEAF) < LEAVES.len());
                } else {
                    // Steps lead downwards, so every walk ends.
                    assert!(usize::from(*next) > at && usize::from(*next) < NODES.len());
                }
            }
        }
    }

    #[test]
    fn the_tables_fit_their_types() {
        assert!(COUNTRIES.is_sorted_by_key(|country| country.code) && COUNTRIES.len() < 255);
        assert!(LEAVES.iter().all(|leaf| !leaf.is_empty()));
        let trunks = ["", "0", "1", "8", "06"];
        assert!(COUNTRIES.iter().all(|country| trunks.contains(&country.trunk)));
        let size = size_of_val(&NODES)
            + size_of_val(&COUNTRIES)
            + size_of_val(&LEAVES)
            + LEAVES.iter().map(|leaf| size_of_val(*leaf)).sum::<usize>();
        assert!(size < 100_000, "{size}");
    }
}
