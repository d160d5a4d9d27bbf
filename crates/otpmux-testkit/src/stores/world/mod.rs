//! Random steps on a few verifications, so that the steps meet in every way.

mod events;
mod guesses;
mod parts;
mod sends;

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use otpmux_engine::{ExternalId, Reschedule, SendAttempt, VerificationId};

use super::dice::Dice;
use super::events::endpoint;
use super::model::Step;
use super::records::{keys, purpose};

pub(super) struct World {
    pub(super) now: SystemTime,
    dice: Dice,
    known: Vec<Known>,
    /// Recipients, and times at which a message to them may have been counted.
    counted: Vec<(u32, SystemTime)>,
    /// The newest lost send attempt.
    lost: Option<SendAttempt>,
    events: bool,
    /// Verifications, and times at which a guess was made, perhaps without an answer.
    guessed: Vec<(VerificationId, SystemTime)>,
    /// Times of updates. A store may choose between two of the same time.
    marked: HashSet<SystemTime>,
}

/// A verification that was requested, perhaps without an answer.
#[derive(Clone)]
struct Known {
    id: VerificationId,
    recipient: u32,
    purpose: &'static str,
    external: Option<u64>,
    /// The earliest time of a resend, and the expiry.
    edges: [SystemTime; 2],
    /// The end of its retention.
    end: SystemTime,
}

fn external_id(number: u64) -> ExternalId {
    ExternalId::new(format!("order-{number}")).expect("an id")
}

fn external_tag(number: u64, purpose_name: &str) -> [u8; 16] {
    keys().external_tags(&external_id(number), &purpose(purpose_name))[0]
}

impl World {
    /// `events`: whether the store has an outbox.
    pub(super) fn new(dice: Dice, now: SystemTime, events: bool) -> Self {
        Self {
            events,
            now,
            dice,
            known: Vec::new(),
            counted: Vec::new(),
            lost: None,
            guessed: Vec::new(),
            marked: HashSet::new(),
        }
    }

    /// Lets time pass, and returns a step.
    pub(super) fn step(&mut self) -> Step {
        self.pass();
        if self.events && !self.known.is_empty() && self.dice.percent(12) {
            return self.of_events();
        }
        let kind = self.dice.below(100);
        if self.known.is_empty() || kind < 14 {
            return Step::Create(Box::new(self.create()));
        }
        let one = self.one();
        if self.dice.percent(8) {
            return self.due(&one);
        }
        match kind {
            14..38 => Step::Begin(one.id, Box::new(self.begin(&one))),
            38..50 => Step::RecordOutcome(one.id, self.record_outcome(&one)),
            50..54 => Step::RecordAccepted(self.accepted()),
            54..62 => self.receive(&one),
            62..87 => Step::CheckGuess(self.guess(&one)),
            87..90 => Step::Approve(one.id, self.guess(&one)),
            90..93 => Step::Cancel(one.id),
            93..95 => Step::Load(one.id),
            95..98 => Step::EndGuess(one.id, self.guess(&one), self.guess_end()),
            _ => Step::Health,
        }
    }

    /// Returns steps that read this many of the newest verifications, and the updates.
    pub(super) fn looks(&self, most: usize) -> Vec<Step> {
        let newest = self.known.iter().rev().take(most);
        let mut looks: Vec<_> = newest.map(|known| Step::Load(known.id)).collect();
        looks.push(Step::Health);
        if self.events {
            looks.extend([Step::EventsWaiting(endpoint("all")), Step::Endpoints]);
        }
        looks
    }

    /// Lets time pass in steps of ten milliseconds, or exactly to an edge.
    fn pass(&mut self) {
        let edge = self.known.last().filter(|_| self.dice.percent(4));
        if edge.is_some() {
            let one = self.one();
            let gone = self.dice.percent(10);
            let edge = if gone { one.end } else { *self.dice.pick(&one.edges) };
            let before = edge - Duration::from_millis(10 * self.dice.below(2));
            self.now = self.now.max(before);
        } else {
            let most = *self.dice.pick(&[1, 1, 20, 100, 400, 2_000]);
            self.now += Duration::from_millis(self.dice.below(most) * 10);
        }
    }

    /// Returns the newest of some recipient, most often; sometimes one that was never requested.
    fn one(&mut self) -> Known {
        let newest = self.known.len().min(8);
        let place = self.known.len() - 1 - self.dice.place(newest);
        let mut one = self.known[place].clone();
        if self.dice.percent(80) {
            let same =
                |known: &&Known| (known.recipient, known.purpose) == (one.recipient, one.purpose);
            one = self.known.iter().rev().find(same).cloned().unwrap_or(one);
        }
        if self.dice.percent(2) {
            one.id = VerificationId::from_bytes(self.dice.bytes());
        }
        one
    }

    /// The newest was requested without an answer: no more can be learnt about it.
    pub(super) fn in_vain(&mut self) {
        self.known.pop();
    }

    /// Asks what is due, or changes when one is.
    fn due(&mut self, one: &Known) -> Step {
        if self.dice.percent(50) {
            return Step::Due(Duration::from_secs(self.dice.below(12)), self.dice.place(4));
        }
        let step = self.few_steps();
        Step::Reschedule(
            one.id,
            Reschedule {
                step,
                next_step: step + self.few_steps(),
                due_at: self.due_time(6_000),
                skips: self.skips(),
            },
        )
    }

    fn few_steps(&mut self) -> u8 {
        u8::from(self.dice.percent(30))
    }

    /// Returns a time within this many hundredths of a second, sometimes.
    fn due_time(&mut self, hundredths: u64) -> Option<SystemTime> {
        let at = self.soon(hundredths);
        (self.dice.percent(60)).then_some(at)
    }

    /// Returns a time within this many hundredths of a second.
    fn soon(&mut self, hundredths: u64) -> SystemTime {
        self.now + Duration::from_millis(10 * self.dice.below(hundredths))
    }
}
