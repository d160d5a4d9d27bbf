//! The emulator's own API under `/_emulator`.

use std::str::FromStr as _;
use std::time::Duration;

use http::Method;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::clock;
use crate::exchange::{Call, Reply};
use crate::fault::Fault;
use crate::outbox::MessageFilter;
use crate::preset::FaultPreset;
use crate::ready;
use crate::shared::Shared;
use crate::vendor_api::{VendorApi, patch};
use crate::vendors::Vendor;
use crate::world::World;

const ROUTES: &str = "GET /_emulator; GET, DELETE /_emulator/messages; \
    GET, DELETE /_emulator/requests; GET /_emulator/faults; \
    PUT, DELETE /_emulator/faults/{vendor}; GET, POST /_emulator/clock; \
    GET, PUT /_emulator/accounts/{vendor}; GET /_emulator/events; GET / for the page";

/// Status and text of an error.
type Refusal = (u16, String);

pub(crate) fn serve(call: &Call, shared: &Shared) -> Reply {
    let world = &mut *shared.world();
    route(call, world, shared).unwrap_or_else(|(status, text)| Reply::error(status, &text))
}

fn route(call: &Call, world: &mut World, shared: &Shared) -> Result<Reply, Refusal> {
    let segments: Vec<&str> = call.path.split('/').skip(1).collect();
    let method = call.method.as_str();
    match (method, segments.as_slice()) {
        ("GET", ["_emulator"]) => ok(ready::description(shared.addr, world)),
        ("GET", ["_emulator", "messages"]) => {
            let [vendor, to] = parameters(call, ["vendor", "to"])?;
            // An unencoded `+` arrives as a space, and no recipient begins with one.
            let to = to.map(|to| match to.strip_prefix(' ') {
                Some(rest) => format!("+{rest}"),
                None => to,
            });
            let filter = MessageFilter { vendor: vendor_parameter(vendor)?, to };
            ok(world.outbox.list(&filter))
        }
        ("DELETE", ["_emulator", "messages"]) => {
            world.outbox.clear();
            Ok(Reply::empty(204))
        }
        ("GET", ["_emulator", "requests"]) => {
            let [vendor] = parameters(call, ["vendor"])?;
            let vendor = vendor_parameter(vendor)?;
            let log = &world.requests;
            ok(json!({ "count": log.count(vendor), "requests": log.list(vendor) }))
        }
        ("DELETE", ["_emulator", "requests"]) => {
            world.requests.clear();
            Ok(Reply::empty(204))
        }
        ("GET", ["_emulator", "faults"]) => ok(faults(world)),
        ("PUT", ["_emulator", "faults", vendor]) => {
            let vendor = vendor_segment(vendor)?;
            let FaultBody(fault) = body(call)?;
            world.faults.set(vendor, fault.clone());
            ok(fault)
        }
        ("DELETE", ["_emulator", "faults", vendor]) => {
            world.faults.clear(vendor_segment(vendor)?);
            Ok(Reply::empty(204))
        }
        ("GET", ["_emulator", "clock"]) => ok(now(world)),
        ("POST", ["_emulator", "clock"]) => {
            let Advance { advance_seconds } = body(call)?;
            if !world.advance(Duration::from_secs(advance_seconds)) {
                return Err((400, "the clock is not advanced by more than 100 years".to_owned()));
            }
            ok(now(world))
        }
        ("GET", ["_emulator", "accounts", vendor]) => {
            let vendor = vendor_segment(vendor)?;
            ok(world.vendor(vendor).map(VendorApi::account))
        }
        ("PUT", ["_emulator", "accounts", vendor]) => {
            let vendor = vendor_segment(vendor)?;
            let changes = body(call)?;
            let account = world.vendor_mut(vendor).map(|api| patch(api, changes)).transpose();
            ok(account.map_err(|error| (400, error))?)
        }
        (_, segments) => Err(unknown_route(&call.method, &call.path, segments)),
    }
}

fn unknown_route(method: &Method, path: &str, segments: &[&str]) -> Refusal {
    let known = matches!(
        segments,
        ["_emulator"]
            | ["_emulator", "messages" | "requests" | "faults" | "clock"]
            | ["_emulator", "faults" | "accounts", _]
    );
    if known {
        return (405, format!("{path} does not take {method}; there are: {ROUTES}"));
    }
    let bases = Vendor::ALL.map(Vendor::base_path).join(", ");
    (404, format!("nothing at {path}; the vendors are at {bases}, and there are: {ROUTES}"))
}

fn ok(body: impl Serialize) -> Result<Reply, Refusal> {
    match serde_json::to_value(body) {
        Ok(body) => Ok(Reply::json(200, &body)),
        Err(error) => Err((500, error.to_string())),
    }
}

fn body<T: DeserializeOwned>(call: &Call) -> Result<T, Refusal> {
    serde_json::from_slice(&call.body).map_err(|error| (400, error.to_string()))
}

fn vendor_segment(name: &str) -> Result<Vendor, Refusal> {
    Vendor::from_str(name).map_err(|error| (404, error.to_string()))
}

fn vendor_parameter(name: Option<String>) -> Result<Option<Vendor>, Refusal> {
    name.map(|name| Vendor::from_str(&name).map_err(|error| (400, error.to_string()))).transpose()
}

/// The values of the named query parameters; any other parameter is an error.
fn parameters<const N: usize>(
    call: &Call,
    names: [&str; N],
) -> Result<[Option<String>; N], Refusal> {
    let mut values = std::array::from_fn(|_| None);
    for (name, value) in form_urlencoded::parse(call.query.as_bytes()) {
        let Some(place) = names.iter().position(|known| *known == name) else {
            let known = names.join(", ");
            return Err((400, format!("unknown query parameter `{name}`; known are: {known}")));
        };
        values[place] = Some(value.into_owned());
    }
    Ok(values)
}

fn faults(world: &World) -> Value {
    let active = Vendor::ALL.into_iter().filter_map(|vendor| {
        Some((vendor.as_str().to_owned(), serde_json::to_value(world.faults.get(vendor)?).ok()?))
    });
    Value::Object(active.collect())
}

/// A fault in full, or the name of a preset.
#[derive(Deserialize)]
#[serde(try_from = "Value")]
struct FaultBody(Fault);

impl TryFrom<Value> for FaultBody {
    type Error = serde_json::Error;

    fn try_from(json: Value) -> Result<Self, Self::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Named {
            preset: FaultPreset,
        }
        if json.get("preset").is_some() {
            let Named { preset } = serde_json::from_value(json)?;
            return Ok(Self(preset.fault()));
        }
        serde_json::from_value(json).map(Self)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: u64,
}

fn now(world: &World) -> Value {
    json!({ "now": clock::millis(world.clock.now()) })
}
