//! Files that are opened, and files that are refused.

use std::path::Path;

use otpmux_engine::VerificationStore;
use otpmux_sqlite::{OpenError, Options, SqliteStore};
use rusqlite::Connection;

use crate::home::{Home, now, put, quick, record};
use crate::parts::Other;

fn refused(path: &Path) -> OpenError {
    SqliteStore::open(path, Options::default()).unwrap_err()
}

pub(crate) async fn a_file_that_is_not_ours_is_refused_and_left_alone() {
    let home = Home::new();
    let foreign = Connection::open(home.file()).unwrap();
    foreign.execute_batch("CREATE TABLE theirs (a)").unwrap();
    for application in [0, 7] {
        foreign.pragma_update(None, "application_id", application).unwrap();
        let before = std::fs::read(home.file()).unwrap();
        let error = refused(&home.file());
        assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
        assert_eq!(std::fs::read(home.file()).unwrap(), before);
    }
    drop(foreign);
    std::fs::write(home.file(), "no database, but longer than the header of one ".repeat(100))
        .unwrap();
    let error = refused(&home.file());
    assert!(matches!(error, OpenError::Unusable { .. }), "{error}");
}

pub(crate) async fn another_version_is_refused_and_left_as_it_is() {
    let home = Home::new();
    put(&home.open(), record(1)).await;
    let of_now: i32 =
        home.look().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    let set = |version: i32| home.look().pragma_update(None, "user_version", version).unwrap();
    set(of_now + 1);
    let error = refused(&home.file());
    assert!(matches!(error, OpenError::Newer { found, .. } if found == of_now + 1), "{error}");
    assert!(error.to_string().contains("upgrade otpmux"), "{error}");
    for older in [0, of_now - 1] {
        set(older);
        let error = refused(&home.file());
        assert!(matches!(error, OpenError::Older { found, .. } if found == older), "{error}");
        assert!(error.to_string().contains("of an older otpmux"), "{error}");
    }
    assert_eq!(home.rows("records"), 1);
    set(of_now);
    drop(home.open());
}

pub(crate) async fn other_tables_are_refused_whatever_version_they_claim() {
    for change in [
        "ALTER TABLE records ADD COLUMN more TEXT",
        "DROP TABLE health_updates",
        "DROP INDEX records_end",
        "CREATE TABLE more (a)",
    ] {
        let home = Home::new();
        drop(home.open());
        home.look().execute_batch(change).unwrap();
        let error = refused(&home.file());
        assert!(matches!(error, OpenError::OtherTables { .. }), "{change}: {error}");
    }
}

pub(crate) async fn a_failure_to_open_says_what_to_do() {
    let home = Home::new();
    let error = refused(&home.dir().join("missing").join("otpmux.db"));
    assert!(matches!(error, OpenError::File { .. }), "{error}");
    assert!(error.to_string().contains("its directory must exist"), "{error}");
    let error = refused(home.dir());
    assert!(matches!(error, OpenError::Unusable { .. }), "{error}");
}

pub(crate) async fn only_its_owner_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::new();
    let store = home.open();
    put(&store, record(1)).await;
    let files: Vec<_> = std::fs::read_dir(home.dir()).unwrap().map(Result::unwrap).collect();
    assert_eq!(files.len(), 3, "the file, its log and its index");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file:?}");
    }
}

pub(crate) async fn many_processes_open_a_new_file_at_once() {
    for _ in 0..30 {
        let home = Home::new();
        let start = |_| Other::start("peer", &home.file());
        let mut peers: Vec<_> = (0..4).map(start).collect();
        let mut new = 0;
        for peer in &mut peers {
            assert_eq!(peer.line().unwrap(), "ready");
            peer.send("name 1 1");
        }
        for peer in &mut peers {
            new += usize::from(peer.line().unwrap().starts_with("new:"));
        }
        assert_eq!(new, 1);
        drop(peers);
        home.assert_whole();
    }
}

pub(crate) async fn debug_shows_no_content() {
    let home = Home::new();
    let store = SqliteStore::open(home.file(), quick()).unwrap();
    put(&store, record(1)).await;
    let path = format!("{}", home.file().display());
    let shown = format!("{store:?}").replace(&path, "PATH");
    assert_eq!(shown, "SqliteStore { path: \"PATH\", durability: Process, .. }");
    assert!(store.health(now()).await.unwrap().is_empty());
}
