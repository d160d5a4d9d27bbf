//! The SQL of the store: its tables, and one function for each step.

use otpmux_engine::{EARLY_RECEIPT, HEALTH_TTL, HEALTH_UPDATES_KEPT, LOOKS_BEHIND, MOST_EVENTS};

/// The version of the tables and functions. It rises by one with each change to a function or a
/// table. The functions of a version have it in their names, so that those of an older version go
/// on working for the processes that call them.
pub(crate) const VERSION: i32 = 1;

/// The oldest version that can work with the tables of this one.
const OLDEST: i32 = 1;

/// The state of a step that was rolled back because it must be repeated with other locks.
pub(crate) const AGAIN: &str = "OM001";

/// The most hits that a row holds by itself. Measured on a busy machine, a hit on an array of 128 takes
/// 0.16 ms, and one on rows 0.25 ms; with 1,000 hits 4 ms and 0.23 ms.
const ARRAY: u32 = 128;

/// The most hits of one key that one sweep removes.
const HITS_SWEPT: u32 = 1_000;

/// Settings of each function that is called: nothing of a session decides what it does. The plans of
/// a function are kept for the life of a connection, so none may be made for a table that happens
/// to be small; and no plan here is worth compiling.
const STEP: &str = "LANGUAGE plpgsql SET search_path = {schema}, pg_temp \
    SET enable_seqscan = off SET jit = off";

const TABLES: &str = include_str!("sql/tables.sql");
const FUNCTIONS: [&str; 15] = [
    include_str!("sql/shared.sql"),
    include_str!("sql/outbox.sql"),
    include_str!("sql/create.sql"),
    include_str!("sql/start_attempt.sql"),
    include_str!("sql/record_outcome.sql"),
    include_str!("sql/record_accepted.sql"),
    include_str!("sql/check_guess.sql"),
    include_str!("sql/approve.sql"),
    include_str!("sql/end_guess.sql"),
    include_str!("sql/receive.sql"),
    include_str!("sql/cancel.sql"),
    include_str!("sql/due.sql"),
    include_str!("sql/reads.sql"),
    include_str!("sql/standing.sql"),
    include_str!("sql/sweep.sql"),
];
const ENDS: &str = include_str!("sql/ends.sql");
const REFERENCES: &str = include_str!("sql/references.sql");

/// Returns one statement, and so one transaction, that brings a database to this version. Processes
/// that run it at the same time wait for each other.
pub(crate) fn migration(schema: &str) -> String {
    let (lock, functions) = (seed(schema), FUNCTIONS.concat());
    let body = fill(schema, &[TABLES, &functions].concat());
    // The bodies of functions are quoted by `$$`, and contain none of these other quotes.
    format!(
        "DO $migration$ BEGIN
  PERFORM pg_advisory_xact_lock({lock});
  IF to_regclass('{schema}.versions') IS NOT NULL THEN
    RETURN;
  END IF;
  IF to_regnamespace('{schema}') IS NULL THEN
    EXECUTE 'CREATE SCHEMA {schema}';
  END IF;
  SET LOCAL search_path = {schema}, pg_temp;
  EXECUTE $tables$\n{body}\n$tables$;
  EXECUTE 'INSERT INTO {schema}.versions (newest, oldest) VALUES ({VERSION}, {OLDEST})';
END $migration$"
    )
}

/// Returns the statement that calls a step with this many parameters.
pub(crate) fn statement(schema: &str, step: &str, parameters: usize) -> String {
    let places: Vec<_> = (1..=parameters).map(|place| format!("${place}")).collect();
    format!("SELECT * FROM {schema}.v{VERSION}_{step}({})", places.join(", "))
}

fn fill(schema: &str, text: &str) -> String {
    let names = [
        ("{ends}", ENDS.trim_end().to_owned()),
        ("{references}", REFERENCES.trim_end().to_owned()),
        ("{step}", STEP.to_owned()),
        ("{schema}", schema.to_owned()),
        ("{v}", format!("v{VERSION}")),
        ("{seed}", seed(schema).to_string()),
        ("{array}", ARRAY.to_string()),
        ("{hits_swept}", HITS_SWEPT.to_string()),
        ("{updates_kept}", HEALTH_UPDATES_KEPT.to_string()),
        ("{health_ttl}", HEALTH_TTL.as_millis().to_string()),
        ("{early_receipt}", EARLY_RECEIPT.as_millis().to_string()),
        ("{most_events}", MOST_EVENTS.to_string()),
        ("{looks_behind}", LOOKS_BEHIND.to_string()),
        ("{again}", AGAIN.to_owned()),
    ];
    names.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
}

/// Returns a number for the locks of a schema (FNV-1a): locks belong to a database, and several
/// schemas of it may be in use.
fn seed(schema: &str) -> i64 {
    let hash = schema.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // A hint of otpmux in `pg_locks` is worth less than a number that fits everywhere.
    i64::try_from(hash >> 1).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_filled_in_and_no_quote_ends_early() {
        let text = migration("otpmux_eu");
        let body = text.split("$tables$").nth(1).unwrap();
        assert!(!body.contains("$migration$"));
        assert_eq!(text.matches("$tables$").count(), 2);
        let braces: Vec<_> = body
            .match_indices('{')
            .map(|(place, _)| body[place..].chars().take(12).collect::<String>())
            .filter(|braces| !braces.starts_with("{}"))
            .collect();
        assert_eq!(braces, Vec::<String>::new());
        assert_ne!(seed("otpmux"), seed("otpmux_eu"));
    }

    #[test]
    fn a_statement_calls_the_function_of_this_version() {
        assert_eq!(statement("s", "cancel", 2), "SELECT * FROM s.v1_cancel($1, $2)");
    }
}
