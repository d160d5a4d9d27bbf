use std::sync::Arc;

use otpmux_core::{Blame, Certainty, Code, Error, ErrorKind, Outcome, Verdict, VerifyRequest};

use super::inner::{Inner, context};
use super::payload::Payload;
use super::send::idempotency::key_reused;
use super::{Checked, Selector, Verify};
use crate::{Guess, GuessEnd, Guessed, Record, SendAttempt};

impl Inner {
    pub(super) async fn check(
        self: &Arc<Self>,
        which: &Selector,
        code: &Code,
        verify: &Verify,
        tenant: Option<&str>,
    ) -> Result<Checked, Error> {
        let checked = self.try_code(which, code, verify, tenant).await;
        let checked = checked.map_err(Error::while_verifying)?;
        self.metrics.tried(&checked.verdict);
        self.events.wake();
        if let (Verdict::Approved, Some(id)) = (&checked.verdict, checked.id) {
            self.report_later(id, Outcome::Approved);
        }
        tracing::debug!(verdict = checked.verdict.as_str(), "code tried");
        Ok(checked)
    }

    async fn try_code(
        self: &Arc<Self>,
        which: &Selector,
        code: &Code,
        verify: &Verify,
        tenant: Option<&str>,
    ) -> Result<Checked, Error> {
        if is_for_nothing(which, verify) {
            return Ok(Checked::NONE);
        }
        let guess = match which {
            Selector::Id(id) => self.keys.guess(*id, code),
            Selector::Recipient { recipient, purpose } => {
                self.keys.guess_of(recipient, purpose, code)
            }
            Selector::External { id, purpose } => self.keys.guess_external(id, purpose, code),
        };
        let name = verify.idempotency_key.as_deref();
        let name = name.map(|name| self.keys.guess_name(guess.which(), name, code));
        let mut guess = self.limit_hits.guess(guess, tenant, verify.client, &self.keys).named(name);
        if let Some(recipient) = &verify.recipient {
            guess = guess.for_recipient(recipient, &self.keys);
        }
        if let Some(purpose) = &verify.purpose {
            guess = guess.for_purpose(purpose.clone());
        }
        self.ensure_same_keys().await?;
        let now = self.clock.now();
        let guessed = self.store.check_guess(&guess, now).await;
        match guessed.map_err(|error| with_advice(error, &guess))? {
            Guessed::Verdict { verdict, id } => Ok(Checked { verdict, id }),
            Guessed::AskVendors(record) => {
                let id = Some(record.id);
                // Boxed: most codes are otpmux's, and all calls would be as large.
                let asked = Box::pin(self.ask_vendors(record, code, guess.counted_at(now)));
                let verdict = asked.await?;
                Ok(Checked { verdict, id })
            }
            Guessed::KeyReused => Err(key_reused()),
        }
    }

    /// Asks the vendor of every send attempt whose code is the vendor's, each once, until one
    /// approves.
    ///
    /// A "no" counts only if every vendor answered no: if one could not be asked, the code may be
    /// that vendor's, and a verdict of wrong would be unfounded.
    ///
    /// A guess that was not compared is not counted, since otherwise a vendor's outage would lock
    /// its users out. An attacker gains nothing: without a verdict, a guess reveals nothing,
    /// however often it is repeated. A guess that was compared with otpmux's code, or by any
    /// vendor, stays counted.
    async fn ask_vendors(
        self: &Arc<Self>,
        mut record: Box<Record>,
        code: &Code,
        guess: Guess,
    ) -> Result<Verdict, Error> {
        let ours = record.code_is_out();
        let said = match Payload::open(&mut record, &self.keys) {
            Ok(payload) => self.hear_vendors(&record, &payload, code).await,
            Err(error) => Said { answer: None, failure: Some(error) },
        };
        if said.answer == Some(Verdict::Approved) {
            // The vendor approves once per verification at the vendor; otpmux's record decides
            // whether this verification is still pending.
            let approved = self.store.approve(record.id, &guess, self.clock.now()).await;
            return approved.map_err(|error| with_advice(error, &guess));
        }
        let compared = ours || said.answer.is_some();
        let verdict = match (said.failure, said.answer) {
            (Some(error), _) => Err(error),
            (None, Some(answer)) => Ok(counted(answer, record.newest_guesses_left())),
            // It was compared with otpmux's code, and no other vendor can be asked.
            (None, None) if ours => {
                Ok(Verdict::WrongCode { guesses_left: Some(record.guesses_left()) })
            }
            (None, None) => Ok(Verdict::Rejected),
        };
        if matches!(verdict, Ok(Verdict::WrongCode { .. })) && record.guesses >= record.max_guesses
        {
            self.report_exhausted(&record);
        }
        let end = match &verdict {
            _ if !compared => GuessEnd::NotCompared,
            Ok(Verdict::WrongCode { guesses_left: Some(left) }) if guess.name().is_some() => {
                GuessEnd::Wrong(*left)
            }
            _ => return verdict,
        };
        // The verdict is known: if this write fails, the user loses one guess at most.
        if let Err(error) = self.store.end_guess(record.id, &guess, end, self.clock.now()).await {
            tracing::warn!(%error, "the end of a guess could not be written down");
        }
        verdict
    }

    async fn hear_vendors(&self, record: &Record, payload: &Payload, code: &Code) -> Said {
        let deadline = self.deadline();
        let mut answer = None;
        let mut failure = self.missing(record);
        for (provider, attempt) in
            self.live_attempts(record).filter(|(_, attempt)| !attempt.otpmux_code)
        {
            let request = VerifyRequest::new(
                payload.recipient.clone(),
                attempt.reference.clone(),
                code.clone(),
            );
            match provider.verify(&context(attempt, deadline), &request).await {
                Ok(Verdict::Approved) => {
                    return Said { answer: Some(Verdict::Approved), failure: None };
                }
                Ok(verdict) => answer = Some(more_telling(answer, verdict)),
                // The answer to the send was lost, and its id with it, so no vendor can be asked
                // about this send attempt. A vendor that was asked and has no such call is another
                // case.
                Err(error) if not_asked(&error) => {}
                Err(error) => {
                    tracing::debug!(%error, "the vendor could not be asked");
                    failure = Some(error);
                }
            }
        }
        Said { answer, failure }
    }

    /// The error for a vendor whose provider this client does not have.
    fn missing(&self, record: &Record) -> Option<Error> {
        let unknown = |attempt: &&SendAttempt| {
            !attempt.otpmux_code
                && attempt.state.may_have_sent()
                && self.providers.get(&attempt.provider).is_none()
        };
        let attempt = record.send_attempts.iter().find(unknown)?;
        let error = Error::new(ErrorKind::Configuration, Certainty::NotSent, Blame::Internal)
            .with_provider(attempt.provider.clone())
            .with_detail("only this provider can verify its code, and it is not configured here");
        Some(error)
    }
}

/// Whether what is selected cannot be what is expected.
fn is_for_nothing(which: &Selector, verify: &Verify) -> bool {
    let other_purpose = match (which.purpose(), &verify.purpose) {
        (Some(selected), Some(expected)) => selected != expected,
        _ => false,
    };
    let other_recipient = match (which, &verify.recipient) {
        (Selector::Recipient { recipient, .. }, Some(expected)) => {
            recipient.canonical() != expected.canonical()
        }
        _ => false,
    };
    other_purpose || other_recipient
}

/// The combined answers of the vendors.
struct Said {
    /// An approval, or the most helpful "no".
    answer: Option<Verdict>,
    /// The error of a vendor that could not be asked.
    failure: Option<Error>,
}

/// Adds advice to an error of the store after which the guess may be counted, and a right code used
/// up.
fn with_advice(error: Error, guess: &Guess) -> Error {
    if error.certainty() != Certainty::Unknown {
        return error;
    }
    let advice = match guess.name() {
        Some(_) => "repeat it with the same idempotency key",
        None => "only a guess with an idempotency key can be repeated safely",
    };
    let detail = format!("{}; {advice}", error.detail());
    error.with_detail(detail)
}

fn not_asked(error: &Error) -> bool {
    error.kind() == ErrorKind::Unsupported && error.certainty() == Certainty::NotSent
}

/// Of two vendors' reasons for "no", returns the more helpful one: a wrong code can be corrected.
fn more_telling(answer: Option<Verdict>, other: Verdict) -> Verdict {
    let rank = |verdict: &Verdict| match verdict {
        Verdict::WrongCode { .. } => 5,
        Verdict::TooManyGuesses { .. } => 4,
        Verdict::Expired => 3,
        Verdict::AlreadyUsed => 2,
        Verdict::NotFound | Verdict::Gone => 1,
        _ => 0,
    };
    match answer {
        Some(answer) if rank(&answer) >= rank(&other) => answer,
        _ => other,
    }
}

/// Applies otpmux's count of guesses, or a vendor's stricter one.
fn counted(answer: Verdict, ours: u32) -> Verdict {
    match answer {
        Verdict::WrongCode { guesses_left } => {
            Verdict::WrongCode { guesses_left: Some(guesses_left.unwrap_or(ours).min(ours)) }
        }
        verdict => verdict,
    }
}
