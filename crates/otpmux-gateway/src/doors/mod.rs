//! Doors: APIs of other OTP systems, for software that speaks them already. A door reads requests
//! and writes answers in the form of that system; the verbs below are those of every caller.

mod basic;
mod hooks;
mod recipient;
mod twilio;
mod vonage;

use std::sync::Arc;

use axum::Router;
use otpmux::Config;
use otpmux::config::settings::ConfigError;
use otpmux::config::{Environment, ServerConfig};

use crate::app::App;

/// The settings of doors that a reload may change. Paths are mounted once, at the start.
#[derive(Debug, Default)]
pub(crate) struct DoorSettings {
    pub(crate) twilio: Option<Arc<twilio::Settings>>,
    pub(crate) vonage: Option<Arc<vonage::Settings>>,
    pub(crate) hooks: hooks::Hooks,
}

/// The paths of the doors that are mounted.
#[derive(Debug, Default)]
pub(crate) struct Mounted {
    twilio: Option<Box<str>>,
    vonage: Option<Box<str>>,
    hooks: Vec<hooks::Mount>,
}

impl DoorSettings {
    /// Reads what the doors need: keys, files.
    ///
    /// # Errors
    ///
    /// Every mistake.
    pub(crate) fn new(
        config: &Config,
        server: &ServerConfig,
        environment: &Environment,
        before: Option<&Self>,
    ) -> Result<Self, Vec<ConfigError>> {
        let doors = config.doors();
        let twilio = doors.twilio.as_ref().map(|door| twilio::Settings::new(door, server));
        let vonage = doors.vonage.as_ref().map(vonage::Settings::new).transpose()?;
        let before = before.map(|before| &before.hooks);
        let hooks = hooks::Hooks::new(&doors.hooks, environment, before)?;
        Ok(Self { twilio: twilio.map(Arc::new), vonage: vonage.map(Arc::new), hooks })
    }
}

impl Mounted {
    pub(crate) fn new(config: &Config) -> Self {
        let doors = config.doors();
        Self {
            twilio: doors.twilio.as_ref().map(|door| door.path.as_str().into()),
            vonage: doors.vonage.as_ref().map(|door| door.path.as_str().into()),
            hooks: doors.hooks.iter().map(hooks::Mount::new).collect(),
        }
    }

    /// Whether a door shows the ids of requests in its answers.
    pub(crate) fn shows_request_ids(&self) -> bool {
        self.vonage.is_some()
    }

    /// Returns the path of a door's call with its variable parts replaced, for labels.
    pub(crate) fn label(&self, path: &str) -> Option<&'static str> {
        let below = |door: &Option<Box<str>>| {
            let rest = path.strip_prefix(&**door.as_ref()?)?;
            (rest.is_empty() || rest.starts_with('/')).then_some(rest)
        };
        let twilio = below(&self.twilio).map(twilio::label);
        let vonage = || below(&self.vonage).map(vonage::label);
        let hook = || self.hooks.iter().any(|hook| hook.is_at(path)).then_some(hooks::LABEL);
        twilio.or_else(vonage).or_else(hook)
    }
}

/// Returns the router of all doors; `None` without any.
pub(crate) fn router(app: &Arc<App>) -> Option<Router<Arc<App>>> {
    let Mounted { twilio, vonage, hooks } = &app.doors;
    let doors = [
        twilio.as_ref().map(|path| Router::new().nest(path, twilio::router())),
        vonage.as_ref().map(|path| Router::new().nest(path, vonage::router())),
        hooks::router(hooks),
    ];
    doors.into_iter().flatten().reduce(Router::merge)
}
