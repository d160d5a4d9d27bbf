//! One user who wants to sign in.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::random::Random;
use crate::stage::Stage;
use crate::story::{Call, Story, Typed, Wrong};
use crate::vendors::Seen;
use crate::wire::Ask;
use crate::workers::{Outcome, Told};

/// The most sends of one request, with one idempotency key.
const SENDS: u32 = 6;
const RESENDS: u32 = 3;
/// How often a user without an answer types the code again.
const ROUNDS: u32 = 6;
/// How long a user looks at the handset before asking again; doubles with each resend.
const PATIENCE: Duration = Duration::from_millis(100);
const LOOK: Duration = Duration::from_millis(20);

const BOTH_AT_ONCE: u64 = 10;
const WRONG_CODE_FIRST: u64 = 20;

struct User<'a> {
    stage: &'a Stage,
    random: Random,
    story: Story,
    key: String,
}

/// Plays a user from the first request to the end.
pub(crate) async fn live(stage: &Stage, wrong: Wrong, random: &Random) -> Story {
    let (place, number) = stage.next_user();
    let story = Story::new(number, wrong);
    let mut user =
        User { stage, random: random.branch(place), story, key: format!("user-{place}") };
    user.get_in().await;
    user.story
}

impl User<'_> {
    async fn get_in(&mut self) {
        let pause = self.random.millis(5..40);
        sleep(pause).await;
        let Some(verification) = self.request().await else { return };
        for resends in 0..=RESENDS {
            if let Some(newest) = self.look(PATIENCE * 2u32.pow(resends)).await
                && self.type_in(&verification, &newest).await
            {
                self.story.verified = true;
                return;
            }
            if resends < RESENDS {
                self.resend(&verification).await;
            }
        }
    }

    /// Asks for a code, and again with the same key if there was no result.
    async fn request(&mut self) -> Option<String> {
        let ask = Ask::Send { to: self.story.number.clone(), key: self.key.clone() };
        let mut worker = self.worker();
        let mut verification = None;
        if self.random.percent(BOTH_AT_ONCE) {
            let both = tokio::join!(self.stage.ask(0, ask.clone()), self.stage.ask(1, ask.clone()));
            let both: [Told; 2] = both.into();
            verification = both.iter().find_map(|told| Some(told.sent()?.verification.clone()));
            for told in both {
                self.note_call(false, 0, told);
            }
        }
        for tried in 0..SENDS {
            if verification.is_some() {
                break;
            }
            let told = self.stage.ask(worker, ask.clone()).await;
            verification = told.sent().map(|sent| sent.verification.clone());
            if let (Outcome::Answer(_, took), Some(_), true) =
                (&told.outcome, &verification, self.story.calls.is_empty())
            {
                self.story.latency = Some(*took);
            }
            let failed = matches!(told.outcome, Outcome::Answer(..) | Outcome::Down);
            self.note_call(false, 0, told);
            worker += 1;
            if failed && verification.is_none() {
                self.pause(tried).await;
            }
        }
        verification
    }

    async fn resend(&mut self, verification: &str) {
        let before = self.stage.handset(&self.story.number);
        let worker = self.worker();
        let ask = Ask::Resend { verification: verification.to_owned() };
        let mut told = self.stage.ask(worker, ask.clone()).await;
        if !told.was_heard() {
            told = self.stage.ask(worker + 1, ask).await;
        }
        let by = told.sent().and_then(|sent| sent.confirmed_by.clone());
        let had = before.iter().filter(|seen| Some(seen.vendor.as_str()) == by.as_deref()).count();
        self.note_call(true, had, told);
    }

    /// Returns the newest message, once there is one.
    async fn look(&self, patience: Duration) -> Option<Seen> {
        let end = Instant::now() + patience;
        loop {
            let newest = self.stage.handset(&self.story.number).pop();
            if newest.is_some() || Instant::now() >= end {
                return newest;
            }
            sleep(LOOK).await;
        }
    }

    /// Waits longer with each try.
    async fn pause(&mut self, tried: u32) {
        let pause = self.random.millis(20..60);
        sleep(pause * 2u32.pow(tried)).await;
    }

    /// Types the received code, at both workers at the same instant; returns whether it was
    /// approved.
    async fn type_in(&mut self, verification: &str, newest: &Seen) -> bool {
        let pause = self.random.millis(10..60);
        sleep(pause).await;
        if self.random.percent(WRONG_CODE_FIRST) {
            let (worker, wrong) = (self.worker(), self.wrong_code());
            let told = self.verify(worker, verification, &wrong).await;
            self.note_typed(verification, &wrong, false, told);
        }
        let code = &newest.code;
        let all: [Told; 4] = tokio::join!(
            self.verify(0, verification, code),
            self.verify(1, verification, code),
            self.verify(0, verification, code),
            self.verify(1, verification, code),
        )
        .into();
        let mut open = true;
        for told in all {
            open &= self.note_typed(verification, code, true, told);
        }
        // A user without an answer asks again: perhaps the code was never checked.
        for tried in 0..ROUNDS {
            if !open {
                break;
            }
            self.pause(tried).await;
            let worker = self.worker();
            let told = self.verify(worker, verification, code).await;
            open = self.note_typed(verification, code, true, told);
        }
        self.is_in(verification)
    }

    async fn verify(&self, worker: usize, verification: &str, code: &str) -> Told {
        let ask = Ask::Verify { verification: verification.to_owned(), code: code.to_owned() };
        self.stage.ask(worker, ask).await
    }

    /// Returns whether a code was approved, or used up by a call whose answer was lost.
    fn is_in(&self, verification: &str) -> bool {
        let mut right =
            self.story.typed.iter().filter(|it| it.right && it.verification == verification);
        right.any(|it| matches!(it.told.verdict(), Some("approved" | "already_used")))
    }

    /// Records a typed code; returns whether this call said nothing about the code.
    fn note_typed(&mut self, verification: &str, code: &str, right: bool, told: Told) -> bool {
        let nothing = told.verdict().is_none();
        let (verification, code) = (verification.to_owned(), code.to_owned());
        self.story.typed.push(Typed { verification, code, right, told });
        nothing
    }

    /// Records a call; `had` is how many messages its vendor had delivered before.
    fn note_call(&mut self, resend: bool, had: usize, told: Told) {
        if let Some(site) =
            told.sent().and_then(|sent| self.stage.site(sent.confirmed_by.as_ref()?))
        {
            // The process that answers may be another one than the one that sent.
            let since = self.story.calls.first().map_or(told.asked, |first| first.told.asked);
            let since = if resend { told.asked } else { since };
            let arrived = site.messages_to(&self.story.number).len() > had;
            if !arrived && !site.was_silent(since, told.answered) {
                let (by, vendor) = (&told.by, site.vendor);
                self.story.lost.push(format!("{by} said that {vendor} had sent it: no message"));
            }
        }
        self.story.calls.push(Call { resend, told });
    }

    /// Returns a code that was sent to no user.
    fn wrong_code(&mut self) -> String {
        let held = self.stage.handset(&self.story.number);
        let mut number = self.random.next() % 1_000_000;
        while held.iter().any(|seen| seen.code == format!("{number:06}")) {
            number = (number + 1) % 1_000_000;
        }
        format!("{number:06}")
    }

    fn worker(&mut self) -> usize {
        usize::from(self.random.percent(50))
    }
}
