//! A server that is killed, that stops for a while, or whose connections are cut, again and again
//! under load.

use otpmux_testkit::{Cut, CuttingProxy, PostgresServer};

use crate::storm::Storm;
use crate::world::{behind, impatient};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_repeats_and_forgets_nothing() {
    let mut server = PostgresServer::start();
    let storm = Storm::begin([impatient(&server.url()), impatient(&server.url())]).await;
    for round in 1..=4 {
        storm.flows(30).await;
        server.kill();
        server.restart();
        assert!(server.log().contains("was not properly shut down"), "round {round}");
    }
    storm.end(&server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_for_a_while_repeats_and_forgets_nothing() {
    let server = PostgresServer::start();
    let storm = Storm::begin([impatient(&server.url()), impatient(&server.url())]).await;
    for _ in 0..3 {
        storm.flows(20).await;
        server.pause();
        // Each of these flows gives up calls that the server carries out afterwards.
        storm.flows(4).await;
        server.resume();
    }
    storm.flows(20).await;
    assert!(storm.end(&server).await > 0, "some calls were under way");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_cut_within_a_step_repeat_and_forget_nothing() {
    let server = PostgresServer::start();
    let proxy = CuttingProxy::before(server.port()).await;
    let storm = Storm::begin([impatient(&behind(&proxy)), impatient(&behind(&proxy))]).await;
    for percent in (0..100).step_by(7) {
        for cut in [Cut::Request(percent), Cut::Answer(percent)] {
            proxy.cut(cut);
            storm.flows(3).await;
        }
    }
    assert!(storm.end(&server).await > 0, "some calls were under way");
}
