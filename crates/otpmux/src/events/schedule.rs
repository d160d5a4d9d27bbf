//! When an event is tried again: the schedule that Standard Webhooks recommends.

use std::time::Duration;

/// The pauses after each try that failed. After the last one, the event is given up.
const PAUSES: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];

/// How long after a failed try the next one is due, with up to a tenth added by `chance` (0 to 1), so
/// that events that failed together do not come together; at least as long as the receiver asks.
/// `tries` counts those before this one. `None`: the event is given up.
pub(super) fn pause(tries: u32, asked: Option<Duration>, chance: f64) -> Option<Duration> {
    let pause = PAUSES.get(usize::try_from(tries).ok()?)?;
    let pause = pause.mul_f64(1.0 + chance / 10.0);
    Some(asked.map_or(pause, |asked| asked.max(pause)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_tries_over_three_days() {
        let pauses: Vec<_> = (0..).map_while(|tries| pause(tries, None, 0.0)).collect();
        assert_eq!(pauses.len(), 9);
        let whole: Duration = pauses.iter().sum();
        assert_eq!(
            whole,
            Duration::from_secs(5) + Duration::from_mins(35) + Duration::from_hours(75)
        );
        assert_eq!(pause(0, None, 1.0), Some(Duration::from_millis(5_500)));
    }

    #[test]
    fn the_receiver_may_ask_for_more_and_not_for_less() {
        let asked = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(pause(0, asked(60), 0.5), asked(60));
        assert_eq!(pause(1, asked(60), 0.0), asked(300));
        assert_eq!(pause(9, asked(60), 0.0), None);
    }
}
