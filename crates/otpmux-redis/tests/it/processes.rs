//! Two processes on one Redis, at the same instant.

use std::sync::Arc;
use std::time::Duration;

use otpmux_redis::{Options, RedisStore};
use otpmux_testkit::RedisServer;
use otpmux_testkit::shared_store::{escalation, processes};

use crate::world::{store, store_at};

/// Not a test: the main function of a worker process.
#[test]
fn worker() {
    processes::work(|url| store_at(url, "test"));
}

#[tokio::test]
async fn of_64_right_codes_in_two_processes_one_is_approved() {
    let server = RedisServer::start();
    let store = store(&server);
    processes::of_64_right_codes_in_two_processes_one_is_approved(&server.url(), &*store).await;
}

#[tokio::test]
async fn of_100_wrong_codes_in_two_processes_the_cap_is_compared() {
    let server = RedisServer::start();
    let store = store(&server);
    processes::of_100_wrong_codes_in_two_processes_the_cap_is_compared(&server.url(), &*store)
        .await;
}

#[tokio::test]
async fn of_50_requests_of_one_name_in_two_processes_one_is_made() {
    let server = RedisServer::start();
    processes::of_50_requests_of_one_name_in_two_processes_one_is_made(&server.url()).await;
}

/// A store that waits for answers as long as a busy machine may need. A step whose answer was lost is
/// not sent, and not repeated.
fn patient(url: &str) -> Arc<RedisStore> {
    let options = Options::default()
        .with_namespace("test")
        .with_connect_timeout(Duration::from_mins(1))
        .with_answer_timeout(Duration::from_mins(1));
    Arc::new(RedisStore::connect([url], options).expect("options that can be"))
}

/// Not a test: the main function of another process.
#[test]
fn timers() {
    escalation::work(|url| patient(url));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_eight_processes_half_of_which_are_killed_each_step_begins_once() {
    let server = RedisServer::start();
    let process = || escalation::process("processes::timers", &server.url());
    let store = patient(&server.url());
    escalation::of_many_processes_each_step_begins_once(store, 10_000, process).await;
}
