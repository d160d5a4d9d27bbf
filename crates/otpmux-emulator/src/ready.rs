//! The description of a running emulator: its addresses and credentials.

use std::net::SocketAddr;

use serde_json::{Map, Value, json};

use crate::shared::Shared;
use crate::vendors::Vendor;
use crate::world::World;

pub(crate) fn base_url(addr: SocketAddr, vendor: Vendor) -> String {
    format!("{}://{addr}{}", vendor.scheme(), vendor.base_path())
}

pub(crate) fn handset_url(addr: SocketAddr) -> String {
    format!("http://{addr}/")
}

/// Returns the address of the admin API, the handset's page, and each vendor's base URL and
/// credentials.
pub(crate) fn description(shared: &Shared, world: &World) -> Value {
    let vendors = world.vendors().filter_map(|(vendor, api)| {
        let url = base_url(shared.ports.get(&vendor)?.addr(), vendor);
        let said = json!({ "base_url": url, "credentials": api.credentials() });
        Some((vendor.as_str().to_owned(), said))
    });
    json!({
        "listen": shared.addr,
        "handset": handset_url(shared.addr),
        "vendors": vendors.collect::<Map<_, _>>(),
    })
}
