//! Processes with different clocks use the server's.

use std::sync::Arc;

use otpmux_engine::VerificationStore;
use otpmux_testkit::PostgresServer;
use otpmux_testkit::shared_store::clocks;

use crate::world::store;

fn shared(server: &PostgresServer) -> Arc<dyn VerificationStore> {
    store(server)
}

#[tokio::test]
async fn a_slow_clock_approves_no_expired_code() {
    let server = PostgresServer::start();
    clocks::a_slow_clock_approves_no_expired_code(&shared(&server)).await;
}

#[tokio::test]
async fn a_fast_clock_blocks_no_user_elsewhere() {
    let server = PostgresServer::start();
    clocks::a_fast_clock_blocks_no_user_elsewhere(&shared(&server)).await;
}

#[tokio::test]
async fn a_wrong_clock_is_reported_once() {
    let server = PostgresServer::start();
    clocks::a_wrong_clock_is_reported_once(&shared(&server)).await;
}
