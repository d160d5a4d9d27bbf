use std::time::SystemTime;

/// Parses a time in ISO 8601 / RFC 3339 form, such as `2024-01-01T12:05:00.000Z`.
pub fn parse_time(text: &str) -> Option<SystemTime> {
    text.parse::<jiff::Timestamp>().ok().map(SystemTime::from)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn reads_the_vendors_forms() {
        let expected = SystemTime::UNIX_EPOCH + Duration::from_secs(1_704_110_700);
        for text in
            ["2024-01-01T12:05:00.000Z", "2024-01-01T12:05:00Z", "2024-01-01T17:35:00+05:30"]
        {
            assert_eq!(parse_time(text), Some(expected), "{text}");
        }
        for bad in ["", "soon", "2024-13-01T00:00:00Z", "1704110700"] {
            assert_eq!(parse_time(bad), None, "{bad:?}");
        }
    }
}
