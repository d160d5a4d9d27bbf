//! Whether the machine did nothing else: a figure of a busy machine says little.

use std::hint::black_box;
use std::io::{Error, Result};
use std::time::Duration;

use tokio::time::Instant;

use crate::options::Options;
use crate::system;

/// A load average above this, before anything is started, is of other programs.
const LOAD_AVERAGE: f64 = 0.5;
/// How much slower than in its best moment a core may be.
const SLOWER: f64 = 1.1;
/// How much of a core other programs may use during a turn.
const OTHERS: f64 = 0.05;
/// Steps of the work that is timed: some tens of milliseconds.
const STEPS: u32 = 20_000_000;

/// What was noticed of other programs.
pub(crate) struct Quiet {
    load_average: f64,
    /// For each list of cores, the times of the same work at different moments.
    times: Vec<(String, Vec<Duration>)>,
}

impl Quiet {
    /// Looks at the machine before anything is started.
    pub(crate) fn new(options: &Options) -> Result<Self> {
        let places = if options.no_pinning {
            vec![String::new()]
        } else {
            vec![options.server_cores.clone(), options.load_cores.clone()]
        };
        let times = places.into_iter().map(|place| (place, Vec::new())).collect();
        Ok(Self { load_average: system::load_average()?, times })
    }

    /// Times a fixed amount of work on the cores that are used, while nothing is under load.
    pub(crate) fn calibrate(&mut self) -> Result<()> {
        for (cores, times) in &mut self.times {
            let cores = cores.clone();
            let timed = std::thread::spawn(move || {
                if !cores.is_empty() {
                    system::pin_thread(&cores)?;
                }
                Ok::<_, Error>(work())
            });
            times.push(timed.join().map_err(|_| Error::other("the calibration has failed"))??);
        }
        Ok(())
    }

    /// Returns what speaks against the figures of a run; `others` are the shares of a core that
    /// other programs have used in each turn.
    pub(crate) fn warnings(&self, others: impl Iterator<Item = f64>) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.load_average > LOAD_AVERAGE {
            let average = self.load_average;
            warnings.push(format!("the load average was {average:.2} before the run"));
        }
        for (cores, times) in &self.times {
            let (Some(best), Some(worst)) = (times.iter().min(), times.iter().max()) else {
                continue;
            };
            if worst.as_secs_f64() > SLOWER * best.as_secs_f64() {
                let place =
                    if cores.is_empty() { String::new() } else { format!(" on core {cores}") };
                warnings.push(format!("the same work took {best:.1?} to {worst:.1?}{place}"));
            }
        }
        let worst = others.fold(0.0, f64::max);
        if worst > OTHERS {
            let percent = 100.0 * worst;
            warnings.push(format!("other programs used up to {percent:.0} % of a core"));
        }
        warnings
    }
}

/// Returns the time of a fixed amount of work.
fn work() -> Duration {
    let begun = Instant::now();
    let mut number = 1_u64;
    for _ in 0..STEPS {
        // Otherwise the compiler joins several steps to one.
        number = black_box(number.wrapping_mul(6_364_136_223_846_793_005));
    }
    begun.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet(load_average: f64, times: &[u64]) -> Quiet {
        let times = times.iter().map(|&time| Duration::from_millis(time)).collect();
        Quiet { load_average, times: vec![("0".to_owned(), times)] }
    }

    #[test]
    fn a_quiet_machine_is_not_warned_about() {
        assert!(quiet(0.1, &[20, 21, 20]).warnings([0.01].into_iter()).is_empty());
    }

    #[test]
    fn each_sign_of_other_programs_is_one_warning() {
        let warnings = quiet(1.5, &[20, 30, 20]).warnings([0.01, 0.2].into_iter());
        let expected = [
            "the load average was 1.50 before the run",
            "the same work took 20.0ms to 30.0ms on core 0",
            "other programs used up to 20 % of a core",
        ];
        assert_eq!(warnings, expected);
    }
}
