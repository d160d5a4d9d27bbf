use std::sync::Arc;
use std::time::SystemTime;

use otpmux_core::{Code, Purpose, RateLimit, Recipient};
use subtle::ConstantTimeEq;

use super::{CodeMac, KeyId, Keys, RecipientHash, ServerKeys};
use crate::{ExternalId, LimitKey, LimitScope, VerificationId};

/// A typed code, in its forms at rest, with the verification that it is for and the windows that
/// count it.
#[derive(Clone)]
pub struct Guess {
    which: Which,
    forms: Vec<CodeForm>,
    own: GuessWindows,
    total: GuessWindows,
    /// Under every key, since a record does not say which key hashed its recipient.
    recipients: Option<Vec<RecipientHash>>,
    purpose: Option<Purpose>,
    name: Option<GuessName>,
    counted_at: Option<SystemTime>,
}

/// How a guess selects its verification. Values of every server key are tried, the signing key's
/// first, since nothing says which key was in force when the verification was made. If several
/// select one, the one that expires last is meant.
#[derive(Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a store must handle each of them")]
pub enum Which {
    /// By its id.
    Id(VerificationId),
    /// The newest of this recipient and purpose.
    Recipient {
        /// The recipient, under every key.
        hashes: Vec<RecipientHash>,
        /// The purpose.
        purpose: Purpose,
    },
    /// By the caller's own id, bound to the purpose: its [tag](crate::Record::external), under
    /// every key.
    External(Vec<[u8; 16]>),
}

/// One form of a typed code: as the key of this id signs it for the selection of its guess.
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct CodeForm {
    /// The key.
    pub key: KeyId,
    /// The HMAC, to be compared with [that of the selection](CodeMac::of).
    pub mac: [u8; 16],
}

/// Windows of a verification's recipient, for one group of guessers.
#[derive(Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct GuessWindows {
    /// Keyed hash of the guesser; zeros when nothing is known about them.
    pub who: [u8; 8],
    /// The windows, each with a count of one at least.
    pub windows: Arc<[RateLimit]>,
}

/// Idempotency key of a guess: a repeat with the same key counts no guess.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct GuessName {
    /// The idempotency key, as a keyed hash.
    pub name: [u8; 16],
    /// The code, as a keyed hash.
    pub content: [u8; 16],
}

impl ServerKeys {
    /// Returns a typed code for the verification of this id.
    pub fn guess(&self, id: VerificationId, code: &Code) -> Guess {
        self.guess_at(Which::Id(id), |keys| keys.code_of_id(id, code))
    }

    /// Returns a typed code for the newest verification of this recipient and purpose.
    pub fn guess_of(&self, recipient: &Recipient, purpose: &Purpose, code: &Code) -> Guess {
        let hashes = self.hashes(recipient);
        let mut each = hashes.clone().into_iter();
        let which = Which::Recipient { hashes, purpose: purpose.clone() };
        self.guess_at(which, |keys| match each.next() {
            Some(hash) => keys.code_of_recipient(&hash, purpose, code),
            // There is one hash for each key.
            None => [0; 16],
        })
    }

    /// Returns a typed code for the verification that its caller gave this id.
    pub fn guess_external(&self, id: &ExternalId, purpose: &Purpose, code: &Code) -> Guess {
        let which = Which::External(self.external_tags(id, purpose));
        self.guess_at(which, |keys| keys.code_of_external(keys.external_tag(id, purpose), code))
            .for_purpose(purpose.clone())
    }

    /// Returns the form of a caller's own id at rest, bound to the purpose: under every key, the
    /// signing key first.
    pub fn external_tags(&self, id: &ExternalId, purpose: &Purpose) -> Vec<[u8; 16]> {
        self.all().map(|keys| keys.external_tag(id, purpose)).collect()
    }

    /// Returns a guess with the forms of a code under every key.
    fn guess_at(&self, which: Which, mut mac: impl FnMut(&Keys) -> [u8; 16]) -> Guess {
        let form = |keys: &Keys| CodeForm { key: KeyId::clone(&keys.id), mac: mac(keys) };
        Guess {
            which,
            forms: self.all().map(form).collect(),
            own: GuessWindows::default(),
            total: GuessWindows::default(),
            recipients: None,
            purpose: None,
            name: None,
            counted_at: None,
        }
    }

    /// Returns the form of a guess's idempotency key at rest, bound to the selection of the guess,
    /// like the code. So a key names different guesses for different selections.
    pub fn guess_name(&self, which: &Which, name: &str, code: &Code) -> GuessName {
        let zero: &[u8] = &[0];
        let (way, of): (_, Vec<&[u8]>) = match which {
            Which::Id(id) => ("", vec![id.as_bytes()]),
            // No purpose contains a zero; the hash has a fixed length.
            Which::Recipient { hashes, purpose } => {
                let hash = hashes.iter().take(1).map(|hash| &hash.0[..]);
                (" by recipient", hash.chain([purpose.as_str().as_bytes(), zero]).collect())
            }
            Which::External(tags) => {
                (" by external id", tags.iter().take(1).map(|tag| &tag[..]).collect())
            }
        };
        let bound = |label: &str, text: &str| {
            let value = [&of[..], &[text.as_bytes()]].concat();
            self.signing.tagged(&[label, way].concat(), &value)
        };
        GuessName {
            name: bound("guess name", name),
            content: bound("guess content", code.expose()),
        }
    }
}

impl Keys {
    fn external_tag(&self, id: &ExternalId, purpose: &Purpose) -> [u8; 16] {
        // No purpose contains a zero.
        self.tagged("external id", &[purpose.as_str().as_bytes(), &[0], id.expose().as_bytes()])
    }
}

impl From<VerificationId> for Which {
    fn from(id: VerificationId) -> Self {
        Self::Id(id)
    }
}

impl Guess {
    /// How it selects its verification.
    pub fn which(&self) -> &Which {
        &self.which
    }

    /// Counts it in these windows of its verification's recipient, which an approval empties.
    /// Default: none.
    pub fn within(mut self, windows: Arc<[RateLimit]>) -> Self {
        self.own.windows = windows;
        self
    }

    /// Also counts it in these windows, which stay as they are when a code is approved. Default:
    /// none.
    pub fn within_total(mut self, windows: Arc<[RateLimit]>) -> Self {
        self.total.windows = windows;
        self
    }

    /// Sets the guessers whose windows [`within`](Self::within) and
    /// [`within_total`](Self::within_total) mean. Default: all guessers together.
    pub fn by(mut self, own: [u8; 8], total: [u8; 8]) -> Self {
        (self.own.who, self.total.who) = (own, total);
        self
    }

    /// The windows that an approval empties.
    pub fn own(&self) -> &GuessWindows {
        &self.own
    }

    /// The windows that an approval does not empty.
    pub fn total(&self) -> &GuessWindows {
        &self.total
    }

    /// Where a guess at this recipient's code is counted: the guesser's windows and the total.
    pub fn counters(&self, recipient: &RecipientHash) -> [(LimitKey, &Arc<[RateLimit]>); 2] {
        let key = |scope, it: &GuessWindows| LimitKey::of_guesses(scope, recipient, it.who);
        [
            (key(LimitScope::Guesses, &self.own), &self.own.windows),
            (key(LimitScope::GuessesTotal, &self.total), &self.total.windows),
        ]
    }

    /// Sets its idempotency key.
    pub fn named(mut self, name: Option<GuessName>) -> Self {
        self.name = name;
        self
    }

    /// Its idempotency key, if there is one.
    pub fn name(&self) -> Option<GuessName> {
        self.name
    }

    /// Sets when it was counted, so that its hits can be taken back.
    pub fn counted_at(mut self, at: SystemTime) -> Self {
        self.counted_at = Some(at);
        self
    }

    /// When it was counted, if known.
    pub fn was_counted_at(&self) -> Option<SystemTime> {
        self.counted_at
    }

    /// Sets the expected recipient.
    pub fn for_recipient(mut self, recipient: &Recipient, keys: &ServerKeys) -> Self {
        self.recipients = Some(keys.hashes(recipient));
        self
    }

    /// Sets the expected purpose.
    pub fn for_purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = Some(purpose);
        self
    }

    /// Whether a verification of this recipient and purpose is the selected and the expected one.
    pub fn is_for(&self, recipient: &RecipientHash, purpose: &Purpose) -> bool {
        let selected = match &self.which {
            Which::Id(_) | Which::External(_) => true,
            // Another spelling has the same pointer, and may be another mailbox.
            Which::Recipient { hashes, purpose: selected } => {
                hashes.contains(recipient) && selected == purpose
            }
        };
        selected
            && self.recipients.as_ref().is_none_or(|all| all.contains(recipient))
            && self.purpose.as_ref().is_none_or(|expected| expected == purpose)
    }

    /// Compares with the code of a record in constant time.
    pub fn matches(&self, code: &CodeMac) -> bool {
        let Some(mac) = code.of(&self.which) else { return false };
        let same = |form: &&CodeForm| form.key == code.key;
        self.forms.iter().find(same).is_some_and(|form| form.mac.ct_eq(&mac).into())
    }

    /// The forms of the code, for a store that compares them itself.
    pub fn forms(&self) -> &[CodeForm] {
        &self.forms
    }

    /// The expected recipient, under every key; `None` if any is accepted.
    pub fn recipients(&self) -> Option<&[RecipientHash]> {
        self.recipients.as_deref()
    }

    /// The expected purpose; `None` if any is accepted.
    pub fn purpose(&self) -> Option<&Purpose> {
        self.purpose.as_ref()
    }

    /// The purpose that the verification must have, and the forms of which its recipient must be one;
    /// `None` if any is accepted. A selection by recipient expects both too, because another spelling
    /// is found under the same key and may be another mailbox.
    pub fn expected(&self) -> (Option<&Purpose>, Option<Vec<&RecipientHash>>) {
        let (selected, of) = match &self.which {
            Which::Recipient { hashes, purpose } => (Some(&hashes[..]), Some(purpose)),
            Which::Id(_) | Which::External(_) => (None, None),
        };
        let fits = |hash: &&RecipientHash| self.recipients().is_none_or(|all| all.contains(*hash));
        let recipients = selected.or(self.recipients());
        let recipients = recipients.map(|all| all.iter().filter(fits).collect());
        (self.purpose().or(of), recipients)
    }
}

#[cfg(test)]
mod tests {
    use otpmux_core::OsEntropy;

    use super::*;
    use crate::keys::tests::ring;
    use crate::{Record, Sealed, State};

    fn purpose(name: &str) -> Purpose {
        Purpose::new(name).unwrap()
    }

    fn to(text: &str) -> Recipient {
        text.parse().unwrap()
    }

    fn external(text: &str) -> ExternalId {
        ExternalId::new(text).unwrap()
    }

    /// A record with this code, signed by this ring.
    fn record(ring: &ServerKeys, recipient: &str, of: &str, code: &Code) -> Record {
        let now = SystemTime::UNIX_EPOCH;
        let mut record = Record {
            id: VerificationId::generate(&OsEntropy).unwrap(),
            recipient: ring.hash(&to(recipient)),
            purpose: purpose(of),
            external: ring.external_tags(&external("order-7"), &purpose(of)).first().copied(),
            state: State::Pending,
            supersedes: None,
            code: None,
            code_length: None,
            expires_at: now,
            guesses: 0,
            max_guesses: 5,
            resends: 0,
            resend_after: now,
            due_at: None,
            due_after_end: None,
            escalations: 0,
            sealed: Sealed { key: "a".into(), bytes: [].into() },
            send_attempts: Vec::new(),
            skips: Vec::new(),
            request: None,
            events: None,
        };
        record.code = Some(ring.sign(&record, code));
        record
    }

    #[test]
    fn a_code_matches_under_its_own_selection_and_key_only() {
        let code: Code = "004217".parse().unwrap();
        let (ring, other, rotated) = (ring(&["a"]), ring(&["b"]), ring(&["b", "a"]));
        let record = record(&ring, "+14155550123", "login", &code);
        let signed = record.code.as_ref().unwrap();
        let number = to("+14155550123");
        let login = purpose("login");
        for right in [
            ring.guess(record.id, &code),
            rotated.guess(record.id, &code),
            ring.guess_of(&number, &login, &code),
            rotated.guess_of(&number, &login, &code),
            ring.guess_external(&external("order-7"), &login, &code),
            rotated.guess_external(&external("order-7"), &login, &code),
        ] {
            assert!(right.matches(signed));
            assert!(right.is_for(&record.recipient, &record.purpose));
        }
        let wrong: Code = "004218".parse().unwrap();
        let another = VerificationId::generate(&OsEntropy).unwrap();
        for guess in [
            ring.guess(record.id, &wrong),
            ring.guess(another, &code),
            other.guess(record.id, &code),
            ring.guess_of(&number, &login, &wrong),
            ring.guess_of(&to("+14155550124"), &login, &code),
            ring.guess_of(&number, &purpose("payment"), &code),
            other.guess_of(&number, &login, &code),
            ring.guess_external(&external("order-7"), &login, &wrong),
            ring.guess_external(&external("order-8"), &login, &code),
            ring.guess_external(&external("order-7"), &purpose("payment"), &code),
            other.guess_external(&external("order-7"), &login, &code),
        ] {
            assert!(!guess.matches(signed));
        }
    }

    #[test]
    fn no_form_of_a_code_equals_another() {
        let code: Code = "004217".parse().unwrap();
        let ring = ring(&["a"]);
        let mut all = Vec::new();
        for (recipient, of) in
            [("+14155550123", "login"), ("+14155550124", "login"), ("+14155550123", "logins")]
        {
            let signed = record(&ring, recipient, of, &code).code.unwrap();
            all.extend([signed.by_id, signed.by_recipient]);
            all.extend(signed.by_external);
        }
        all.sort_unstable();
        all.dedup();
        // The external ids of the first two are the same: one id and one purpose.
        assert_eq!(all.len(), 8);
    }

    #[test]
    fn a_name_is_bound_to_the_selection_of_its_guess() {
        let code: Code = "004217".parse().unwrap();
        let ring = ring(&["a"]);
        let id = VerificationId::generate(&OsEntropy).unwrap();
        let (number, login) = (to("+14155550123"), purpose("login"));
        let guesses = [
            ring.guess(id, &code),
            ring.guess_of(&number, &login, &code),
            ring.guess_of(&number, &purpose("payment"), &code),
            ring.guess_of(&to("+14155550124"), &login, &code),
            ring.guess_external(&external("order-7"), &login, &code),
            ring.guess_external(&external("order-8"), &login, &code),
        ];
        let mut all: Vec<_> = guesses
            .iter()
            .map(|guess| ring.guess_name(guess.which(), "a", &code))
            .flat_map(|name| [name.name, name.content])
            .collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 12);
    }
}
