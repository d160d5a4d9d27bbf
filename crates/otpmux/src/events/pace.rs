//! How many events of an endpoint are on their way, and how fast.

use std::time::Duration;

use tokio::time::Instant;

/// The most events of one endpoint on their way.
const MOST: usize = 8;
/// The pause of an endpoint that asks to slow down: at first, and at most; it doubles.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(5);

/// The pace of one endpoint in this process.
#[derive(Debug, Default)]
pub(super) struct Pace {
    pub(super) under_way: usize,
    /// Since the receiver asked to slow down: one at a time, and none before this.
    slow: Option<(Instant, Duration)>,
}

impl Pace {
    /// How many more events may be sent now.
    pub(super) fn room(&self, now: Instant) -> usize {
        match self.slow {
            None => MOST.saturating_sub(self.under_way),
            Some((until, _)) if now < until => 0,
            Some(_) => 1_usize.saturating_sub(self.under_way),
        }
    }

    /// The receiver is overloaded (429, 502, 504), and may have said for how long.
    pub(super) fn slow_down(&mut self, asked: Option<Duration>, now: Instant) {
        let pause = self.slow.map_or(SHORTEST, |(_, pause)| (pause * 2).min(LONGEST));
        self.slow = Some((now + asked.unwrap_or_default().max(pause), pause));
    }

    /// It took one.
    pub(super) fn speed_up(&mut self) {
        self.slow = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overloaded_receiver_gets_one_at_a_time_after_a_pause() {
        let now = Instant::now();
        let mut pace = Pace::default();
        assert_eq!(pace.room(now), 8);
        pace.under_way = 3;
        assert_eq!(pace.room(now), 5);
        pace.slow_down(None, now);
        pace.under_way = 0;
        assert_eq!(pace.room(now + Duration::from_millis(999)), 0);
        assert_eq!(pace.room(now + SHORTEST), 1);
        pace.under_way = 1;
        assert_eq!(pace.room(now + SHORTEST), 0);
        pace.under_way = 0;
        pace.slow_down(None, now);
        assert_eq!(pace.room(now + SHORTEST), 0);
        pace.slow_down(Some(Duration::from_hours(1)), now);
        assert_eq!(pace.room(now + Duration::from_mins(59)), 0);
        pace.speed_up();
        assert_eq!(pace.room(now), 8);
    }
}
