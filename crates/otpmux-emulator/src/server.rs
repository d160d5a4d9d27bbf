//! The accept loops.

use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::connection;
use crate::courier;
use crate::mail_server;
use crate::shared::Shared;
use crate::site;
use crate::vendors::Vendor;

/// How long connections may take to finish when the emulator shuts down.
const DRAIN: Duration = Duration::from_millis(500);
/// The pause after a failed accept, which mostly means that file descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Serves the page and the admin API on the listener, and every vendor at its port.
pub(crate) async fn run(listener: TcpListener, shared: Arc<Shared>) {
    let mut doors = JoinSet::new();
    for vendor in shared.ports.keys() {
        doors.spawn(serve(Door::Vendor(*vendor), Arc::clone(&shared)));
    }
    let site = Door::Site(listener, site::router(&shared));
    doors.spawn(serve(site, Arc::clone(&shared)));
    doors.spawn(courier::run(Arc::clone(&shared)));
    shared.stopped().await;
    while doors.join_next().await.is_some() {}
    shared.shut_ports();
}

/// Source of connections.
enum Door {
    Site(TcpListener, Router),
    Vendor(Vendor),
}

impl Door {
    async fn accept(&self, shared: &Shared) -> io::Result<TcpStream> {
        match self {
            Self::Site(listener, _) => listener.accept().await.map(|(stream, _)| stream),
            Self::Vendor(vendor) => match shared.ports.get(vendor) {
                Some(port) => port.accept().await,
                None => pending().await,
            },
        }
    }

    fn spawn(&self, stream: TcpStream, shared: &Arc<Shared>, connections: &mut JoinSet<()>) {
        let shared = Arc::clone(shared);
        match self {
            Self::Site(_, router) => {
                connections.spawn(site::connection(stream, router.clone(), shared));
            }
            Self::Vendor(vendor) if vendor.is_mail_server() => {
                connections.spawn(mail_server::run(stream, *vendor, shared));
            }
            Self::Vendor(vendor) => {
                connections.spawn(connection::run(stream, *vendor, shared));
            }
        }
    }
}

/// Accepts connections until the emulator stops, then lets them finish.
async fn serve(door: Door, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = door.accept(&shared) => match accepted {
                Ok(stream) => door.spawn(stream, &shared, &mut connections),
                Err(_) => sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
            () = shared.stopped() => break,
        }
    }
    drop(door);
    // Dropping the set aborts the remaining connections.
    let _ = timeout(DRAIN, async { while connections.join_next().await.is_some() {} }).await;
}
