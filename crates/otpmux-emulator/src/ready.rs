//! The description of a running emulator: its addresses and credentials.

use std::net::SocketAddr;

use serde_json::{Map, Value, json};

use crate::vendors::Vendor;
use crate::world::World;

pub(crate) fn base_url(addr: SocketAddr, vendor: Vendor) -> String {
    format!("http://{addr}{}", vendor.base_path())
}

pub(crate) fn handset_url(addr: SocketAddr) -> String {
    format!("http://{addr}/")
}

/// The address, the handset's page, and each vendor's base URL and credentials.
pub(crate) fn description(addr: SocketAddr, world: &World) -> Value {
    let vendors = world.vendors().map(|(vendor, api)| {
        let said = json!({ "base_url": base_url(addr, vendor), "credentials": api.credentials() });
        (vendor.as_str().to_owned(), said)
    });
    json!({
        "listen": addr,
        "handset": handset_url(addr),
        "vendors": vendors.collect::<Map<_, _>>(),
    })
}
