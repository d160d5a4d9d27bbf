use std::time::{Duration, SystemTime};

use serde_json::Value;

/// The longest accepted wait: the longest documented window of a vendor is a day.
pub(crate) const CAP: Duration = Duration::from_hours(24);

/// Parses a `Retry-After` header: whole seconds, or an HTTP date (a past date means now). Capped at
/// one day.
pub(crate) fn retry_after_header(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    let after = if text.bytes().all(|b| b.is_ascii_digit()) && !text.is_empty() {
        // A number that does not fit means a very long time.
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        let date = httpdate::parse_http_date(text).ok()?;
        date.duration_since(now).unwrap_or_default()
    };
    Some(after.min(CAP))
}

/// Parses seconds from a field of a JSON body, as a number or as text. Capped at one day.
pub fn retry_after_field(value: Option<&Value>) -> Option<Duration> {
    let seconds = match value? {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    if seconds.is_nan() {
        return None;
    }
    Duration::try_from_secs_f64(seconds.ceil().min(CAP.as_secs_f64())).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn headers_in_both_forms() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let read = |text| retry_after_header(text, now).map(|d| d.as_secs());
        assert_eq!(read("120"), Some(120));
        assert_eq!(read(" 0 "), Some(0));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:40 GMT"), Some(3));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:30 GMT"), Some(0), "the past is now");
        assert_eq!(read("999999999999999999999999"), Some(86_400));
        assert_eq!(read("Sat, 06 Nov 2094 08:49:30 GMT"), Some(86_400));
        for bad in ["", "-1", "soon", "1.5", "1e3"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn fields_in_every_form() {
        let read = |value: Value| retry_after_field(Some(&value)).map(|d| d.as_secs());
        assert_eq!(read(json!(42)), Some(42));
        assert_eq!(read(json!(1.2)), Some(2));
        assert_eq!(read(json!("42")), Some(42));
        assert_eq!(read(json!(1e300)), Some(86_400));
        for bad in [json!(-1), json!("soon"), json!(null), json!([42]), json!("NaN")] {
            assert_eq!(read(bad.clone()), None, "{bad}");
        }
    }
}
