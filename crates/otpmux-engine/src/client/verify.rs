use std::sync::Arc;

use otpmux_core::{Blame, Certainty, Code, Error, ErrorKind, Verdict, VerifyRequest};

use super::kept::Kept;
use super::{Inner, context, metrics};
use crate::{Attempt, Guess, Leg, Record, VerificationId};

impl Inner {
    pub(super) async fn verify(
        &self,
        id: VerificationId,
        guess: Guess,
        code: &Code,
    ) -> Result<Verdict, Error> {
        let guess = guess.within(Arc::clone(&self.charges.guesses));
        self.has_same_keys().await?;
        let verdict = match self.store.attempt(id, &guess, self.clock.now()).await? {
            Attempt::Verdict(verdict) => verdict,
            Attempt::AskVendors(record) => self.ask_vendors(*record, code).await?,
        };
        metrics::tried(&verdict);
        tracing::debug!(verdict = verdict.as_str(), "code tried");
        Ok(verdict)
    }

    /// Asks the vendor of every leg whose code is the vendor's, each once, until one approves.
    ///
    /// A "no" counts only when every vendor gave one: if one could not be asked, the code may be
    /// that one's, and calling it wrong would be a guess.
    async fn ask_vendors(&self, mut record: Record, code: &Code) -> Result<Verdict, Error> {
        let kept = Kept::open(&mut record, &self.keys)?;
        let record = &record;
        let deadline = self.deadline();
        let mut answer = None;
        let mut failure = self.missing(record);
        for (provider, leg) in self.live_legs(record).filter(|(_, leg)| !leg.supplied) {
            let request =
                VerifyRequest::new(kept.recipient.clone(), leg.reference.clone(), code.clone());
            match provider.verify(&context(leg, deadline), &request).await {
                // The vendor approves once per verification of its own; ours decides whether this
                // one still stands.
                Ok(Verdict::Approved) => {
                    return self.store.approve(record.id, self.clock.now()).await;
                }
                Ok(verdict) => answer = Some(more_telling(answer, verdict)),
                // The answer to the send was lost, and its id with it: nobody can ask about this
                // leg. A vendor that was asked and has no such call is another matter.
                Err(error) if not_asked(&error) => {}
                Err(error) => {
                    tracing::debug!(%error, "the vendor could not be asked");
                    failure = Some(error);
                }
            }
        }
        match (failure, answer) {
            (Some(error), _) => Err(error),
            (None, Some(answer)) => Ok(counted(answer, record.newest_attempts_left())),
            // It was compared with the code of ours, and nobody else can be asked.
            (None, None) if record.code_is_out() => {
                Ok(Verdict::WrongCode { attempts_left: Some(record.attempts_left()) })
            }
            (None, None) => Ok(Verdict::Rejected),
        }
    }

    /// The failure to ask a vendor whose provider this client does not have.
    fn missing(&self, record: &Record) -> Option<Error> {
        let unknown = |leg: &&Leg| {
            !leg.supplied && leg.state.may_have_sent() && self.members.get(&leg.provider).is_none()
        };
        let leg = record.legs.iter().find(unknown)?;
        let error = Error::new(ErrorKind::Configuration, Certainty::NotSent, Blame::Internal)
            .with_provider(leg.provider.clone())
            .with_detail("only this provider can verify its code, and it is not configured here");
        Some(error)
    }
}

fn not_asked(error: &Error) -> bool {
    error.kind() == ErrorKind::Unsupported && error.certainty() == Certainty::NotSent
}

/// Of two vendors' reasons for "no", the one that helps the user more: a wrong code can be corrected.
fn more_telling(answer: Option<Verdict>, other: Verdict) -> Verdict {
    let rank = |verdict: &Verdict| match verdict {
        Verdict::WrongCode { .. } => 5,
        Verdict::TooManyAttempts { .. } => 4,
        Verdict::Expired => 3,
        Verdict::AlreadyUsed => 2,
        Verdict::NotFound => 1,
        _ => 0,
    };
    match answer {
        Some(answer) if rank(&answer) >= rank(&other) => answer,
        _ => other,
    }
}

/// Our own count of attempts holds; a vendor's that is stricter does too.
fn counted(answer: Verdict, ours: u32) -> Verdict {
    match answer {
        Verdict::WrongCode { attempts_left } => {
            Verdict::WrongCode { attempts_left: Some(attempts_left.unwrap_or(ours).min(ours)) }
        }
        verdict => verdict,
    }
}
