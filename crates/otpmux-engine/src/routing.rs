use otpmux_core::{Channel, ProviderId, Purpose, Recipient};

use crate::numbers::{includes, is_country, is_prefix};

/// One rule: which providers may send what, in which order. An empty list does not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// Countries of the recipient's number, as ISO 3166-1 codes of two capital letters; `GB+` is a
    /// country with all that share its calling code.
    pub countries: Vec<String>,
    /// Channels.
    pub channels: Vec<Channel>,
    /// Beginnings of the recipient's number, each with its `+`.
    pub prefixes: Vec<String>,
    /// Purposes.
    pub purposes: Vec<Purpose>,
    /// The providers, the preferred one first.
    pub providers: Vec<ProviderId>,
    /// A weight for each provider, in the order of [`providers`](Self::providers): each send draws
    /// its order anew, with these chances. Empty means that the order is fixed. A provider of
    /// weight 0 comes after all others.
    pub weights: Vec<u32>,
}

/// Ordered rules; the first that fits decides. Nothing fits: nothing is sent.
#[derive(Clone, Debug, Default)]
pub struct Routes(Vec<Route>);

impl Route {
    /// A rule that fits everything.
    pub fn to(providers: impl IntoIterator<Item = ProviderId>) -> Self {
        Self { providers: providers.into_iter().collect(), ..Self::default() }
    }

    /// What is wrong with this rule by itself, if something is: a country that no number can have,
    /// a prefix that no number can begin with, no provider, or one that stands twice.
    pub fn mistake(&self) -> Option<String> {
        if let Some(country) = self.countries.iter().find(|country| !is_country(country)) {
            return Some(format!(
                "`{country}` is not a country with telephone numbers; \
                 write two capital letters such as IN"
            ));
        }
        if let Some(prefix) = self.prefixes.iter().find(|prefix| !is_prefix(prefix)) {
            return Some(format!("`{prefix}` does not begin a number; write it such as +9198"));
        }
        let mut seen = self.providers.iter().enumerate();
        if let Some((_, twice)) = seen.find(|(at, id)| self.providers[..*at].contains(id)) {
            return Some(format!("`{twice}` stands twice; each provider is tried once"));
        }
        if !self.weights.is_empty() && self.weights.len() != self.providers.len() {
            return Some("every provider needs a weight, or none".to_owned());
        }
        if !self.weights.is_empty() && self.weights.iter().all(|weight| *weight == 0) {
            return Some("one weight at least must be more than 0".to_owned());
        }
        self.providers.is_empty().then(|| "a route needs at least one provider".to_owned())
    }

    /// The places of the providers in the order of one send. `draw` gives any number, each as likely
    /// as the next; it is asked only where there are weights.
    pub(crate) fn order<E>(
        &self,
        mut draw: impl FnMut() -> Result<u64, E>,
    ) -> Result<Vec<usize>, E> {
        let mut places: Vec<usize> = (0..self.providers.len()).collect();
        let weight = |place: usize| u64::from(self.weights.get(place).copied().unwrap_or(0));
        for first in 0..places.len().min(self.weights.len()) {
            let total: u64 = places[first..].iter().map(|place| weight(*place)).sum();
            if total == 0 {
                break;
            }
            // The sum of at most 2^32 weights is far below 2^64, so the bias is too.
            let mut left = draw()? % total;
            let drawn = places[first..].iter().position(|place| {
                let hit = left < weight(*place);
                left = left.saturating_sub(weight(*place));
                hit
            });
            // The rest keeps its order.
            places[first..=first + drawn.unwrap_or(0)].rotate_right(1);
        }
        Ok(places)
    }

    fn fits(&self, recipient: &Recipient, channel: &Channel, purpose: &Purpose) -> bool {
        let number = recipient.phone();
        let country = || number.and_then(|phone| phone.place().country);
        let in_country =
            |wanted: &Vec<String>| country().is_some_and(|country| includes(wanted, country));
        let has_prefix = |wanted: &Vec<String>| {
            number.is_some_and(|phone| wanted.iter().any(|p| phone.expose().starts_with(&**p)))
        };
        (self.countries.is_empty() || in_country(&self.countries))
            && (self.prefixes.is_empty() || has_prefix(&self.prefixes))
            && (self.channels.is_empty() || self.channels.contains(channel))
            && (self.purposes.is_empty() || self.purposes.contains(purpose))
    }
}

impl Routes {
    /// Rules in their order.
    pub fn new(routes: impl IntoIterator<Item = Route>) -> Self {
        Self(routes.into_iter().collect())
    }

    /// The rules in their order.
    pub fn as_slice(&self) -> &[Route] {
        &self.0
    }

    /// The first rule that fits; `None` when none does.
    pub fn route(
        &self,
        recipient: &Recipient,
        channel: &Channel,
        purpose: &Purpose,
    ) -> Option<&Route> {
        self.place(recipient, channel, purpose).map(|place| &self.0[place])
    }

    /// The place of that rule.
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
            route.mistake().unwrap_or_default()
        };
        assert_eq!(with(|_| {}), "");
        assert!(with(|r| r.countries = vec!["India".into()]).contains("`India`"));
        assert!(with(|r| r.prefixes = vec!["9198".into()]).contains("`9198`"));
        assert!(with(|r| r.providers.push(id("a"))).contains("`a` stands twice"));
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
        assert_eq!(order(&route, &[]), [0, 1, 2], "nothing is drawn without weights");
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
