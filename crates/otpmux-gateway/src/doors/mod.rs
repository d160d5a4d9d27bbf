//! Doors: APIs of other OTP systems, for software that speaks them already. A door reads requests
//! and writes answers in the form of that system; the verbs below are those of every caller.

mod basic;
mod twilio;

use std::sync::Arc;

use axum::Router;
use otpmux::Config;
use otpmux::config::settings::ConfigError;

use crate::app::App;

/// The settings of doors that a reload may change. Paths are mounted once, at the start.
#[derive(Debug, Default)]
pub(crate) struct DoorSettings {
    pub(crate) twilio: Option<twilio::Settings>,
}

/// The paths of the doors that are mounted.
#[derive(Debug, Default)]
pub(crate) struct Mounted {
    twilio: Option<Box<str>>,
}

impl DoorSettings {
    /// Reads what the doors need: keys, files.
    ///
    /// # Errors
    ///
    /// Every mistake.
    #[expect(clippy::unnecessary_wraps, reason = "doors with secrets and files can fail")]
    pub(crate) fn new(config: &Config, before: Option<&Self>) -> Result<Self, Vec<ConfigError>> {
        let _ = before;
        let doors = config.doors();
        Ok(Self { twilio: doors.twilio.as_ref().map(twilio::Settings::new) })
    }
}

impl Mounted {
    pub(crate) fn new(config: &Config) -> Self {
        let doors = config.doors();
        Self { twilio: doors.twilio.as_ref().map(|door| door.path.as_str().into()) }
    }

    /// Returns the path of a door's call with its variable parts replaced, for labels.
    pub(crate) fn label(&self, path: &str) -> Option<&'static str> {
        let below = |door: &Option<Box<str>>| {
            let rest = path.strip_prefix(&**door.as_ref()?)?;
            (rest.is_empty() || rest.starts_with('/')).then_some(rest)
        };
        below(&self.twilio).map(twilio::label)
    }
}

/// Returns the router of all doors; `None` without any.
pub(crate) fn router(app: &Arc<App>) -> Option<Router<Arc<App>>> {
    let Mounted { twilio } = &app.doors;
    let doors = [twilio.as_ref().map(|path| Router::new().nest(path, twilio::router()))];
    doors.into_iter().flatten().reduce(Router::merge)
}
