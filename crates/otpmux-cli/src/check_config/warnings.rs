use otpmux::{Channel, Config, Route};

/// What is right and hardly meant.
pub(super) fn of(config: &Config) -> Vec<&'static str> {
    let mut warnings = Vec::new();
    if config.policy().countries.is_none() && reaches_every_country(config) {
        warnings.push(
            "no `countries` under [policy], so numbers of every country that a route takes get \
             messages: an invitation to SMS pumping, where fraudsters have them sent to the \
             dearest ones. Name the countries of your users, such as countries = [\"IN\"]",
        );
    }
    if config.policy().hedge_after.is_some() && config.policy().duplicates == 0 {
        warnings.push("hedge_after does nothing while duplicates = 0: a second message may be one");
    }
    warnings
}

fn reaches_every_country(config: &Config) -> bool {
    let everything = [Route::to(config.providers().iter().map(|one| one.provider.id().clone()))];
    let routes = config.routes().map_or(&everything[..], |routes| routes.as_slice());
    routes.iter().any(|route| {
        let anywhere = route.countries.is_empty() && route.prefixes.is_empty();
        let takes = |channel: &Channel| {
            let fits = route.channels.is_empty() || route.channels.contains(channel);
            fits && *channel != Channel::Email
        };
        let mut providers =
            config.providers().iter().filter(|one| route.providers.contains(one.provider.id()));
        anywhere
            && providers.any(|one| {
                let can = one.provider.capabilities();
                can.phone_prefixes.is_empty() && can.channels.iter().any(takes)
            })
    })
}
