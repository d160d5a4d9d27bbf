use std::time::{Duration, SystemTime};

use super::SignatureError;

/// How far a signed time may be from now, if the vendor documents no other window.
pub const DEFAULT_WINDOW: Duration = Duration::from_mins(5);

/// Checks a signed time, written as Unix time in seconds.
///
/// # Errors
///
/// The text is not such a time, or the time is further from `now` than `window`, in the past or in
/// the future.
pub fn check_fresh(seconds: &str, now: SystemTime, window: Duration) -> Result<(), SignatureError> {
    let digits = !seconds.is_empty() && seconds.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = digits.then(|| seconds.parse().ok()).flatten();
    let signed = seconds.and_then(|s| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(s)));
    check_fresh_time(signed.ok_or(SignatureError::Unreadable)?, now, window)
}

/// Checks a signed time.
///
/// # Errors
///
/// The time is further from `now` than `window`, in the past or in the future.
pub fn check_fresh_time(
    signed: SystemTime,
    now: SystemTime,
    window: Duration,
) -> Result<(), SignatureError> {
    let apart = now.duration_since(signed).unwrap_or_else(|error| error.duration());
    if apart <= window { Ok(()) } else { Err(SignatureError::Stale) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_has_two_sides() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let check = |text: &str| check_fresh(text, now, Duration::from_secs(300));
        for good in ["1000", "700", "1300"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for stale in ["699", "1301", "0", "1000000"] {
            assert_eq!(check(stale), Err(SignatureError::Stale), "{stale}");
        }
        for bad in ["", "+1000", "-1", "1000.0", " 1000", "99999999999999999999", "soon"] {
            assert_eq!(check(bad), Err(SignatureError::Unreadable), "{bad}");
        }
        // So large that the time does not exist on this system, or is too far away.
        assert!(check(&u64::MAX.to_string()).is_err());
    }
}
