//! Rules of policies and routes for telephone numbers.

use otpmux_core::{
    Blame, Certainty, CountryCode, Error, ErrorKind, NumberKind, PhoneNumber, Place,
};

use crate::Policy;

/// Returns the country of a number, for labels.
pub(crate) fn country_of(phone: &PhoneNumber) -> Option<&'static str> {
    phone.place().country.map(CountryCode::as_str)
}

/// Whether a text names a country: `GB`, or `GB+` for all that share its calling code, if `GB` is
/// the main one of them.
pub(crate) fn is_country(text: &str) -> bool {
    match text.strip_suffix('+') {
        None => text.parse::<CountryCode>().is_ok(),
        Some(main) => main
            .parse()
            .is_ok_and(|it: CountryCode| it.is_main() && it.sharing_its_code().next().is_some()),
    }
}

/// Common names of countries that differ from their codes.
const OTHER_NAMES: [(&str, &str); 3] = [("UK", "GB"), ("USA", "US"), ("INDIA", "IN")];

/// Checks a text with [`is_country`]; the error suggests the right code, or gives the rule.
pub(crate) fn check_country(text: &str) -> Result<(), String> {
    if is_country(text) {
        return Ok(());
    }
    let capitals = text.to_ascii_uppercase();
    let other = OTHER_NAMES.iter().find(|(name, _)| *name == capitals);
    let meant = other.map_or(&*capitals, |(_, code)| code);
    Err(if is_country(meant) {
        format!("`{text}` is not a country's code; did you mean `{meant}`?")
    } else {
        format!(
            "`{text}` is not a country with telephone numbers; write two capital letters such as IN"
        )
    })
}

/// Checks that a text is one country, not several (`GB+`).
pub(crate) fn check_one_country(text: &str) -> Result<(), String> {
    match text.parse::<CountryCode>() {
        Ok(_) => Ok(()),
        Err(error) => check_country(text).and(Err(error.to_string())),
    }
}

/// Whether the list contains a country.
pub(crate) fn includes(named: &[String], country: CountryCode) -> bool {
    named.iter().any(|name| match name.strip_suffix('+') {
        None => name == country.as_str(),
        Some(main) => main
            .parse()
            .is_ok_and(|main: CountryCode| main.calling_code() == country.calling_code()),
    })
}

/// Whether numbers can begin with a text: `+` and up to 15 digits, the first of them not 0.
pub(crate) fn is_prefix(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (1..=15).contains(&digits.len())
        && digits.bytes().all(|b| b.is_ascii_digit())
        && !digits.starts_with('0')
}

/// Checks a text with [`is_prefix`].
pub(crate) fn check_prefix(text: &str) -> Result<(), String> {
    let rule = || format!("`{text}` does not begin a number; write it such as +9198");
    is_prefix(text).then_some(()).ok_or_else(rule)
}

impl Policy {
    /// Checks that numbers like this one may get messages.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`], not sent, by [`Blame::Policy`]: the kind or the country is not
    /// served. The error's text names both, and no digit of the number.
    pub fn check_number(&self, phone: &PhoneNumber) -> Result<(), Error> {
        if self.allow_prefixes.iter().any(|prefix| phone.expose().starts_with(&**prefix)) {
            return Ok(());
        }
        let place = phone.place();
        let refusal = |why: String| {
            Err(Error::new(ErrorKind::Unsupported, Certainty::NotSent, Blame::Policy)
                .with_detail(why))
        };
        if self.refuse_numbers.contains(&place.kind) {
            return refusal(format!(
                "the policy refuses {} numbers, and this is one{}",
                place.kind,
                of_country(place)
            ));
        }
        let Some(served) = &self.countries else { return Ok(()) };
        match place.country {
            Some(country) if includes(served, country) => Ok(()),
            Some(country) => {
                let kind = match place.kind {
                    NumberKind::Ordinary => "number",
                    kind => {
                        return refusal(format!(
                            "the policy's countries do not include {country}, and this is its {kind} number"
                        ));
                    }
                };
                refusal(format!(
                    "the policy's countries do not include {country}, and this is its {kind}"
                ))
            }
            None => refusal(format!(
                "the policy names countries, and this is a number of none ({})",
                place.kind
            )),
        }
    }
}

fn of_country(place: Place) -> String {
    place.country.map_or_else(String::new, |country| format!(" of {country}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(countries: &[&str]) -> Policy {
        let countries = countries.iter().map(|&it| it.to_owned()).collect();
        Policy { countries: Some(countries), ..Policy::default() }
    }

    fn refusal(policy: &Policy, phone: &str) -> Option<String> {
        let error = policy.check_number(&phone.parse().unwrap()).err()?;
        assert_eq!((error.kind(), error.blame()), (ErrorKind::Unsupported, Blame::Policy));
        assert_eq!(error.certainty(), Certainty::NotSent);
        Some(error.detail().to_owned())
    }

    #[test]
    fn frd_02_kinds_that_cost_are_refused_whatever_the_country() {
        let policy = policy(&["GB", "US"]);
        for (phone, kind) in [
            ("+449012345678", "premium"),
            ("+447012345678", "personal"),
            ("+448001234567", "toll_free"),
            ("+491801234567", "shared_cost"),
            ("+445512345678", "uan"),
            ("+447640123456", "pager"),
            ("+19002345678", "premium"),
            ("+18002345678", "toll_free"),
            ("+80012345678", "world"),
            ("+881612345678", "world"),
        ] {
            let told = refusal(&policy, phone).unwrap();
            assert!(told.contains(&format!("refuses {kind} numbers")), "{phone}: {told}");
        }
        for phone in ["+447911123456", "+447781123456", "+447797123456", "+447624123456"] {
            let told = refusal(&policy, phone).unwrap();
            assert!(told.starts_with("the policy's countries do not include "), "{phone}: {told}");
        }
        let unassigned = "the policy names countries, and this is a number of none (unassigned)";
        assert_eq!(refusal(&policy, "+17105550123").as_deref(), Some(unassigned));
        for phone in ["+447400123456", "+14155550123", "+447700900123", "+445612345678"] {
            assert_eq!(refusal(&policy, phone), None, "{phone}");
        }
    }

    #[test]
    fn a_country_with_those_that_share_its_code() {
        let family = policy(&["GB+"]);
        for phone in ["+447911123456", "+447797123456", "+447624123456", "+447400123456"] {
            assert_eq!(refusal(&family, phone), None, "{phone}");
        }
        assert!(refusal(&family, "+14155550123").is_some());
        assert_eq!(family.check(), Ok(()));
        for wrong in ["GG+", "IN+", "gb+", "+", "GB++"] {
            assert!(policy(&[wrong]).check().is_err(), "{wrong}");
        }
        assert_eq!(
            policy(&["AX", "BL", "BQ", "CC", "CX", "EH", "MF", "SJ", "TA", "YT"]).check(),
            Ok(())
        );
    }

    #[test]
    fn a_prefix_is_allowed_whatever_the_table_says() {
        let mut policy = policy(&["US"]);
        policy.allow_prefixes = vec!["+1710".into(), "+44900".into()];
        assert_eq!(policy.check(), Ok(()));
        assert_eq!(refusal(&policy, "+17105550123"), None);
        assert!(refusal(&policy, "+449012345678").is_some());
        policy.allow_prefixes.push("44".into());
        assert!(policy.check().is_err());
    }

    #[test]
    fn on_wish_only() {
        let mut policy = policy(&["GB", "US"]);
        assert_eq!(refusal(&policy, "+445612345678"), None);
        policy.refuse_numbers = vec![NumberKind::Voip];
        assert!(refusal(&policy, "+445612345678").is_some());
        assert_eq!(refusal(&policy, "+449012345678"), None);
    }
}
