//! The order of events: each trouble alone, then everything at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use crate::ledger::Ledger;
use crate::random::Random;
use crate::stage::Stage;
use crate::story::{Story, Wrong};
use crate::trouble::Trouble;
use crate::user;
use crate::wire::Ask;
use crate::workers::Worker;
use crate::{Mistake, Options};

/// The approximate duration of a round through all troubles; a longer run has several rounds.
const LAP: u64 = 40;
/// Percent of a lap for each phase; the rest is for users who finish.
const BASELINE: u32 = 9;
const SICK_NEIGHBOUR: u32 = 4;
const EACH_TROUBLE: u32 = 3;
const KILLING: u32 = 10;
const ALL_VENDORS: u32 = 2;
const CHAOS: u32 = 24;
/// How often circuits are checked, by users who come to both workers.
const LOOKS: usize = 40;
const LOOKERS: usize = 10;
/// The most sends in a row after one vendor is back; one of them must work.
const SENDS_UNTIL_BACK: usize = 20;

pub(crate) struct Conductor {
    stage: Arc<Stage>,
    random: Random,
    users: usize,
    ledger: Ledger,
}

/// Plays all laps, and collects all answers and all messages.
pub(crate) async fn play(stage: &Arc<Stage>, options: &Options) -> Result<Ledger, Mistake> {
    let random = Random::new(options.seed);
    let ledger = Ledger::default();
    let mut conductor =
        Conductor { stage: Arc::clone(stage), random, users: options.users, ledger };
    conductor.recover().await?;
    let laps = u32::try_from(options.seconds.div_ceil(LAP))?.max(1);
    let lap = Duration::from_secs(options.seconds) / laps;
    for number in 0..laps {
        conductor.lap(lap / 100, number == laps / 2).await?;
    }
    conductor.ledger.ended_by_themselves = stage.workers.iter().map(Worker::deaths).sum();
    Ok(conductor.ledger)
}

impl Conductor {
    async fn lap(&mut self, part: Duration, restart_redis: bool) -> Result<(), Mistake> {
        self.load(Some(Wrong::Nothing), part * BASELINE).await?;
        self.sick_neighbour(part * SICK_NEIGHBOUR).await?;
        for trouble in Trouble::ALL {
            self.set(0, Some(trouble));
            self.load(Some(Wrong::First(trouble)), part * EACH_TROUBLE).await?;
            self.set(0, None);
            self.recover().await?;
        }
        self.killing(part * KILLING).await?;
        self.all_vendors_down(part * ALL_VENDORS).await?;
        self.chaos(part * CHAOS, restart_redis).await?;
        self.stage.heal_all(&mut self.random);
        self.recover().await
    }

    /// Waits until both workers have closed the first vendor's circuit: the next trouble must hit a
    /// healthy one.
    async fn recover(&mut self) -> Result<(), Mistake> {
        let first = self.stage.vendors[0].vendor.as_str();
        for _ in 0..LOOKS {
            sleep(Duration::from_millis(50)).await;
            let known = self.ledger.stories.len();
            self.come(LOOKERS, Some(Wrong::WarmUp), Duration::ZERO).await?;
            let mut newest = self.ledger.stories[known..].iter();
            if newest.all(|story| story.confirmed_by() == Some(first)) {
                break;
            }
        }
        Ok(())
    }

    fn set(&mut self, vendor: usize, trouble: Option<Trouble>) {
        self.stage.vendors[vendor].set(trouble, &mut self.random);
    }

    /// Runs a third process that reaches no vendor, sends all the time and writes its health
    /// updates to the store. The others must not suffer from it.
    async fn sick_neighbour(&mut self, time: Duration) -> Result<(), Mistake> {
        let stage = Arc::clone(&self.stage);
        let (neighbour, nowhere) = stage.cut_off_worker().await?;
        let end = Instant::now() + time;
        let sends = async {
            while Instant::now() < end {
                let (_, to) = stage.next_user();
                neighbour.ask(Ask::Send { key: to.clone(), to }).await;
                sleep(Duration::from_millis(20)).await;
            }
        };
        let (loaded, ()) = tokio::join!(self.load(Some(Wrong::SickNeighbour), time), sends);
        neighbour.kill().await?;
        drop(nowhere);
        loaded
    }

    async fn killing(&mut self, time: Duration) -> Result<(), Mistake> {
        let (stage, random) = (Arc::clone(&self.stage), self.branch());
        let killing = stage.kill_until(Instant::now() + time, random);
        let (loaded, killed) = tokio::join!(self.load(Some(Wrong::WorkerKilled), time), killing);
        loaded.and(killed)
    }

    async fn all_vendors_down(&mut self, time: Duration) -> Result<(), Mistake> {
        let vendors = self.stage.vendors.len();
        for vendor in 0..vendors {
            self.set(vendor, Some(Trouble::Refuses));
        }
        self.load(Some(Wrong::AllVendors), time).await?;
        let back = *self.random.one_of(&(0..vendors).collect::<Vec<_>>());
        self.set(back, None);
        let mut worked = None;
        for send in 1..=SENDS_UNTIL_BACK {
            let story = user::live(&self.stage, Wrong::OneIsBack, &self.random).await;
            let confirmed = story.confirmed_by().is_some();
            self.ledger.stories.push(story);
            if confirmed {
                worked = Some(send);
                break;
            }
        }
        self.ledger.sends_until_back.push(worked);
        self.stage.heal_all(&mut self.random);
        self.recover().await
    }

    async fn chaos(&mut self, time: Duration, restart_redis: bool) -> Result<(), Mistake> {
        let end = Instant::now() + time;
        let stage = Arc::clone(&self.stage);
        let (killer, troubler, mut random) = (self.branch(), self.branch(), self.branch());
        let restart = async {
            if restart_redis {
                sleep(time / 2).await;
                stage.restart_redis(random.millis(200..400)).await?;
            }
            Ok::<(), Mistake>(())
        };
        let (loaded, killed, (), restarted) = tokio::join!(
            self.load(None, time),
            stage.kill_until(end, killer),
            trouble_until(&stage, end, troubler),
            restart,
        );
        loaded.and(killed).and(restarted)
    }

    /// Lets users come for some time, each after another one has finished, and waits for the last
    /// ones. Without a fixed trouble, each records the trouble of the moment.
    async fn load(&mut self, wrong: Option<Wrong>, time: Duration) -> Result<(), Mistake> {
        self.come(self.users, wrong, time).await
    }

    async fn come(
        &mut self,
        users_at_a_time: usize,
        wrong: Option<Wrong>,
        time: Duration,
    ) -> Result<(), Mistake> {
        let end = Instant::now() + time;
        let mut users = JoinSet::new();
        for _ in 0..users_at_a_time {
            let (stage, random) = (Arc::clone(&self.stage), self.branch());
            users.spawn(come_until(stage, end, wrong, random));
        }
        while let Some(stories) = users.join_next().await {
            self.ledger.stories.extend(stories?);
        }
        for site in &self.stage.vendors {
            self.ledger.add_messages(site.take_messages());
        }
        Ok(())
    }

    fn branch(&mut self) -> Random {
        Random::new(self.random.next())
    }
}

async fn come_until(
    stage: Arc<Stage>,
    end: Instant,
    wrong: Option<Wrong>,
    random: Random,
) -> Vec<Story> {
    let mut stories = Vec::new();
    loop {
        let wrong = wrong.unwrap_or_else(|| match stage.vendors_in_trouble() {
            _ if stage.redis_is_gone() => Wrong::ChaosWithoutRedis,
            vendors => Wrong::Chaos(vendors),
        });
        stories.push(user::live(&stage, wrong, &random).await);
        if Instant::now() >= end {
            return stories;
        }
    }
}

/// From time to time gives one vendor a trouble, or ends it.
async fn trouble_until(stage: &Stage, end: Instant, mut random: Random) {
    loop {
        let next = Instant::now() + random.millis(400..900);
        if next >= end {
            return;
        }
        sleep_until(next).await;
        let site = random.one_of(&stage.vendors);
        let heal = site.trouble().is_some() && random.percent(60);
        let new = if heal { None } else { Some(*random.one_of(&Trouble::ALL)) };
        site.set(new, &mut random);
    }
}
