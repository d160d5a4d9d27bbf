//! Two processes on one PostgreSQL server, at the same instant.

use otpmux_testkit::PostgresServer;
use otpmux_testkit::shared_store::{escalation, processes};

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

/// Not a test: the main function of another process.
#[test]
fn timers() {
    escalation::work(|url| store_at(url, "test"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_eight_processes_half_of_which_are_killed_each_step_begins_once() {
    let server = PostgresServer::start();
    let process = || escalation::process("processes::timers", &server.url());
    // As many as two cores do in 20 seconds, without optimisation.
    escalation::of_many_processes_each_step_begins_once(store(&server), 4_000, process).await;
}
