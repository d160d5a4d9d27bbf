//! The emulator's own API under `/_emulator`.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{delete, get, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::clock;
use crate::fault::Fault;
use crate::input::{Body, Parameters, Refusal};
use crate::outbox::{Message, MessageFilter};
use crate::preset::FaultPreset;
use crate::ready;
use crate::receipts::ReceiptFault;
use crate::shared::Shared;
use crate::vendor_api::{VendorApi, patch};
use crate::vendors::Vendor;
use crate::world::World;

/// The list of routes, for the answer to an unknown one.
pub(crate) const ROUTES: &str = "GET /_emulator; GET, DELETE /_emulator/messages; \
    GET, DELETE /_emulator/requests; GET /_emulator/faults; \
    PUT, DELETE /_emulator/faults/{vendor}; \
    GET, DELETE /_emulator/receipts; PUT, DELETE /_emulator/receipts/{vendor}; GET, POST /_emulator/clock; \
    GET, PUT /_emulator/accounts/{vendor}; GET /_emulator/events; GET / for the page";

type Answer<T> = Result<T, Refusal>;
type AllOfIt = State<Arc<Shared>>;

pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/_emulator", get(describe))
        .route("/_emulator/messages", get(messages).delete(clear_messages))
        .route("/_emulator/requests", get(requests).delete(clear_requests))
        .route("/_emulator/faults", get(faults))
        .route("/_emulator/faults/{vendor}", put(set_fault))
        .route("/_emulator/faults/{vendor}", delete(clear_fault))
        .route("/_emulator/receipts", get(receipts).delete(clear_receipts))
        .route("/_emulator/receipts/{vendor}", put(set_receipt_fault))
        .route("/_emulator/receipts/{vendor}", delete(clear_receipt_fault))
        .route("/_emulator/clock", get(read_clock).post(advance))
        .route("/_emulator/accounts/{vendor}", get(account).put(change_account))
}

async fn describe(State(shared): AllOfIt) -> Json<Value> {
    Json(ready::description(&shared, &shared.world()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Filter {
    vendor: Option<String>,
    to: Option<String>,
}

async fn messages(
    State(shared): AllOfIt,
    Parameters(filter): Parameters<Filter>,
) -> Answer<Json<Vec<Message>>> {
    let world = shared.world();
    // An unencoded `+` arrives as a space, and no recipient begins with one.
    let to = filter.to.map(|to| match to.strip_prefix(' ') {
        Some(rest) => format!("+{rest}"),
        None => to,
    });
    let filter = MessageFilter { vendor: chosen(&world, filter.vendor)?, to };
    Ok(Json(world.outbox.list(&filter)))
}

async fn clear_messages(State(shared): AllOfIt) -> StatusCode {
    shared.world().outbox.clear();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfVendor {
    vendor: Option<String>,
}

async fn requests(
    State(shared): AllOfIt,
    Parameters(filter): Parameters<OfVendor>,
) -> Answer<Json<Value>> {
    let world = shared.world();
    let vendor = chosen(&world, filter.vendor)?;
    let log = &world.requests;
    Ok(Json(json!({ "count": log.count(vendor), "requests": log.list(vendor) })))
}

async fn clear_requests(State(shared): AllOfIt) -> StatusCode {
    shared.world().requests.clear();
    StatusCode::NO_CONTENT
}

async fn faults(State(shared): AllOfIt) -> Json<Value> {
    let faults = shared.world().faults.all();
    let named =
        faults.into_iter().map(|(vendor, fault)| (vendor.as_str().to_owned(), json!(fault)));
    Json(Value::Object(named.collect()))
}

async fn set_fault(
    State(shared): AllOfIt,
    Path(vendor): Path<String>,
    Body(FaultBody(fault)): Body<FaultBody>,
) -> Answer<Json<Fault>> {
    let vendor = named(&shared.world(), &vendor)?;
    shared.set_fault(vendor, fault.clone());
    Ok(Json(fault))
}

async fn clear_fault(State(shared): AllOfIt, Path(vendor): Path<String>) -> Answer<StatusCode> {
    let vendor = named(&shared.world(), &vendor)?;
    shared.clear_fault(vendor);
    Ok(StatusCode::NO_CONTENT)
}

async fn receipts(
    State(shared): AllOfIt,
    Parameters(filter): Parameters<OfVendor>,
) -> Answer<Json<Value>> {
    let world = shared.world();
    let vendor = chosen(&world, filter.vendor)?;
    let faults = world.receipts.faults().iter();
    let faults: Map<_, _> =
        faults.map(|(vendor, fault)| (vendor.as_str().to_owned(), json!(fault))).collect();
    Ok(Json(json!({ "receipts": world.receipts.sent(vendor), "faults": faults })))
}

async fn clear_receipts(State(shared): AllOfIt) -> StatusCode {
    shared.world().receipts.clear();
    StatusCode::NO_CONTENT
}

async fn set_receipt_fault(
    State(shared): AllOfIt,
    Path(vendor): Path<String>,
    Body(fault): Body<ReceiptFault>,
) -> Answer<Json<ReceiptFault>> {
    let mut world = shared.world();
    let vendor = named(&world, &vendor)?;
    world.receipts.set_fault(vendor, Some(fault));
    Ok(Json(fault))
}

async fn clear_receipt_fault(
    State(shared): AllOfIt,
    Path(vendor): Path<String>,
) -> Answer<StatusCode> {
    let mut world = shared.world();
    let vendor = named(&world, &vendor)?;
    world.receipts.set_fault(vendor, None);
    Ok(StatusCode::NO_CONTENT)
}

async fn read_clock(State(shared): AllOfIt) -> Json<Value> {
    Json(now(&shared.world()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: u64,
}

async fn advance(
    State(shared): AllOfIt,
    Body(Advance { advance_seconds }): Body<Advance>,
) -> Answer<Json<Value>> {
    let mut world = shared.world();
    if !world.advance(Duration::from_secs(advance_seconds)) {
        return Err(Refusal::bad("the clock is not advanced by more than 100 years"));
    }
    Ok(Json(now(&world)))
}

async fn account(State(shared): AllOfIt, Path(vendor): Path<String>) -> Answer<Json<Value>> {
    let world = shared.world();
    let vendor = named(&world, &vendor)?;
    Ok(Json(world.vendor(vendor).map(VendorApi::account).unwrap_or_default()))
}

/// Replaces the fields that the body has; answers with the whole account.
async fn change_account(
    State(shared): AllOfIt,
    Path(vendor): Path<String>,
    Body(changes): Body<Map<String, Value>>,
) -> Answer<Json<Value>> {
    let mut world = shared.world();
    let vendor = named(&world, &vendor)?;
    let account = world.vendor_mut(vendor).map(|api| patch(api, changes)).transpose();
    Ok(Json(account.map_err(Refusal::bad)?.unwrap_or_default()))
}

/// Returns the vendor of a path.
fn named(world: &World, name: &str) -> Answer<Vendor> {
    world.named(name).map_err(|error| Refusal::new(StatusCode::NOT_FOUND, error))
}

/// Returns the vendor of a parameter.
fn chosen(world: &World, name: Option<String>) -> Answer<Option<Vendor>> {
    name.map(|name| world.named(&name).map_err(Refusal::bad)).transpose()
}

fn now(world: &World) -> Value {
    json!({ "now": clock::millis(world.clock.now()) })
}

/// A whole fault, or the name of a preset.
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
