use otpmux_core::Error;
use std::collections::VecDeque;
use tokio::sync::watch;

use super::{EventDelivery, no_endpoint};
use crate::{EndpointName, Event, EventEnd, Looks, OtpClient, Wanted};

/// How many events are taken at once.
const AT_ONCE: usize = 16;

/// The events of one endpoint, for an application that embeds otpmux:
/// [`OtpClient::events`](crate::OtpClient::events).
///
/// Every event comes at least once, in no particular order. Several processes that read one endpoint
/// share its events.
#[derive(Debug)]
pub struct EventStream {
    client: OtpClient,
    endpoint: EndpointName,
    more: watch::Receiver<()>,
    looks: Looks,
    taken: VecDeque<EventDelivery>,
    /// The one that the application has, until it asks for the next one.
    at_work: Option<EventDelivery>,
}

impl EventStream {
    pub(crate) fn of(client: &OtpClient, endpoint: &str) -> Result<Self, Error> {
        let inner = client.inner();
        let known = inner.events.settings().get(endpoint).ok_or_else(|| no_endpoint(endpoint))?;
        Ok(Self {
            client: client.clone(),
            endpoint: known.name.clone(),
            more: inner.events.waker().subscribe(),
            looks: Looks::for_events(),
            taken: VecDeque::new(),
            at_work: None,
        })
    }

    /// Waits for the next event, and removes the one before from the outbox: the call says that it was
    /// handled. If the process ends before that, the event comes again after a minute.
    ///
    /// # Errors
    ///
    /// The store is out of reach. The next call asks again.
    pub async fn next(&mut self) -> Result<Event, Error> {
        self.done().await?;
        loop {
            if let Some(next) = self.taken.pop_front() {
                let event = next.event.clone();
                self.at_work = Some(next);
                return Ok(event);
            }
            self.more.borrow_and_update();
            let wanted = Wanted { endpoint: self.endpoint.clone(), most: AT_ONCE };
            let taken = self.client.take_events(&[wanted]).await?;
            self.taken.extend(taken.deliveries);
            if self.taken.is_empty() {
                // Another process may have written one, or have died with one.
                let pause = self.looks.pause();
                if tokio::time::timeout(pause, self.more.changed()).await.is_err() {
                    continue;
                }
            }
            self.looks.worked();
        }
    }

    /// Removes the last event from the outbox, without waiting for the next one.
    ///
    /// # Errors
    ///
    /// The store is out of reach: the event comes again after a minute.
    pub async fn done(&mut self) -> Result<(), Error> {
        if let Some(last) = self.at_work.take() {
            self.client.end_events(&[last.ended(EventEnd::Delivered)]).await?;
        }
        Ok(())
    }
}
