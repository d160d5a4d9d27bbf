//! The accept loop, from the first connection to the last.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use otpmux::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection;
use crate::api;
use crate::app::App;

/// A pause after a failed accept, which mostly means that file descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
/// How often the metrics' own buffers are emptied, though nobody reads them.
const UPKEEP: Duration = Duration::from_secs(5);

pub(crate) async fn serve(
    listener: TcpListener,
    app: &Arc<App>,
    server: &ServerConfig,
    stop: impl Future<Output = ()>,
) {
    let listening = Listening {
        app: Arc::clone(app),
        router: api::router(app),
        room: Arc::new(Semaphore::new(server.max_connections)),
        connections: TaskTracker::new(),
        ending: CancellationToken::new(),
    };
    tokio::select! {
        () = listening.accept(&listener) => {}
        () = stop => {}
    }
    tracing::info!(delay = ?server.drain_delay, "stopping: /readyz says no from now on");
    app.drain();
    tokio::select! {
        () = listening.accept(&listener) => {}
        () = sleep(server.drain_delay) => {}
    }
    drop(listener);
    listening.end(server.drain_timeout).await;
}

struct Listening {
    app: Arc<App>,
    router: Router,
    room: Arc<Semaphore>,
    connections: TaskTracker,
    ending: CancellationToken,
}

impl Listening {
    /// Never ends by itself.
    async fn accept(&self, listener: &TcpListener) {
        let mut upkeep = interval(UPKEEP);
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                _ = upkeep.tick() => {
                    if let Some(metrics) = &self.app.metrics {
                        metrics.run_upkeep();
                    }
                    continue;
                }
            };
            match accepted {
                Ok((stream, peer)) => {
                    let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
                        metrics::counter!("otpmux_http_connections_refused_total").increment(1);
                        continue;
                    };
                    let (app, router) = (Arc::clone(&self.app), self.router.clone());
                    let ending = self.ending.clone();
                    self.connections.spawn(async move {
                        connection::run(stream, peer, app, router, ending).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Connections end with the request that they are at, and calls to vendors with their answer.
    async fn end(self, grace: Duration) {
        self.ending.cancel();
        self.connections.close();
        self.app.calls.close();
        let all = async {
            self.connections.wait().await;
            self.app.calls.wait().await;
        };
        if timeout(grace, all).await.is_err() {
            let (connections, calls) = (self.connections.len(), self.app.calls.len());
            tracing::warn!(connections, calls, "stopped before these had ended");
        }
    }
}
