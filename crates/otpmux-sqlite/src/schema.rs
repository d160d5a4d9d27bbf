//! The schema of the file.

/// Application id that marks a database of otpmux: `otpm`.
pub(crate) const APPLICATION: i32 = 0x6f74_706d;

/// The version of the tables below; it rises by one with each change to them. A file of another
/// version is refused, and so is one of this version with other tables.
pub(crate) const VERSION: i32 = 7;

/// Times are milliseconds since 1970.
///
/// Records and counters have row numbers, so that new rows go to the end of their tables: by their
/// random ids and keys, each row of a batch would change a different page.
///
/// Invariant: the hits of a counter are numbered without a gap, the newest highest, so the hit that
/// is `count` back is found in one step.
pub(crate) const TABLES: &str = "
CREATE TABLE records (
  number INTEGER PRIMARY KEY,
  id BLOB NOT NULL UNIQUE,
  recipient BLOB NOT NULL,
  purpose TEXT NOT NULL,
  state INTEGER NOT NULL, -- 0 pending, 1 approved, 2 closed, 3 superseded, 4 never created
  newest INTEGER, -- 1: none of its recipient and purpose has taken its place
  supersedes BLOB, -- the id of the one whose place it took
  external BLOB, -- a keyed hash of the caller's own id
  code_key TEXT,
  code_by_id BLOB,
  code_by_recipient BLOB,
  code_by_external BLOB,
  code_length INTEGER,
  expires_at INTEGER NOT NULL,
  kept_until INTEGER NOT NULL,
  guesses INTEGER NOT NULL,
  max_guesses INTEGER NOT NULL,
  resends INTEGER NOT NULL,
  resend_after INTEGER NOT NULL,
  due_at INTEGER, -- when a process must look at it
  due_after_end INTEGER, -- what due_at becomes without a step of escalation
  escalations INTEGER, -- steps of escalation that began or were passed over, unless 0
  sealed_key TEXT NOT NULL,
  sealed BLOB NOT NULL,
  request_name BLOB,
  request_content BLOB,
  send_attempts TEXT NOT NULL, -- JSON
  skips TEXT NOT NULL, -- JSON
  events TEXT -- JSON: which endpoints get which events, and what these say
) STRICT;
CREATE INDEX records_newest ON records (recipient, purpose) WHERE newest = 1;
CREATE INDEX records_named ON records (request_name) WHERE request_name IS NOT NULL;
CREATE INDEX records_external ON records (external) WHERE external IS NOT NULL;
CREATE INDEX records_due ON records (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX records_end ON records (kept_until);

CREATE TABLE guesses (
  name BLOB PRIMARY KEY, -- a keyed hash of the idempotency key
  record INTEGER NOT NULL,
  content BLOB NOT NULL,
  state INTEGER NOT NULL, -- 0 asking, 1 wrong, 2 approved
  number INTEGER NOT NULL, -- calls of one that asks, guesses left of a wrong one
  counted_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX guesses_record ON guesses (record);

CREATE TABLE attempt_references (
  tag BLOB PRIMARY KEY, -- a keyed hash of a vendor's reference
  record INTEGER NOT NULL,
  place INTEGER NOT NULL -- the index of the send attempt
) STRICT, WITHOUT ROWID;
CREATE INDEX attempt_references_record ON attempt_references (record);

CREATE TABLE early_receipts (
  tag BLOB PRIMARY KEY, -- a keyed hash of a reference that no send attempt has yet
  mark INTEGER NOT NULL,
  ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX early_receipts_end ON early_receipts (ends_at);

CREATE TABLE counters (
  number INTEGER PRIMARY KEY,
  key BLOB NOT NULL UNIQUE, -- the scope in one byte, then the hash
  longest INTEGER NOT NULL, -- its longest window
  turn_at INTEGER NOT NULL -- from when on its oldest hits may count nowhere
) STRICT;
CREATE INDEX counters_turn ON counters (turn_at);

CREATE TABLE hits (
  counter INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (counter, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE health_updates (
  provider TEXT NOT NULL,
  process TEXT NOT NULL, -- 16 hexadecimal digits
  at INTEGER NOT NULL,
  health_update TEXT NOT NULL, -- JSON
  PRIMARY KEY (provider, process)
) STRICT, WITHOUT ROWID;

CREATE TABLE server_keys (
  id TEXT PRIMARY KEY,
  value BLOB NOT NULL -- a keyed hash of a constant
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
  endpoint TEXT NOT NULL,
  id TEXT NOT NULL, -- of the event
  at INTEGER NOT NULL,
  facts TEXT NOT NULL,
  reason TEXT,
  tries INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  PRIMARY KEY (endpoint, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_due ON outbox (endpoint, due_at, id);
CREATE INDEX outbox_at ON outbox (endpoint, at, id);

CREATE TABLE endpoints (
  name TEXT PRIMARY KEY,
  state TEXT NOT NULL, -- on, paused, off
  failing_since INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE held_events (
  key BLOB PRIMARY KEY, -- of events that are written once
  ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX held_events_end ON held_events (ends_at);

CREATE TABLE probe (
  number INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  times INTEGER NOT NULL
) STRICT;
";

/// Returns the statements that create [`TABLES`], in the form in which SQLite stores them.
pub(crate) fn statements() -> impl Iterator<Item = &'static str> {
    TABLES.split(';').map(str::trim).filter(|statement| !statement.is_empty())
}
