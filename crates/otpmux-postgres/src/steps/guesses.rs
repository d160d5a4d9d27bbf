//! Guesses.

use std::time::SystemTime;

use otpmux_core::RateLimit;
use otpmux_engine::{Guess, GuessEnd, GuessWindows, Guessed, RecipientHash, VerificationId, Which};

use crate::answer::Answer;
use crate::call::{Call, live_key, span, stamp};
use crate::error::Read;

pub(crate) fn check(guess: &Guess, now: SystemTime) -> Call {
    let call = expected(select(Call::new("check_guess"), guess), guess);
    let call = windows(windows(call, guess.own()), guess.total())
        .many_bytes(guess.forms().iter().map(|it| it.key.as_bytes().to_vec()).collect())
        .many_bytes(guess.forms().iter().map(|it| it.mac.to_vec()).collect());
    named(call, guess).time(now)
}

pub(crate) fn checked(mut answer: Answer) -> Read<Guessed> {
    match &*answer.word {
        "ask_vendors" => {
            let record = answer.record()?;
            answer.end(Guessed::AskVendors(Box::new(record)))
        }
        "key_reused" => answer.end(Guessed::KeyReused),
        _ => {
            let id = answer.id()?;
            answer.verdict().map(|verdict| Guessed::Verdict { verdict, id })
        }
    }
}

pub(crate) fn approve(id: VerificationId, guess: &Guess, now: SystemTime) -> Call {
    let call = who(Call::new("approve").bytes(id.to_bytes()), guess)
        .maybe_number(guess.was_counted_at().map(stamp));
    named(call, guess).time(now)
}

pub(crate) fn end(id: VerificationId, guess: &Guess, end: GuessEnd, now: SystemTime) -> Call {
    let left = match end {
        GuessEnd::Wrong(left) => Some(i64::from(left)),
        GuessEnd::NotCompared => None,
    };
    let call = who(Call::new("end_guess").bytes(id.to_bytes()), guess)
        .maybe_number(guess.was_counted_at().map(stamp))
        .maybe_number(left);
    named(call, guess).time(now)
}

/// Adds how a guess selects its verification: its id, or keys of the table `live`, or external ids.
fn select(call: Call, guess: &Guess) -> Call {
    match guess.which() {
        Which::Id(id) => call.bytes(id.to_bytes()).maybe_many_bytes(None).maybe_many_bytes(None),
        Which::Recipient { hashes, purpose } => {
            let key = |hash: &RecipientHash| live_key(hash, purpose);
            call.maybe_bytes(None)
                .maybe_many_bytes(Some(hashes.iter().map(key).collect()))
                .maybe_many_bytes(None)
        }
        Which::External(tags) => call
            .maybe_bytes(None)
            .maybe_many_bytes(None)
            .maybe_many_bytes(Some(tags.iter().map(|tag| tag.to_vec()).collect())),
    }
}

/// Adds what a verification must be for the step to find it: its purpose, and its recipient in every
/// form.
fn expected(call: Call, guess: &Guess) -> Call {
    let (purpose, recipients) = guess.expected();
    call.maybe_bytes(purpose.map(|it| it.as_str().as_bytes().to_vec())).maybe_many_bytes(
        recipients.map(|all| all.into_iter().map(|hash| hash.0.to_vec()).collect()),
    )
}

/// Adds whose windows count a guess: the guesser's own, and those of all.
fn who(call: Call, guess: &Guess) -> Call {
    call.bytes(guess.own().who).bytes(guess.total().who)
}

/// Adds a guesser, with the counts and the lengths of the windows.
fn windows(call: Call, windows: &GuessWindows) -> Call {
    let all: &[RateLimit] = &windows.windows;
    call.bytes(windows.who)
        .numbers(all.iter().map(|it| i64::from(it.count)).collect())
        .numbers(all.iter().map(|it| span(it.per)).collect())
}

/// Adds the name and content of a guess, if it has them.
fn named(call: Call, guess: &Guess) -> Call {
    let name = guess.name();
    call.maybe_bytes(name.map(|it| it.name.to_vec()))
        .maybe_bytes(name.map(|it| it.content.to_vec()))
}
