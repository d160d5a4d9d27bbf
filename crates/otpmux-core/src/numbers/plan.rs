//! One form for each telephone.

use super::lookup::{self, Known};
use super::{CountryCode, NumberKind};
use crate::RecipientError;

/// Returns the normal form of digits that begin with a calling code.
///
/// Removes a trunk prefix after the calling code, if the plan has one and the number would not
/// exist with it (`+44 (0)7911`, but `+39 06`); also the `1` that Mexico had until 2019, and
/// Argentina's `15`, which becomes a `9` before the area code. A number in a known range with a
/// length that does not exist there is an error; a number in no known range is returned unchanged.
pub(super) fn normalise(mut digits: String) -> Result<String, RecipientError> {
    loop {
        let known = lookup::find(&digits);
        if known.is_assigned() {
            break;
        }
        let Some(other) = country_of(&digits, &known).and_then(|it| rewritten(it, &digits)) else {
            if known.lengths() != 0 {
                return Err(wrong_length(&digits, &known));
            }
            break;
        };
        digits = other;
    }
    let fits = (7..=15).contains(&digits.len()) && !digits.starts_with('0');
    if fits { Ok(digits) } else { Err(RecipientError::NotE164) }
}

/// Returns whether a number is in a known range.
pub(super) fn is_assigned(digits: &str) -> bool {
    lookup::find(digits).is_assigned()
}

/// Returns the country whose plan the digits follow.
fn country_of(digits: &str, known: &Known) -> Option<CountryCode> {
    let country = known.place().country;
    // An unassigned area code of the North American plan belongs to no country.
    country.or_else(|| digits.starts_with('1').then(|| "US".parse().ok()).flatten())
}

/// Returns another form of the same number: a shorter one, or an assigned one, so that this ends.
fn rewritten(country: CountryCode, digits: &str) -> Option<String> {
    let code = code_length(country);
    let (code, national) = digits.split_at_checked(code)?;
    let assigned = |digits: &String| is_assigned(digits);
    match country.as_str() {
        // Mexico's mobiles until 2019; the prefixes dialled within the country for mobiles and
        // fixed lines.
        "MX" => {
            let old = [("1", 11), ("01", 12), ("044", 13), ("045", 13)];
            let old = old
                .into_iter()
                .find(|(prefix, length)| national.len() == *length && national.starts_with(prefix));
            let (prefix, _) = old?;
            Some(format!("{code}{}", &national[prefix.len()..]))
        }
        "AR" if !national.starts_with('0') => {
            // Area codes have two to four digits.
            let area_and_rest = national.strip_prefix('9').unwrap_or(national);
            (2..=4).find_map(|area| {
                let (area, rest) = area_and_rest.split_at_checked(area)?;
                let mobile = format!("{code}9{area}{}", rest.strip_prefix("15")?);
                Some(mobile).filter(assigned)
            })
        }
        // Written without the area code that all numbers of this kind have.
        "NF" => Some(format!("{code}3{national}")).filter(assigned),
        "SM" => Some(format!("{code}0549{national}")).filter(assigned),
        "MG" if !national.starts_with('0') => Some(format!("{code}20{national}")).filter(assigned),
        "LT" => ["0", "8"]
            .iter()
            .find_map(|it| Some(format!("{code}{}", national.strip_prefix(it)?)).filter(assigned)),
        _ => {
            let trunk = country.row().trunk;
            let without =
                |prefix: &str| national.strip_prefix(prefix).map(|rest| format!("{code}{rest}"));
            match trunk {
                "" => None,
                // Numbers may begin with an 8, so it is a trunk prefix only before a number. A 0
                // for a second dialling tone followed it.
                "8" => ["8", "80", "0"].iter().find_map(|it| without(it).filter(assigned)),
                trunk => without(trunk),
            }
        }
    }
}

/// Returns the counted form, for limits. Many vendors reach Argentina's mobiles with and without
/// their `9`.
pub(super) fn counted(digits: &str) -> Option<String> {
    let rest = digits.strip_prefix("549").filter(|rest| rest.len() == 10)?;
    Some(format!("+54{rest}"))
}

pub(super) fn code_length(country: CountryCode) -> usize {
    match country.calling_code() {
        0..10 => 1,
        10..100 => 2,
        _ => 3,
    }
}

fn wrong_length(digits: &str, known: &Known) -> RecipientError {
    let place = known.place();
    // Without a country, the lengths of the whole number are reported.
    let code = place.country.map_or(0, code_length);
    let lengths = known.lengths();
    let shortest = lengths.trailing_zeros() as usize;
    let longest = 15 - lengths.leading_zeros() as usize;
    let told = |length: usize| u8::try_from(length.saturating_sub(code)).unwrap_or(u8::MAX);
    RecipientError::Length {
        country: place.country,
        kind: place.kind,
        digits: told(digits.len()),
        shortest: told(shortest),
        longest: told(longest),
    }
}

/// Describes a number in an error: its country and kind, never its digits.
pub(crate) fn described(country: Option<CountryCode>, kind: NumberKind) -> String {
    let kind = match kind {
        NumberKind::Ordinary => String::new(),
        kind => format!(" ({kind})"),
    };
    match country {
        Some(country) => format!("a number of {country}, +{}{kind}", country.calling_code()),
        None => format!("a number of no country{kind}"),
    }
}
