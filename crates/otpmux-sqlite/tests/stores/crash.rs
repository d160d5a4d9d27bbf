//! Killed in the middle of writing.

use std::collections::HashMap;

use otpmux_engine::State;

use crate::home::{CODE, Home, guess, quick, read};
use crate::parts::Other;
use otpmux_sqlite::SqliteStore;

const KILLS: usize = 40;

/// The answers of the killed process about one verification.
#[derive(Default)]
struct Said {
    tries: u32,
    approved: bool,
}

/// One file through all of it, so that each process begins where another was killed.
pub(crate) async fn answered_steps_survive_kill_9() {
    let home = Home::new();
    for round in 0..KILLS {
        let mut writer = Other::start("writer", &home.file());
        let mut lines: Vec<String> = Vec::new();
        // Early, while the file is made or recovered, and in the midst of it.
        let enough = if round % 4 == 0 { round / 4 } else { round * 37 % 300 };
        while lines.len() < enough {
            lines.push(writer.line().unwrap());
        }
        lines.extend(writer.kill());
        check(&home, &lines).await;
    }
    home.assert_whole();
    let hits = home.rows("hits");
    assert_eq!(hits, home.rows("records"), "each is there with its hit, or not at all");
    assert!(hits > 500, "{hits} are too few to have been killed in the middle");
}

/// Whether everything that was said is there, and nothing can be approved twice.
pub(crate) async fn check(home: &Home, lines: &[String]) {
    let mut said: HashMap<_, Said> = HashMap::new();
    for line in lines {
        let (word, id) = line.split_once(' ').unwrap();
        let said = said.entry(id.parse().unwrap()).or_default();
        match word {
            "created" => {}
            "wrong_code" => said.tries += 1,
            "approved" => (said.tries, said.approved) = (said.tries + 1, true),
            other => panic!("{other}"),
        }
    }
    let store = SqliteStore::open(home.file(), quick()).unwrap();
    for (id, said) in said {
        let record = read(&store, id).await;
        assert!(record.guesses >= said.tries, "{} tries of {}", record.guesses, said.tries);
        assert!(!said.approved || record.state == State::Approved);
        let expected = if record.state == State::Pending { "approved" } else { "already_used" };
        assert_eq!(guess(&store, id, CODE).await.unwrap(), expected);
        assert_eq!(guess(&store, id, CODE).await.unwrap(), "already_used");
    }
}
