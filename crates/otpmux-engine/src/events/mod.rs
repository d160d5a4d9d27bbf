//! Events: what an application learns without asking, and how it waits in the store until it is
//! delivered.
//!
//! An event is written by the step of the store that makes it true, so there is none without its
//! cause and no cause without its event. It contains no recipient, no code and no address.

mod body;
mod id;
mod outbox;
mod settings;
mod terms;
mod types;

pub(crate) use body::Facts;
pub use body::{Event, EventData};
pub use id::{EventId, ParseEventIdError};
pub use outbox::{
    DueEvents, EndedEvent, EndpointState, EndpointStatus, EventEnd, EventsEnded, MOST_EVENTS,
    NewEvent, Once, Outbox, QueuedEvent, Wanted,
};
pub use settings::{EventEndpoint, EventSettings};
pub use terms::{EndpointName, EndpointNameError, EventTerms, Want};
pub(crate) use terms::{Happened, Reason};
pub use types::{EventType, EventTypes, EventTypesError};
