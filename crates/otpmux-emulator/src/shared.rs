//! What all connections share: the world behind its lock, and the sign to stop.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::world::World;

/// What every connection shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) addr: SocketAddr,
    world: Mutex<World>,
}

impl Shared {
    pub(crate) fn new(addr: SocketAddr, world: World) -> Self {
        Self { addr, world: Mutex::new(world) }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        // A panic in one request must not end the others; the state has no invariant that a
        // half-served request could break.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Completes when the emulator is told to stop, or dropped.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
