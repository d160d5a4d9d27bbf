//! Delivery of events to the endpoints of the configuration, as webhooks.
//!
//! A gateway runs it. An application that embeds otpmux and wants webhooks runs it itself:
//!
//! ```no_run
//! # use otpmux::{Config, OtpClient};
//! # use otpmux::events::EventDeliverer;
//! # async fn example(config: Config, client: OtpClient) -> Result<(), Box<dyn std::error::Error>> {
//! let deliverer = EventDeliverer::start(client, config.event_targets().clone())?;
//! // .. and at the end:
//! deliverer.stop().await;
//! # Ok(())
//! # }
//! ```

mod attempt;
mod deliverer;
mod metrics;
mod pace;
mod schedule;
mod targets;
mod work;

pub use deliverer::{EventDeliverer, StartDeliveryError};
pub use metrics::describe_event_metrics;
pub use otpmux_engine::{
    EndpointName, EndpointState, EndpointStatus, Event, EventData, EventDelivery, EventEndpoint,
    EventId, EventSettings, EventStream, EventType, EventTypes,
};
pub use targets::{Target, Targets};
