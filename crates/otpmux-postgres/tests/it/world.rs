//! Shared parts of these tests: stores, records, and helpers.

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
use otpmux_postgres::{Options, PostgresStore};
use otpmux_testkit::{PostgresServer, ScriptedProvider};

pub(crate) const CODE: &str = "004217";
pub(crate) const WRONG: &str = "004218";

/// Returns a store on a server, in the schema `test`.
pub(crate) fn store(server: &PostgresServer) -> Arc<PostgresStore> {
    store_at(&server.url(), "test")
}

pub(crate) fn store_at(url: &str, schema: &str) -> Arc<PostgresStore> {
    // A busy machine is no fault of the server.
    let options = Options::default()
        .with_schema(schema)
        .with_connect_timeout(LIMIT)
        .with_answer_timeout(LIMIT);
    Arc::new(PostgresStore::connect(url, options).expect("options that can be"))
}

/// Returns a store whose calls end soon.
pub(crate) fn impatient(url: &str) -> Arc<PostgresStore> {
    let options = Options::default()
        .with_schema("test")
        .with_connect_timeout(Duration::from_millis(300))
        .with_answer_timeout(Duration::from_millis(500));
    Arc::new(PostgresStore::connect(url, options).expect("options that can be"))
}

/// The longest that a call of an impatient store may take, on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn now() -> SystemTime {
    SystemClock.now()
}

pub(crate) fn keys() -> &'static ServerKeys {
    static KEYS: LazyLock<ServerKeys> = LazyLock::new(|| {
        ServerKeys::new(&[("test".to_owned(), "k".repeat(43).into())]).expect("a key ring")
    });
    &KEYS
}

pub(crate) fn recipient(number: u32) -> Recipient {
    format!("+9198{:08}", 76_500_000 + number).parse().expect("a number")
}

pub(crate) fn code(text: &str) -> Code {
    text.parse().expect("a code")
}

pub(crate) fn guess(id: VerificationId, text: &str) -> Guess {
    keys().guess(id, &code(text))
}

/// A pending verification for five minutes, whose only send attempt carries [`CODE`] and was
/// accepted.
pub(crate) fn record(number: u32) -> Record {
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
        sealed: sealed.expect("randomness"),
        send_attempts: vec![attempt(AttemptState::Accepted)],
        skips: Vec::new(),
        request: None,
    };
    record.code = Some(keys().sign(&record, &code(CODE)));
    record
}

pub(crate) fn attempt(state: AttemptState) -> SendAttempt {
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

pub(crate) fn create(record: Record) -> Create {
    Create {
        external: record.external.into_iter().collect(),
        record,
        limit_hits: Vec::new(),
        repeat: false,
    }
}

pub(crate) fn begin() -> StartAttempt {
    StartAttempt {
        ends: Vec::new(),
        skips: Vec::new(),
        health_updates: Vec::new(),
        attempt: attempt(AttemptState::Intended),
        resend: None,
        limit_hits: Vec::new(),
    }
}

pub(crate) fn record_outcome(state: AttemptState) -> RecordOutcome {
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
pub(crate) async fn put(store: &PostgresStore, record: Record) -> VerificationId {
    let id = record.id;
    store.create(create(record), now()).await.expect("a store that works");
    id
}

/// Returns the result of each operation, by its name.
pub(crate) async fn every_operation(
    store: &PostgresStore,
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
pub(crate) fn assert_all_fail(outcomes: Vec<(&'static str, Result<String, Error>)>, words: &str) {
    for (name, outcome) in outcomes {
        let error = outcome.expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Store, "{name}: {error}");
        assert!(error.detail().contains(words), "{name}: {error}");
    }
}

pub(crate) async fn verdict(store: &PostgresStore, id: VerificationId, text: &str) -> Verdict {
    match store.check_guess(&guess(id, text), now()).await.expect("a store that works") {
        Guessed::Verdict { verdict, .. } => verdict,
        Guessed::AskVendors(_) | Guessed::KeyReused => Verdict::Rejected,
    }
}

/// Returns a provider that accepts codes that otpmux generated, by SMS and e-mail.
pub(crate) fn provider(name: &str) -> Arc<ScriptedProvider> {
    let capabilities = Capabilities::new([Channel::Sms, Channel::Email]);
    Arc::new(ScriptedProvider::new(name, capabilities.with_otpmux_codes(4..=10)))
}

/// Returns a client over these providers, without limits unless `change` sets some.
pub(crate) fn client(
    store: &Arc<PostgresStore>,
    providers: &[&Arc<ScriptedProvider>],
    change: impl FnOnce(&mut Policy),
) -> OtpClient {
    let mut policy = Policy::default();
    policy.limits = MessageLimits::none();
    change(&mut policy);
    let builder = OtpClient::builder()
        .store(Arc::<PostgresStore>::clone(store), keys().clone())
        .policy(policy);
    let builder = providers.iter().fold(builder, |builder, it| builder.provider(it.port()));
    builder.build().expect("a client")
}

/// Checks a guess.
pub(crate) async fn check(store: &PostgresStore, guess: &Guess) -> Result<Guessed, Error> {
    store.check_guess(guess, now()).await
}

/// Returns the key of a limit as the table `limits` holds it, in hexadecimal digits.
pub(crate) fn limit_key_hex(key: &otpmux_engine::LimitKey) -> String {
    assert_eq!(key.scope, otpmux_engine::LimitScope::Global, "scopes have other numbers");
    let digits = |byte: &u8| format!("{byte:02x}");
    std::iter::once("06".to_owned()).chain(key.hash.iter().map(digits)).collect()
}

/// Returns the form of a guess's idempotency key at rest.
pub(crate) fn guess_name(
    keys: &ServerKeys,
    id: VerificationId,
    name: &str,
    code: &Code,
) -> otpmux_engine::GuessName {
    keys.guess_name(&id.into(), name, code)
}
