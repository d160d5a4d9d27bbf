//! `[[events]]`

use otpmux_core::Secret;
use otpmux_core::settings::Section as _;
use otpmux_engine::{EndpointName, EventEndpoint, EventSettings, EventTypes};
use serde_json::{Map, Value};

use super::reading::Reading;

otpmux_core::settings! {
    /// A receiver of events as a file has it.
    #[derive(Clone, Debug)]
    pub(crate) struct EndpointSettings {
        /// The name of the endpoint, for metrics, logs and admin calls. Events that wait for it are
        /// kept under this name.
        pub name: Option<String> = None, text().required().check(check_name), example "billing";
        /// Where its events are sent: an https address that is public. It is checked again for each
        /// connection.
        pub url: Option<String> = None, text().required(), example "https://example.com/otp-events";
        /// The key that signs its events: whsec_ and 24 to 64 random bytes in base64.
        pub secret: Option<Secret> = None, secret().required(), example "env:OTPMUX_EVENTS_SECRET";
        /// The key before, during a rotation: then each event has a signature of both. Absent: no
        /// rotation.
        pub secret_old: Option<Secret> = None, secret(), example "env:OTPMUX_EVENTS_SECRET_OLD";
        /// The types that it gets, such as `verification.approved`, or groups such as `verification.*`.
        pub types: Vec<String> = vec!["*".to_owned()], list().check(check_types),
            example ["verification.*", "check.exhausted"];
        /// Whether its events contain the metadata of the send, which may be personal.
        pub metadata: bool = false, flag(), example true;
        /// Whether its address may be one of this machine, also by plain HTTP. For tests.
        pub allow_loopback: bool = false, flag(), example true;
    }
}

fn check_name(text: &str) -> Result<(), String> {
    EndpointName::new(text).map(drop).map_err(|error| error.to_string())
}

fn check_types(text: &str) -> Result<(), String> {
    text.parse::<EventTypes>().map(drop).map_err(|error| error.to_string())
}

/// The endpoints of a file, and where their events are sent.
#[derive(Clone, Debug, Default)]
pub(super) struct Events {
    pub(super) settings: EventSettings,
    #[cfg(feature = "events")]
    pub(super) targets: crate::events::Targets,
}

pub(super) fn read(root: &Map<String, Value>, cx: &mut Reading<'_>) -> Events {
    let mut events = Events::default();
    for (path, table) in cx.tables("events", root.get("events")).unwrap_or_default() {
        let Some(settings) = cx.settings(&path, EndpointSettings::KEYS, table) else { continue };
        let mut read = EndpointSettings::default();
        read.apply(&settings);
        // A table without them has mistakes, which were reported.
        let (Some(name), Some(url), Some(secret)) = (&read.name, &read.url, &read.secret) else {
            continue;
        };
        let Ok(mut endpoint) = EventEndpoint::new(name, []) else { continue };
        if events.settings.get(name).is_some() {
            cx.mistake(format!("{path}.name"), "another endpoint has this name already");
        }
        let types = read.types.iter().filter_map(|text| text.parse::<EventTypes>().ok());
        endpoint.types = types.fold(EventTypes::NONE, EventTypes::and);
        endpoint.metadata = read.metadata;
        add_target(&mut events, &endpoint, &path, (url, secret, &read), cx);
        events.settings = events.settings.endpoint(endpoint);
    }
    events
}

#[cfg(feature = "events")]
fn add_target(
    events: &mut Events,
    endpoint: &EventEndpoint,
    path: &str,
    (url, secret, read): (&str, &Secret, &EndpointSettings),
    cx: &mut Reading<'_>,
) {
    use otpmux_http::webhook::{WebhookSecret, WebhookUrl};

    let url = WebhookUrl::parse(url, read.allow_loopback);
    let url = url.map_err(|error| cx.mistake(format!("{path}.url"), error.to_string()));
    let mut secrets = Vec::new();
    for (key, secret) in [("secret", Some(secret)), ("secret_old", read.secret_old.as_ref())] {
        let Some(secret) = secret else { continue };
        match secret.expose().parse::<WebhookSecret>() {
            Ok(secret) => secrets.push(secret),
            Err(error) => cx.mistake(format!("{path}.{key}"), error.to_string()),
        }
    }
    if let Ok(url) = url {
        events.targets.add(endpoint.name.clone(), url, secrets);
    }
}

#[cfg(not(feature = "events"))]
fn add_target(
    _events: &mut Events,
    _endpoint: &EventEndpoint,
    path: &str,
    _sent: (&str, &Secret, &EndpointSettings),
    cx: &mut Reading<'_>,
) {
    cx.mistake(path, "this program sends no events: it was built without the feature `events`");
}
