//! The accept loop, from the first connection to the last.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use otpmux::config::ServerConfig;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection;
use super::room::Room;
use crate::api;
use crate::app::App;
use crate::balance;

/// A pause after a failed accept, which mostly means that file descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
/// How often the buffers of the metrics are emptied, even if `/metrics` is never read: each request
/// leaves a hundred bytes there.
const UPKEEP: Duration = Duration::from_secs(1);

/// The connection limit of the listener for metrics: only monitoring connects there.
const METRICS_CONNECTIONS: usize = 64;

pub(crate) async fn serve(
    listener: TcpListener,
    metrics: Option<TcpListener>,
    app: &Arc<App>,
    server: &ServerConfig,
    stop: impl Future<Output = ()>,
) {
    let listening = Listening {
        app: Arc::clone(app),
        router: api::router(app, metrics.is_none()),
        tls: true,
        room: Room::new(server.max_connections, server.max_connections_per_address),
        connections: TaskTracker::new(),
        ending: CancellationToken::new(),
    };
    let beside = metrics.map(|listener| listening.for_metrics(listener));
    // The balances are read for the metrics page only.
    let watched = app.metrics.is_some() && !server.balance_interval.is_zero();
    let balance =
        watched.then(|| tokio::spawn(balance::watch(Arc::clone(app), server.balance_interval)));
    let timers = app.client.spawn_timers();
    tokio::select! {
        () = listening.accept(&listener) => {}
        () = stop => {}
    }
    if let Some(balance) = balance {
        balance.abort();
    }
    tracing::info!(delay = ?server.drain_delay, "stopping: /readyz says no from now on");
    app.drain();
    tokio::select! {
        () = listening.accept(&listener) => {}
        () = sleep(server.drain_delay) => {}
    }
    drop(listener);
    // A step of escalation that has begun gets the time of a request.
    let stopped = async { drop(timeout(server.drain_timeout, timers.stop()).await) };
    tokio::join!(listening.end(server.drain_timeout), stopped);
    app.client.flush().await;
    // What is left waits in the store.
    let _ = timeout(server.drain_timeout, app.events.stop()).await;
    // The listener for metrics runs until the end.
    if let Some(beside) = beside {
        beside.abort();
        let _ = beside.await;
    }
}

struct Listening {
    app: Arc<App>,
    router: Router,
    /// Whether this listener uses TLS, if the gateway does.
    tls: bool,
    room: Arc<Room>,
    connections: TaskTracker,
    ending: CancellationToken,
}

impl Listening {
    /// Serves only the metrics, in plain HTTP, and stops together with this listener.
    fn for_metrics(&self, listener: TcpListener) -> JoinHandle<()> {
        let beside = Self {
            app: Arc::clone(&self.app),
            router: api::metrics_router(&self.app),
            tls: false,
            room: Room::new(METRICS_CONNECTIONS, Some(METRICS_CONNECTIONS)),
            connections: self.connections.clone(),
            ending: self.ending.clone(),
        };
        tokio::spawn(async move { beside.accept(&listener).await })
    }

    /// Never returns.
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
                    // A trusted proxy's connections come from many users.
                    let of = Some(peer.ip()).filter(|ip| !self.app.settings().proxies.trust(*ip));
                    let place = match self.room.take(of) {
                        Ok(place) => place,
                        Err(full) => {
                            metrics::counter!(
                                "otpmux_http_connections_refused_total", "bound" => full.as_str()
                            )
                            .increment(1);
                            continue;
                        }
                    };
                    let (app, router) = (Arc::clone(&self.app), self.router.clone());
                    let (tls, ending) = (self.tls, self.ending.clone());
                    self.connections.spawn(async move {
                        connection::run(stream, peer, app, tls, router, ending).await;
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

    /// Each connection ends after its current request, and each call to a vendor after its answer.
    async fn end(self, retention: Duration) {
        self.ending.cancel();
        self.connections.close();
        self.app.calls.close();
        let all = async {
            self.connections.wait().await;
            self.app.calls.wait().await;
        };
        if timeout(retention, all).await.is_err() {
            let (connections, calls) = (self.connections.len(), self.app.calls.len());
            tracing::warn!(connections, calls, "stopped before these had ended");
        }
    }
}
