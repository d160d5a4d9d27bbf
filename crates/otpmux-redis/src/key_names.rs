use otpmux_engine::{LimitKey, LimitScope, RecipientHash, VerificationId};

/// The names of this store's keys. All begin with one hash tag, so Redis Cluster keeps them on one
/// node and one script may use any of them.
///
/// A name is the tag in braces, a colon, one letter, and what the letter needs, mostly 16 bytes of an
/// id or of a keyed hash as they are, because most of the memory of a small value is its name. The
/// five keys that an operator may look for have words.
///
/// | letter | what follows | value |
/// |---|---|---|
/// | `v` | id | a record |
/// | `R` | recipient, 16 bytes, the subject of its limit too | for each purpose the id of the newest record; times of messages (`recipient.lua`) |
/// | `q` | name of a request | id of the record that it made |
/// | `x` | external id, hashed | id of its newest record |
/// | `g` | name of a guess | what happened to the guess |
/// | `f` | reference of a vendor, hashed | id and index of its send attempt |
/// | `I` `P` `N` `D` `V` `G` | subject of a limit, hashed: address, purpose, number range, domain, provider (vendor), all | times of hits |
/// | `O` `T` | recipient, 8 bytes, and guesser, 8 bytes: own guesses, and the total | times of hits |
/// | `due` | nothing | ids of records at which a process must look, by the time |
/// | `E` | name of an endpoint | its events that wait (`outbox.lua`) |
/// | `A` `U` | name of an endpoint | ids of its events, by when they happened; by when they are due |
/// | `H` | what an event is about, hashed | until when it is not written again |
/// | `endpoints` | nothing | states of endpoints; it never expires |
/// | `health` | nothing | health updates |
/// | `keys` | nothing | a hash with one field for each server key; it never expires |
/// | `probe` | nothing | what the readiness check writes |
///
/// Scripts build some of the names themselves, from what a record holds: those of records (in
/// `create.lua`, `check_guess.lua`, `receive.lua` and `uncover.lua`), of the newest record (in
/// `uncover.lua`), of references (in `ends.lua`), of the due set (in `due.lua`), and of the limits of guesses (in `keys.lua`).
#[derive(Debug)]
pub(crate) struct KeyNames {
    /// `{namespace}:`.
    prefix: Box<str>,
}

/// Bytes of the half of a recipient's hash that superseding uses.
const COUNTED: usize = 16;

impl KeyNames {
    pub(crate) fn new(namespace: &str) -> Self {
        Self { prefix: ["{", namespace, "}:"].concat().into() }
    }

    /// Appends a name.
    pub(crate) fn write(&self, bytes: &mut Vec<u8>, key: &Key<'_>) {
        let (letter, rest): (u8, &[u8]) = match key {
            Key::Record(id) => (b'v', id),
            Key::Recipient(recipient) => (b'R', &recipient.0[..COUNTED]),
            Key::Request(name) => (b'q', &name[..]),
            Key::External(tag) => (b'x', &tag[..]),
            Key::Guess(name) => (b'g', &name[..]),
            Key::Reference(tag) => (b'f', &tag[..]),
            Key::Limit(limit) => (limit_letter(limit.scope), &limit.hash),
            Key::Due => (b'd', &b"due"[1..]),
            Key::Event(key) => (b'H', &key[..]),
            Key::Endpoints => (b'e', b"ndpoints"),
            Key::Health => (b'h', b"ealth"),
            Key::Keys => (b'k', b"eys"),
            Key::Probe => (b'p', b"robe"),
        };
        bytes.extend_from_slice(self.prefix.as_bytes());
        bytes.push(letter);
        bytes.extend_from_slice(rest);
    }
}

/// A key, before its name is written.
#[derive(Debug)]
pub(crate) enum Key<'a> {
    /// A record.
    Record([u8; 16]),
    /// The newest verifications of a recipient, in any spelling, and its limit of messages.
    Recipient(&'a RecipientHash),
    /// Names the verification that the request with this name has created.
    Request(&'a [u8; 16]),
    /// Names the newest verification with an external id, as a keyed hash.
    External(&'a [u8; 16]),
    /// The guess with this name.
    Guess([u8; 16]),
    /// Names the record and the index of the send attempt that a vendor's reference, as a keyed hash,
    /// names.
    Reference([u8; 16]),
    /// Times of hits.
    Limit(LimitKey),
    /// The ids of records, by when a process must look at them.
    Due,
    /// Of an event that is written once.
    Event(&'a [u8; 16]),
    /// The states of endpoints; scripts build the names of their outboxes from it.
    Endpoints,
    /// What all processes know about providers.
    Health,
    /// Check values of server keys.
    Keys,
    /// What the readiness check writes.
    Probe,
}

impl Key<'_> {
    pub(crate) fn record(id: VerificationId) -> Self {
        Key::Record(id.to_bytes())
    }
}

fn limit_letter(scope: LimitScope) -> u8 {
    match scope {
        LimitScope::Recipient => b'R',
        LimitScope::Ip => b'I',
        LimitScope::Purpose => b'P',
        LimitScope::NumberRange => b'N',
        LimitScope::Domain => b'D',
        LimitScope::Provider => b'V',
        LimitScope::Global => b'G',
        LimitScope::Guesses => b'O',
        LimitScope::GuessesTotal => b'T',
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const SCOPES: [LimitScope; 9] = [
        LimitScope::Recipient,
        LimitScope::Ip,
        LimitScope::Purpose,
        LimitScope::NumberRange,
        LimitScope::Domain,
        LimitScope::Provider,
        LimitScope::Global,
        LimitScope::Guesses,
        LimitScope::GuessesTotal,
    ];

    #[test]
    fn every_key_has_the_hash_tag_and_a_letter_for_itself() {
        let names = KeyNames::new("eu-1");
        let (recipient, hash) = (RecipientHash([0xab; 32]), [0xab; 16]);
        let limit = |scope| Key::Limit(LimitKey { scope, hash });
        let mut letters = HashSet::new();
        let keys = [
            Key::record(VerificationId::from_bytes(hash)),
            Key::Request(&hash),
            Key::Reference(hash),
            Key::Guess(hash),
            Key::External(&hash),
        ];
        for key in keys.into_iter().chain(SCOPES.map(limit)) {
            let mut name = Vec::new();
            names.write(&mut name, &key);
            assert_eq!((&name[..7], &name[8..]), (&b"{eu-1}:"[..], &hash[..]), "{key:?}");
            assert!(letters.insert(name[7]), "{key:?}");
        }
        let words = [
            (Key::Due, "due"),
            (Key::Health, "health"),
            (Key::Keys, "keys"),
            (Key::Probe, "probe"),
        ];
        for (key, word) in words {
            let mut name = Vec::new();
            names.write(&mut name, &key);
            assert_eq!(name, ["{eu-1}:", word].concat().as_bytes());
            assert!(letters.insert(name[7]), "{key:?}");
        }
        // The limit of a recipient is in the key of the recipient.
        let (mut name, mut limit_name) = (Vec::new(), Vec::new());
        names.write(&mut name, &Key::Recipient(&recipient));
        names.write(&mut limit_name, &limit(LimitScope::Recipient));
        assert_eq!(name, limit_name);
    }
}
