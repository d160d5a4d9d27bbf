//! The figures of a turn, and the goals.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::memory::Memory;
use crate::report::Measured;
use crate::turn::Turn;

/// Goal of a figure of the gateway: absolute, or as a multiple of the floor's.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtMost(f64),
    TimesAtMost(f64),
    TimesAtLeast(f64),
}

/// One line of the table.
pub(crate) struct Figure {
    /// In JSON.
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) digits: usize,
    pub(crate) goal: Option<Goal>,
    of: Of,
}

/// Where a figure comes from.
enum Of {
    Turn(fn(&Turn) -> f64),
    Memory(fn(&Memory) -> u64),
}

impl Figure {
    /// Returns its values, one for each round; none if it was not measured.
    pub(crate) fn values(&self, turns: &Measured) -> Vec<f64> {
        match self.of {
            Of::Turn(figure) => turns.turns.iter().map(figure).collect(),
            Of::Memory(figure) => turns.memory.iter().map(|it| float(figure(it))).collect(),
        }
    }

    fn new(id: &'static str, name: &'static str, digits: usize, of: Of) -> Self {
        Self { id, name, digits, goal: None, of }
    }

    fn goal(mut self, goal: Goal) -> Self {
        self.goal = Some(goal);
        self
    }
}

/// Returns all figures, in the order of the table.
#[rustfmt::skip]
pub(crate) fn all() -> Vec<Figure> {
    use Goal::{AtMost, TimesAtLeast, TimesAtMost};
    let turn = |id, name, digits, figure| Figure::new(id, name, digits, Of::Turn(figure));
    let memory = |id, name, figure| Figure::new(id, name, 0, Of::Memory(figure));
    vec![
        turn("flows_per_second", "flows per second", 0, per_second).goal(TimesAtLeast(0.62)),
        turn("cpu_us", "its CPU per flow, µs", 1, |it| each(it, it.server)).goal(TimesAtMost(1.35)),
        turn("cpu_percent", "its CPU of the turn, %", 0, |it| 100.0 * share(it)),
        turn("redis_cpu_us", "Redis: CPU per flow, µs", 1, |it| each(it, it.redis.all_cpu())).goal(TimesAtMost(2.5)),
        turn("redis_busiest_percent", "Redis: CPU of the busiest server, %", 0, |it| 100.0 * busiest(it)),
        turn("redis_scripts", "Redis: scripts per flow", 2, |it| per_flow(it, it.redis.scripts)).goal(AtMost(3.0)),
        turn("redis_commands", "Redis: commands per flow", 1, |it| per_flow(it, it.redis.commands)),
        turn("redis_bytes_in", "Redis: bytes in per flow", 0, |it| per_flow(it, it.redis.bytes_in)),
        turn("redis_bytes_out", "Redis: bytes out per flow", 0, |it| per_flow(it, it.redis.bytes_out)),
        memory("redis_bytes_pending", "Redis: bytes of a pending verification", |it| it.pending).goal(AtMost(800.0)),
        memory("redis_bytes_approved", "Redis: bytes of an approved verification", |it| it.approved).goal(AtMost(250.0)),
        turn("load_cpu_us", "load and stub: CPU per flow, µs", 1, |it| each(it, it.load)),
        turn("send_p50_ms", "send p50, ms", 2, |it| at(&it.tally.send, 0.5)),
        turn("send_p99_ms", "send p99, ms", 2, |it| at(&it.tally.send, 0.99)).goal(AtMost(1.7)),
        turn("verify_p50_ms", "verify p50, ms", 2, |it| at(&it.tally.verify, 0.5)),
        turn("verify_p99_ms", "verify p99, ms", 2, |it| at(&it.tally.verify, 0.99)).goal(AtMost(1.0)),
        turn("verify_max_ms", "verify at most, ms", 2, |it| at(&it.tally.verify, 1.0)),
        turn("memory_mb", "resident memory, MB", 1, |it| megabytes(it.memory.now)).goal(AtMost(16.0)),
        turn("memory_allocated_mb", "of it allocated by the program, MB", 1, |it| megabytes(it.memory.allocated)),
        turn("memory_max_mb", "resident memory at most, MB", 1, |it| megabytes(it.memory.most)),
        turn("others_percent", "other programs: CPU of the turn, %", 1, |it| 100.0 * it.others_share()),
    ]
}

pub(crate) fn per_second(turn: &Turn) -> f64 {
    float(turn.tally.flows) / turn.elapsed.as_secs_f64()
}

/// Returns how much of a core the program has used.
pub(crate) fn share(turn: &Turn) -> f64 {
    turn.server.as_secs_f64() / turn.elapsed.as_secs_f64()
}

fn busiest(turn: &Turn) -> f64 {
    let most = turn.redis.cpu.iter().max().copied().unwrap_or_default();
    most.as_secs_f64() / turn.elapsed.as_secs_f64()
}

/// Returns the microseconds of each flow.
fn each(turn: &Turn, time: Duration) -> f64 {
    time.as_secs_f64() * 1e6 / float(turn.tally.flows)
}

fn per_flow(turn: &Turn, count: u64) -> f64 {
    float(count) / float(turn.tally.flows)
}

/// Returns the milliseconds at this quantile.
fn at(latencies: &Histogram<u64>, part: f64) -> f64 {
    float(latencies.value_at_quantile(part)) / 1e6
}

fn megabytes(bytes: u64) -> f64 {
    float(bytes) / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "for people to read")]
fn float(number: u64) -> f64 {
    number as f64
}

/// Returns the median; `NaN` of no figures.
pub(crate) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let (half, rest) = (figures.len() / 2, figures.len() % 2);
    match figures.get(half) {
        None => f64::NAN,
        Some(upper) if rest == 1 => *upper,
        Some(upper) => f64::midpoint(*upper, figures[half - 1]),
    }
}
