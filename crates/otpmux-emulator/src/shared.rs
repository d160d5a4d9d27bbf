//! State that all connections share: the world behind its lock, and the stop signal.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::fault::{Fault, FaultKind};
use crate::port::Port;
use crate::vendors::Vendor;
use crate::world::World;

/// State that all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// The address of the handset's page and the admin API.
    pub(crate) addr: SocketAddr,
    /// The port of each vendor that is played.
    pub(crate) ports: BTreeMap<Vendor, Port>,
    world: Mutex<World>,
    stop: watch::Receiver<bool>,
}

impl Shared {
    /// Creates the state. `stop` becomes true to stop the emulator, and closes when it is dropped.
    pub(crate) fn new(
        addr: SocketAddr,
        ports: BTreeMap<Vendor, Port>,
        world: World,
        stop: watch::Receiver<bool>,
    ) -> Self {
        Self { addr, ports, world: Mutex::new(world), stop }
    }

    /// Completes when the emulator is stopped or dropped.
    pub(crate) async fn stopped(&self) {
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }

    /// Completes when the vendor's port is shut; never, if it has none.
    pub(crate) async fn is_shut(&self, vendor: Vendor) {
        match self.ports.get(&vendor) {
            Some(port) => port.is_shut().await,
            None => std::future::pending().await,
        }
    }

    /// Sets the vendor's fault. Replaces an earlier one.
    pub(crate) fn set_fault(&self, vendor: Vendor, fault: Fault) {
        // One lock for both: the port is shut exactly while the fault is set.
        let mut world = self.world();
        if let Some(port) = self.ports.get(&vendor) {
            if fault.kind == FaultKind::Refuse { port.shut() } else { port.reopen() }
        }
        world.faults.set(vendor, fault);
    }

    pub(crate) fn clear_fault(&self, vendor: Vendor) {
        let mut world = self.world();
        if let Some(port) = self.ports.get(&vendor) {
            port.reopen();
        }
        world.faults.clear(vendor);
    }

    /// Shuts all ports for good: none accepts afterwards.
    pub(crate) fn shut_ports(&self) {
        self.ports.values().for_each(Port::shut);
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        // A panic in one request must not end the others; the state has no invariant that an
        // unfinished request could break.
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
