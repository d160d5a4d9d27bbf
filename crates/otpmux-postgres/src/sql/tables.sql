-- The tables. Times are milliseconds since 1970. Texts are bytes, since a text of PostgreSQL holds
-- no zero character.
--
-- A change of a table only adds, so that the functions of earlier versions go on working.

-- One row: the newest version that has been here, and the oldest that can work with these tables.
CREATE TABLE versions (newest integer NOT NULL, oldest integer NOT NULL);

-- Invariant: the arrays of a record have one element for each send attempt, oldest first, and
-- `attempt_states` one letter: the first letter of its state, in upper case if it carries otpmux's
-- code.
CREATE TABLE records (
  id bytea PRIMARY KEY,
  recipient bytea NOT NULL,
  purpose bytea NOT NULL,
  state text NOT NULL, -- p pending, a approved, s superseded, c closed, g given up: never created
  ends_at bigint NOT NULL, -- from then on it does not exist
  expires_at bigint NOT NULL,
  guesses bigint NOT NULL,
  max_guesses bigint NOT NULL,
  resends bigint NOT NULL,
  resend_after bigint NOT NULL,
  due_at bigint, -- when a process must look at it
  due_after_end bigint, -- what due_at becomes without a step of escalation
  escalations bigint, -- steps of escalation that began or were passed over, unless 0
  events text, -- JSON: which endpoints get which events, and what these say
  supersedes bytea, -- the id of the one whose place it took
  code_key bytea,
  code_by_id bytea,
  code_by_recipient bytea,
  code_by_external bytea,
  external_id bytea, -- a keyed hash, bound to the purpose
  request_name bytea,
  request_content bytea,
  rest bytea NOT NULL, -- what no function reads
  attempt_states text NOT NULL,
  attempt_keys bytea[] NOT NULL,
  attempt_forms bytea[] NOT NULL, -- what no function reads
  failures text[] NOT NULL,
  vendor_references bytea[] NOT NULL,
  vendor_terms text[] NOT NULL,
  deliveries bigint[] NOT NULL, -- a larger number is a stronger mark
  skips bytea NOT NULL -- one line each
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX records_end ON records (ends_at);
CREATE INDEX records_due ON records (due_at, id) WHERE due_at IS NOT NULL;

-- The newest verification of a recipient, in any spelling, and purpose.
CREATE TABLE live (
  key bytea PRIMARY KEY,
  id bytea NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

-- The verification that a request with an idempotency key made.
CREATE TABLE requests (
  name bytea PRIMARY KEY,
  id bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- The newest verification with an external id.
CREATE TABLE externals (
  tag bytea PRIMARY KEY,
  id bytea NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- The guesses with an idempotency key, each at one record.
CREATE TABLE guesses (
  name bytea PRIMARY KEY,
  record bytea NOT NULL,
  content bytea NOT NULL,
  state text NOT NULL, -- p asking, w wrong, a approved
  number bigint NOT NULL, -- calls of one that asks, guesses left of a wrong one
  counted_at bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX guesses_record ON guesses (record);

CREATE TABLE attempt_references (
  tag bytea PRIMARY KEY, -- a keyed hash of a vendor's reference
  record bytea NOT NULL,
  place integer NOT NULL -- the index of the send attempt
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX attempt_references_record ON attempt_references (record);

-- The strongest mark of receipts whose reference may still come.
CREATE TABLE early_receipts (
  tag bytea PRIMARY KEY,
  mark bigint NOT NULL,
  ends_at bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX early_receipts_end ON early_receipts (ends_at);

-- The hits of one key, newest first, as many as the largest count among its windows. A key with a
-- larger count than an array should hold has them in the table `hits`, and the number of its
-- newest one here.
CREATE TABLE limits (
  key bytea PRIMARY KEY, -- the scope in one byte, then the hash
  turn_at bigint NOT NULL, -- from when on it may be over; it is not, if there was a hit since
  longest bigint NOT NULL, -- the longest window of its newest hit
  most bigint NOT NULL, -- the largest count of a window of its newest hit
  newest bigint,
  times bigint[] NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX limits_turn ON limits (turn_at);

-- Invariant: the hits of a key are numbered without a gap, the newest highest, so the hit that is
-- `count` back is found in one step.
CREATE TABLE hits (
  key bytea NOT NULL,
  seq bigint NOT NULL,
  at bigint NOT NULL,
  PRIMARY KEY (key, seq)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE health (
  provider bytea NOT NULL,
  process bytea NOT NULL,
  at bigint NOT NULL,
  health_update bytea NOT NULL,
  PRIMARY KEY (provider, process)
) WITH (fillfactor = 50);

CREATE TABLE server_keys (
  id bytea PRIMARY KEY,
  value bytea NOT NULL -- a keyed hash of a constant
);

-- The events that wait, one row for each endpoint.
CREATE TABLE outbox (
  endpoint text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL,
  at bigint NOT NULL,
  facts text NOT NULL,
  reason text,
  tries bigint NOT NULL,
  due_at bigint NOT NULL,
  PRIMARY KEY (endpoint, id)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX outbox_due ON outbox (endpoint, due_at, id);
CREATE INDEX outbox_at ON outbox (endpoint, at, id);

CREATE TABLE endpoints (
  name text COLLATE "C" PRIMARY KEY,
  state text NOT NULL, -- on, paused, off
  failing_since bigint
) WITH (fillfactor = 50);

-- The keys of events that are written once.
CREATE TABLE held_events (
  key bytea PRIMARY KEY,
  ends_at bigint NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE probe (
  number integer PRIMARY KEY,
  at bigint NOT NULL
) WITH (fillfactor = 50);
