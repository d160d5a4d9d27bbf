//! The digit tree, cut where all completions agree, with equal subtrees as one.

use std::collections::{BTreeMap, HashMap};

use crate::metadata::Metadata;
use crate::plan::{KINDS, Plan, Reach};

/// How many digits are looked at.
pub(crate) const DEPTH: usize = 9;

/// The kind of some numbers with one beginning.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Class {
    pub(crate) country: Option<String>,
    pub(crate) kind: &'static str,
    /// The lengths that such numbers have, calling code included, as a set of bits; none for what
    /// is not assigned.
    pub(crate) lengths: u16,
}

/// The kinds of numbers with one beginning: the first whose lengths fit is the answer.
pub(crate) type Leaf = Vec<Class>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Next {
    Node(u16),
    Leaf(u16),
}

#[derive(Default)]
pub(crate) struct Tree {
    /// The root is the last.
    pub(crate) nodes: Vec<[Next; 10]>,
    pub(crate) leaves: Vec<Leaf>,
    /// Beginnings that do not decide, even with the length.
    pub(crate) undecided: Vec<(String, Leaf)>,
    known_nodes: HashMap<[Next; 10], u16>,
    known_leaves: HashMap<Leaf, u16>,
}

impl Tree {
    pub(crate) fn build(source: &Metadata) -> Self {
        let mut tree = Self::default();
        let codes = source.regions.iter().filter_map(|it| it.country_code);
        let codes = codes.map(|code| (code.to_string(), code)).collect();
        tree.above(source, &codes, "");
        tree
    }

    /// The part of the tree that separates calling codes.
    fn above(&mut self, source: &Metadata, codes: &BTreeMap<String, i32>, begin: &str) -> Next {
        if let Some(code) = codes.get(begin) {
            let regions = source.of_code(*code);
            let mut plan = Plan::new(&regions);
            let names: Vec<_> = regions.iter().map(|it| it.id.clone()).collect();
            let start = plan.start();
            return self.under(&mut plan, &names, begin, &start, 0);
        }
        if !codes.keys().any(|code| code.starts_with(begin)) {
            return self.leaf(vec![Class { country: None, kind: "Unassigned", lengths: 0 }]);
        }
        let next =
            std::array::from_fn(|digit| self.above(source, codes, &format!("{begin}{digit}")));
        self.node(next)
    }

    /// The part under a calling code.
    fn under(
        &mut self,
        plan: &mut Plan,
        names: &[String],
        begin: &str,
        state: &[u32],
        length: u8,
    ) -> Next {
        let reach = plan.reach(state, length);
        // Fixed lines and mobiles of one country may differ in length, and in the first digit.
        let agree = length > 1 + u8::from(names.len() > 1) && reach.len() == 1;
        // Whose an unassigned number is may show in the digits that follow.
        let nobodys = reach.is_empty() && (names.len() == 1 || length > 2);
        // A number that ends here is nowhere below.
        let ends = plan.class(state, length).is_some();
        if names[0] == WORLD || agree || nobodys || ends || begin.len() == DEPTH {
            let leaf = leaf(plan, names, begin.len() - usize::from(length), state, &reach);
            if overlap(&leaf) {
                self.undecided.push((begin.to_owned(), leaf.clone()));
            }
            return self.leaf(leaf);
        }
        let next = std::array::from_fn(|digit| {
            let to = plan.step(state, u8::try_from(digit).unwrap_or(0));
            self.under(plan, names, &format!("{begin}{digit}"), &to, length + 1)
        });
        self.node(next)
    }

    #[expect(clippy::expect_used, reason = "a table that is too large must not be written")]
    fn node(&mut self, next: [Next; 10]) -> Next {
        if let Next::Leaf(_) = next[0]
            && next.iter().all(|it| *it == next[0])
        {
            return next[0];
        }
        let fresh = u16::try_from(self.nodes.len()).expect("some thousand nodes");
        let at = *self.known_nodes.entry(next).or_insert(fresh);
        if at == fresh {
            self.nodes.push(next);
        }
        Next::Node(at)
    }

    #[expect(clippy::expect_used, reason = "a table that is too large must not be written")]
    fn leaf(&mut self, leaf: Leaf) -> Next {
        let fresh = u16::try_from(self.leaves.len()).expect("some thousand leaves");
        let at = *self.known_leaves.entry(leaf.clone()).or_insert(fresh);
        if at == fresh {
            self.leaves.push(leaf);
        }
        Next::Leaf(at)
    }
}

/// The identifier of what belongs to no country.
pub(crate) const WORLD: &str = "001";

fn leaf(plan: &Plan, names: &[String], code: usize, state: &[u32], reach: &Reach) -> Leaf {
    // What is longer than an E.164 number can be does not exist here.
    let total = |lengths: u32| u16::try_from(lengths << code & 0xFFFF).unwrap_or_default();
    let name = |at: u8| names[usize::from(at)].clone();
    if names[0] == WORLD {
        let lengths = total(reach.values().fold(0, |all, it| all | it));
        return vec![Class { country: None, kind: "World", lengths }];
    }
    let mut leaf: Vec<_> = reach.iter().collect();
    // The larger country comes first, and the ordinary number.
    leaf.sort_by_key(|((region, kind), _)| (*region, KINDS[usize::from(*kind)] != "Ordinary"));
    let mut leaf: Leaf = leaf
        .into_iter()
        .map(|((region, kind), lengths)| Class {
            country: Some(name(*region)),
            kind: KINDS[usize::from(*kind)],
            lengths: total(*lengths),
        })
        .filter(|class| class.lengths != 0)
        .collect();
    if leaf.is_empty() {
        // An unassigned number is the main country's, but in the North American plan, where none is
        // the main one.
        let main = (names[0] != "US").then(|| names[0].clone());
        leaf.push(Class {
            country: plan.led(state).map(name).or(main),
            kind: "Unassigned",
            lengths: 0,
        });
    }
    leaf
}

fn overlap(leaf: &Leaf) -> bool {
    let mut seen = 0;
    leaf.iter().any(|class| {
        let overlaps = seen & class.lengths != 0;
        seen |= class.lengths;
        overlaps
    })
}
