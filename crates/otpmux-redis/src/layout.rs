//! Where the parts of a record, and of the other values that scripts read, are.
//!
//! This is the only place that knows their positions: [`codec`](crate::codec) writes them in this
//! order, and scripts name the positions (`${guesses.at}`), which [`fill`] replaces by numbers before
//! Redis gets the script. A position is the number that Lua's functions take: the first byte is 1.

use otpmux_engine::MOST_EVENTS;

use crate::codec::VERSION;
use crate::encoder::LONG;

/// A part of a record's head, in which every part has a fixed position.
#[derive(Clone, Copy, Debug)]
struct Part {
    name: &'static str,
    /// Position of its first byte.
    at: usize,
    /// In bytes.
    width: usize,
}

impl Part {
    const fn first(name: &'static str, width: usize) -> Self {
        Self { name, at: 1, width }
    }

    /// The part that follows.
    const fn then(self, name: &'static str, width: usize) -> Self {
        Self { name, at: self.after(), width }
    }

    /// The beginning of the part.
    const fn beginning(self, name: &'static str, width: usize) -> Self {
        Self { name, at: self.at, width }
    }

    /// Position of the byte that follows the part.
    const fn after(self) -> usize {
        self.at + self.width
    }
}

/// Bytes of a number.
const NUMBER: usize = 4;
/// Bytes of a time.
const TIME: usize = 6;
/// Bytes of an id, also in the names of keys.
const ID: usize = 16;
/// Bytes of a keyed hash, also in the names of keys, and of an HMAC.
const HASH: usize = 16;
/// Bytes of each of the two hashes of who guesses.
const GUESSER: usize = 8;

const HEAD_VERSION: Part = Part::first("version", 1);
const STATE: Part = HEAD_VERSION.then("state", 1);
const GUESSES: Part = STATE.then("guesses", NUMBER);
const MAX_GUESSES: Part = GUESSES.then("max_guesses", NUMBER);
const EXPIRES_AT: Part = MAX_GUESSES.then("expires_at", TIME);
const RESENDS: Part = EXPIRES_AT.then("resends", NUMBER);
const RESEND_AFTER: Part = RESENDS.then("resend_after", TIME);
const RECIPIENT: Part = RESEND_AFTER.then("recipient", 32);
const FAILED: Part = RECIPIENT.then("failed", 1);
const WATCHED: Part = FAILED.then("watched", 1);
const EVENTS: Part = WATCHED.then("events", 1);

/// The half of the recipient's hash that limits and superseding use.
const COUNTED: Part = RECIPIENT.beginning("recipient.counted", 16);
/// The part of it that the limits of guesses use.
const GUESSED: Part = RECIPIENT.beginning("recipient.guessed", 8);

const PARTS: [Part; 13] = [
    HEAD_VERSION,
    STATE,
    GUESSES,
    MAX_GUESSES,
    EXPIRES_AT,
    RESENDS,
    RESEND_AFTER,
    RECIPIENT,
    FAILED,
    WATCHED,
    EVENTS,
    COUNTED,
    GUESSED,
];

/// The fields that follow the head.
const FIELDS: [&str; 12] = [
    "states",
    "code",
    "purpose",
    "supersedes",
    "content",
    "name",
    "external",
    "code_length",
    "key",
    "sealed",
    "due",
    "events",
];

/// The largest count of a log that is read and written whole.
pub(crate) const SHORT_LOG: u32 = 256;
/// Bytes of the windows of a hit before the first one: whether its log is long, count, and time.
const WINDOWS: usize = 1 + NUMBER + TIME;
/// Bytes of one window: count, and time.
const WINDOW: usize = NUMBER + TIME;

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
    let byte = |letter: u8| Some(usize::from(letter));
    match name {
        "version" => return byte(VERSION),
        "id.width" => return Some(ID),
        "hash.width" => return Some(HASH),
        "guesser.width" => return Some(GUESSER),
        "field.long" => return byte(LONG),
        "fields.at" => return Some(EVENTS.after()),
        "fields.count" => return Some(FIELDS.len()),
        "log.short" => return usize::try_from(SHORT_LOG).ok(),
        "windows.width" => return Some(WINDOWS),
        "windows.after" => return Some(1 + WINDOWS),
        "window.width" => return Some(WINDOW),
        "resend.width" => return Some(NUMBER + TIME),
        "named.width" => return Some(ID + HASH + 1 + NUMBER + TIME),
        "live.purpose" => return Some(ID + NUMBER),
        "found.width" => return Some(ID + 2),
        // States.
        "byte.pending" => return byte(b'p'),
        "byte.approved" | "byte.lower" => return byte(b'a'),
        "byte.superseded" => return byte(b's'),
        "byte.closed" => return byte(b'c'),
        // States of send attempts.
        "byte.intended" => return byte(b'i'),
        "byte.intended_otpmux" => return byte(b'I'),
        // Entries.
        "byte.attempt" => return byte(b'A'),
        "byte.skip" => return byte(b'S'),
        "byte.delivery" => return byte(b'D'),
        // An event: the tries that failed, and what follows them; the width of an end; that of an early mark.
        "event.tries" | "end.width" => return Some(1 + TIME),
        "event.says" => return Some(1 + TIME + NUMBER),
        "early.width" => return Some(1 + TIME + TIME),
        // How a delivery failed.
        "mark.expired" => return Some(9),
        "mark.failed" => return Some(10),
        "events.most" => return Some(MOST_EVENTS),
        // The letter of the keys of recipients.
        "byte.recipient" => return byte(b'R'),
        // Modes of a creation.
        "byte.delivered" => return byte(b'd'),
        "byte.repeat" => return byte(b'r'),
        _ => {}
    }
    if let Some(field) = name.strip_prefix("fields.") {
        return FIELDS.iter().position(|it| *it == field);
    }
    let (name, what) = name.rsplit_once('.')?;
    let part = PARTS.iter().find(|part| part.name == name)?;
    Some(match what {
        // Of its first byte.
        "at" => part.at,
        // Of its last byte.
        "last" => part.after() - 1,
        "after" => part.after(),
        // As Redis' own commands count.
        "offset" => part.at - 1,
        "width" => part.width,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use otpmux_core::Purpose;
    use otpmux_engine::{
        EndpointName, EventTerms, RecipientHash, Record, Sealed, State, VerificationId, Want,
    };

    use super::*;
    use crate::codec;
    use crate::decoder::Decoder;

    fn record() -> Record {
        let at = |millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
        Record {
            id: VerificationId::from_bytes([1; 16]),
            recipient: RecipientHash([0xab; 32]),
            purpose: Purpose::new("login").unwrap(),
            external: Some([5; 16]),
            state: State::Superseded,
            supersedes: Some(VerificationId::from_bytes([3; 16])),
            code: None,
            code_length: Some(6),
            expires_at: at(0x0102_0304_0506),
            guesses: 11,
            max_guesses: 222,
            resends: 3333,
            due_at: Some(at(0x0101_0101_0101)),
            due_after_end: None,
            escalations: 2,
            resend_after: at(0x0605_0403_0201),
            sealed: Sealed { key: "k".into(), bytes: b"sealed".as_slice().into() },
            send_attempts: Vec::new(),
            skips: Vec::new(),
            request: None,
            events: Some(Box::new(EventTerms {
                wants: [Want(EndpointName::new("a").unwrap(), "check.exhausted".parse().unwrap())]
                    .into(),
                facts: "says".into(),
            })),
        }
    }

    #[test]
    fn every_part_is_where_the_codec_writes_it() {
        let mut bytes = Vec::new();
        codec::write(&mut bytes, &record());
        let recipient = [0xab; 32];
        let cases: [(Part, &[u8]); 13] = [
            (HEAD_VERSION, &[1]),
            (STATE, b"s"),
            (GUESSES, &[0, 0, 0, 11]),
            (MAX_GUESSES, &[0, 0, 0, 222]),
            (EXPIRES_AT, &[1, 2, 3, 4, 5, 6]),
            (RESENDS, &[0, 0, 13, 5]),
            (RESEND_AFTER, &[6, 5, 4, 3, 2, 1]),
            (RECIPIENT, &recipient),
            (FAILED, &[0]),
            (WATCHED, &[1]),
            (EVENTS, &[1]),
            (COUNTED, &recipient[..16]),
            (GUESSED, &recipient[..8]),
        ];
        for (part, expected) in cases {
            assert_eq!(&bytes[part.at - 1..part.after() - 1], expected, "{}", part.name);
        }
        let mut fields = Decoder::new(&bytes[EVENTS.after() - 1..]);
        let due = [1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 2];
        let expected: [&[u8]; 12] = [
            b"",
            b"",
            b"login",
            &[3; 16],
            b"",
            b"",
            &[5; 16],
            &[6],
            b"k",
            b"sealed",
            &due,
            b"\x04says\x01a\x01x",
        ];
        for (name, expected) in FIELDS.iter().zip(expected) {
            assert_eq!(fields.field().unwrap(), expected, "{name}");
        }
        assert!(fields.is_empty(), "no entries");
        assert_eq!(fill("${resends.at} ${resend_after.after} ${state.offset}"), "17 27 1");
        assert_eq!(fill("${recipient.last} ${fields.purpose} ${nothing}"), "58 2 ${nothing}");
    }

    /// A number in a script that is the position of a part must come from its name.
    #[test]
    fn scripts_name_every_position() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/lua");
        let mut positions: Vec<usize> = vec![ID, HASH, WINDOWS, WINDOW, WATCHED.after()];
        for part in PARTS {
            positions.extend([part.at, part.after() - 1, part.after(), part.width]);
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
