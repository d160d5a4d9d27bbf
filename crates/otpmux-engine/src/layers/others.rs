use std::time::{Duration, SystemTime};

use otpmux_core::ErrorKind;
use tokio::time::Instant;

use super::outcome::{is_of_the_account, may_be_ones_own};
use crate::store::health::{HealthUpdate, Witness};

/// What other processes have told about a provider, and how much of it is to be believed: one sick
/// process must not make the others sick.
#[derive(Debug, Default)]
pub(super) struct Others {
    known: Vec<Other>,
}

/// One process, by its newest update.
#[derive(Debug)]
struct Other {
    process: u64,
    at: SystemTime,
    said: Said,
}

#[derive(Clone, Copy, Debug)]
enum Said {
    /// It works.
    Well,
    /// It does not.
    Ill(Heard),
    /// Something that is not believed: it is about another account, or calls of this process have
    /// shown the contrary since.
    Nothing,
}

/// That a provider does not work, in the words of a breaker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    pub(super) since: SystemTime,
    pub(super) why: ErrorKind,
    pub(super) until: Instant,
    pub(super) pause: Duration,
    /// Whether one witness is enough.
    pub(super) certain: bool,
}

/// What follows from all that was told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Belief {
    /// Nothing.
    Nothing,
    /// One process cannot reach it. The trouble may be its own, so a call of this process decides.
    Suspicion,
    /// It is to be left alone.
    Ill(Heard),
}

impl Others {
    /// Takes in the newest update of another process; `heard` turns an open one into words of this
    /// process. Whether it is a success that were not known.
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

    /// Forgets the processes that tell nothing any more.
    pub(super) fn keep(&mut self, tells: impl Fn(u64) -> bool) {
        self.known.retain(|other| tells(other.process));
    }

    /// A call of this process went well: what was told before is refuted, until somebody says it
    /// again.
    pub(super) fn refute(&mut self) {
        for other in &mut self.known {
            other.said = Said::Nothing;
        }
    }

    pub(super) fn belief(&self) -> Belief {
        let well = |other: &&Other| matches!(other.said, Said::Well);
        let newest_good = self.known.iter().filter(well).map(|other| other.at).max();
        let ill = |other: &Other| match other.said {
            // Another process has called it since.
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

/// Whether one witness is enough for this; `None` when it says nothing about the provider here.
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
