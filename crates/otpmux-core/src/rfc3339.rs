//! Times as texts, in the form of RFC 3339: `2024-01-01T12:05:00.000Z`.
//!
//! This is all the calendar that otpmux needs. A library for it costs a tenth of what otpmux adds to a
//! build.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// 1970-01-01, in days since 0000-03-01.
const EPOCH: u64 = 719_468;
const DAY: u64 = 86_400;

/// Parses a time in the form of RFC 3339 with a year from 1, such as `2024-01-01T17:35:00.5+05:30`.
/// Also takes an offset without its colon. `None` for every other text.
///
/// ```
/// use std::time::{Duration, UNIX_EPOCH};
/// use otpmux_core::rfc3339;
///
/// let time = UNIX_EPOCH + Duration::from_secs(1_704_110_700);
/// assert_eq!(rfc3339::parse("2024-01-01T12:05:00Z"), Some(time));
/// assert_eq!(rfc3339::parse("2024-01-01T17:35:00.000+05:30"), Some(time));
/// assert_eq!(rfc3339::parse("2024-02-30T00:00:00Z"), None);
/// ```
pub fn parse(text: &str) -> Option<SystemTime> {
    let (day, rest) = text.split_at_checked(10)?;
    let (time, rest) = rest.strip_prefix(['T', 't', ' '])?.split_at_checked(8)?;
    let (fraction, zone) = rest.split_at(rest.find(['Z', 'z', '+', '-'])?);
    let [hour, minute, second] = numbers(time.split(':'), [2, 2, 2])?;
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // A leap second is the second before it, as in the system's time.
    let seconds = parse_day(day)? * DAY + hour * 3600 + minute * 60 + second.min(59);
    let seconds = seconds.checked_signed_diff(EPOCH * DAY)? - offset(zone)?;
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let time =
        if seconds < 0 { UNIX_EPOCH.checked_sub(whole) } else { UNIX_EPOCH.checked_add(whole) };
    time?.checked_add(Duration::from_nanos(nanos(fraction)?))
}

/// Returns a time in UTC with whole seconds, such as `2024-01-01T12:05:00Z`; `None` for a time before
/// 1970 or after 9999.
pub fn seconds(time: SystemTime) -> Option<String> {
    write(time).map(|(text, _)| text + "Z")
}

/// Returns a time in UTC with milliseconds, such as `2024-01-01T12:05:00.000Z`; `None` for a time
/// before 1970 or after 9999.
pub fn milliseconds(time: SystemTime) -> Option<String> {
    write(time).map(|(text, millis)| format!("{text}.{millis:03}Z"))
}

/// Returns date and time with whole seconds, and the milliseconds that remain.
fn write(time: SystemTime) -> Option<(String, u32)> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    let (day, second) = (since.as_secs() / DAY, since.as_secs() % DAY);
    let (year, month, day) = date(EPOCH + day);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    (year <= 9999).then_some((text, since.subsec_millis()))
}

/// Returns year, month and day of a day since 0000-03-01.
///
/// Years begin in March here, so that a leap day is the last day of its year. Every 400 years have
/// the same number of days, and from March on, every five months have 153 days.
const fn date(day: u64) -> (u64, u64, u64) {
    let (era, day) = (day / 146_097, day % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let months = (5 * day + 2) / 153;
    let day = day - (153 * months + 2) / 5 + 1;
    if months < 10 {
        (400 * era + year, months + 3, day)
    } else {
        (400 * era + year + 1, months - 9, day)
    }
}

/// Returns the days from 0000-03-01 to a date such as `2024-01-01`.
fn parse_day(text: &str) -> Option<u64> {
    let [year, month, day] = numbers(text.split('-'), [4, 2, 2])?;
    let (from_march, months) =
        if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let leap_days = from_march / 4 - from_march / 100 + from_march / 400;
    let days = 365 * from_march + leap_days + (153 * months + 2) / 5 + day.checked_sub(1)?;
    // A date that does not exist, such as 30 February, comes out as another one.
    (year > 0 && date(days) == (year, month, day)).then_some(days)
}

/// Reads numbers of these lengths.
fn numbers<'a, const N: usize>(
    mut parts: impl Iterator<Item = &'a str>,
    lengths: [usize; N],
) -> Option<[u64; N]> {
    let mut numbers = [0; N];
    for (number, length) in numbers.iter_mut().zip(lengths) {
        let part = parts.next()?;
        if part.len() != length || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// Reads a fraction of a second, or nothing.
fn nanos(text: &str) -> Option<u64> {
    let Some(digits) = text.strip_prefix('.') else { return text.is_empty().then_some(0) };
    let power = u32::try_from(digits.len()).ok().filter(|length| (1..=9).contains(length))?;
    let [fraction] = numbers(std::iter::once(digits), [digits.len()])?;
    Some(fraction * 10_u64.pow(9 - power))
}

/// Reads the seconds by which a zone is ahead of UTC.
fn offset(text: &str) -> Option<i64> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("Z" | "z", "") => return Some(0),
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':').or_else(|| rest.split_at_checked(2))?;
    let [hours, minutes] = numbers([hours, minutes].into_iter(), [2, 2])?;
    let seconds = i64::try_from(hours * 3600 + minutes * 60).ok()?;
    (hours <= 23 && minutes <= 59).then_some(sign * seconds)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;

    const LAST: u64 = 253_402_207_200;

    fn is_written_as_the_library_does(time: SystemTime) {
        let expected = Timestamp::try_from(time).unwrap();
        assert_eq!(seconds(time).unwrap(), format!("{expected:.0}"));
        assert_eq!(milliseconds(time).unwrap(), format!("{expected:.3}"));
        assert_eq!(parse(&expected.to_string()), Some(time));
    }

    fn is_read_as_the_library_does(text: &str) {
        let expected = text.parse::<Timestamp>().ok().map(SystemTime::from);
        assert_eq!(parse(text), expected, "{text}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn times_are_written_as_the_library_does(secs in 0..LAST, nanos in 0..1_000_000_000_u32) {
            is_written_as_the_library_does(UNIX_EPOCH + Duration::new(secs, nanos));
        }

        #[test]
        fn texts_are_read_as_the_library_does(
            text in "(0[1-9]|[1-8][0-9])[0-9]{2}-[01][0-9]-[0-3][0-9][Tt ][0-2][0-9](:[0-6][0-9]){2}\
                (\\.[0-9]{1,9})?([Zz]|[+-][01][0-9]:?[0-5][0-9])"
        ) {
            is_read_as_the_library_does(&text);
        }

        #[test]
        fn no_text_panics(text in any::<String>(), close in "[0-9TZ:.+-]{0,30}") {
            parse(&text);
            parse(&close);
        }
    }

    #[test]
    fn every_day_is_as_in_the_library() {
        // 1970 to 2110: with and without a leap day in the year of a century.
        for day in 0..51_500 {
            is_written_as_the_library_does(UNIX_EPOCH + Duration::from_hours(24 * day));
        }
        for day in (0..LAST / DAY).step_by(61) {
            is_written_as_the_library_does(UNIX_EPOCH + Duration::from_hours(24 * day));
        }
    }

    #[test]
    fn times_that_have_no_text() {
        assert_eq!(milliseconds(UNIX_EPOCH - Duration::from_millis(1)), None);
        let last = UNIX_EPOCH + Duration::from_secs(253_402_300_799);
        assert_eq!(milliseconds(last).unwrap(), "9999-12-31T23:59:59.000Z");
        assert_eq!(milliseconds(last + Duration::from_secs(1)), None);
        assert_eq!(seconds(UNIX_EPOCH + Duration::from_secs(i64::MAX as u64)), None);
    }

    #[test]
    fn texts_at_the_edges() {
        for text in [
            "0001-01-01T00:00:00Z",
            "0001-01-01T00:00:00+23:59",
            "0001-01-01T00:00:00.999999999-23:59",
            "9999-12-30T00:00:00-00:00",
            "9999-02-29T00:00:00Z",
            "1969-12-31T23:59:59.5-00:01",
            "1970-01-01T00:00:00.000000001+00:01",
            "2016-12-31T23:59:60.5+23:59",
            "2024-01-01T00:00:00-00:00",
            "2024-01-01T00:00:00-0000",
            "2024-01-01T00:00:00+00:00Z",
            "2024-01-01T00:00:00++00:00",
            "2024-01-01T00:00:00+-1:00",
            "2024-01-01T00:00:00+1:00",
            "2024-01-01T00:00:00+01:0",
            "2024-01-01T00:00:00+010",
            "2024-01-01T00:00:00.+01:00",
            "2024-01-01T00:00:00.-1Z",
            "2024-01-01T00:00:00.+1Z",
            "2024-01-01T+0:00:00Z",
            "2024-01-01T00:00:00Z ",
            " 2024-01-01T00:00:00Z",
            "2024-01-01  00:00:00Z",
            "2024-01-01T00:00:00 Z",
            "２024-01-01T00:00:00Z",
            "2024-01-01T00:00:0０Z",
            "2024-01-01T00:00:00− 05:30",
            "2024-01-01T00:00:00.٣Z",
            "1969-12-31T23:59:59.5Z",
            "2016-12-31T23:59:60Z",
            "2024-02-29T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2000-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "2024-01-00T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:60:00Z",
            "2024-01-01T00:00:61Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00.0000000001Z",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00+",
            "2024-01-01T00:00:00+05:60",
            "2024-01-01T00:00:00Zz",
            "2024-01-01",
            "+024-01-01T00:00:00Z",
            "",
            "soon",
            "1704110700",
        ] {
            is_read_as_the_library_does(text);
        }
    }
}
