//! Guesses.

use std::time::SystemTime;

use otpmux_engine::{Guess, GuessEnd, Guessed, VerificationId, Which};

use crate::codec;
use crate::decoder::Read;
use crate::encoder::Encode;
use crate::key_names::{Key, KeyNames};
use crate::reply::Reply;
use crate::script::Operation;
use crate::script_call::ScriptCall;

pub(crate) fn check<'a>(names: &'a KeyNames, guess: &Guess, now: SystemTime) -> ScriptCall<'a> {
    let (call, how) = select(names, guess, now);
    let call = call
        .argument(|bytes| expected(bytes, guess))
        .windows(&guess.own().windows)
        .windows(&guess.total().windows)
        .argument(|bytes| {
            bytes.extend([how, u8::from(guess.name().is_some())]);
            who(bytes, guess);
            content(bytes, guess);
            if let Which::Recipient { purpose, .. } = guess.which() {
                bytes.field(codec::purpose(purpose));
            }
        });
    guess.forms().iter().fold(call, |call, form| {
        call.argument(|bytes| {
            bytes.extend_from_slice(&form.mac);
            bytes.extend_from_slice(form.key.as_bytes());
        })
    })
}

pub(crate) fn checked(mut reply: Reply) -> Read<Guessed> {
    match &*reply.word {
        "ask_vendors" => {
            let record = reply.record_with_id()?;
            reply.end(Guessed::AskVendors(Box::new(record)))
        }
        "key_reused" => reply.end(Guessed::KeyReused),
        _ => {
            let id = reply.maybe_id()?;
            reply.verdict().map(|verdict| Guessed::Verdict { verdict, id })
        }
    }
}

pub(crate) fn approve<'a>(
    names: &'a KeyNames,
    id: VerificationId,
    guess: &Guess,
    now: SystemTime,
) -> ScriptCall<'a> {
    on_guess(Operation::Approve, names, id, guess, now)
        .argument(|bytes| who(bytes, guess))
        .maybe_time(guess.was_counted_at())
        .argument(|bytes| content(bytes, guess))
}

pub(crate) fn end<'a>(
    names: &'a KeyNames,
    id: VerificationId,
    guess: &Guess,
    end: GuessEnd,
    now: SystemTime,
) -> ScriptCall<'a> {
    on_guess(Operation::EndGuess, names, id, guess, now)
        .argument(|bytes| who(bytes, guess))
        .maybe_time(guess.was_counted_at())
        .argument(|bytes| match end {
            GuessEnd::Wrong(left) => bytes.number(left),
            GuessEnd::NotCompared => {}
        })
        .argument(|bytes| content(bytes, guess))
}

/// Returns a call with the keys of the verification that a guess selects, and the number by which
/// the script knows the selection.
fn select<'a>(names: &'a KeyNames, guess: &Guess, now: SystemTime) -> (ScriptCall<'a>, u8) {
    let call = ScriptCall::new(Operation::CheckGuess, names, now);
    let (call, how) = match guess.which() {
        Which::Id(id) => (call.key(&Key::record(*id)), 1),
        Which::Recipient { hashes, .. } => {
            (hashes.iter().fold(call, |call, hash| call.key(&Key::Recipient(hash))), 2)
        }
        Which::External(tags) => {
            (tags.iter().fold(call, |call, tag| call.key(&Key::External(tag))), 3)
        }
    };
    (named(call, guess), how)
}

fn on_guess<'a>(
    operation: Operation,
    names: &'a KeyNames,
    id: VerificationId,
    guess: &Guess,
    now: SystemTime,
) -> ScriptCall<'a> {
    named(ScriptCall::on_record(operation, names, id, now), guess)
}

/// Adds the key of the guess's name, if it has one.
fn named<'a>(call: ScriptCall<'a>, guess: &Guess) -> ScriptCall<'a> {
    match guess.name() {
        Some(name) => call.key(&Key::Guess(name.name)),
        None => call,
    }
}

/// Appends what a verification must be for the script to find it: its purpose, and its recipient in
/// every form. Nothing if nothing is expected.
fn expected(bytes: &mut Vec<u8>, guess: &Guess) {
    let (purpose, recipients) = guess.expected();
    if purpose.is_none() && recipients.is_none() {
        return;
    }
    bytes.extend([u8::from(purpose.is_some()), u8::from(recipients.is_some())]);
    bytes.maybe(purpose.map(codec::purpose));
    for hash in recipients.unwrap_or_default() {
        bytes.extend_from_slice(&hash.0);
    }
}

/// Appends whose windows count a guess: the guesser's own, and those of all.
fn who(bytes: &mut Vec<u8>, guess: &Guess) {
    bytes.extend_from_slice(&guess.own().who);
    bytes.extend_from_slice(&guess.total().who);
}

/// Appends what is guessed, if the guess has a name.
fn content(bytes: &mut Vec<u8>, guess: &Guess) {
    if let Some(name) = guess.name() {
        bytes.extend_from_slice(&name.content);
    }
}
