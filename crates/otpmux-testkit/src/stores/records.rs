//! Records for the trials, and helpers for them.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use otpmux_core::{
    Channel, Code, ErrorKind, IdempotencyKey, OsEntropy, ProviderId, Purpose, RateLimit, Recipient,
    VendorReference, Verdict,
};
use otpmux_engine::{
    AttemptEnd, AttemptState, Choice, Create, Created, Guess, Guessed, LimitHit, LimitKey,
    LimitScope, Record, RecordOutcome, SendAttempt, ServerKeys, StartAttempt, State,
    VerificationId, VerificationStore,
};

pub(super) const CODE: &str = "004217";
pub(super) const WRONG: &str = "004218";

pub(super) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

pub(super) fn after(seconds: u64) -> SystemTime {
    now() + Duration::from_secs(seconds)
}

/// Returns the time this many milliseconds after the creation.
pub(super) fn after_ms(milliseconds: u64) -> SystemTime {
    now() + Duration::from_millis(milliseconds)
}

pub(super) fn keys() -> &'static ServerKeys {
    static KEYS: LazyLock<ServerKeys> = LazyLock::new(|| {
        ServerKeys::new(&[("suite".to_owned(), "k".repeat(43).into())]).expect("a key ring")
    });
    &KEYS
}

pub(super) fn recipient(number: u32) -> Recipient {
    format!("+9198765{number:05}").parse().expect("a number")
}

pub(super) fn purpose(name: &str) -> Purpose {
    Purpose::new(name).expect("a purpose")
}

/// Returns a hit of a key in windows of this many in this many seconds.
pub(super) fn limit_hit(key: LimitKey, windows: &[(u32, u64)]) -> LimitHit {
    let window = |(count, seconds): &(u32, u64)| window(*count, *seconds);
    LimitHit { key, windows: windows.iter().map(window).collect() }
}

pub(super) const fn window(count: u32, seconds: u64) -> RateLimit {
    RateLimit::new(count, Duration::from_secs(seconds))
}

/// 128-bit values that a store might handle wrongly, and each that differs from zero in only one
/// byte.
pub(super) fn awkward_bits() -> Vec<[u8; 16]> {
    let mut all = vec![[0; 16], [0xff; 16], *b"a:b{c}d\n\r*?[]'\"\\"];
    for place in 0..16 {
        let mut bits = [0; 16];
        bits[place] = 1;
        all.push(bits);
    }
    all
}

/// Returns a key of a scope; different for each number.
pub(super) fn limit(scope: LimitScope, number: u32) -> LimitKey {
    LimitKey { scope, hash: keys().tag("limit", &number.to_be_bytes()) }
}

pub(super) fn code(text: &str) -> Code {
    text.parse().expect("a code")
}

/// Returns a guess for a verification: the code of every record here, or another one.
pub(super) fn guess(id: VerificationId, text: &str) -> Guess {
    keys().guess(id, &code(text))
}

/// A pending verification of one recipient and purpose, whose only send attempt carries a code of
/// otpmux and was accepted. Expires after 300 seconds; a resend is possible after 30.
pub(super) fn record(number: u32) -> Record {
    let id = VerificationId::generate(&OsEntropy).expect("randomness");
    let purpose = purpose("login");
    let sealed = keys().seal(id, &purpose, b"what a resend needs", &OsEntropy);
    signed(Record {
        id,
        recipient: keys().hash(&recipient(number)),
        purpose,
        external: None,
        state: State::Pending,
        supersedes: None,
        code: None,
        code_length: Some(6),
        expires_at: after(300),
        guesses: 0,
        max_guesses: 5,
        resends: 0,
        resend_after: after(30),
        due_at: None,
        due_after_end: None,
        escalations: 0,
        sealed: sealed.expect("randomness"),
        send_attempts: vec![attempt("primary", true, AttemptState::Accepted)],
        skips: Vec::new(),
        request: None,
        events: None,
    })
}

/// Signs the code of a record, for its recipient, purpose and external id.
pub(super) fn signed(record: Record) -> Record {
    Record { code: Some(keys().sign(&record, &code(CODE))), ..record }
}

/// As `record`, but the vendor generated the code of its only send attempt.
pub(super) fn vendor_record(number: u32) -> Record {
    let send_attempts = vec![attempt("vendor", false, AttemptState::Accepted)];
    Record { code: None, code_length: None, send_attempts, ..record(number) }
}

pub(super) fn attempt(provider: &str, otpmux_code: bool, state: AttemptState) -> SendAttempt {
    SendAttempt {
        provider: ProviderId::new(provider).expect("a name"),
        reason: Choice::Preferred,
        channel: Channel::Sms,
        otpmux_code,
        key: IdempotencyKey::generate(&OsEntropy).expect("randomness"),
        ends_at: after(20),
        state,
        failure: (state == AttemptState::Rejected).then_some(ErrorKind::RateLimited),
        reference: Some(VendorReference::new(format!("{provider}-reference"))),
        vendor: None,
        delivery: None,
    }
}

/// A further send attempt with a code of otpmux, and nothing else.
pub(super) fn begin(provider: &str) -> StartAttempt {
    StartAttempt {
        ends: Vec::new(),
        skips: Vec::new(),
        health_updates: Vec::new(),
        attempt: attempt(provider, true, AttemptState::Intended),
        resend: None,
        escalation: None,
        limit_hits: Vec::new(),
        facts: None,
    }
}

/// The end of one send attempt, and nothing else.
pub(super) fn end(attempt: usize, state: AttemptState) -> AttemptEnd {
    let failure = (state == AttemptState::Rejected).then_some(ErrorKind::Unavailable);
    AttemptEnd { attempt, state, failure, reference: None, vendor: None, found_by: None }
}

pub(super) fn record_outcome(end: AttemptEnd) -> RecordOutcome {
    RecordOutcome { ends: vec![end], ..RecordOutcome::default() }
}

/// Returns the external id of a record, under the only key.
pub(super) fn external_of(record: &Record) -> Vec<[u8; 16]> {
    record.external.into_iter().collect()
}

/// Creates a record and returns its id.
pub(super) async fn put(store: &dyn VerificationStore, record: Record) -> VerificationId {
    let id = record.id;
    let create =
        Create { external: external_of(&record), record, limit_hits: Vec::new(), repeat: false };
    let created = store.create(create, now()).await.expect("room");
    assert!(matches!(created, Created::New(_)), "{created:?}");
    id
}

pub(super) async fn read(store: &dyn VerificationStore, id: VerificationId) -> Record {
    store.load(id, now()).await.expect("a store that works").expect("a record")
}

/// Makes a guess at the time of creation.
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
    match store.check_guess(&guess(id, text), at).await.expect("a store that works") {
        Guessed::Verdict { verdict, .. } => verdict.as_str(),
        Guessed::AskVendors(_) => "ask_vendors",
        Guessed::KeyReused => "key_reused",
    }
}

pub(super) async fn approve(store: &dyn VerificationStore, id: VerificationId) -> Verdict {
    store.approve(id, &guess(id, CODE), now()).await.expect("a store that works")
}
