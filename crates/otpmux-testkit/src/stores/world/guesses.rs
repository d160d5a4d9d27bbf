//! Guesses.

use std::time::Duration;

use otpmux_engine::{Guess, GuessEnd};

use super::{Known, World, external_id};
use crate::stores::records::{CODE, WRONG, code, keys, purpose, recipient, window};

impl World {
    pub(super) fn guess_end(&mut self) -> GuessEnd {
        let left = u32::try_from(self.dice.below(5)).expect("few guesses");
        if self.dice.percent(60) { GuessEnd::NotCompared } else { GuessEnd::Wrong(left) }
    }

    pub(super) fn guess(&mut self, one: &Known) -> Guess {
        let right = self.dice.percent(25);
        let typed = code(if right { CODE } else { WRONG });
        let purpose_name = purpose(one.purpose);
        let mut guess = match (self.dice.below(10), one.external) {
            (0..3, _) => keys().guess_of(&recipient(one.recipient), &purpose_name, &typed),
            (3..6, Some(number)) => {
                keys().guess_external(&external_id(number), &purpose_name, &typed)
            }
            _ => keys().guess(one.id, &typed),
        };
        if self.dice.percent(70) {
            guess = guess.within([window(2, 20), window(6, 300)].into());
        }
        // Lengths that never end at the same time as the others.
        if self.dice.percent(40) {
            let length = Duration::from_millis(40_007);
            guess = guess.within_total([otpmux_core::RateLimit::new(5, length)].into());
        }
        if self.dice.percent(40) {
            guess = guess.by([u8::from(self.dice.percent(50)); 8], [7; 8]);
        }
        if self.dice.percent(30) {
            let name = format!("name-{}", self.dice.below(3));
            let text = if right == self.dice.percent(95) { CODE } else { WRONG };
            let name = keys().guess_name(guess.which(), &name, &code(text));
            guess = guess.named(Some(name));
        }
        if let Some((_, at)) = self.guessed.iter().rev().find(|(id, _)| *id == one.id)
            && self.dice.percent(50)
        {
            guess = guess.counted_at(*at);
        }
        self.guessed.push((one.id, self.now));
        if self.dice.percent(40) {
            let stranger = u32::from(self.dice.percent(10));
            guess = guess.for_recipient(&recipient(one.recipient + stranger), keys());
        }
        if self.dice.percent(40) {
            let other = if self.dice.percent(10) { "other" } else { one.purpose };
            guess = guess.for_purpose(purpose(other));
        }
        guess
    }
}
