//! The report.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::ledger::{Ledger, Promise};
use crate::stage::Stage;
use crate::story::{Call, Wrong};
use crate::wire::Answer;
use crate::workers::{Outcome, Told};

/// The most cases shown for each broken promise.
const CASES: usize = 5;

#[derive(Default)]
struct Row {
    users: usize,
    verified: usize,
    latencies: Vec<Duration>,
}

/// Prints everything; returns whether every promise was kept.
pub(crate) fn print(ledger: &Ledger, stage: &Stage) -> bool {
    let promises = ledger.judge();
    rows(ledger);
    sends(ledger);
    codes(ledger);
    losses(ledger, stage);
    let kept = told(&promises);
    let nothing_wrong = |wrong| matches!(wrong, Wrong::Nothing);
    let mut healthy = ledger.stories.iter().filter(|story| nothing_wrong(story.wrong));
    let somebody = healthy.any(|story| story.verified);
    if !somebody {
        println!("BROKEN: nothing was wrong, and no user got in");
    }
    kept && somebody
}

fn rows(ledger: &Ledger) {
    let mut rows = BTreeMap::<Wrong, Row>::new();
    for story in &ledger.stories {
        let row = rows.entry(story.wrong).or_default();
        row.users += 1;
        row.verified += usize::from(story.verified);
        row.latencies.extend(story.latency);
    }
    rows.remove(&Wrong::WarmUp);
    for row in rows.values_mut() {
        row.latencies.sort();
    }
    let base = rows.get(&Wrong::Nothing).map(|row| (row.quantile(50), row.quantile(99)));
    let (base50, base99) = base.unwrap_or_default();
    println!();
    println!(
        "{:<42} {:>6} {:>8} {:>9} {:>10} {:>9} {:>10}",
        "what was wrong", "users", "got in", "send p50", "added", "send p99", "added"
    );
    for (wrong, row) in &rows {
        let (p50, p99) = (row.quantile(50), row.quantile(99));
        println!(
            "{:<42} {:>6} {:>8} {:>9} {:>10} {:>9} {:>10}",
            wrong.words(),
            row.users,
            share(row.verified, row.users),
            time(p50),
            added(p50, base50),
            time(p99),
            added(p99, base99),
        );
    }
}

fn sends(ledger: &Ledger) {
    for (resend, verb) in [(false, "sends"), (true, "resends")] {
        let calls = ledger.stories.iter().flat_map(|story| &story.calls);
        let calls = calls.filter(|call: &&Call| call.resend == resend);
        let told: Vec<&Told> = calls.map(|call| &call.told).collect();
        let asked = told.iter().filter(|told| told.was_heard()).count();
        println!("\n{:<42} {asked:>6}", format!("{verb} asked"));
        counts(told.into_iter());
    }
}

fn codes(ledger: &Ledger) {
    let typed = || ledger.stories.iter().flat_map(|story| &story.typed);
    for (right, words) in [(true, "right codes typed"), (false, "wrong codes typed")] {
        let told = || typed().filter(|typed| typed.right == right).map(|typed| &typed.told);
        let asked = told().filter(|told| told.was_heard()).count();
        println!("\n{words:<42} {asked:>6}");
        counts(told());
    }
}

/// Prints how often each answer came.
fn counts<'a>(told: impl Iterator<Item = &'a Told>) {
    let mut counts = BTreeMap::<String, usize>::new();
    for told in told {
        *counts.entry(told.outcome.words()).or_default() += 1;
    }
    for (words, count) in counts {
        println!("  {words:<40} {count:>6}");
    }
}

fn losses(ledger: &Ledger, stage: &Stage) {
    let users = ledger.stories.len();
    let back: Vec<String> =
        ledger.sends_until_back.iter().flatten().map(usize::to_string).collect();
    println!();
    for (words, count) in [
        ("users", users.to_string()),
        ("messages at their handsets", ledger.message_count().to_string()),
        ("another code, by a resend to or from vendor 3", ledger.other_codes().to_string()),
        ("let in by a call whose answer was lost", ledger.let_in_untold().to_string()),
        ("times worker B was killed", stage.workers[1].kills().to_string()),
        ("times Redis was restarted", stage.redis_restarts().to_string()),
        ("one vendor back: which send was confirmed", back.join(" ")),
    ] {
        println!("{words:<46} {count:>2}");
    }
}

fn told(promises: &[Promise]) -> bool {
    println!("\nmust never happen");
    for promise in promises {
        let verdict = if promise.broken.is_empty() { "ok" } else { "BROKEN" };
        println!("  {:<50} {:>6}  {verdict}", promise.words, promise.broken.len());
        for case in promise.broken.iter().take(CASES) {
            println!("    {case}");
        }
    }
    promises.iter().all(|promise| promise.broken.is_empty())
}

impl Row {
    /// Returns a quantile of sorted latencies.
    fn quantile(&self, percent: usize) -> Option<Duration> {
        let rank = (self.latencies.len() * percent).div_ceil(100);
        self.latencies.get(rank.checked_sub(1)?).copied()
    }
}

impl Wrong {
    fn words(self) -> String {
        match self {
            Self::WarmUp => "warming up".to_owned(),
            Self::Nothing => "nothing".to_owned(),
            Self::SickNeighbour => "a third process reaches no vendor".to_owned(),
            Self::First(trouble) => format!("first vendor {}", trouble.words()),
            Self::WorkerKilled => "worker B killed again and again".to_owned(),
            Self::AllVendors => "all vendors refuse connections".to_owned(),
            Self::OneIsBack => "one of them is back".to_owned(),
            Self::Chaos(0) => "chaos, no vendor in trouble".to_owned(),
            Self::Chaos(vendors) => format!("chaos, {vendors} of 3 vendors in trouble"),
            Self::ChaosWithoutRedis => "chaos, Redis is gone".to_owned(),
        }
    }
}

impl Outcome {
    fn words(&self) -> String {
        match self {
            Self::Answer(Answer::Sent(sent), _) if sent.confirmed_by.is_some() => {
                "confirmed".to_owned()
            }
            Self::Answer(Answer::Sent(_), _) => "unconfirmed".to_owned(),
            Self::Answer(Answer::Verdict(verdict), _) => verdict.clone(),
            Self::Answer(Answer::Failed(failed), _) => {
                format!("error: {}, {}, {}", failed.kind, failed.certainty, failed.blame)
            }
            Self::Cut => "cut off by a killed worker".to_owned(),
            Self::Down => "(not asked: the worker was down)".to_owned(),
            Self::Forgotten => "never answered".to_owned(),
        }
    }
}

fn share(part: usize, whole: usize) -> String {
    let permille = (part * 1000).checked_div(whole).unwrap_or_default();
    format!("{}.{} %", permille / 10, permille % 10)
}

fn time(time: Option<Duration>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{} ms", time.as_millis()))
}

fn added(time: Option<Duration>, base: Option<Duration>) -> String {
    let Some((time, base)) = time.zip(base) else { return "-".to_owned() };
    let (time, base) = (time.as_millis(), base.as_millis());
    let sign = if time < base { '-' } else { '+' };
    format!("{sign}{} ms", time.abs_diff(base))
}
