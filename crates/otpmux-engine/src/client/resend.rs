use std::time::Duration;

use otpmux_core::{Blame, Certainty, Channel, Error, ErrorKind};

use super::charges::limited;
use super::dispatch::Dispatch;
use super::kept::Kept;
use super::{Inner, OtpClient, Verification, gone, new_leg, no_entropy};
use crate::{BeginLeg, Begun, LimitScope, ResendTerms, VerificationId};

impl OtpClient {
    /// Sends again at the user's wish: the same code where it is ours, by another provider than
    /// before where there is one, by another channel if asked. Neither the lifetime nor the attempts
    /// are renewed.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send); besides, refused by policy with a
    /// [`retry_after`](Error::retry_after) before [`resend_after`](Verification::resend_after), and
    /// [`ErrorKind::NotFound`] when no code is good for the verification any more.
    pub async fn resend(
        &self,
        id: VerificationId,
        channel: Option<Channel>,
    ) -> Result<Verification, Error> {
        let inner = &self.inner();
        let now = inner.clock.now();
        let mut record = inner.store.load(id, now).await?.ok_or_else(gone)?;
        let kept = Kept::open(&record, &inner.keys)?;
        let (mut plan, code) = inner.plan_resend(&record, kept, channel, now)?;
        let delay = inner.resend_delay(record.resends + 1)?;
        let terms = ResendTerms { max_resends: inner.policy.resends, next_after: now + delay };
        let (leg, place) = loop {
            let first = &plan.candidates[0];
            let leg = new_leg(first, first.why, &plan.request.channel, &*inner.entropy)?;
            let mut charges = inner.charges.of(&plan.request, &record.recipient, &inner.keys);
            charges.extend(first.member.charge.clone());
            let begin = BeginLeg {
                leg: leg.clone(),
                charges,
                resend: Some(terms),
                ends: Vec::new(),
                skips: std::mem::take(&mut plan.skips),
                news: Vec::new(),
            };
            record.skips.extend_from_slice(&begin.skips);
            match inner.store.begin_leg(id, begin, now).await? {
                Begun::Leg(place) => break (leg, place),
                Begun::Over(_) => return Err(gone()),
                Begun::TooSoon(wait) => {
                    return Err(refused("a resend so soon").with_retry_after(wait));
                }
                Begun::TooMany => {
                    return Err(refused("more resends than one verification may have"));
                }
                Begun::Limited(limit) => {
                    let legs = record.legs.len();
                    let another = limit.scope == LimitScope::Provider && plan.pass_over_first(legs);
                    if !another {
                        return Err(limited(&limit));
                    }
                }
            }
        };
        record.resend_after = terms.next_after;
        record.legs.push(leg);
        Dispatch::new(inner, record, plan, code, now).run(place).await
    }
}

impl Inner {
    /// How long the user must wait after so many resends, with up to a tenth added at random once
    /// it has begun to grow.
    fn resend_delay(&self, resends: u32) -> Result<Duration, Error> {
        let delay = self.policy.resend_delay_after(resends);
        let mut random = [0; 1];
        self.entropy.fill(&mut random).map_err(no_entropy)?;
        Ok(delay + delay / 10 * u32::from(random[0]) / 255)
    }
}

fn refused(what: &'static str) -> Error {
    Error::new(ErrorKind::RateLimited, Certainty::NotSent, Blame::Policy).with_detail(what)
}
