use std::fs;
use std::time::{Duration, Instant};

use criterion::measurement::{Measurement, ValueFormatter, WallTime};

/// The time for which this thread was on a processor. Other load on the machine changes it little.
/// Without Linux: the time on the wall.
#[derive(Clone, Copy, Debug, Default)]
pub struct OnCpu;

/// A moment of the measurement [`OnCpu`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Moment {
    /// Time on a processor so far.
    OnCpu(Duration),
    /// Time on the wall.
    Wall(Instant),
}

impl Moment {
    /// Returns this moment.
    #[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    pub fn now() -> Self {
        let text = fs::read_to_string("/proc/thread-self/schedstat").ok();
        let nanoseconds = text.and_then(|text| text.split(' ').next()?.parse().ok());
        match nanoseconds {
            Some(nanoseconds) => Self::OnCpu(Duration::from_nanos(nanoseconds)),
            None => Self::Wall(Instant::now()),
        }
    }

    /// Returns the time since then.
    pub fn elapsed(self) -> Duration {
        match (self, Self::now()) {
            (Self::OnCpu(then), Self::OnCpu(now)) => now.saturating_sub(then),
            (Self::Wall(then), Self::Wall(now)) => now.saturating_duration_since(then),
            _ => Duration::ZERO,
        }
    }
}

impl Measurement for OnCpu {
    type Intermediate = Moment;
    type Value = Duration;

    fn start(&self) -> Moment {
        Moment::now()
    }

    fn end(&self, start: Moment) -> Duration {
        start.elapsed()
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, time: &Duration) -> f64 {
        WallTime.to_f64(time)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}
