use std::collections::BTreeMap;

use otpmux_engine::EndpointName;
use otpmux_http::webhook::{WebhookSecret, WebhookUrl};

/// Where the events of endpoints are sent.
#[derive(Clone, Debug, Default)]
pub struct Targets(BTreeMap<EndpointName, Target>);

/// Where the events of one endpoint are sent.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Target {
    /// The address.
    pub url: WebhookUrl,
    /// The keys that sign: that in force, and the old one during a rotation.
    pub secrets: Vec<WebhookSecret>,
}

impl Targets {
    /// Adds the target of an endpoint, in place of an earlier one.
    pub fn add(&mut self, endpoint: EndpointName, url: WebhookUrl, secrets: Vec<WebhookSecret>) {
        self.0.insert(endpoint, Target { url, secrets });
    }

    /// The endpoints.
    pub fn names(&self) -> impl Iterator<Item = &EndpointName> {
        self.0.keys()
    }

    /// The target of an endpoint.
    pub fn get(&self, endpoint: &EndpointName) -> Option<&Target> {
        self.0.get(endpoint)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
