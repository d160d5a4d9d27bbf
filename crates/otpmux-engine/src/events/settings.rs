use super::{EndpointName, EventTypes};

/// Which events are written, and for whom. Default: none, which costs nothing.
///
/// ```
/// use otpmux_engine::{EventEndpoint, EventSettings, EventType};
///
/// let billing = EventEndpoint::new("billing", [EventType::VerificationApproved])?;
/// let settings = EventSettings::new().endpoint(billing);
/// assert_eq!(settings.endpoints().len(), 1);
/// # Ok::<(), otpmux_engine::EndpointNameError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventSettings {
    endpoints: Vec<EventEndpoint>,
}

/// A receiver of events.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EventEndpoint {
    /// Its name.
    pub name: EndpointName,
    /// The types that it gets.
    pub types: EventTypes,
    /// Whether its events contain the metadata of the send, which may be personal. Default: no.
    pub metadata: bool,
}

impl EventEndpoint {
    /// A receiver of these types, without metadata.
    ///
    /// # Errors
    ///
    /// The name is no name.
    pub fn new<T>(name: &str, types: T) -> Result<Self, super::EndpointNameError>
    where
        T: IntoIterator<Item = super::EventType>,
    {
        let name = EndpointName::new(name)?;
        Ok(Self { name, types: types.into_iter().collect(), metadata: false })
    }

    /// Sets whether its events contain the metadata of the send.
    #[must_use]
    pub fn with_metadata(mut self, metadata: bool) -> Self {
        self.metadata = metadata;
        self
    }
}

impl EventSettings {
    /// No events.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a receiver, in place of one with the same name.
    #[must_use]
    pub fn endpoint(mut self, endpoint: EventEndpoint) -> Self {
        self.endpoints.retain(|it| it.name != endpoint.name);
        self.endpoints.push(endpoint);
        self
    }

    /// The receivers.
    pub fn endpoints(&self) -> &[EventEndpoint] {
        &self.endpoints
    }

    /// The receiver of this name.
    pub fn get(&self, name: &str) -> Option<&EventEndpoint> {
        self.endpoints.iter().find(|it| it.name.as_str() == name)
    }

    /// Every type that some receiver gets.
    pub fn types(&self) -> EventTypes {
        self.endpoints.iter().fold(EventTypes::NONE, |all, it| all.and(it.types))
    }

    /// Whether there is no receiver.
    pub fn is_empty(&self) -> bool {
        self.endpoints.is_empty()
    }
}
