//! Records to put into a store, and the words to talk about them.

use std::time::{Duration, SystemTime};

use otpmux_core::{
    Channel, Code, ErrorKind, IdempotencyKey, OsEntropy, ProviderId, Purpose, Recipient,
    VendorReference, Verdict,
};
use otpmux_engine::{
    Attempt, BeginLeg, Choice, Create, Created, Guess, Leg, LegEnd, LegState, Record, ServerKeys,
    Settle, State, VerificationId, VerificationStore,
};

pub(super) const CODE: &str = "004217";
pub(super) const WRONG: &str = "004218";

pub(super) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

pub(super) fn after(seconds: u64) -> SystemTime {
    now() + Duration::from_secs(seconds)
}

pub(super) fn keys() -> ServerKeys {
    ServerKeys::new(&[("suite".to_owned(), "k".repeat(32).into())]).expect("a key ring")
}

pub(super) fn code(text: &str) -> Code {
    text.parse().expect("a code")
}

/// The code of every record here, or another, as typed for a verification.
pub(super) fn guess(id: VerificationId, text: &str) -> Guess {
    keys().guess(id, &code(text))
}

/// A pending verification of one recipient and purpose, whose one leg carries our code and was
/// accepted. Expires after 300 seconds, may be sent again after 30.
pub(super) fn record(number: u32) -> Record {
    let id = VerificationId::generate(&OsEntropy).expect("randomness");
    let to: Recipient = format!("+9198765{number:05}").parse().expect("a number");
    let purpose = Purpose::new("login").expect("a purpose");
    let sealed = keys().seal(id, &purpose, b"what a resend needs", &OsEntropy);
    Record {
        id,
        recipient: keys().hash(&to),
        purpose,
        state: State::Pending,
        code: Some(keys().sign(id, &code(CODE))),
        code_length: Some(6),
        expires_at: after(300),
        attempts: 0,
        max_attempts: 5,
        resends: 0,
        resend_after: after(30),
        sealed: sealed.expect("randomness"),
        legs: vec![leg("primary", true, LegState::Accepted)],
        skips: Vec::new(),
        request: None,
    }
}

/// The same, but its one leg left the code to the vendor.
pub(super) fn vendor_record(number: u32) -> Record {
    let legs = vec![leg("vendor", false, LegState::Accepted)];
    Record { code: None, code_length: None, legs, ..record(number) }
}

pub(super) fn leg(provider: &str, supplied: bool, state: LegState) -> Leg {
    Leg {
        provider: ProviderId::new(provider).expect("a name"),
        why: Choice::Preferred,
        channel: Channel::Sms,
        supplied,
        key: IdempotencyKey::generate(&OsEntropy).expect("randomness"),
        state,
        failure: (state == LegState::Refused).then_some(ErrorKind::RateLimited),
        reference: Some(VendorReference::new(format!("{provider}-reference"))),
    }
}

/// A further leg by our code, and nothing else.
pub(super) fn begin(provider: &str) -> BeginLeg {
    BeginLeg {
        ends: Vec::new(),
        skips: Vec::new(),
        news: Vec::new(),
        leg: leg(provider, true, LegState::Intended),
        resend: None,
        charges: Vec::new(),
    }
}

/// The end of one leg, and nothing else.
pub(super) fn end(leg: usize, state: LegState) -> LegEnd {
    let failure = (state == LegState::Refused).then_some(ErrorKind::Unavailable);
    LegEnd { leg, state, failure, reference: None }
}

pub(super) fn settle(end: LegEnd) -> Settle {
    Settle { ends: vec![end], ..Settle::default() }
}

/// Creates a record and gives its id.
pub(super) async fn put(store: &dyn VerificationStore, record: Record) -> VerificationId {
    let id = record.id;
    let create = Create { record, charges: Vec::new() };
    let created = store.create(create, now()).await.expect("room");
    assert!(matches!(created, Created::New(_)), "{created:?}");
    id
}

pub(super) async fn read(store: &dyn VerificationStore, id: VerificationId) -> Record {
    store.load(id, now()).await.expect("a store that works").expect("a record")
}

/// Tries a code at the time of creation.
pub(super) async fn try_code(
    store: &dyn VerificationStore,
    id: VerificationId,
    text: &str,
) -> &'static str {
    try_code_at(store, id, text, now()).await
}

pub(super) async fn try_code_at(
    store: &dyn VerificationStore,
    id: VerificationId,
    text: &str,
    at: SystemTime,
) -> &'static str {
    match store.attempt(id, &guess(id, text), at).await.expect("a store that works") {
        Attempt::Verdict(verdict) => verdict.as_str(),
        Attempt::AskVendors(_) => "ask_vendors",
    }
}

pub(super) async fn approve(store: &dyn VerificationStore, id: VerificationId) -> Verdict {
    store.approve(id, now()).await.expect("a store that works")
}
