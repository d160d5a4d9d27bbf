//! A short run of every fuzz target: its seeds, the inputs that once found something, and some
//! thousand mutations. A failure is reduced to a small input, which belongs into `regressions/`.

use std::fs;
use std::path::Path;

use otpmux_fuzz::{TARGETS, Target, run};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};

/// One change of an input.
#[derive(Clone, Debug)]
enum Edit {
    Set(Index, u8),
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    Cut(Index),
    Splice(Index, Vec<u8>),
}

impl Edit {
    fn apply(self, mut bytes: Vec<u8>) -> Vec<u8> {
        let at = |index: Index| index.index(bytes.len() + 1);
        match self {
            Self::Set(place, byte) => {
                let place = at(place);
                if let Some(old) = bytes.get_mut(place) {
                    *old = byte;
                }
            }
            Self::Flip(place, bit) => {
                let place = at(place);
                if let Some(old) = bytes.get_mut(place) {
                    *old ^= 1 << bit;
                }
            }
            Self::Insert(place, new) => {
                let place = at(place);
                bytes.splice(place..place, new);
            }
            Self::Remove(place, length) => {
                let place = at(place);
                let end = bytes.len().min(place + length);
                bytes.drain(place..end);
            }
            Self::Repeat(place, length) => {
                let place = at(place);
                let again = bytes[place..bytes.len().min(place + length)].to_vec();
                bytes.splice(place..place, again);
            }
            Self::Cut(place) => bytes.truncate(at(place)),
            Self::Splice(place, other) => {
                let place = at(place);
                bytes.truncate(place);
                bytes.extend(other.iter().skip(place));
            }
        }
        bytes
    }
}

fn edit(target: Target, seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Edit> {
    let place = any::<Index>;
    prop_oneof![
        3 => (place(), any::<u8>()).prop_map(|(place, byte)| Edit::Set(place, byte)),
        1 => (place(), 0u8..8).prop_map(|(place, bit)| Edit::Flip(place, bit)),
        1 => (place(), vec(any::<u8>(), 1..5)).prop_map(|(place, new)| Edit::Insert(place, new)),
        3 => (place(), select(target.dictionary))
            .prop_map(|(place, word)| Edit::Insert(place, word.as_bytes().to_vec())),
        2 => (place(), 1usize..16).prop_map(|(place, length)| Edit::Remove(place, length)),
        1 => (place(), 1usize..32).prop_map(|(place, length)| Edit::Repeat(place, length)),
        1 => place().prop_map(Edit::Cut),
        1 => (place(), select(seeds)).prop_map(|(place, other)| Edit::Splice(place, other)),
    ]
}

/// Runs one target.
fn short_run(name: &str) {
    let target = *TARGETS.iter().find(|target| target.name == name).expect("a target of this name");
    let mut seeds = (target.seeds)();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions").join(name);
    for entry in fs::read_dir(folder).into_iter().flatten() {
        seeds.push(fs::read(entry.expect("a readable folder").path()).expect("a readable file"));
    }
    assert!(seeds.len() > 5, "{name} has {} seeds", seeds.len());
    for seed in &seeds {
        run(name, seed);
    }
    let input = (select(seeds.clone()), vec(edit(target, seeds), 1..6))
        .prop_map(|(seed, edits)| edits.into_iter().fold(seed, |bytes, edit| edit.apply(bytes)));
    let config = Config { failure_persistence: None, ..Config::with_cases(target.short_run) };
    let result = TestRunner::new(config).run(&input, |bytes| {
        run(name, &bytes);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{name}: {error}");
    }
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                short_run(stringify!($name));
            }
        )*

        #[test]
        fn every_target_has_a_short_run() {
            assert_eq!(TARGETS.map(|target| target.name), [$(stringify!($name)),*]);
        }
    };
}

targets! {
    recipient
    code
    settings
    config
    vendor_answer
    redis_reply
    gateway_request
    emulator_request
}
