//! Parts of tests of stores that several processes share over a server: records that a test puts
//! together, every operation at once, and tests that each such store must pass with two processes,
//! with wrong clocks, and when its server is out of reach.
#![expect(clippy::expect_used, reason = "a test that cannot be set up must fail")]
#![expect(clippy::missing_panics_doc, reason = "each function panics where its test fails")]

pub mod clocks;
pub mod escalation;
pub mod outage;
pub mod processes;

use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use otpmux_core::{
    Capabilities, Channel, Clock, Code, Delivery, Error, ErrorKind, IdempotencyKey, OsEntropy,
    ProviderId, Purpose, Recipient, SystemClock, Verdict,
};
use otpmux_engine::{
    AttemptEnd, AttemptState, Choice, Create, DeliveryMark, Guess, GuessEnd, Guessed,
    MessageLimits, OtpClient, Policy, ReceiptOf, Record, RecordOutcome, SendAttempt, ServerKeys,
    StartAttempt, State, VerificationId, VerificationStore,
};

use crate::ScriptedProvider;

/// The code of every [`record`].
pub const CODE: &str = "004217";
/// Another code.
pub const WRONG: &str = "004218";

/// The time of the machine.
pub fn now() -> SystemTime {
    SystemClock.now()
}

/// The server keys of all processes.
pub fn keys() -> &'static ServerKeys {
    static KEYS: LazyLock<ServerKeys> = LazyLock::new(|| {
        ServerKeys::new(&[("test".to_owned(), "k".repeat(43).into())]).expect("a key ring")
    });
    &KEYS
}

/// A different number for each recipient.
pub fn recipient(number: u32) -> Recipient {
    format!("+9198{:08}", 76_500_000 + number).parse().expect("a number")
}

/// A code from its digits.
pub fn code(text: &str) -> Code {
    text.parse().expect("a code")
}

/// A guess at a verification, under [`keys`].
pub fn guess(id: VerificationId, text: &str) -> Guess {
    keys().guess(id, &code(text))
}

/// A pending verification for five minutes, whose only send attempt carries [`CODE`] and was
/// accepted.
pub fn record(number: u32) -> Record {
    let id = VerificationId::generate(&OsEntropy).expect("randomness");
    let purpose = Purpose::new("login").expect("a purpose");
    let sealed = keys().seal(id, &purpose, b"what a resend needs", &OsEntropy);
    let mut record = Record {
        id,
        recipient: keys().hash(&recipient(number)),
        purpose,
        external: None,
        state: State::Pending,
        supersedes: None,
        code: None,
        code_length: Some(6),
        expires_at: now() + Duration::from_mins(5),
        guesses: 0,
        max_guesses: 5,
        resends: 0,
        resend_after: now(),
        due_at: None,
        due_after_end: None,
        escalations: 0,
        sealed: sealed.expect("randomness"),
        send_attempts: vec![attempt(AttemptState::Accepted)],
        skips: Vec::new(),
        request: None,
        events: None,
    };
    record.code = Some(keys().sign(&record, &code(CODE)));
    record
}

/// A send attempt that carries a code of otpmux.
pub fn attempt(state: AttemptState) -> SendAttempt {
    SendAttempt {
        provider: ProviderId::new("primary").expect("a name"),
        reason: Choice::Preferred,
        channel: Channel::Sms,
        otpmux_code: true,
        key: IdempotencyKey::generate(&OsEntropy).expect("randomness"),
        ends_at: now() + Duration::from_secs(20),
        state,
        failure: None,
        reference: None,
        vendor: None,
        delivery: None,
    }
}

/// The creation of a record, without limits.
pub fn create(record: Record) -> Create {
    Create {
        external: record.external.into_iter().collect(),
        record,
        limit_hits: Vec::new(),
        repeat: false,
    }
}

/// A further send attempt.
pub fn begin() -> StartAttempt {
    StartAttempt {
        ends: Vec::new(),
        skips: Vec::new(),
        health_updates: Vec::new(),
        attempt: attempt(AttemptState::Intended),
        resend: None,
        escalation: None,
        limit_hits: Vec::new(),
        facts: None,
    }
}

/// The outcome of the first send attempt.
pub fn record_outcome(state: AttemptState) -> RecordOutcome {
    let end = AttemptEnd {
        attempt: 0,
        state,
        failure: None,
        reference: None,
        vendor: None,
        found_by: None,
    };
    RecordOutcome { ends: vec![end], ..RecordOutcome::default() }
}

/// Creates a record and returns its id.
pub async fn put(store: &dyn VerificationStore, record: Record) -> VerificationId {
    let id = record.id;
    store.create(create(record), now()).await.expect("a store that works");
    id
}

/// Returns the result of each operation, by its name.
pub async fn every_operation(
    store: &dyn VerificationStore,
    id: VerificationId,
) -> Vec<(&'static str, Result<String, Error>)> {
    let word = |guessed| match guessed {
        Guessed::Verdict { verdict, .. } => verdict.as_str().to_owned(),
        Guessed::AskVendors(_) => "ask_vendors".to_owned(),
        Guessed::KeyReused => "key_reused".to_owned(),
    };
    let (begin, record_outcome) = (begin(), record_outcome(AttemptState::Accepted));
    let attempt = ReceiptOf::Attempt { id, place: 0 };
    let sent = DeliveryMark::new(Delivery::Sent, now(), false);
    vec![
        ("create", store.create(create(record(99)), now()).await.map(|it| format!("{it:?}"))),
        ("start_attempt", store.start_attempt(id, begin, now()).await.map(|it| format!("{it:?}"))),
        (
            "record_outcome",
            store.record_outcome(id, record_outcome, now()).await.map(|it| format!("{it:?}")),
        ),
        ("check_guess", store.check_guess(&guess(id, CODE), now()).await.map(word)),
        (
            "approve",
            store.approve(id, &guess(id, CODE), now()).await.map(|it| it.as_str().to_owned()),
        ),
        (
            "end_guess",
            store
                .end_guess(id, &guess(id, CODE), GuessEnd::NotCompared, now())
                .await
                .map(|()| String::new()),
        ),
        ("receive", store.receive(attempt, sent, now()).await.map(|it| format!("{it:?}"))),
        ("cancel", store.cancel(id, now()).await.map(|it| it.to_string())),
        ("load", store.load(id, now()).await.map(|it| format!("{it:?}"))),
        ("health", store.health(now()).await.map(|it| format!("{it:?}"))),
    ]
}

/// Checks that each operation was an error of the store, with this text.
#[track_caller]
pub fn assert_all_fail(outcomes: Vec<(&'static str, Result<String, Error>)>, words: &str) {
    for (name, outcome) in outcomes {
        let error = outcome.expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Store, "{name}: {error}");
        assert!(error.detail().contains(words), "{name}: {error}");
    }
}

/// The verdict on a code; `Rejected` if vendors would be asked.
pub async fn verdict(store: &dyn VerificationStore, id: VerificationId, text: &str) -> Verdict {
    match store.check_guess(&guess(id, text), now()).await.expect("a store that works") {
        Guessed::Verdict { verdict, .. } => verdict,
        Guessed::AskVendors(_) | Guessed::KeyReused => Verdict::Rejected,
    }
}

/// Returns a provider that accepts codes that otpmux generated, by SMS and e-mail.
pub fn provider(name: &str) -> Arc<ScriptedProvider> {
    let capabilities = Capabilities::new([Channel::Sms, Channel::Email]);
    Arc::new(ScriptedProvider::new(name, capabilities.with_otpmux_codes(4..=10)))
}

/// Returns a client over these providers, without limits unless `change` sets some.
pub fn client(
    store: Arc<dyn VerificationStore>,
    providers: &[&Arc<ScriptedProvider>],
    change: impl FnOnce(&mut Policy),
) -> OtpClient {
    let mut policy = Policy::default();
    policy.limits = MessageLimits::none();
    change(&mut policy);
    let builder = OtpClient::builder().store(store, keys().clone()).policy(policy);
    let builder = providers.iter().fold(builder, |builder, it| builder.provider(it.port()));
    builder.build().expect("a client")
}
