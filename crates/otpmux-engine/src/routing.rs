use otpmux_core::settings::parses;
use otpmux_core::{Channel, ProviderId, Purpose, Recipient};

use crate::EscalationStep;
use crate::numbers::{check_country, check_prefix, includes, is_country, is_prefix};

otpmux_core::settings! {
    /// A rule that says which providers may send what, in which order. A condition that is left
    /// out, or an empty list, fits everything.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Route {
        /// The countries of the recipient's number, as ISO 3166-1 codes of two capital letters.
        /// `GB+` is GB with all countries that share its calling code. Absent: every country, and
        /// none.
        pub countries: Vec<String> = Vec::new(), list().check(check_country), example ["IN", "GB+"];
        /// The channels of the message. Absent: every channel.
        pub channels: Vec<Channel> = Vec::new(),
            list().check(parses::<Channel>), example ["sms", "whatsapp"];
        /// Beginnings of the recipient's number, each with its `+`. Absent: every number, and
        /// e-mail.
        pub prefixes: Vec<String> = Vec::new(), list().check(check_prefix), example ["+9198"];
        /// The purposes of the verification. Absent: every purpose.
        pub purposes: Vec<Purpose> = Vec::new(), list().check(parses::<Purpose>), example ["login"];
        plain {
            /// The providers, the preferred one first.
            pub providers: Vec<ProviderId> = Vec::new();
            /// A weight for each provider, in the order of [`providers`](Self::providers): each
            /// send draws its order with these chances. Empty means that the order is fixed. A
            /// provider of weight 0 comes after all others.
            pub weights: Vec<u32> = Vec::new();
            /// Further messages for a user who does not type the code, each in its time. Empty: none.
            pub escalate: Vec<EscalationStep> = Vec::new();
        }
    }
}

/// Ordered routes; the first that fits applies. If none fits, nothing is sent.
#[derive(Clone, Debug, Default)]
pub struct Routes(Vec<Route>);

/// A route that is invalid.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouteError {
    /// A country without telephone numbers.
    #[error("`{0}` is not a country with telephone numbers; write two capital letters such as IN")]
    Country(String),
    /// A prefix that begins no number.
    #[error("`{0}` does not begin a number; write it such as +9198")]
    Prefix(String),
    /// A provider is listed twice.
    #[error("`{0}` is listed twice; each provider is tried once")]
    Twice(ProviderId),
    /// Only some of the providers have weights.
    #[error("every provider needs a weight, or none")]
    WeightMissing,
    /// All weights are 0.
    #[error("one weight at least must be more than 0")]
    NoWeight,
    /// More steps of escalation than this.
    #[error("escalate: at most {0} steps")]
    Steps(usize),
    /// A step of escalation is invalid, or never begins: its index, from 0, and why.
    #[error("escalate[{0}]: {1}")]
    Step(usize, String),
    /// The route has no providers.
    #[error("a route needs at least one provider")]
    NoProvider,
}

otpmux_core::debug_as_display!(RouteError);

impl Route {
    /// A route that fits everything.
    pub fn to(providers: impl IntoIterator<Item = ProviderId>) -> Self {
        Self { providers: providers.into_iter().collect(), ..Self::default() }
    }

    /// Checks this route by itself.
    ///
    /// # Errors
    ///
    /// The first mistake in the route.
    pub fn validate(&self) -> Result<(), RouteError> {
        if let Some(country) = self.countries.iter().find(|country| !is_country(country)) {
            return Err(RouteError::Country(country.clone()));
        }
        if let Some(prefix) = self.prefixes.iter().find(|prefix| !is_prefix(prefix)) {
            return Err(RouteError::Prefix(prefix.clone()));
        }
        let mut seen = self.providers.iter().enumerate();
        if let Some((_, twice)) = seen.find(|(at, id)| self.providers[..*at].contains(id)) {
            return Err(RouteError::Twice(twice.clone()));
        }
        if !self.weights.is_empty() && self.weights.len() != self.providers.len() {
            return Err(RouteError::WeightMissing);
        }
        if !self.weights.is_empty() && self.weights.iter().all(|weight| *weight == 0) {
            return Err(RouteError::NoWeight);
        }
        if self.providers.is_empty() {
            return Err(RouteError::NoProvider);
        }
        self.check_steps()
    }

    /// The valid weights, in a file and in [`weights`](Self::weights).
    pub const WEIGHT: std::ops::RangeInclusive<u32> = 0..=10_000;

    /// Returns the indexes of the providers in the order of one send; nothing without weights, as
    /// then the providers are in their order. `draw` returns a random number, uniformly distributed.
    pub(crate) fn order<E>(
        &self,
        mut draw: impl FnMut() -> Result<u64, E>,
    ) -> Result<Vec<usize>, E> {
        if self.weights.is_empty() {
            return Ok(Vec::new());
        }
        let mut places: Vec<usize> = (0..self.providers.len()).collect();
        let weight = |place: usize| u64::from(self.weights.get(place).copied().unwrap_or(0));
        for first in 0..places.len().min(self.weights.len()) {
            let total: u64 = places[first..].iter().map(|place| weight(*place)).sum();
            if total == 0 {
                break;
            }
            // The sum of at most 2^32 weights is far below 2^64, so the bias is negligible.
            let mut left = draw()? % total;
            let drawn = places[first..].iter().position(|place| {
                let hit = left < weight(*place);
                left = left.saturating_sub(weight(*place));
                hit
            });
            // The others keep their order.
            places[first..=first + drawn.unwrap_or(0)].rotate_right(1);
        }
        Ok(places)
    }

    fn fits(&self, recipient: &Recipient, channel: &Channel, purpose: &Purpose) -> bool {
        let number = recipient.phone();
        let country = || number.and_then(|phone| phone.place().country);
        let in_country =
            |requested: &Vec<String>| country().is_some_and(|country| includes(requested, country));
        let has_prefix = |requested: &Vec<String>| {
            number.is_some_and(|phone| requested.iter().any(|p| phone.expose().starts_with(&**p)))
        };
        (self.countries.is_empty() || in_country(&self.countries))
            && (self.prefixes.is_empty() || has_prefix(&self.prefixes))
            && (self.channels.is_empty() || self.channels.contains(channel))
            && (self.purposes.is_empty() || self.purposes.contains(purpose))
    }
}

impl Routes {
    /// Creates routes in this order.
    pub fn new(routes: impl IntoIterator<Item = Route>) -> Self {
        Self(routes.into_iter().collect())
    }

    /// The routes in order.
    pub fn as_slice(&self) -> &[Route] {
        &self.0
    }

    /// Returns the first route that fits; `None` if none does.
    pub fn route(
        &self,
        recipient: &Recipient,
        channel: &Channel,
        purpose: &Purpose,
    ) -> Option<&Route> {
        self.place(recipient, channel, purpose).map(|place| &self.0[place])
    }

    /// Returns the index of that route.
    pub(crate) fn place(
        &self,
        recipient: &Recipient,
        channel: &Channel,
        purpose: &Purpose,
    ) -> Option<usize> {
        self.0.iter().position(|route| route.fits(recipient, channel, purpose))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> ProviderId {
        ProviderId::new(name).unwrap()
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let login = Purpose::new("login").unwrap();
        let mut india = Route::to([id("in"), id("all")]);
        india.countries = vec!["IN".into()];
        india.channels = vec![Channel::Sms];
        let mut prefix = Route::to([id("prefix")]);
        prefix.prefixes = vec!["+9198".into(), "+44".into()];
        let mut purpose = Route::to([id("login")]);
        purpose.purposes = vec![login.clone()];
        let mut email = Route::to([id("mail")]);
        email.channels = vec![Channel::Email];
        let routes = Routes::new([india, prefix, purpose, email]);
        let first = |to: &str, channel: Channel, purpose: &Purpose| {
            let route = routes.route(&to.parse().unwrap(), &channel, purpose);
            route.map(|route| route.providers[0].to_string())
        };
        let any = Purpose::default();
        assert_eq!(first("+919876543210", Channel::Sms, &any).as_deref(), Some("in"));
        assert_eq!(first("+919876543210", Channel::Voice, &any).as_deref(), Some("prefix"));
        assert_eq!(first("+447700900123", Channel::Sms, &any).as_deref(), Some("prefix"));
        assert_eq!(first("+14155550123", Channel::Sms, &login).as_deref(), Some("login"));
        assert_eq!(first("a@example.com", Channel::Email, &any).as_deref(), Some("mail"));
        assert_eq!(first("+14155550123", Channel::Sms, &any), None, "nothing fits");
    }

    #[test]
    fn mistakes_are_named() {
        let with = |change: fn(&mut Route)| {
            let mut route = Route::to([id("a")]);
            change(&mut route);
            route.validate().map_or_else(|error| error.to_string(), |()| String::new())
        };
        assert_eq!(with(|_| {}), "");
        assert!(with(|r| r.countries = vec!["India".into()]).contains("`India`"));
        assert!(with(|r| r.prefixes = vec!["9198".into()]).contains("`9198`"));
        assert!(with(|r| r.providers.push(id("a"))).contains("`a` is listed twice"));
        assert!(with(|r| r.providers.clear()).contains("at least one"));
        assert!(with(|r| r.weights = vec![1, 2]).contains("every provider"));
        assert!(with(|r| r.weights = vec![0]).contains("more than 0"));
    }

    #[test]
    fn weights_are_drawn_and_the_rest_keeps_its_order() {
        let mut route = Route::to([id("a"), id("b"), id("c")]);
        let order = |route: &Route, draws: &[u64]| {
            let mut draws = draws.iter().copied();
            route.order(|| draws.next().ok_or("drawn too often")).unwrap()
        };
        assert!(order(&route, &[]).is_empty(), "nothing is drawn without weights");
        route.weights = vec![70, 30, 0];
        assert_eq!(order(&route, &[0, 0]), [0, 1, 2]);
        assert_eq!(order(&route, &[69, 29]), [0, 1, 2]);
        assert_eq!(order(&route, &[70, 0]), [1, 0, 2]);
        assert_eq!(order(&route, &[199, 3]), [1, 0, 2], "any number will do");
        let mut firsts = [0; 3];
        for draw in 0..1_000 {
            firsts[order(&route, &[draw, draw])[0]] += 1;
        }
        assert_eq!(firsts, [700, 300, 0]);
    }
}
