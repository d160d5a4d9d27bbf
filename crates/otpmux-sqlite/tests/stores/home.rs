//! Files of a trial's own, and the words to talk about verifications in them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use otpmux_core::{Channel, IdempotencyKey, OsEntropy, ProviderId, Purpose, RateLimit, Recipient};
use otpmux_engine::{
    AttemptState, Choice, Create, Created, Guessed, LimitHit, LimitKey, LimitScope, Record,
    SendAttempt, ServerKeys, State, VerificationId, VerificationStore,
};
use otpmux_sqlite::{Durability, Options, SqliteStore};
use rusqlite::Connection;
use tempfile::TempDir;

pub(crate) const CODE: &str = "004217";
pub(crate) const WRONG: &str = "004218";

/// A new directory, removed with its content.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn within(root: &Path) -> Self {
        Self(TempDir::new_in(root).unwrap())
    }

    pub(crate) fn dir(&self) -> &Path {
        self.0.path()
    }

    /// Where its database is.
    pub(crate) fn file(&self) -> PathBuf {
        self.dir().join("otpmux.db")
    }

    /// Its database, which goes with the directory around it.
    pub(crate) fn keep(self) -> PathBuf {
        self.0.keep().join("otpmux.db")
    }

    pub(crate) fn open(&self) -> SqliteStore {
        SqliteStore::open(self.file(), Options::default()).unwrap()
    }

    /// A look at the file beside the store.
    pub(crate) fn look(&self) -> Connection {
        Connection::open(self.file()).unwrap()
    }

    /// How many rows a table has.
    pub(crate) fn rows(&self, table: &str) -> u32 {
        let sql = format!("SELECT count(*) FROM {table}");
        self.look().query_row(&sql, [], |row| row.get(0)).unwrap()
    }

    pub(crate) fn assert_whole(&self) {
        let check = |row: &rusqlite::Row<'_>| row.get(0);
        let told: String = self.look().query_row("PRAGMA integrity_check", [], check).unwrap();
        assert_eq!(told, "ok");
    }
}

/// For trials whose subject is not the loss of power.
pub(crate) fn quick() -> Options {
    Options::default().with_durability(Durability::Process)
}

pub(crate) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

pub(crate) fn after(seconds: u64) -> SystemTime {
    now() + Duration::from_secs(seconds)
}

/// Derived once: that takes longer than all that is done with them.
pub(crate) fn keys() -> &'static ServerKeys {
    static KEYS: LazyLock<ServerKeys> =
        LazyLock::new(|| ServerKeys::new(&[("test".to_owned(), "k".repeat(43).into())]).unwrap());
    &KEYS
}

/// A pending verification whose code is out; good for 300 seconds.
pub(crate) fn record(number: u32) -> Record {
    let id = VerificationId::generate(&OsEntropy).unwrap();
    let to: Recipient = format!("+9198{number:08}").parse().unwrap();
    let purpose = Purpose::new("login").unwrap();
    let sealed = keys().seal(id, &purpose, b"what a resend needs", &OsEntropy).unwrap();
    let attempt = SendAttempt {
        provider: ProviderId::new("primary").unwrap(),
        reason: Choice::Preferred,
        channel: Channel::Sms,
        otpmux_code: true,
        key: IdempotencyKey::generate(&OsEntropy).unwrap(),
        ends_at: SystemTime::UNIX_EPOCH,
        state: AttemptState::Accepted,
        failure: None,
        reference: None,
        vendor: None,
        delivery: None,
    };
    let mut record = Record {
        id,
        recipient: keys().hash(&to),
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
        sealed,
        send_attempts: vec![attempt],
        skips: Vec::new(),
        request: None,
        events: None,
    };
    record.code = Some(keys().sign(&record, &CODE.parse().unwrap()));
    record
}

pub(crate) fn create(record: Record) -> Create {
    Create { record, external: Vec::new(), limit_hits: Vec::new(), repeat: false }
}

/// One hit of all messages together, which leaves room for a million in an hour.
pub(crate) fn counted(record: Record) -> Create {
    let key = LimitKey { scope: LimitScope::Global, hash: [7; 16] };
    let windows = Arc::new([RateLimit::new(1_000_000, Duration::from_hours(1))]);
    Create {
        record,
        external: Vec::new(),
        limit_hits: vec![LimitHit { key, windows }],
        repeat: false,
    }
}

/// Writes one down and gives its id.
pub(crate) async fn put(store: &SqliteStore, record: Record) -> VerificationId {
    let id = record.id;
    let created = store.create(create(record), now()).await.unwrap();
    assert!(matches!(created, Created::New(_)), "{created:?}");
    id
}

/// Tries a code at the time at which all begins; the word for what came of it.
pub(crate) async fn guess(
    store: &SqliteStore,
    id: VerificationId,
    text: &str,
) -> Result<&'static str, otpmux_core::Error> {
    let guess = keys().guess(id, &text.parse().unwrap());
    Ok(match store.check_guess(&guess, now()).await? {
        Guessed::Verdict { verdict, .. } => verdict.as_str(),
        Guessed::AskVendors(_) => "ask_vendors",
        Guessed::KeyReused => panic!("no guess has a name"),
    })
}

pub(crate) async fn read(store: &SqliteStore, id: VerificationId) -> Record {
    store.load(id, now()).await.unwrap().unwrap()
}
