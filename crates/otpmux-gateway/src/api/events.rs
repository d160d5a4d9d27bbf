//! Events that wait, and the endpoints that get them, for operators.

use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use jiff::Timestamp;
use otpmux::events::{EndpointState, EndpointStatus, EventDelivery, EventId};
use serde::Serialize;
use utoipa::ToSchema;

use super::problems::{OfQuestion, OfShow};
use crate::answer::Answer;
use crate::app::App;
use crate::auth::Caller;
use crate::problem::Problem;

/// How many waiting events of each endpoint an answer lists.
const SHOWN: usize = 100;

/// The endpoints, and the events that wait for them.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "Events")]
pub(super) struct EventsView {
    endpoints: Vec<EndpointView>,
    /// Oldest first, by endpoint.
    events: Vec<EventView>,
}

/// A receiver of events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "EventEndpoint")]
struct EndpointView {
    name: String,
    /// `on`, `paused` by an operator, or `off`: it answered 410, or nothing succeeded for three days.
    state: &'static str,
    /// Since when every try failed; null if the last one did not.
    failing_since: Option<String>,
    /// How many events wait, those under way included.
    waiting: u64,
}

/// An event that waits for an endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "WaitingEvent")]
struct EventView {
    id: String,
    endpoint: String,
    r#type: &'static str,
    /// When it happened.
    at: String,
    /// Tries that failed.
    tries: u32,
    /// When the next try is due, or when the try under way is given up.
    due_at: String,
}

/// Show events that wait
///
/// The endpoints with their states, and the oldest 100 events that wait for each. For keys with `admin = true`.
#[utoipa::path(
    get,
    path = "/v1/admin/events",
    operation_id = "show_events",
    tag = "operation",
    responses(
        (status = 200, description = "The events", body = EventsView),
        OfQuestion,
    ),
)]
pub(super) async fn show(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Answer<EventsView>, Problem> {
    caller.administers()?;
    let statuses = app.client.event_endpoints().await?;
    let waiting = app.client.events_waiting(None, SHOWN).await?;
    Ok(Answer(EventsView {
        endpoints: statuses.iter().map(EndpointView::of).collect(),
        events: waiting.iter().map(EventView::of).collect(),
    }))
}

/// Try an event now
///
/// Makes it due now at every endpoint where it waits. For keys with `admin = true`.
#[utoipa::path(
    post,
    path = "/v1/admin/events/{id}/retry",
    operation_id = "retry_event",
    tag = "operation",
    params(("id" = String, Path, description = "The id of the event: `webhook-id`")),
    responses(
        (status = 204, description = "It is due now"),
        OfShow,
    ),
)]
pub(super) async fn retry(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.administers()?;
    let id: EventId = id.parse().map_err(|_| Problem::no_such_event())?;
    if app.client.retry_event(id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::no_such_event())
    }
}

/// Pause an endpoint for events
///
/// Its events wait, for all gateways of the store, until it is resumed. For keys with `admin = true`.
#[utoipa::path(
    post,
    path = "/v1/admin/endpoints/{name}/pause",
    operation_id = "pause_event_endpoint",
    tag = "operation",
    params(("name" = String, Path, description = "The name of the endpoint")),
    responses(
        (status = 204, description = "It is paused"),
        OfShow,
    ),
)]
pub(super) async fn pause(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    set(&app, &caller, &name, EndpointState::Paused).await
}

/// Resume an endpoint for events
///
/// Its events are delivered again, also if it was switched off. For keys with `admin = true`.
#[utoipa::path(
    post,
    path = "/v1/admin/endpoints/{name}/resume",
    operation_id = "resume_event_endpoint",
    tag = "operation",
    params(("name" = String, Path, description = "The name of the endpoint")),
    responses(
        (status = 204, description = "It gets events"),
        OfShow,
    ),
)]
pub(super) async fn resume(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    set(&app, &caller, &name, EndpointState::On).await
}

/// An event that was made for a test.
#[derive(Debug, Serialize, ToSchema)]
#[schema(title = "TriggeredEvent")]
pub(super) struct TriggeredView {
    id: String,
    /// How many endpoints get it.
    endpoints: usize,
}

/// Make an event for a test
///
/// Writes an event of a type whose purpose, provider and reason are `test`, for every endpoint that
/// gets this type. For keys with `admin = true`.
#[utoipa::path(
    post,
    path = "/v1/admin/events/trigger/{type}",
    operation_id = "trigger_event",
    tag = "operation",
    params(("type" = String, Path, description = "The type, such as `verification.approved`")),
    responses(
        (status = 200, description = "It is written", body = TriggeredView),
        OfShow,
    ),
)]
pub(super) async fn trigger(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Answer<TriggeredView>, Problem> {
    caller.administers()?;
    let mut types = otpmux::events::EventType::ALL.into_iter();
    let event = types.find(|it| it.as_str() == name).ok_or_else(Problem::no_such_event)?;
    let (id, endpoints) = app.client.trigger_event(event).await?;
    Ok(Answer(TriggeredView { id: id.to_string(), endpoints }))
}

async fn set(
    app: &App,
    caller: &Caller,
    name: &str,
    state: EndpointState,
) -> Result<StatusCode, Problem> {
    caller.administers()?;
    app.client.set_endpoint(name, state).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn written(at: SystemTime) -> String {
    Timestamp::try_from(at).map(|at| format!("{at:.3}")).unwrap_or_default()
}

impl EndpointView {
    fn of(status: &EndpointStatus) -> Self {
        Self {
            name: status.endpoint.to_string(),
            state: status.state.as_str(),
            failing_since: status.failing_since.map(written),
            waiting: status.waiting,
        }
    }
}

impl EventView {
    fn of(delivery: &EventDelivery) -> Self {
        Self {
            id: delivery.event.id.to_string(),
            endpoint: delivery.endpoint.to_string(),
            r#type: delivery.event.event().as_str(),
            at: written(delivery.event.at),
            tries: delivery.tries,
            due_at: written(delivery.due_at),
        }
    }
}
