//! Two processes at one verification.

use std::sync::Arc;

use otpmux_engine::VerificationStore;
use otpmux_sqlite::SqliteStore;

use crate::home::{Home, now, put, quick, read, record};
use crate::parts::{Other, at_once};

/// A file, a store here, and one in another process.
struct Pair {
    home: Home,
    store: Arc<SqliteStore>,
    peer: Other,
}

impl Pair {
    fn new() -> Self {
        let home = Home::new();
        let store = Arc::new(SqliteStore::open(home.file(), quick()).unwrap());
        let mut peer = Other::start("peer", &home.file());
        assert_eq!(peer.line().unwrap(), "ready");
        Self { home, store, peer }
    }

    /// Half of the tasks here and half there, all at once; the words for their answers.
    async fn both(&mut self, what: &str, with: &str, tasks: u32) -> Vec<String> {
        self.peer.send(&format!("{what} {with} {}", tasks / 2));
        let mut words = at_once(&self.store, what, with, tasks - tasks / 2).await;
        words.extend(self.peer.line().unwrap().split(' ').map(str::to_owned));
        assert_eq!(words.len(), tasks as usize);
        words
    }
}

fn count(words: &[String], wanted: &str) -> usize {
    words.iter().filter(|word| *word == wanted).count()
}

pub(crate) async fn of_right_guesses_in_two_processes_one_is_approved() {
    let mut pair = Pair::new();
    for round in 0..500 {
        let id = put(&pair.store, record(round)).await;
        let words = pair.both("right", &id.to_string(), 64).await;
        assert_eq!(count(&words, "approved"), 1, "round {round}");
        assert_eq!(count(&words, "already_used"), 63, "round {round}");
    }
    pair.home.assert_whole();
}

pub(crate) async fn of_wrong_guesses_in_two_processes_the_cap_is_compared() {
    let mut pair = Pair::new();
    for round in 0..250 {
        let id = put(&pair.store, record(round)).await;
        let words = pair.both("wrong", &id.to_string(), 100).await;
        assert_eq!(count(&words, "wrong_code"), 5, "round {round}");
        assert_eq!(count(&words, "too_many_guesses"), 95, "round {round}");
        assert_eq!(read(&pair.store, id).await.guesses, 5);
    }
}

pub(crate) async fn of_one_request_in_two_processes_one_is_made() {
    let mut pair = Pair::new();
    for round in 0..250 {
        let words = pair.both("name", &round.to_string(), 50).await;
        let new: Vec<_> = words.iter().filter_map(|word| word.strip_prefix("new:")).collect();
        assert_eq!(new.len(), 1, "round {round}");
        assert_eq!(count(&words, &format!("before:{}", new[0])), 49, "round {round}");
    }
    assert_eq!(pair.home.rows("records"), 250);
}

/// The peer's steps are done one after the other, each within its busy timeout, while this process
/// has always more to write.
pub(crate) async fn a_busy_process_does_not_starve_another() {
    let mut pair = Pair::new();
    let busy: Vec<_> = (0..64)
        .map(|task| {
            let store = Arc::clone(&pair.store);
            tokio::spawn(async move {
                for number in 0.. {
                    put(&store, record(task * 1_000_000 + number)).await;
                }
            })
        })
        .collect();
    for round in 0..20 {
        pair.peer.send(&format!("name {} 1", 90_000_000 + round));
        let line = tokio::task::block_in_place(|| pair.peer.line().unwrap());
        assert!(line.starts_with("new:"), "{line}");
    }
    for task in busy {
        task.abort();
    }
    assert!(pair.store.health(now()).await.unwrap().is_empty());
}
