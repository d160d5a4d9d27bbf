//! The public methods of [`OtpClient`] for events.

use std::time::SystemTime;

use otpmux_core::Error;

use super::{EventDelivery, EventStream, TakenEvents};
use crate::{
    EndedEvent, EndpointState, EndpointStatus, EventId, EventSettings, EventType, EventsEnded,
    OtpClient, Wanted,
};

/// Events.
impl OtpClient {
    /// Reads the events of one endpoint: every event at least once, in no particular order.
    ///
    /// ```no_run
    /// # use otpmux_engine::OtpClient;
    /// # async fn example(client: OtpClient) -> Result<(), otpmux_core::Error> {
    /// let mut events = client.events("billing")?;
    /// loop {
    ///     let event = events.next().await?;
    ///     println!("{} {}", event.id, event.event());
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// No such endpoint ([`NotFound`](otpmux_core::ErrorKind::NotFound)).
    pub fn events(&self, endpoint: &str) -> Result<EventStream, Error> {
        EventStream::of(self, endpoint)
    }

    /// The endpoints in force.
    #[must_use]
    pub fn event_settings(&self) -> EventSettings {
        self.inner().events.settings().clone()
    }

    /// Changes whenever this process has written events, so that they can be taken at once.
    #[must_use]
    pub fn events_written(&self) -> tokio::sync::watch::Receiver<()> {
        self.inner().events.waker().subscribe()
    }

    /// Takes events that are due, oldest first. Each is this process's for a minute; then another
    /// process may take it. End each with [`end_events`](Self::end_events).
    ///
    /// # Errors
    ///
    /// The store is out of reach.
    pub async fn take_events(&self, wanted: &[Wanted]) -> Result<TakenEvents, Error> {
        self.inner().take_events(wanted).await
    }

    /// Records what became of events that were taken, many in one round trip to the store. Returns since
    /// when every try at one of their endpoints has failed, if the last one did.
    ///
    /// # Errors
    ///
    /// The store is out of reach: events that are not recorded are due again when their lease ends.
    pub async fn end_events(&self, ended: &[EndedEvent]) -> Result<EventsEnded, Error> {
        self.inner().end_events(ended).await
    }

    /// Reads the events that wait for one endpoint, or for all, at most so many of each (and 1,000),
    /// oldest first.
    ///
    /// # Errors
    ///
    /// The store is out of reach.
    pub async fn events_waiting(
        &self,
        endpoint: Option<&str>,
        most: usize,
    ) -> Result<Vec<EventDelivery>, Error> {
        self.inner().events_waiting(endpoint, most).await
    }

    /// Makes an event due now, wherever it waits. Returns whether there is such an event.
    ///
    /// # Errors
    ///
    /// The store is out of reach.
    pub async fn retry_event(&self, id: EventId) -> Result<bool, Error> {
        self.inner().retry_event(id).await
    }

    /// Returns what the store knows about every endpoint in force.
    ///
    /// # Errors
    ///
    /// The store is out of reach.
    pub async fn event_endpoints(&self) -> Result<Vec<EndpointStatus>, Error> {
        self.inner().endpoint_statuses().await
    }

    /// Pauses an endpoint, switches it off or on again, for all processes of the store. Its events wait
    /// meanwhile.
    ///
    /// # Errors
    ///
    /// No such endpoint ([`NotFound`](otpmux_core::ErrorKind::NotFound)); the store is out of reach.
    pub async fn set_endpoint(&self, name: &str, state: EndpointState) -> Result<(), Error> {
        self.inner().set_endpoint(name, state).await
    }

    /// Writes an event of this type whose purpose, provider and reason are `test`, for every endpoint that
    /// gets the type. Returns its id and the number of endpoints.
    ///
    /// # Errors
    ///
    /// The store is out of reach.
    pub async fn trigger_event(&self, event: EventType) -> Result<(EventId, usize), Error> {
        self.inner().trigger_event(event).await
    }

    /// The time that events use: the store's.
    #[must_use]
    pub fn event_time(&self) -> SystemTime {
        self.inner().event_time()
    }
}
