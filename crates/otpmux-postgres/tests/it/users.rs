//! Users: what one needs, and that none is shown.

use otpmux_engine::VerificationStore;
use otpmux_postgres::{Options, PostgresStore};
use otpmux_testkit::{PostgresServer, leaks};

use crate::world::{assert_all_fail, create, every_operation, now, record, store_at};

/// Lets users log in over TCP with a password only.
fn with_passwords() -> PostgresServer {
    let server = PostgresServer::start();
    server.sql(
        "CREATE ROLE app LOGIN PASSWORD 'swordfish'; GRANT CREATE ON DATABASE postgres TO app",
    );
    let rules = server.directory().join("pg_hba.conf");
    let before = std::fs::read_to_string(&rules).unwrap();
    let first = "host all app,mallory 127.0.0.1/32 scram-sha-256\n";
    std::fs::write(&rules, [first, &before].concat()).unwrap();
    server.sql("SELECT pg_reload_conf()");
    server
}

fn at(server: &PostgresServer, login: &str) -> PostgresStore {
    let url = format!("postgres://{login}127.0.0.1:{}/postgres", server.port());
    PostgresStore::connect(url, Options::default()).unwrap()
}

#[tokio::test]
async fn sec_neither_errors_nor_debug_show_who_logs_in() {
    let server = with_passwords();
    let ours = at(&server, "app:swordfish@");
    ours.create(create(record(1)), now()).await.unwrap();
    let mut shown = format!("{ours:?}{ours:#?}");
    for wrong in ["app:opensesame@", "app@", "mallory:opensesame@"] {
        let store = at(&server, wrong);
        let error = store.health(now()).await.unwrap_err();
        shown = [shown, leaks::shown(&error), format!("{store:?}{store:#?}")].concat();
        let advice = error.detail().contains("check the user and password");
        assert!(advice || wrong == "app@", "{error}");
    }
    leaks::assert_clean(&shown, &["swordfish", "opensesame", "mallory", "127.0.0.1"]);
}

/// The statements that the README gives an administrator.
fn statements(heading: &str) -> String {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once(heading).expect("a section of the README");
    let (_, code) = rest.split_once("```sql\n").expect("its statements");
    code.split_once("```").expect("their end").0.to_owned()
}

#[tokio::test]
async fn a_user_who_may_do_what_the_readme_says_can_do_everything() {
    let server = PostgresServer::start();
    server.sql("CREATE ROLE otpmux_gateway LOGIN");
    server.sql(&Options::default().migration().unwrap());
    let url = server.url().replace("otpmux@", "otpmux_gateway@");
    let options = Options::default().with_migrate(false);
    let store = std::sync::Arc::new(PostgresStore::connect(&url, options).unwrap());
    let id = record(1).id;
    assert_all_fail(every_operation(&store, id).await, "lacks a privilege");
    server.sql(&statements("## Least privileges"));
    for (name, outcome) in every_operation(&store, id).await {
        outcome.expect(name);
    }
    store.probe(now()).await.unwrap();
    store.check_keys(&[]).await.unwrap();
    let elsewhere = store_at(&url, "other");
    assert_all_fail(every_operation(&elsewhere, id).await, "lacks a privilege");
}
