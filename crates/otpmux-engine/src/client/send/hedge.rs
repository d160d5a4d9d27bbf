//! Calls a second provider while the first one is slow.

use std::time::Duration;

use otpmux_core::{Blame, Sent};

use super::dispatch::{ActiveAttempt, Dispatch, Ended};
use super::plan::Candidate;
use crate::{AttemptState, Choice};

impl Dispatch<'_> {
    /// The delay and the candidate of a hedge beside this send attempt, if one is allowed: both
    /// carry otpmux's code, and a duplicate is left.
    pub(super) fn hedge(&self, active: ActiveAttempt) -> Option<(Duration, usize)> {
        let after = self.inner.policy.hedge_after?;
        let room = self.possible < self.inner.policy.max_duplicates;
        let next = self.next_after(active.candidate)?;
        let both = [active.candidate, next].map(|at| &self.plan.candidates[at]);
        let fit = |it: &&Candidate| it.source.is_otpmux() && !it.is_last_resort();
        (room && both.iter().all(fit)).then_some((after, next))
    }

    pub(super) async fn run_hedged(
        &mut self,
        active: ActiveAttempt,
        after: Duration,
        next: usize,
    ) -> Ended {
        let mut first = self.start(active);
        tokio::select! {
            biased;
            result = &mut first => return self.on_result(active, result).await,
            () = tokio::time::sleep(after) => {}
        }
        // If the second cannot begin now, or is no longer wanted, the first one continues.
        let Ok(Some(beside)) = self.begin(next, Choice::Hedge).await else {
            let result = first.await;
            return self.on_result(active, result).await;
        };
        let mut second = self.start(beside);
        let (landed, result, other, left) = tokio::select! {
            biased;
            result = &mut first => (active, result, beside, second),
            result = &mut second => (beside, result, active, first),
        };
        let error = match result {
            Ok(sent) => {
                // Dropped during the call: its message may still be sent.
                drop(left);
                self.possible += 1;
                self.end(other, AttemptState::Unknown, None, Sent::new());
                return Ended::Sent(landed, sent);
            }
            Err(error) => error,
        };
        // While the other call is under way, it counts as sent.
        self.possible += 1;
        let ended = self.on_result(landed, Err(error)).await;
        self.possible -= 1;
        let stopped = match ended {
            Ended::Failed { error, .. } if error.blame() != Blame::Provider => Some(error),
            Ended::Failed { .. } => None,
            Ended::Sent(..) => return ended,
        };
        match (self.on_result(other, left.await).await, stopped) {
            (Ended::Failed { .. }, Some(error)) => Ended::Failed { error, next: None },
            (Ended::Failed { error, next }, None) => {
                let last = active.candidate.max(beside.candidate);
                let next = next.and_then(|_| self.next_after(last));
                Ended::Failed { error, next }
            }
            (sent, _) => sent,
        }
    }
}
