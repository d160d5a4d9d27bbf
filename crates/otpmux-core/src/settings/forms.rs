//! The text forms of times and limits.

use std::time::Duration;

use crate::RateLimit;

/// The units of a time, in milliseconds.
const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Parses a time as a configuration writes it: a whole number and one of the units `ms`, `s`, `m`,
/// `h`, `d`. `None` for any other text.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let unit = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(unit);
    let number: u64 = number.parse().ok()?;
    let (_, millis) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    number.checked_mul(millis).map(Duration::from_millis)
}

/// Parses `COUNT/TIME`.
pub(super) fn parse_limit(text: &str) -> Option<RateLimit> {
    let (count, per) = text.split_once('/')?;
    // `parse` would accept a leading plus sign.
    let count = count.bytes().all(|b| b.is_ascii_digit()).then(|| count.parse().ok())??;
    Some(RateLimit::new(count, parse_duration(per)?))
}

/// Formats a time as a configuration writes it, in whole milliseconds: `"90s"`, `"5m"`, `"7d"`.
pub fn duration_text(time: Duration) -> String {
    let millis = time.as_millis();
    if millis == 0 {
        return "0s".to_owned();
    }
    let fits = |(_, unit): &&(&str, u64)| millis.is_multiple_of(u128::from(*unit));
    let (name, unit) = UNITS.iter().find(fits).unwrap_or(&("ms", 1));
    format!("{}{name}", millis / u128::from(*unit))
}

/// Formats a limit as a configuration writes it: `"15/1h"`.
pub fn limit_text(limit: &RateLimit) -> String {
    format!("{}/{}", limit.count, duration_text(limit.per))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse_duration("5m"), Some(Duration::from_mins(5)));
        assert_eq!(parse_duration("7d"), Some(Duration::from_hours(7 * 24)));
        for bad in ["", "5", "s", "5 s", "-5s", "+5s", "5w", "5D", "99999999999999999999h", "1.5s"]
        {
            assert_eq!(parse_duration(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn limits() {
        assert_eq!(parse_limit("15/1h"), Some(RateLimit::new(15, Duration::from_hours(1))));
        for bad in ["", "15", "/", "15/", "/1h", "15/h", "15 / 1h", "+15/1h", "-1/1h", "15/1h/2"] {
            assert_eq!(parse_limit(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn the_largest_unit_is_shown() {
        for text in ["0s", "1ms", "1500ms", "90s", "5m", "25h", "1d", "7d"] {
            assert_eq!(duration_text(parse_duration(text).unwrap()), text);
        }
        assert_eq!(duration_text(Duration::from_secs(86_400)), "1d");
        assert_eq!(limit_text(&RateLimit::new(2, Duration::from_secs(60))), "2/1m");
    }

    proptest! {
        #[test]
        fn a_shown_value_is_read_back(count in any::<u32>(), millis in 0..u64::MAX / 2) {
            let limit = RateLimit::new(count, Duration::from_millis(millis));
            prop_assert_eq!(parse_limit(&limit_text(&limit)), Some(limit));
        }
    }
}
