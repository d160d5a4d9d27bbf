//! The patterns of one calling code as automata that are walked digit by digit.

use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use regex_automata::Anchored;
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};
use rlibphonenumber::{PhoneMetadata, PhoneNumberDesc};

/// In the order in which libphonenumber asks them, behind `general`.
pub(crate) const KINDS: [&str; 10] = [
    "Premium",
    "TollFree",
    "SharedCost",
    "Voip",
    "Personal",
    "Pager",
    "Uan",
    "Voicemail",
    "Ordinary",
    "Ordinary",
];

/// A valid number: the place of its region among those of its code, and of its kind among
/// [`KINDS`] (the fixed lines and mobiles as one).
pub(crate) type Class = (u8, u8);
/// The classes of all valid completions, each with the lengths of its national numbers as a set of
/// bits.
pub(crate) type Reach = BTreeMap<Class, u32>;

struct Pattern {
    dfa: dense::DFA<Vec<u32>>,
    /// Lengths as a set of bits; `None`: those of `general`.
    lengths: Option<u32>,
}

struct Region {
    /// `general`, then one for each of [`KINDS`].
    patterns: Vec<Option<Pattern>>,
    leading: Option<dense::DFA<Vec<u32>>>,
}

/// One calling code.
pub(crate) struct Plan {
    regions: Vec<Region>,
    single: bool,
    memo: HashMap<(Vec<u32>, u8), Rc<Reach>>,
}

const DEAD: u32 = u32::MAX;
const LED: u32 = u32::MAX - 1;
/// The longest national number that fits any calling code.
const LONGEST: u8 = 14;

impl Plan {
    pub(crate) fn new(regions: &[&PhoneMetadata]) -> Self {
        Self {
            single: regions.len() == 1,
            regions: regions.iter().map(|it| Region::new(it)).collect(),
            memo: HashMap::new(),
        }
    }

    pub(crate) fn start(&self) -> Vec<u32> {
        let automata = self.regions.iter().flat_map(Region::automata);
        automata.map(|dfa| dfa.map_or(DEAD, start)).collect()
    }

    pub(crate) fn step(&self, state: &[u32], digit: u8) -> Vec<u32> {
        let automata = self.regions.iter().flat_map(Region::automata);
        let mut next: Vec<u32> = automata
            .zip(state)
            .map(|(dfa, state)| match (*state, dfa) {
                (DEAD, _) | (_, None) => DEAD,
                (LED, _) => LED,
                (state, Some(dfa)) => step(dfa, state, b'0' + digit),
            })
            .collect();
        // A leading pattern that has matched stays matched.
        let mut at = 0;
        for region in &self.regions {
            at += KINDS.len() + 1;
            if let Some(dfa) = &region.leading
                && next[at] != DEAD
                && next[at] != LED
                && ends(dfa, next[at])
            {
                next[at] = LED;
            }
            at += 1;
        }
        next
    }

    /// The valid numbers with this beginning.
    pub(crate) fn reach(&mut self, state: &[u32], length: u8) -> Rc<Reach> {
        let key = (state.to_vec(), length);
        if let Some(known) = self.memo.get(&key) {
            return known.clone();
        }
        let mut reach = Reach::new();
        if let Some(class) = self.class(state, length) {
            *reach.entry(class).or_default() |= 1 << length;
        }
        if length < LONGEST && state.iter().any(|it| *it != DEAD && *it != LED) {
            for digit in 0..10 {
                let next = self.step(state, digit);
                for (class, lengths) in &*self.reach(&next, length + 1) {
                    *reach.entry(*class).or_default() |= lengths;
                }
            }
        }
        let reach = Rc::new(reach);
        self.memo.insert(key, reach.clone());
        reach
    }

    /// As libphonenumber finds region and type.
    pub(crate) fn class(&self, state: &[u32], length: u8) -> Option<Class> {
        let width = KINDS.len() + 2;
        for (at, region) in self.regions.iter().enumerate() {
            let state = &state[at * width..][..width];
            let kind = region.kind(state, length);
            let led = state[width - 1] == LED;
            if kind.is_some() || led || self.single {
                return Some((u8::try_from(at).ok()?, kind?));
            }
        }
        None
    }

    /// The place of the region whose leading digits these are.
    pub(crate) fn led(&self, state: &[u32]) -> Option<u8> {
        let width = KINDS.len() + 2;
        (0..self.regions.len())
            .find(|at| state[at * width + width - 1] == LED)
            .and_then(|at| u8::try_from(at).ok())
    }
}

impl Region {
    fn new(region: &PhoneMetadata) -> Self {
        #[expect(deprecated, reason = "that is where a decoded collection has them")]
        let (descriptions, leading) = (
            [
                &region.general_desc,
                &region.premium_rate,
                &region.toll_free,
                &region.shared_cost,
                &region.voip,
                &region.personal_number,
                &region.pager,
                &region.uan,
                &region.voicemail,
                &region.fixed_line,
                &region.mobile,
            ],
            region.leading_digits.as_deref(),
        );
        Self {
            patterns: descriptions
                .into_iter()
                .map(|it| it.as_ref().and_then(Pattern::new))
                .collect(),
            leading: leading
                .filter(|it| it.len() > "^(?:)$".len())
                .map(|it| automaton(it.trim_end_matches('$'))),
        }
    }

    fn automata(&self) -> impl Iterator<Item = Option<&dense::DFA<Vec<u32>>>> {
        let patterns = self.patterns.iter().map(|it| it.as_ref().map(|it| &it.dfa));
        patterns.chain([self.leading.as_ref()])
    }

    fn kind(&self, state: &[u32], length: u8) -> Option<u8> {
        let mut matching = self.patterns.iter().zip(state).map(|(pattern, state)| {
            let pattern = pattern.as_ref()?;
            let fits = pattern.lengths.is_none_or(|lengths| lengths & 1 << length != 0);
            (fits && *state != DEAD && ends(&pattern.dfa, *state)).then_some(())
        });
        matching.next()??;
        let kind = matching.position(|it| it.is_some())?;
        u8::try_from(kind.min(8)).ok()
    }
}

impl Pattern {
    fn new(description: &PhoneNumberDesc) -> Option<Self> {
        #[expect(deprecated, reason = "that is where a decoded collection has them")]
        let pattern = description.national_number_pattern.as_deref()?;
        let lengths = &description.possible_length;
        if lengths.iter().any(|it| *it < 0) || pattern.len() <= "^(?:)$".len() {
            return None;
        }
        let lengths =
            (!lengths.is_empty()).then(|| lengths.iter().fold(0, |set, it| set | 1 << it));
        Some(Self { dfa: automaton(pattern), lengths })
    }
}

fn automaton(pattern: &str) -> dense::DFA<Vec<u32>> {
    let syntax = syntax::Config::new().unicode(false).utf8(false);
    let config = dense::Config::new().start_kind(StartKind::Anchored).minimize(true);
    let dfa = dense::Builder::new().syntax(syntax).configure(config).build(pattern);
    dfa.unwrap_or_else(|error| panic!("{pattern}: {error}"))
}

/// Whether an anchored pattern matches the whole of some digits.
pub(crate) fn matches(pattern: &str, digits: &str) -> bool {
    let dfa = automaton(pattern);
    let end = digits.bytes().fold(start(&dfa), |state, byte| match state {
        DEAD => DEAD,
        state => step(&dfa, state, byte),
    });
    end != DEAD && ends(&dfa, end)
}

fn start(dfa: &dense::DFA<Vec<u32>>) -> u32 {
    let config = start::Config::new().anchored(Anchored::Yes);
    dfa.start_state(&config).map_or(DEAD, |it| it.as_u32())
}

fn step(dfa: &dense::DFA<Vec<u32>>, state: u32, byte: u8) -> u32 {
    let next = dfa.next_state(StateID::new_unchecked(state as usize), byte);
    if dfa.is_dead_state(next) { DEAD } else { next.as_u32() }
}

fn ends(dfa: &dense::DFA<Vec<u32>>, state: u32) -> bool {
    dfa.is_match_state(dfa.next_eoi_state(StateID::new_unchecked(state as usize)))
}
