//! What a started emulator says of itself.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::vendor::Vendor;
use crate::world::World;

pub(crate) fn base_url(addr: SocketAddr, vendor: Vendor) -> String {
    format!("http://{addr}{}", vendor.base_path())
}

pub(crate) fn handset_url(addr: SocketAddr) -> String {
    format!("http://{addr}/")
}

/// The address, the handset's page, and each vendor's base URL and credentials.
pub(crate) fn description(addr: SocketAddr, world: &World) -> Value {
    let (easyotp, startmessaging, airtexts) =
        (&world.easyotp.account, &world.startmessaging.account, &world.airtexts.account);
    json!({
        "listen": addr,
        "handset": handset_url(addr),
        "vendors": {
            "easyotp": {
                "base_url": base_url(addr, Vendor::EasyOtp),
                "credentials": { "api_key": easyotp.api_key },
            },
            "startmessaging": {
                "base_url": base_url(addr, Vendor::StartMessaging),
                "credentials": { "api_key": startmessaging.api_key },
            },
            "airtexts": {
                "base_url": base_url(addr, Vendor::AirTexts),
                "credentials": {
                    "appid": airtexts.appid,
                    "api_key": airtexts.api_key,
                    "api_secret": airtexts.api_secret,
                    "username": airtexts.username,
                    "password": airtexts.password,
                    "bearer": airtexts.bearer,
                },
            },
        },
    })
}
