//! What is open to everybody.

use otpmux_core::Channel;
use otpmux_core::settings::ConfigError;
use otpmux_engine::Route;

use super::{Config, ConfigErrors};

impl Config {
    /// Whether it is decided whose numbers get messages. A service that strangers make send must not
    /// be open to the numbers of the whole world by oversight: fraudsters have messages sent to the
    /// dearest ones. `policy.countries` decides it by a list or by `"any"`; so do routes and vendors
    /// that reach some countries only.
    ///
    /// # Errors
    ///
    /// [`countries`](otpmux_engine::Policy::countries) is neither there nor needless.
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
