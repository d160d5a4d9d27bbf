//! Checks against a service that is open to everyone by oversight.

use otpmux_core::Channel;
use otpmux_core::settings::ConfigError;
use otpmux_engine::Route;

use super::{Config, ConfigErrors};

impl Config {
    /// Checks that the countries of the recipients are decided. A service that strangers can make
    /// send must not be open to the numbers of the whole world by oversight: fraudsters request
    /// messages to the most expensive ones. `policy.countries` decides it, by a list or by `"any"`;
    /// so do routes and vendors that reach only some countries.
    ///
    /// # Errors
    ///
    /// [`countries`](otpmux_engine::Policy::countries) is not set, but is needed.
    pub fn check_countries(&self) -> Result<(), ConfigErrors> {
        if self.says_countries || !self.reaches_every_country() {
            return Ok(());
        }
        let error = ConfigError::new(
            "policy.countries",
            "missing, so numbers of every country would get messages: an invitation to SMS \
             pumping, where fraudsters have them sent to the dearest ones. Name the countries of \
             your users, such as countries = [\"IN\"], or say countries = \"any\"",
        );
        Err(self.locate(error.into()))
    }

    fn reaches_every_country(&self) -> bool {
        let names = self.providers().iter().map(|one| one.id.clone());
        let everything = [Route::to(names)];
        let routes = self.routes().map_or(&everything[..], |routes| routes.as_slice());
        routes.iter().any(|route| {
            let anywhere = route.countries.is_empty() && route.prefixes.is_empty();
            let takes = |channel: &Channel| {
                let fits = route.channels.is_empty() || route.channels.contains(channel);
                fits && *channel != Channel::Email
            };
            let mut providers =
                self.providers().iter().filter(|one| route.providers.contains(&one.id));
            anywhere
                && providers.any(|one| {
                    let can = &one.capabilities;
                    can.phone_prefixes.is_empty() && can.channels.iter().any(takes)
                })
        })
    }
}
