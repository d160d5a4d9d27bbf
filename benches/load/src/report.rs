//! The table, and the goals.

use std::fmt::Write as _;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::options::{Options, Program, Store};
use crate::turn::Turn;

/// The turns of one program, one for each round.
pub(crate) struct Turns {
    pub(crate) program: Program,
    pub(crate) turns: Vec<Turn>,
}

/// The most that a flow through a door may cost, as a multiple of one through the gateway's API.
const DOOR: f64 = 1.1;

/// Goal of a figure of the gateway: absolute, or as a multiple of the floor's.
#[derive(Clone, Copy)]
enum Goal {
    AtMost(f64),
    TimesAtMost(f64),
    TimesAtLeast(f64),
}

/// Whole report, with failures and missed goals.
pub(crate) struct Report {
    pub(crate) text: String,
    /// Whether flows failed, or a program had none.
    pub(crate) failed: bool,
    /// The goals that were missed.
    pub(crate) missed: Vec<String>,
}

/// One line of the table: medians over the rounds. A ratio is the median of the rounds' ratios,
/// since consecutive turns run under the same conditions.
struct Row<'a> {
    name: &'a str,
    digits: usize,
    goal: Option<Goal>,
    figure: &'a dyn Fn(&Turn) -> f64,
}

impl Report {
    pub(crate) fn of(all: &[Turns], options: &Options) -> Self {
        let names: Vec<_> = all.iter().map(|it| it.program.name()).collect();
        let bars = "---|".repeat(all.len());
        let text = format!("| | {} | ratio | goal |\n|---|{bars}---|---|\n", names.join(" | "));
        let turns = || all.iter().flat_map(|it| &it.turns);
        let failed = turns().any(|turn| turn.tally.failures > 0 || turn.tally.flows == 0);
        let mut report = Self { text, failed, missed: Vec::new() };
        report.rows(all, options);
        report.ceiling(all, options);
        for turn in turns() {
            if let Some(first) = &turn.tally.first_failure {
                let count = turn.tally.failures;
                let _ = writeln!(report.text, "\n{count} flows failed, the first with: {first}");
            }
        }
        report
    }

    fn rows(&mut self, all: &[Turns], options: &Options) {
        // The goals are for a vendor that answers at once and for all other options at their
        // default.
        let usual = options.vendor_ms == 0 && options.rate.is_none();
        let usual = usual && options.store == Store::Redis && options.clients == 16;
        let mut row = |name, digits, goal: Option<Goal>, figure: &dyn Fn(&Turn) -> f64| {
            self.row(all, &Row { name, digits, goal: goal.filter(|_| usual), figure });
        };
        let (most, times) = (|it| Some(Goal::AtMost(it)), |it| Some(Goal::TimesAtMost(it)));
        row("flows per second", 0, Some(Goal::TimesAtLeast(0.65)), &per_second);
        row("its CPU per flow, µs", 1, times(1.5), &|it| each(it, it.server));
        row("its CPU of the turn, %", 0, None, &|it| 100.0 * share(it));
        row("Redis: CPU per flow, µs", 1, None, &|it| each(it, it.redis));
        row("load and stub: CPU per flow, µs", 1, None, &|it| each(it, it.load));
        row("Redis: round trips per flow", 2, most(3.0), &|it| {
            float(it.scripts) / float(it.tally.flows)
        });
        row("send p50, ms", 2, None, &|it| at(&it.tally.send, 0.5));
        row("send p99, ms", 2, None, &|it| at(&it.tally.send, 0.99));
        row("verify p50, ms", 2, None, &|it| at(&it.tally.verify, 0.5));
        row("verify p99, ms", 2, most(4.0), &|it| at(&it.tally.verify, 0.99));
        row("verify at most, ms", 2, None, &|it| at(&it.tally.verify, 1.0));
        row("resident memory, MB", 1, most(20.0), &|it| megabytes(it.memory.0));
        row("resident memory at most, MB", 1, None, &|it| megabytes(it.memory.1));
        row("failed flows", 0, None, &|it| float(it.tally.failures));
    }

    fn row(&mut self, all: &[Turns], row: &Row<'_>) {
        let of = |program| {
            let turns = all.iter().find(|it| it.program == program)?;
            Some(turns.turns.iter().map(row.figure).collect::<Vec<f64>>())
        };
        let (floor, gateway) = (of(Program::Floor), of(Program::Gateway));
        // Without the floor, a door is compared with the gateway's own API.
        let pair = floor.as_ref().zip(gateway.as_ref());
        let door = of(Program::Door);
        let pair = pair.or_else(|| gateway.as_ref().zip(door.as_ref()));
        let ratio = pair.map(|(below, above)| {
            median(above.iter().zip(below).map(|(above, below)| above / below).collect())
        });
        // The goals by ratio are the gateway's; a door has one, that of its CPU.
        let beside_gateway = floor.is_none() && door.is_some();
        let goal = match row.goal {
            Some(Goal::TimesAtMost(_)) if beside_gateway => Some(Goal::TimesAtMost(DOOR)),
            Some(Goal::TimesAtLeast(_)) if beside_gateway => None,
            goal => goal,
        };
        let digits = row.digits;
        let _ = write!(self.text, "| {} |", row.name);
        for turns in all {
            let figure = median(turns.turns.iter().map(row.figure).collect());
            let _ = write!(self.text, " {figure:.digits$} |");
        }
        let ratio_word = ratio.filter(|it| it.is_finite());
        let ratio_word = ratio_word.map_or(String::new(), |ratio| format!("{ratio:.2}"));
        let (word, met) = match (goal, gateway.map(median), ratio) {
            (Some(Goal::AtMost(most)), Some(figure), _) => {
                // As displayed: calls of flows that are in progress at the end of a turn count,
                // too.
                let scale = 10f64.powi(i32::try_from(digits).unwrap_or_default());
                (format!("≤ {most}"), (figure * scale).round() / scale <= most)
            }
            (Some(Goal::TimesAtMost(most)), _, Some(ratio)) => {
                (format!("≤ {most} times"), ratio <= most)
            }
            (Some(Goal::TimesAtLeast(least)), _, Some(ratio)) => {
                (format!("≥ {least} times"), ratio >= least)
            }
            _ => (String::new(), true),
        };
        if !met {
            self.missed.push(format!("{}: {word}", row.name));
        }
        let mark = if met { "" } else { ", missed" };
        let _ = writeln!(self.text, " {ratio_word} | {word}{mark} |");
    }

    /// Adds the ceiling: with a slow vendor, the clients cannot exceed a certain number of flows;
    /// the goal is to come near it, or to use the core up.
    fn ceiling(&mut self, all: &[Turns], options: &Options) {
        let delay = options.vendor_delay();
        if delay.is_zero() || options.rate.is_some() {
            return;
        }
        let ceiling = f64::from(options.clients) / delay.as_secs_f64();
        let _ = writeln!(self.text, "\nThe vendor allows {ceiling:.0} flows per second.");
        for turns in all {
            let of = |figure: fn(&Turn) -> f64| median(turns.turns.iter().map(figure).collect());
            let (reached, share) = (of(per_second) / ceiling, of(share));
            let name = turns.program.name();
            let (reached_percent, share_percent) = (100.0 * reached, 100.0 * share);
            let _ = writeln!(
                self.text,
                "The {name} reaches {reached_percent:.0} % of that with {share_percent:.0} % of a core."
            );
            if turns.program == Program::Gateway && reached < 0.9 && share < 0.9 {
                self.missed.push("90 % of what the vendor allows, or of the core".to_owned());
            }
        }
    }
}

fn per_second(turn: &Turn) -> f64 {
    float(turn.tally.flows) / turn.elapsed.as_secs_f64()
}

/// Returns the microseconds of each flow.
fn each(turn: &Turn, time: Duration) -> f64 {
    time.as_secs_f64() * 1e6 / float(turn.tally.flows)
}

fn share(turn: &Turn) -> f64 {
    turn.server.as_secs_f64() / turn.elapsed.as_secs_f64()
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

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let (half, rest) = (figures.len() / 2, figures.len() % 2);
    match figures.get(half) {
        None => f64::NAN,
        Some(upper) if rest == 1 => *upper,
        Some(upper) => f64::midpoint(*upper, figures[half - 1]),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::flow::Tally;

    fn turn(flows: u64, server: Duration) -> Turn {
        let mut tally = Tally::new();
        tally.flows = flows;
        tally.verify.record(1_000_000).unwrap();
        let elapsed = Duration::from_secs(1);
        let memory = (10_000_000, 10_000_000);
        Turn { tally, elapsed, server, redis: elapsed, load: elapsed, scripts: flows * 3, memory }
    }

    fn report(gateway: [Turn; 2], arguments: &[&str]) -> Report {
        let ms = Duration::from_millis;
        let floor = Turns {
            program: Program::Floor,
            turns: vec![turn(1_000, ms(100)), turn(500, ms(100))],
        };
        let gateway = Turns { program: Program::Gateway, turns: gateway.into() };
        let options = Options::parse_from([&["otpmux-loadtest"], arguments].concat());
        Report::of(&[floor, gateway], &options)
    }

    #[test]
    fn ratios_are_of_turns_that_follow_each_other() {
        let ms = Duration::from_millis;
        let good = report([turn(800, ms(100)), turn(400, ms(100))], &[]);
        assert!(good.missed.is_empty() && !good.failed, "{}", good.text);
        assert!(good.text.contains("| flows per second | 750 | 600 | 0.80 |"), "{}", good.text);
        let slow = report([turn(600, ms(100)), turn(300, ms(100))], &[]);
        let missed = ["flows per second: ≥ 0.65 times", "its CPU per flow, µs: ≤ 1.5 times"];
        assert_eq!(slow.missed, missed, "{}", slow.text);
    }

    #[test]
    fn a_failed_flow_and_a_program_without_any_fail_the_run() {
        let ms = Duration::from_millis;
        let mut bad = turn(800, ms(100));
        bad.tally.failures = 1;
        bad.tally.first_failure = Some("send: 500".to_owned());
        let report_of = |bad| report([bad, turn(400, ms(100))], &[]);
        let failed = report_of(bad);
        assert!(failed.failed && failed.text.contains("1 flows failed, the first with: send: 500"));
        assert!(report_of(turn(0, ms(0))).failed);
    }

    #[test]
    fn a_slow_vendor_sets_a_ceiling_of_its_own() {
        let ms = Duration::from_millis;
        let arguments = ["--clients", "50", "--vendor-ms", "50"];
        let near = report([turn(950, ms(100)), turn(920, ms(100))], &arguments);
        assert!(near.missed.is_empty(), "{}", near.text);
        let busy = report([turn(500, ms(950)), turn(500, ms(950))], &arguments);
        assert!(busy.missed.is_empty(), "{}", busy.text);
        let far = report([turn(800, ms(500)), turn(800, ms(500))], &arguments);
        assert_eq!(far.missed.len(), 1, "{}", far.text);
    }
}
