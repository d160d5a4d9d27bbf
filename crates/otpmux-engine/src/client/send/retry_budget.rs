use std::time::Duration;

use tokio::time::Instant;

use crate::RetryBudget;

/// A token bucket of further tries, in hundredths; [`RetryBudget`] has the rule.
#[derive(Debug)]
pub(super) struct Budget {
    settings: RetryBudget,
    saved: f64,
    filled: Instant,
}

const TRY: f64 = 100.0;

impl Budget {
    /// For how long `per_second` accumulates.
    const SAVED: Duration = Duration::from_secs(10);
    /// The smallest capacity in tries, so that those earned by sends are not lost.
    const LEAST: f64 = 10.0;

    pub(super) fn new(settings: RetryBudget, now: Instant) -> Self {
        let saved = TRY * f64::from(settings.per_second) * Self::SAVED.as_secs_f64();
        Self { settings, saved, filled: now }
    }

    /// Records the start of a send.
    pub(super) fn earn(&mut self) {
        self.add(f64::from(self.settings.percent));
    }

    /// Takes the price of one further try, if available.
    pub(super) fn spend(&mut self, now: Instant) -> bool {
        let elapsed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = now;
        self.add(TRY * f64::from(self.settings.per_second) * elapsed);
        let enough = self.saved >= TRY;
        if enough {
            self.saved -= TRY;
        }
        enough
    }

    fn add(&mut self, earned: f64) {
        let floor = f64::from(self.settings.per_second) * Self::SAVED.as_secs_f64();
        self.saved = (self.saved + earned).min(TRY * floor.max(Self::LEAST));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(percent: u32, per_second: u32) -> Budget {
        let settings = RetryBudget { percent, per_second };
        Budget::new(settings, Instant::now())
    }

    fn spent(budget: &mut Budget, now: Instant) -> usize {
        std::iter::repeat_with(|| budget.spend(now)).take_while(|spent| *spent).count()
    }

    #[tokio::test(start_paused = true)]
    async fn sends_and_time_earn_and_little_is_saved() {
        let now = Instant::now();
        let mut budget = budget(20, 2);
        assert_eq!(spent(&mut budget, now), 20, "ten seconds' worth at the start");
        for _ in 0..14 {
            budget.earn();
        }
        assert_eq!(spent(&mut budget, now), 2, "one for five sends");
        budget.earn();
        assert_eq!(spent(&mut budget, now), 1, "and what was left over counts on");
        assert_eq!(spent(&mut budget, now + Duration::from_millis(1_500)), 3);
        assert_eq!(spent(&mut budget, now + Duration::from_hours(1)), 20, "no more is saved");
    }

    #[tokio::test(start_paused = true)]
    async fn either_part_may_be_missing() {
        let now = Instant::now();
        let mut none = budget(0, 0);
        none.earn();
        assert_eq!(spent(&mut none, now + Duration::from_hours(1)), 0);
        let mut sends_only = budget(100, 0);
        assert_eq!(spent(&mut sends_only, now), 0);
        for _ in 0..30 {
            sends_only.earn();
        }
        assert_eq!(spent(&mut sends_only, now), 10);
    }
}
