//! Where the words of a record's text are.
//!
//! This is the only place that knows their positions: [`codec`](crate::codec) writes the words with
//! these widths, and scripts name the positions (`${guesses.at}`), which [`fill`] replaces by
//! numbers before Redis gets the script. A position is the number that Lua's functions take: the
//! first byte is 1.

use crate::codec::INTENDED;

/// A word of the first line, in which every word has a fixed position.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Word {
    name: &'static str,
    /// Position of its first byte.
    at: usize,
    /// In bytes.
    pub(crate) width: usize,
}

impl Word {
    const fn first(name: &'static str, width: usize) -> Self {
        Self { name, at: 1, width }
    }

    /// The word that follows, after one space.
    const fn then(self, name: &'static str, width: usize) -> Self {
        Self { name, at: self.after() + 1, width }
    }

    /// The beginning of the word.
    const fn beginning(self, name: &'static str, width: usize) -> Self {
        Self { name, at: self.at, width }
    }

    /// Position of the byte that follows the word.
    const fn after(self) -> usize {
        self.at + self.width
    }
}

/// Digits of a number.
const NUMBER: usize = 10;
/// Digits of a time in milliseconds since 1970, until the year 2286.
pub(crate) const TIME: usize = 13;
/// The latest time that has so many digits.
pub(crate) const LATEST: u64 = 9_999_999_999_999;
/// Hexadecimal digits of an id, also in the names of keys.
const ID: usize = 32;
/// Hexadecimal digits of a keyed hash in the name of a key.
const HASH: usize = 32;
/// Hexadecimal digits of each of the two hashes of who guesses.
const GUESSER: usize = 16;

pub(crate) const STATE: Word = Word::first("state", 1);
pub(crate) const GUESSES: Word = STATE.then("guesses", NUMBER);
pub(crate) const MAX_GUESSES: Word = GUESSES.then("max_guesses", NUMBER);
pub(crate) const EXPIRES_AT: Word = MAX_GUESSES.then("expires_at", TIME);
pub(crate) const RESENDS: Word = EXPIRES_AT.then("resends", NUMBER);
pub(crate) const RESEND_AFTER: Word = RESENDS.then("resend_after", TIME);
pub(crate) const RECIPIENT: Word = RESEND_AFTER.then("recipient", 64);

/// The half of the recipient's hash that limits and superseding use.
const COUNTED: Word = RECIPIENT.beginning("recipient.counted", 32);
/// The part of it that the limits of guesses use.
const GUESSED: Word = RECIPIENT.beginning("recipient.guessed", 16);

/// Position of the second line, whose words have no fixed positions.
const SECOND_LINE: usize = RECIPIENT.after() + 1;

const WORDS: [Word; 9] =
    [STATE, GUESSES, MAX_GUESSES, EXPIRES_AT, RESENDS, RESEND_AFTER, RECIPIENT, COUNTED, GUESSED];

/// Returns a script with numbers in the places of names.
pub(crate) fn fill(script: &str) -> String {
    let mut filled = String::with_capacity(script.len());
    let mut rest = script;
    while let Some((before, (name, after))) =
        rest.split_once("${").and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
    {
        filled.push_str(before);
        match number(name) {
            Some(number) => filled.push_str(itoa::Buffer::new().format(number)),
            // Lua refuses such a script; a test finds it before.
            None => filled.extend(["${", name, "}"]),
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// Returns the number of a name in a script.
fn number(name: &str) -> Option<usize> {
    match name {
        "second_line" => return Some(SECOND_LINE),
        "id.width" => return Some(ID),
        "hash.width" => return Some(HASH),
        "guesser.width" => return Some(GUESSER),
        "byte.zero" => return Some(usize::from(b'0')),
        "byte.repeat" => return Some(usize::from(b'r')),
        "byte.line_end" => return Some(usize::from(b'\n')),
        "byte.intended" => return Some(usize::from(INTENDED.as_bytes()[0])),
        _ => {}
    }
    let (name, part) = name.rsplit_once('.')?;
    let word = WORDS.iter().find(|word| word.name == name)?;
    Some(match part {
        // Of its first byte.
        "at" => word.at,
        // Of its last byte.
        "last" => word.after() - 1,
        "after" => word.after(),
        // As Redis' own commands count.
        "offset" => word.at - 1,
        "width" => word.width,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use otpmux_core::Purpose;
    use otpmux_engine::{RecipientHash, Record, Sealed, State, VerificationId};

    use super::*;
    use crate::codec;

    fn record() -> Record {
        let at = |millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        Record {
            id: VerificationId::from_bytes([1; 16]),
            recipient: RecipientHash([0xab; 32]),
            purpose: Purpose::default(),
            external: None,
            state: State::Superseded,
            supersedes: None,
            code: None,
            code_length: None,
            expires_at: at(1_234_567_890_123),
            guesses: 11,
            max_guesses: 222,
            resends: 3333,
            resend_after: at(1_234_567_890_456),
            due_at: None,
            due_after_end: None,
            escalations: 0,
            sealed: Sealed { key: "k".into(), bytes: b"sealed".as_slice().into() },
            send_attempts: Vec::new(),
            skips: Vec::new(),
            request: None,
        }
    }

    #[test]
    fn every_word_is_where_the_codec_writes_it() {
        let text = String::from_utf8(codec::write(&record())).unwrap();
        let recipient = "ab".repeat(32);
        for (word, expected) in [
            (STATE, "s"),
            (GUESSES, "0000000011"),
            (MAX_GUESSES, "0000000222"),
            (EXPIRES_AT, "1234567890123"),
            (RESENDS, "0000003333"),
            (RESEND_AFTER, "1234567890456"),
            (RECIPIENT, recipient.as_str()),
            (COUNTED, &recipient[..32]),
            (GUESSED, &recipient[..16]),
        ] {
            assert_eq!(&text[word.at - 1..word.after() - 1], expected, "{}", word.name);
        }
        assert_eq!(LATEST.to_string(), "9".repeat(TIME));
        assert_eq!(text.find('\n').map(|end| end + 2), Some(SECOND_LINE));
        assert_eq!(fill("${resends.at} ${resend_after.after} ${state.offset}"), "39 63 0");
        assert_eq!(fill("${recipient.last} ${nothing}"), "127 ${nothing}");
    }

    /// A number in a script that is the position of a word must come from its name.
    #[test]
    fn scripts_name_every_position() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/lua");
        let mut positions: Vec<usize> = vec![SECOND_LINE, ID, usize::from(INTENDED.as_bytes()[0])];
        for word in WORDS {
            positions.extend([word.at, word.after() - 1, word.after(), word.width]);
        }
        // Small numbers are everywhere, and name other things too.
        positions.retain(|number| *number > 8);
        for file in files(folder.as_ref()) {
            let source = std::fs::read_to_string(&file).unwrap();
            let code = source.lines().map(|line| line.split("--").next().unwrap_or_default());
            for (place, line) in code.enumerate() {
                let numbers = line.split(|c: char| !c.is_ascii_digit());
                let bare = numbers.filter_map(|number| number.parse::<usize>().ok());
                let found: Vec<_> = bare.filter(|number| positions.contains(number)).collect();
                assert!(found.is_empty(), "{} line {}: {found:?}", file.display(), place + 1);
            }
            let filled = fill(&source);
            assert!(!filled.contains("${"), "{}: a name that does not exist", file.display());
        }
    }

    fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
        }
        found
    }
}
