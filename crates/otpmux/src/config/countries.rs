use otpmux_core::{CountryCode, CountryError};
use otpmux_engine::{Policy, PolicyError};

/// What people write for a country whose code is another.
const OTHERWISE: [(&str, &str); 3] = [("UK", "GB"), ("USA", "US"), ("INDIA", "IN")];

/// A country by its code, or what is wrong with it.
pub(super) fn country(text: &str) -> Result<String, String> {
    let Err(mistake) = check(text) else {
        return Ok(text.to_owned());
    };
    let capitals = text.to_ascii_uppercase();
    let otherwise = OTHERWISE.iter().find(|(word, _)| *word == capitals);
    let meant = otherwise.map_or(&*capitals, |(_, code)| code);
    Err(match check(meant) {
        Ok(()) => format!("`{text}` is not a country's code; did you mean `{meant}`?"),
        Err(_) => mistake.to_string(),
    })
}

/// The one country by its code, or what is wrong with it.
pub(super) fn default_country(text: &str) -> Result<CountryCode, String> {
    text.parse().map_err(|error: CountryError| match country(text) {
        Err(mistake) => mistake,
        // What names several countries.
        Ok(_) => error.to_string(),
    })
}

fn check(country: &str) -> Result<(), PolicyError> {
    let mut policy = Policy::default();
    policy.countries = Some(vec![country.to_owned()]);
    policy.check()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_was_meant_or_the_rule() {
        assert_eq!(country("IN").unwrap(), "IN");
        for (wrong, meant) in [("in", "IN"), ("uk", "GB"), ("UK", "GB"), ("India", "IN")] {
            let message = format!("`{wrong}` is not a country's code; did you mean `{meant}`?");
            assert_eq!(country(wrong).unwrap_err(), message);
        }
        for (word, code) in OTHERWISE {
            assert!(country(word).is_err() && country(code).is_ok(), "{word}");
        }
        assert_eq!(
            country("XX").unwrap_err(),
            "`XX` is not a country with telephone numbers; write two capital letters such as IN"
        );
    }
}
