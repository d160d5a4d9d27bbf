//! The report of a run: as a table, or as JSON.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::figures::{self, Figure, Goal, median, per_second, share};
use crate::memory::Memory;
use crate::options::{Options, Program, Store};
use crate::turn::Turn;

/// The turns of one program, one for each round.
pub(crate) struct Measured {
    pub(crate) program: Program,
    pub(crate) turns: Vec<Turn>,
    /// `None` if it was not measured.
    pub(crate) memory: Option<Memory>,
}

/// The most that a flow through a door may cost, as a multiple of one through the gateway's API.
const DOOR: f64 = 1.1;

/// Result of a run.
pub(crate) enum Report {
    /// Flows failed, or a program had none: how many, and why. There are no figures.
    Failed(Vec<String>),
    Good(Good),
}

/// The figures of a run without failures.
pub(crate) struct Good {
    programs: Vec<Program>,
    rows: Vec<Row>,
    /// What a slow vendor allows.
    notes: Vec<String>,
    /// What speaks against the figures.
    warnings: Vec<String>,
    /// The goals that were missed.
    pub(crate) missed: Vec<String>,
    options: Value,
}

/// One figure of every program.
struct Row {
    figure: Figure,
    /// The values of the rounds, for each program.
    rounds: Vec<Vec<f64>>,
    /// The median of the rounds' ratios, since consecutive turns run under the same conditions.
    ratio: Option<f64>,
    /// The goal in words, and whether it is met.
    goal: Option<(String, bool)>,
}

impl Report {
    pub(crate) fn of(all: &[Measured], options: &Options, warnings: Vec<String>) -> Self {
        let failures: Vec<_> = all.iter().filter_map(failure).collect();
        if !failures.is_empty() {
            return Self::Failed(failures);
        }
        let mut good = Good {
            programs: all.iter().map(|it| it.program).collect(),
            rows: rows(all, options),
            notes: Vec::new(),
            warnings,
            missed: Vec::new(),
            options: described(options),
        };
        for row in &good.rows {
            if let Some((word, false)) = &row.goal {
                good.missed.push(format!("{}: {word}", row.figure.name));
            }
        }
        good.ceiling(all, options);
        Self::Good(good)
    }
}

/// Returns how the flows of a program failed, if any did.
fn failure(turns: &Measured) -> Option<String> {
    let name = turns.program.name();
    let count: u64 = turns.turns.iter().map(|turn| turn.tally.failures).sum();
    if let Some(first) = turns.turns.iter().find_map(|turn| turn.tally.first_failure.as_ref()) {
        return Some(format!("{name}: {count} flows failed, the first with: {first}"));
    }
    let idle = turns.turns.iter().any(|turn| turn.tally.flows == 0);
    idle.then(|| format!("{name}: a turn without any flow"))
}

/// Returns the figures that were measured.
fn rows(all: &[Measured], options: &Options) -> Vec<Row> {
    // The goals are for a vendor that answers at once and for all other options at their default.
    let usual = options.vendor_ms == 0 && options.rate.is_none() && options.gateways == 1;
    let usual = usual && options.store == Store::Redis && options.clients == 16;
    let usual = usual && options.redis_nodes == 1;
    let measured = |row: &Row| row.rounds.iter().any(|rounds| !rounds.is_empty());
    let row = |figure| Row::new(figure, all, usual);
    figures::all().into_iter().map(row).filter(measured).collect()
}

impl Row {
    fn new(figure: Figure, all: &[Measured], has_goals: bool) -> Self {
        let rounds: Vec<_> = all.iter().map(|turns| figure.values(turns)).collect();
        let of = |program| Some(&rounds[all.iter().position(|it| it.program == program)?]);
        let (floor, gateway, door) = (of(Program::Floor), of(Program::Gateway), of(Program::Door));
        let with = of(Program::With);
        // Without the floor, a door is compared with the gateway's own API, and the gateway with
        // more switched on with the usual one.
        let pair = floor.zip(gateway).or_else(|| gateway.zip(door.or(with)));
        let ratio = pair.map(|(below, above)| {
            median(above.iter().zip(below).map(|(above, below)| above / below).collect())
        });
        let ratio = ratio.filter(|it| it.is_finite());
        let beside_gateway = floor.is_none() && door.or(with).is_some();
        let goal = figure.goal.filter(|_| has_goals);
        // The goals by ratio are the gateway's; a door has one, that of its CPU.
        let goal = match goal {
            Some(Goal::TimesAtMost(_)) if beside_gateway && door.is_some() => {
                Some(Goal::TimesAtMost(DOOR))
            }
            Some(Goal::TimesAtMost(_) | Goal::TimesAtLeast(_)) if beside_gateway => None,
            goal => goal,
        };
        let gateway = gateway.map(|it| median(it.clone()));
        let goal = match (goal, gateway, ratio) {
            (Some(Goal::AtMost(most)), Some(value), _) => {
                // As displayed: calls of flows that are in progress at the end of a turn count,
                // too.
                let scale = 10f64.powi(i32::try_from(figure.digits).unwrap_or_default());
                Some((format!("≤ {most}"), (value * scale).round() / scale <= most))
            }
            (Some(Goal::TimesAtMost(most)), _, Some(ratio)) => {
                Some((format!("≤ {most} times"), ratio <= most))
            }
            (Some(Goal::TimesAtLeast(least)), _, Some(ratio)) => {
                Some((format!("≥ {least} times"), ratio >= least))
            }
            _ => None,
        };
        Self { figure, rounds, ratio, goal }
    }

    fn line(&self) -> String {
        let mut line = format!("| {} |", self.figure.name);
        let digits = self.figure.digits;
        for rounds in &self.rounds {
            let _ = write!(line, " {:.digits$} |", median(rounds.clone()));
        }
        let ratio = self.ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"));
        let goal = match &self.goal {
            None => String::new(),
            Some((word, true)) => word.clone(),
            Some((word, false)) => format!("{word}, missed"),
        };
        let _ = writeln!(line, " {ratio} | {goal} |");
        line
    }
}

impl Good {
    /// Returns the table.
    pub(crate) fn text(&self) -> String {
        let names: Vec<_> = self.programs.iter().map(|it| it.name()).collect();
        let bars = "---|".repeat(names.len());
        let mut text = format!("| | {} | ratio | goal |\n|---|{bars}---|---|\n", names.join(" | "));
        text.extend(self.rows.iter().map(Row::line));
        for note in &self.notes {
            let _ = write!(text, "\n{note}\n");
        }
        for missed in &self.missed {
            let _ = writeln!(text, "missed: {missed}");
        }
        for warning in &self.warnings {
            let _ = writeln!(text, "warning: the machine was not quiet: {warning}");
        }
        text
    }

    /// Returns the same as JSON, with the values of every round.
    pub(crate) fn json(&self) -> String {
        let mut figures = Map::new();
        for row in &self.rows {
            let mut programs = Map::new();
            for (program, rounds) in self.programs.iter().zip(&row.rounds) {
                let value = json!({ "median": median(rounds.clone()), "rounds": rounds });
                programs.insert(program.name().to_owned(), value);
            }
            if let Some(ratio) = row.ratio {
                programs.insert("ratio".to_owned(), ratio.into());
            }
            figures.insert(row.figure.id.to_owned(), programs.into());
        }
        let whole = json!({
            "options": self.options,
            "figures": figures,
            "missed": self.missed,
            "warnings": self.warnings,
        });
        format!("{whole:#}\n")
    }

    /// Adds the ceiling: with a slow vendor, the clients cannot exceed a certain number of flows;
    /// the goal is to come near it, or to use the core up.
    fn ceiling(&mut self, all: &[Measured], options: &Options) {
        let delay = options.vendor_delay();
        if delay.is_zero() || options.rate.is_some() {
            return;
        }
        let ceiling = f64::from(options.clients) / delay.as_secs_f64();
        let mut note = format!("The vendor allows {ceiling:.0} flows per second.");
        for turns in all {
            let of = |figure: fn(&Turn) -> f64| median(turns.turns.iter().map(figure).collect());
            let (reached, share) = (of(per_second) / ceiling, of(share));
            let name = turns.program.name();
            let (reached_percent, share_percent) = (100.0 * reached, 100.0 * share);
            let _ = write!(
                note,
                "\nThe {name} reaches {reached_percent:.0} % of that with {share_percent:.0} % of a core."
            );
            if turns.program == Program::Gateway && reached < 0.9 && share < 0.9 {
                self.missed.push("90 % of what the vendor allows, or of the core".to_owned());
            }
        }
        self.notes.push(note);
    }
}

/// Returns the options that a figure depends on.
fn described(options: &Options) -> Value {
    json!({
        "clients": options.clients,
        "rounds": options.rounds,
        "seconds": options.flows.is_none().then_some(options.seconds),
        "flows": options.flows,
        "rate": options.rate,
        "vendor_ms": options.vendor_ms,
        "store": options.store.name(),
        "gateways": options.gateways,
        "redis_nodes": options.redis_nodes,
        "own_namespaces": options.own_namespaces,
        "pinned": !options.no_pinning,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser as _;

    use super::*;
    use crate::flow::Tally;
    use crate::redis_servers::Work;
    use crate::system::Resident;

    fn turn(flows: u64, server: Duration) -> Turn {
        let mut tally = Tally::new();
        tally.flows = flows;
        tally.send.record(1_000_000).unwrap();
        tally.verify.record(900_000).unwrap();
        let elapsed = Duration::from_secs(1);
        let mut redis = Work::default();
        redis.cpu.push(elapsed);
        redis.scripts = 3 * flows;
        let bytes = 10_000_000;
        let memory = Resident { now: bytes, most: bytes, allocated: bytes };
        let others = Duration::ZERO;
        Turn { tally, elapsed, server, redis, load: elapsed, others, memory }
    }

    fn report(gateway: [Turn; 2], arguments: &[&str]) -> Report {
        let ms = Duration::from_millis;
        let turns = vec![turn(1_000, ms(100)), turn(500, ms(100))];
        let floor = Measured { program: Program::Floor, turns, memory: None };
        let memory = Some(Memory { pending: 800, approved: 200 });
        let gateway = Measured { program: Program::Gateway, turns: gateway.into(), memory };
        let options = Options::parse_from([&["otpmux-loadtest"], arguments].concat());
        Report::of(&[floor, gateway], &options, Vec::new())
    }

    fn good(gateway: [Turn; 2], arguments: &[&str]) -> Good {
        match report(gateway, arguments) {
            Report::Good(good) => good,
            Report::Failed(failures) => panic!("{failures:?}"),
        }
    }

    #[test]
    fn ratios_are_of_turns_that_follow_each_other() {
        let ms = Duration::from_millis;
        let met = good([turn(800, ms(100)), turn(400, ms(100))], &[]);
        assert!(met.missed.is_empty(), "{}", met.text());
        let line = "| flows per second | 750 | 600 | 0.80 |";
        assert!(met.text().contains(line), "{}", met.text());
        let slow = good([turn(600, ms(100)), turn(300, ms(100))], &[]);
        let missed = ["flows per second: ≥ 0.62 times", "its CPU per flow, µs: ≤ 1.35 times"];
        assert_eq!(slow.missed, missed, "{}", slow.text());
    }

    #[test]
    fn json_has_medians_and_rounds_of_each_figure() {
        let ms = Duration::from_millis;
        let met = good([turn(800, ms(100)), turn(400, ms(100))], &["--gateways", "2"]);
        let value: Value = serde_json::from_str(&met.json()).unwrap();
        let flows = &value["figures"]["flows_per_second"];
        assert_eq!(flows["gateway"], json!({ "median": 600.0, "rounds": [800.0, 400.0] }));
        assert_eq!(flows["ratio"], 0.8);
        let pending = &value["figures"]["redis_bytes_pending"];
        assert_eq!(pending["gateway"]["median"], 800.0);
        assert_eq!(pending["floor"]["rounds"], json!([]));
        assert_eq!(value["options"]["gateways"], 2);
    }

    #[test]
    fn a_failed_flow_and_a_program_without_any_give_no_figures() {
        let ms = Duration::from_millis;
        let mut bad = turn(800, ms(100));
        bad.tally.failures = 1;
        bad.tally.first_failure = Some("send: 500".to_owned());
        let failures_of = |bad| match report([bad, turn(400, ms(100))], &[]) {
            Report::Good(good) => panic!("{}", good.text()),
            Report::Failed(failures) => failures,
        };
        let failures = failures_of(bad);
        assert_eq!(failures, ["gateway: 1 flows failed, the first with: send: 500"]);
        assert_eq!(failures_of(turn(0, ms(0))), ["gateway: a turn without any flow"]);
    }

    #[test]
    fn a_slow_vendor_sets_a_ceiling_of_its_own() {
        let ms = Duration::from_millis;
        let arguments = ["--clients", "50", "--vendor-ms", "50"];
        let near = good([turn(950, ms(100)), turn(920, ms(100))], &arguments);
        assert!(near.missed.is_empty(), "{}", near.text());
        let busy = good([turn(500, ms(950)), turn(500, ms(950))], &arguments);
        assert!(busy.missed.is_empty(), "{}", busy.text());
        let far = good([turn(800, ms(500)), turn(800, ms(500))], &arguments);
        assert_eq!(far.missed.len(), 1, "{}", far.text());
    }
}
