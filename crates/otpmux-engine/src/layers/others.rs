use std::time::{Duration, SystemTime};

use otpmux_core::ErrorKind;
use tokio::time::Instant;

use super::outcome::{is_of_the_account, may_be_ones_own};
use crate::store::health::{HealthUpdate, Witness};

/// Reports of other processes about a provider, and how far to believe them: a process with a local
/// failure must not stop the others.
#[derive(Debug, Default)]
pub(super) struct Others {
    known: Vec<Other>,
}

/// The newest update of one process.
#[derive(Debug)]
struct Other {
    process: u64,
    at: SystemTime,
    said: Said,
}

#[derive(Clone, Copy, Debug)]
enum Said {
    /// The provider works.
    Well,
    /// The provider fails.
    Ill(Heard),
    /// Not believed: it is about another account, or calls of this process have shown the contrary
    /// since.
    Nothing,
}

/// A reported failure, converted to this process's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    pub(super) since: SystemTime,
    pub(super) why: ErrorKind,
    pub(super) until: Instant,
    pub(super) pause: Duration,
    /// Whether one witness is enough.
    pub(super) certain: bool,
}

/// The conclusion from all reports.
#[derive(Clone, Copy, Debug)]
pub(super) enum Belief {
    /// Nothing.
    Nothing,
    /// One process cannot reach it. The cause may be local to that process, so a call here decides.
    Suspicion,
    /// The circuit must open.
    Ill(Heard),
}

impl Others {
    /// Applies the newest update of another process; `heard` converts an open one to this process's
    /// clock. Returns whether it is a success that was not known.
    pub(super) fn hear(
        &mut self,
        update: &HealthUpdate,
        me: &Witness,
        heard: impl FnOnce() -> Option<Heard>,
    ) -> bool {
        let process = update.witness.process;
        let place = self.known.iter().position(|other| other.process == process);
        if place.is_some_and(|place| update.at <= self.known[place].at) {
            return false;
        }
        let said = match &update.state {
            None => Said::Well,
            Some(open) => match (weigh(open.why, &update.witness, me), heard()) {
                (Some(certain), Some(heard)) => Said::Ill(Heard { certain, ..heard }),
                _ => Said::Nothing,
            },
        };
        let other = Other { process, at: update.at, said };
        match place {
            Some(place) => self.known[place] = other,
            None => self.known.push(other),
        }
        matches!(said, Said::Well)
    }

    /// Forgets the processes that no longer report.
    pub(super) fn keep(&mut self, is_kept: impl Fn(u64) -> bool) {
        self.known.retain(|other| is_kept(other.process));
    }

    /// A call of this process succeeded: earlier reports are refuted until a process repeats them.
    pub(super) fn refute(&mut self) {
        for other in &mut self.known {
            other.said = Said::Nothing;
        }
    }

    pub(super) fn belief(&self) -> Belief {
        let well = |other: &&Other| matches!(other.said, Said::Well);
        let newest_good = self.known.iter().filter(well).map(|other| other.at).max();
        let ill = |other: &Other| match other.said {
            // Another process has called it successfully since.
            Said::Ill(_) if newest_good.is_some_and(|good| other.at < good) => None,
            Said::Ill(heard) => Some(heard),
            Said::Well | Said::Nothing => None,
        };
        let mut witnesses = 0;
        let all = self.known.iter().filter_map(ill).inspect(|_| witnesses += 1);
        match all.reduce(Heard::and) {
            Some(heard) if heard.certain || witnesses > 1 => Belief::Ill(heard),
            Some(_) => Belief::Suspicion,
            None => Belief::Nothing,
        }
    }
}

impl Heard {
    fn and(self, other: Self) -> Self {
        Self {
            since: self.since.min(other.since),
            why: if self.certain { self.why } else { other.why },
            until: self.until.max(other.until),
            pause: self.pause.max(other.pause),
            certain: self.certain || other.certain,
        }
    }
}

/// Whether one witness is enough; `None` when the report says nothing about the provider here.
fn weigh(why: ErrorKind, witness: &Witness, me: &Witness) -> Option<bool> {
    let same = match (witness.settings, me.settings) {
        (Some(theirs), Some(mine)) => Some(theirs == mine),
        _ => None,
    };
    if is_of_the_account(why) {
        return (same == Some(true)).then_some(true);
    }
    Some(same != Some(false) && !may_be_ones_own(why))
}
