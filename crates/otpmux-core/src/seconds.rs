use std::time::Duration;

/// Returns whole seconds, rounded up: the form in which a wait is shown, for example as `retry_after`
/// or in the header `Retry-After`. A retry after that many seconds never comes too early.
///
/// ```
/// # use std::time::Duration;
/// # use otpmux_core::seconds_rounded_up;
/// assert_eq!(seconds_rounded_up(Duration::from_millis(1_001)), 2);
/// assert_eq!(seconds_rounded_up(Duration::from_secs(1)), 1);
/// ```
pub const fn seconds_rounded_up(time: Duration) -> u64 {
    time.as_secs().saturating_add((time.subsec_nanos() > 0) as u64)
}
