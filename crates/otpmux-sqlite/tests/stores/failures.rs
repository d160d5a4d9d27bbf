//! A failed write is reported, and changes nothing.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use otpmux_core::{Certainty, Error, ErrorKind};
use otpmux_engine::{RETENTION, StoreState, VerificationStore};
use otpmux_sqlite::SqliteStore;

use crate::crash::check;
use crate::home::{CODE, Home, WRONG, after, create, guess, now, put, quick, read, record};
use crate::parts::Other;

fn assert_reported(error: &Error, words: &str) {
    assert_eq!((error.kind(), error.certainty()), (ErrorKind::Store, Certainty::NotSent));
    assert!(error.to_string().contains(words), "{error}");
}

pub(crate) async fn a_lock_that_stays_is_reported_and_costs_nothing() {
    let home = Home::new();
    let patience = quick().with_busy_timeout(Duration::from_millis(50));
    let store = Arc::new(SqliteStore::open(home.file(), patience).unwrap());
    let id = put(&store, record(1)).await;
    let other = home.look();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { guess(&store, id, CODE).await.unwrap_err() })
        })
        .collect();
    for task in tasks {
        assert_reported(&task.await.unwrap(), "another process");
    }
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(read(&store, id).await.guesses, 0);
    assert_eq!(guess(&store, id, CODE).await.unwrap(), "approved");
}

/// No file of the other process may be larger than a megabyte, so that its disk fails in the middle
/// of a batch.
pub(crate) async fn a_disk_that_fails_is_reported_and_costs_nothing() {
    let home = Home::new();
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 2048; exec \"$0\""]);
    shell.arg(std::env::current_exe().unwrap());
    let mut writer = Other::start_by(&mut shell, "writer", &home.file());
    let lines: Vec<_> = std::iter::from_fn(|| writer.line()).collect();
    assert_eq!(lines.last().unwrap(), "end", "it has not died of it");
    let (failed, done): (Vec<_>, Vec<_>) =
        lines.into_iter().filter(|line| line != "end").partition(|l| l.starts_with("failed"));
    assert_eq!(failed.len(), 8, "each of its tasks gets the error");
    for line in &failed {
        assert!(
            line.contains("check its disk") && line.contains("may have been carried out"),
            "{line}"
        );
    }
    assert!(done.len() > 100, "only {} steps before", done.len());
    check(&home, &done).await;
    assert_eq!(home.rows("hits"), home.rows("records"));
    home.assert_whole();
}

pub(crate) async fn a_full_file_refuses_new_ones_only() {
    let home = Home::new();
    let store = SqliteStore::open(home.file(), quick().with_max_bytes(300_000)).unwrap();
    let first = put(&store, record(0)).await;
    let mut number = 1;
    let error = loop {
        match store.create(create(record(number)), now()).await {
            Ok(_) if number > 10_000 => panic!("it is never full"),
            Ok(_) => number += 1,
            Err(error) => break error,
        }
    };
    assert_reported(&error, "max_bytes");
    assert!(number > 100, "{number}");
    assert_eq!(store.probe(now()).await.unwrap(), StoreState::Full);
    assert_eq!(home.rows("records"), number);
    assert_eq!(guess(&store, first, WRONG).await.unwrap(), "wrong_code");
    assert_eq!(guess(&store, first, CODE).await.unwrap(), "approved");
    // Ended records make room.
    let later = after(300) + RETENTION;
    let mut tries = 0;
    while store.create(create(record(number)), later).await.is_err() {
        tries += 1;
        assert!(tries < 20);
    }
    assert_eq!(store.probe(later).await.unwrap(), StoreState::Ok);
}

pub(crate) async fn a_row_that_cannot_be_read_is_reported() {
    let home = Home::new();
    let store = Arc::new(SqliteStore::open(home.file(), quick()).unwrap());
    for damage in [
        "send_attempts = '{'",
        "state = 9",
        "code_by_id = x'00'",
        "code_by_recipient = NULL",
        "resend_after = -1",
        "purpose = ''",
    ] {
        let (broken, whole) = (put(&store, record(1)).await, put(&store, record(2)).await);
        let sql = format!("UPDATE records SET {damage} WHERE id = ?1");
        assert_eq!(home.look().execute(&sql, [broken.to_bytes()]).unwrap(), 1);
        // Other steps of the batch are not harmed.
        let both = [(broken, CODE), (whole, CODE)].map(|(id, text)| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { guess(&store, id, text).await })
        });
        let [broken, whole] = both;
        assert_reported(&broken.await.unwrap().unwrap_err(), "damaged");
        assert_eq!(whole.await.unwrap().unwrap(), "approved");
        home.look().execute_batch("DELETE FROM records").unwrap();
    }
}
