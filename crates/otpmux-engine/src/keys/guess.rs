use std::sync::Arc;
use std::time::SystemTime;

use otpmux_core::{Code, Purpose, RateLimit, Recipient};
use subtle::ConstantTimeEq;

use super::{CodeMac, RecipientHash, ServerKeys};
use crate::{LimitKey, LimitScope, VerificationId};

/// A typed code, in its forms at rest, with the expected verification and the windows that count
/// it.
#[derive(Clone)]
pub struct Guess {
    forms: Vec<CodeMac>,
    own: GuessWindows,
    total: GuessWindows,
    /// Under every key, since a record does not say which key hashed its recipient.
    recipients: Option<Vec<RecipientHash>>,
    purpose: Option<Purpose>,
    name: Option<GuessName>,
    counted_at: Option<SystemTime>,
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
    /// Returns the forms of a typed code at rest, under every key.
    pub fn guess(&self, id: VerificationId, code: &Code) -> Guess {
        Guess {
            forms: self.all().map(|keys| keys.sign(id, code)).collect(),
            own: GuessWindows::default(),
            total: GuessWindows::default(),
            recipients: None,
            purpose: None,
            name: None,
            counted_at: None,
        }
    }

    /// Returns the form of a guess's idempotency key at rest, bound to its verification, like the
    /// code.
    pub fn guess_name(&self, id: VerificationId, name: &str, code: &Code) -> GuessName {
        let bound = |text: &str| [&id.to_bytes()[..], text.as_bytes()].concat();
        let code = zeroize::Zeroizing::new(bound(code.expose()));
        GuessName {
            name: self.tag("guess name", &bound(name)),
            content: self.tag("guess content", &code),
        }
    }
}

impl Guess {
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
        self.recipients = Some(keys.all().map(|keys| keys.hash(recipient)).collect());
        self
    }

    /// Sets the expected purpose.
    pub fn for_purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = Some(purpose);
        self
    }

    /// Whether a verification of this recipient and purpose is the expected one; true if none is
    /// expected.
    pub fn is_for(&self, recipient: &RecipientHash, purpose: &Purpose) -> bool {
        self.recipients.as_ref().is_none_or(|all| all.contains(recipient))
            && self.purpose.as_ref().is_none_or(|expected| expected == purpose)
    }

    /// Compares with the code of a record in constant time.
    pub fn matches(&self, code: &CodeMac) -> bool {
        let same = |guess: &&CodeMac| guess.key == code.key;
        self.forms.iter().find(same).is_some_and(|guess| guess.mac.ct_eq(&code.mac).into())
    }

    /// The forms of the code, for a store that compares them itself.
    pub fn forms(&self) -> &[CodeMac] {
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
}
