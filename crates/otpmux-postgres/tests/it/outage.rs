//! A server that is down, hangs, or comes back.

use otpmux_testkit::PostgresServer;
use otpmux_testkit::shared_store::outage;

use crate::world::{impatient, store};

const UNREACHABLE: &str = "no connection to PostgreSQL";

#[tokio::test]
async fn a_store_can_be_there_before_its_server() {
    let mut server = PostgresServer::start();
    let store = store(&server);
    outage::a_store_can_be_there_before_its_server(&mut server, &*store, UNREACHABLE).await;
}

#[tokio::test]
async fn a_server_that_is_down_approves_no_code_and_comes_back_by_itself() {
    let mut server = PostgresServer::start();
    let store = impatient(&server.url());
    outage::a_server_that_is_down_approves_no_code_and_comes_back_by_itself(
        &mut server,
        &*store,
        "PostgreSQL",
    )
    .await;
}

#[tokio::test]
async fn a_call_that_hangs_is_given_up_in_time() {
    let server = PostgresServer::start();
    let store = impatient(&server.url());
    let unknown = outage::a_call_that_hangs_is_given_up_in_time(&server, store, UNREACHABLE).await;
    assert_eq!(unknown, 1, "one has a connection, and each step takes one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_creation_blocks_no_other_send() {
    let server = PostgresServer::start();
    let stores = [impatient(&server.url()) as _, impatient(&server.url()) as _];
    outage::a_late_creation_blocks_no_other_send(&server, stores).await;
}

#[tokio::test]
async fn a_right_code_whose_answer_was_lost_is_approved_to_a_repeat_under_its_name() {
    let server = PostgresServer::start();
    let stores = [impatient(&server.url()) as _, impatient(&server.url()) as _];
    outage::a_right_code_whose_answer_was_lost_is_approved_to_a_repeat_under_its_name(
        &server, stores,
    )
    .await;
}
