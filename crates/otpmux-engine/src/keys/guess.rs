use std::sync::Arc;
use std::time::SystemTime;

use otpmux_core::{Code, Purpose, RateLimit, Recipient};
use subtle::ConstantTimeEq;

use super::{CodeMac, RecipientHash, ServerKeys};
use crate::{LimitKey, LimitScope, VerificationId};

/// A typed code, in the forms that it would have at rest, what it is typed for, and what counts it.
#[derive(Clone)]
pub struct Guess {
    forms: Vec<CodeMac>,
    own: GuessWindows,
    total: GuessWindows,
    /// Under every key, since a record does not tell which one hashed its recipient.
    recipients: Option<Vec<RecipientHash>>,
    purpose: Option<Purpose>,
    name: Option<GuessName>,
    counted_at: Option<SystemTime>,
}

/// Windows of a verification's recipient, for one part of those who guess.
#[derive(Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct GuessWindows {
    /// Who guesses, as a keyed hash; zeros when nothing is known of them.
    pub who: [u8; 8],
    /// The windows, each with a count of one at least.
    pub windows: Arc<[RateLimit]>,
}

/// The name that its caller has given a guess, so that saying it twice counts once.
#[derive(Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "stores take it apart")]
pub struct GuessName {
    /// The name, as a keyed hash.
    pub name: [u8; 16],
    /// The code, as a keyed hash.
    pub content: [u8; 16],
}

impl ServerKeys {
    /// The forms that a typed code would have at rest, under every key.
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

    /// The name of a guess, in the form that it has at rest: bound to its verification, like the code.
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
    /// Counts it in these windows of its verification's recipient, which an approval empties. Default
    /// none.
    pub fn within(mut self, windows: Arc<[RateLimit]>) -> Self {
        self.own.windows = windows;
        self
    }

    /// Counts it in these windows, too, which stay as they are when a code is approved. Default none.
    pub fn within_total(mut self, windows: Arc<[RateLimit]>) -> Self {
        self.total.windows = windows;
        self
    }

    /// Says who guesses: whose windows [`within`](Self::within) and whose
    /// [`within_total`](Self::within_total) means. Default everybody's.
    pub fn by(mut self, own: [u8; 8], total: [u8; 8]) -> Self {
        (self.own.who, self.total.who) = (own, total);
        self
    }

    /// The windows that an approval empties.
    pub fn own(&self) -> &GuessWindows {
        &self.own
    }

    /// The windows that it does not.
    pub fn total(&self) -> &GuessWindows {
        &self.total
    }

    /// Where a guess at this recipient's code is counted: its own windows, and all.
    pub fn counters(&self, recipient: &RecipientHash) -> [(LimitKey, &Arc<[RateLimit]>); 2] {
        let key = |scope, it: &GuessWindows| LimitKey::of_guesses(scope, recipient, it.who);
        [
            (key(LimitScope::Guesses, &self.own), &self.own.windows),
            (key(LimitScope::GuessesTotal, &self.total), &self.total.windows),
        ]
    }

    /// Gives it a name.
    pub fn named(mut self, name: Option<GuessName>) -> Self {
        self.name = name;
        self
    }

    /// Its name, if its caller has given it one.
    pub fn name(&self) -> Option<GuessName> {
        self.name
    }

    /// Says when it was counted, for what is to be taken back.
    pub fn counted_at(mut self, at: SystemTime) -> Self {
        self.counted_at = Some(at);
        self
    }

    /// When it was counted, if that is known.
    pub fn was_counted_at(&self) -> Option<SystemTime> {
        self.counted_at
    }

    /// Expects a recipient.
    pub fn for_recipient(mut self, recipient: &Recipient, keys: &ServerKeys) -> Self {
        self.recipients = Some(keys.all().map(|keys| keys.hash(recipient)).collect());
        self
    }

    /// Expects a purpose.
    pub fn for_purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = Some(purpose);
        self
    }

    /// Whether a verification of this recipient and purpose is the expected one. Anyone's is, where
    /// nothing is expected.
    pub fn is_for(&self, recipient: &RecipientHash, purpose: &Purpose) -> bool {
        self.recipients.as_ref().is_none_or(|all| all.contains(recipient))
            && self.purpose.as_ref().is_none_or(|expected| expected == purpose)
    }

    /// Whether this is the code, compared in constant time.
    pub fn matches(&self, code: &CodeMac) -> bool {
        let same = |guess: &&CodeMac| guess.key == code.key;
        self.forms.iter().find(same).is_some_and(|guess| guess.mac.ct_eq(&code.mac).into())
    }

    /// The forms, for a store that compares elsewhere.
    pub fn forms(&self) -> &[CodeMac] {
        &self.forms
    }

    /// The recipient that is expected, under every key; `None` when anyone is.
    pub fn recipients(&self) -> Option<&[RecipientHash]> {
        self.recipients.as_deref()
    }

    /// The purpose that is expected; `None` when any is.
    pub fn purpose(&self) -> Option<&Purpose> {
        self.purpose.as_ref()
    }
}
