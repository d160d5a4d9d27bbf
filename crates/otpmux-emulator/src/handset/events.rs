//! The page's event stream: delivered messages, and the state of the vendors' switches.
//!
//! Each event is made from the present state, not from the changes: a slow reader gets all that it
//! lacks, and no reader delays a vendor.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body::Frame;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::clock;
use crate::outbox::Message;
use crate::preset::FaultPreset;
use crate::shared::Shared;
use crate::vendors::Vendor;
use crate::world::World;

/// The most messages that are sent at once; older ones are omitted. The page keeps as many.
const MOST_AT_ONCE: usize = 200;
/// Proxies and browsers close idle streams.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a browser waits before it reconnects, in milliseconds.
const RECONNECT: &str = "retry: 1000\n\n";

pub(super) async fn begin(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let feed = Feed::after(last, &shared.world());
    let (to_reader, body) = mpsc::channel(1);
    tokio::spawn(run(feed, shared, to_reader));
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    (headers, Body::new(Stream(body))).into_response()
}

/// A body that ends with its channel.
struct Stream(mpsc::Receiver<Bytes>);

impl http_body::Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// Ends when the reader closes the connection or the emulator stops.
async fn run(mut feed: Feed, shared: Arc<Shared>, to_reader: mpsc::Sender<Bytes>) {
    let mut changes = shared.world().changes.subscribe();
    let mut text = RECONNECT.to_owned();
    loop {
        // Before reading the state: a later change wakes this task again.
        changes.mark_unchanged();
        feed.append_news(&shared.world(), &mut text);
        if !text.is_empty() {
            let bytes = Bytes::from(std::mem::take(&mut text));
            tokio::select! {
                sent = to_reader.send(bytes) => if sent.is_err() { return },
                () = shared.stopped() => return,
            }
        }
        tokio::select! {
            _ = changes.changed() => {}
            () = sleep(KEEP_ALIVE) => text.push_str(":\n\n"),
            () = to_reader.closed() => return,
            () = shared.stopped() => return,
        }
    }
}

/// State of one reader.
#[derive(Debug)]
struct Feed {
    /// The number of its newest message; `None` if the reader must begin again.
    told: Option<u64>,
    state: Value,
}

impl Feed {
    fn after(last_event_id: Option<&str>, world: &World) -> Self {
        let told = last_event_id.and_then(|id| {
            let (run, number) = id.split_once('-')?;
            // Numbers of an earlier emulator at this address have no meaning.
            (run == world.run_id).then(|| number.parse().ok())?
        });
        Self { told, state: Value::Null }
    }

    fn append_news(&mut self, world: &World, text: &mut String) {
        let state = state(world);
        if state != self.state {
            append(text, "state", None, &state);
            self.state = state;
        }
        let outbox = &world.outbox;
        let told = self.told.filter(|told| (outbox.cleared()..=outbox.newest()).contains(told));
        let news: Vec<_> =
            outbox.after(told.unwrap_or_else(|| outbox.cleared()), MOST_AT_ONCE).collect();
        if told.is_none() {
            let begin = json!({ "replayed": news.len() });
            append(text, "reset", Some(&id(world, outbox.cleared())), &begin);
        }
        for (number, message) in news {
            append(text, "message", Some(&id(world, number)), &json!(message));
        }
        self.told = Some(outbox.newest());
    }
}

/// Returns the message of an event's id.
pub(super) fn find<'a>(world: &'a World, id: &str) -> Option<&'a Message> {
    let (run, number) = id.split_once('-')?;
    let number: u64 = number.parse().ok().filter(|_| run == world.run_id)?;
    let mut messages = world.outbox.after(world.outbox.cleared(), usize::MAX);
    messages.find(|(each, _)| *each == number).map(|(_, message)| message)
}

fn id(world: &World, number: u64) -> String {
    format!("{}-{number}", world.run_id)
}

fn append(text: &mut String, event: &str, id: Option<&str>, data: &Value) {
    if let Some(id) = id {
        text.extend(["id: ", id, "\n"]);
    }
    // Compact JSON is one line.
    text.extend(["event: ", event, "\ndata: ", &data.to_string(), "\n\n"]);
}

/// Returns the state of the switches, and their settings.
fn state(world: &World) -> Value {
    let vendor = |vendor: Vendor| {
        let fault = world.faults.get(vendor);
        json!({
            "vendor": vendor,
            "name": vendor.name(),
            "fault": fault,
            "preset": fault.and_then(FaultPreset::of),
        })
    };
    let preset = |preset: FaultPreset| json!({ "preset": preset, "label": preset.label(), "meaning": preset.meaning() });
    // The clock's setting instead of its time, which changes all the time.
    let clock = json!({
        "frozen_at": world.clock.frozen_at().map(clock::millis),
        "advanced": u64::try_from(world.clock.advanced().as_millis()).unwrap_or(u64::MAX),
        "shared": world.relay.as_ref().is_some_and(|relay| relay.shares_clock()),
    });
    json!({
        "vendors": world.vendors().map(|(each, _)| vendor(each)).collect::<Vec<_>>(),
        "presets": FaultPreset::ALL.map(preset),
        "relay": world.relay.is_some(),
        "clock": clock,
    })
}
