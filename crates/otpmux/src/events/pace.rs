//! How many events of an endpoint are on their way, and how fast.

use std::collections::VecDeque;
use std::time::Duration;

use otpmux_engine::EventDelivery;
use tokio::time::Instant;

/// The most events of one endpoint on their way.
const MOST: usize = 8;
/// The most that are taken beyond those on their way.
const MOST_AHEAD: usize = 128;
/// The pause of an endpoint that asks to slow down: at first, and at most; it doubles.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(5);

/// The pace of one endpoint in this process.
#[derive(Debug, Default)]
pub(super) struct Pace {
    under_way: usize,
    /// Since the receiver asked to slow down: one at a time, and none before this.
    slow: Option<(Instant, Duration)>,
    /// Taken, and when; the oldest first.
    queue: VecDeque<(EventDelivery, Instant)>,
    /// How many it took since events were taken last.
    lately: usize,
}

impl Pace {
    /// How many more events may be sent now.
    fn room(&self, now: Instant) -> usize {
        match self.slow {
            None => MOST.saturating_sub(self.under_way),
            Some((until, _)) if now < until => 0,
            Some(_) => 1_usize.saturating_sub(self.under_way),
        }
    }

    /// How many more to take: as many as may be sent now, and as many again as the receiver took since this
    /// was asked last. So a fast one is never out of work, and a slow one holds nothing that another
    /// process could send.
    pub(super) fn wanted(&mut self, now: Instant) -> usize {
        let lately = std::mem::take(&mut self.lately);
        let ahead = if self.slow.is_none() { lately.min(MOST_AHEAD) } else { 0 };
        (self.room(now) + ahead).saturating_sub(self.queue.len())
    }

    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Keeps one that was taken, until it can be sent.
    pub(super) fn queue(&mut self, delivery: EventDelivery, now: Instant) {
        self.queue.push_back((delivery, now));
    }

    /// The next one to be sent, if there is room; it is on its way now.
    pub(super) fn start(&mut self, now: Instant) -> Option<EventDelivery> {
        if self.queue.is_empty() || self.room(now) == 0 {
            return None;
        }
        let (delivery, _) = self.queue.pop_front()?;
        self.under_way += 1;
        Some(delivery)
    }

    /// Returns those that have waited for so long.
    pub(super) fn give_back(
        &mut self,
        now: Instant,
        held: Duration,
    ) -> impl Iterator<Item = EventDelivery> + use<> {
        let old = self.queue.iter().take_while(|(_, at)| now.duration_since(*at) >= held).count();
        let rest = self.queue.split_off(old);
        std::mem::replace(&mut self.queue, rest).into_iter().map(|(delivery, _)| delivery)
    }

    /// Returns all that wait.
    pub(super) fn give_back_all(&mut self) -> impl Iterator<Item = EventDelivery> + use<> {
        std::mem::take(&mut self.queue).into_iter().map(|(delivery, _)| delivery)
    }

    /// A try has ended; the receiver took the event, or not.
    pub(super) fn end(&mut self, delivered: bool) {
        self.under_way = self.under_way.saturating_sub(1);
        if delivered {
            self.slow = None;
            self.lately += 1;
        }
    }

    /// The receiver is overloaded (429, 502, 504), and may have said for how long.
    pub(super) fn slow_down(&mut self, asked: Option<Duration>, now: Instant) {
        let pause = self.slow.map_or(SHORTEST, |(_, pause)| (pause * 2).min(LONGEST));
        self.slow = Some((now + asked.unwrap_or_default().max(pause), pause));
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
        pace.end(true);
        assert_eq!(pace.room(now), 8);
    }

    #[test]
    fn as_many_are_taken_ahead_as_the_receiver_took_lately() {
        let now = Instant::now();
        let mut pace = Pace { under_way: 8, ..Pace::default() };
        assert_eq!(pace.wanted(now), 0);
        for _ in 0..5 {
            pace.end(true);
        }
        assert_eq!(pace.wanted(now), 5 + 5);
        assert_eq!(pace.wanted(now), 5, "it took none since");
        pace.end(false);
        assert_eq!(pace.wanted(now), 6);
        for _ in 0..1_000 {
            pace.end(true);
        }
        assert_eq!(pace.wanted(now), 8 + MOST_AHEAD);
        for _ in 0..9 {
            pace.end(true);
        }
        pace.slow_down(None, now);
        assert_eq!(pace.wanted(now + SHORTEST), 1);
    }
}
