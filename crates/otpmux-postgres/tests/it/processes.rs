//! Two processes on one PostgreSQL server, at the same instant.

use otpmux_testkit::PostgresServer;
use otpmux_testkit::shared_store::processes;

use crate::world::{store, store_at};

/// Not a test: the main function of a worker process.
#[test]
fn worker() {
    processes::work(|url| store_at(url, "test"));
}

#[tokio::test]
async fn of_64_right_codes_in_two_processes_one_is_approved() {
    let server = PostgresServer::start();
    let store = store(&server);
    processes::of_64_right_codes_in_two_processes_one_is_approved(&server.url(), &*store).await;
}

#[tokio::test]
async fn of_100_wrong_codes_in_two_processes_the_cap_is_compared() {
    let server = PostgresServer::start();
    let store = store(&server);
    processes::of_100_wrong_codes_in_two_processes_the_cap_is_compared(&server.url(), &*store)
        .await;
}

#[tokio::test]
async fn of_50_requests_of_one_name_in_two_processes_one_is_made() {
    let server = PostgresServer::start();
    processes::of_50_requests_of_one_name_in_two_processes_one_is_made(&server.url()).await;
}
