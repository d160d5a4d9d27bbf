//! Steps of sends: creations, further send attempts, outcomes, and receipts.

use std::time::Duration;

use otpmux_engine::{
    AcceptedAttempt, AttemptEnd, AttemptState, Create, EscalationTerms, LimitHit, LimitKey,
    LimitScope, Lost, ReceiptOf, Record, RecordOutcome, Refund, ResendTerms, Sealed, SendAttempt,
    StartAttempt, State, VerificationId,
};

use super::{Known, World, external_tag};
use crate::stores::model::Step;
use crate::stores::records::{CODE, code, external_of, keys, limit, purpose, recipient};
use crate::stores::whole::KINDS;

const PURPOSES: [&str; 2] = ["login", "payment"];

impl World {
    pub(super) fn create(&mut self) -> Create {
        let number = u32::try_from(self.dice.below(4)).expect("few recipients");
        let purpose_name = *self.dice.pick(&PURPOSES);
        let id = VerificationId::from_bytes(self.dice.bytes());
        let expires_at = self.now + Duration::from_secs(20 + self.dice.below(280));
        let resend_after = self.soon(1_500);
        let otpmux_code = self.dice.percent(70);
        let external = self.dice.percent(30).then(|| self.dice.below(6));
        // A delivery has no external id, and no code that a guess is compared with.
        let external = external.filter(|_| !id.is_delivery());
        let mut record = Record {
            id,
            recipient: keys().hash(&recipient(number)),
            purpose: purpose(purpose_name),
            external: external.map(|number| external_tag(number, purpose_name)),
            state: State::Pending,
            supersedes: None,
            code: None,
            code_length: self.dice.percent(80).then_some(6),
            expires_at,
            guesses: 0,
            max_guesses: u32::try_from(self.dice.below(9)).expect("few guesses"),
            resends: 0,
            resend_after,
            due_at: self.due_time(12_000),
            due_after_end: self.due_time(1).map(|_| expires_at),
            escalations: 0,
            sealed: Sealed { key: "suite".into(), bytes: self.dice.bytes::<40>().into() },
            send_attempts: (0..=self.dice.below(2)).map(|_| self.attempt(otpmux_code)).collect(),
            skips: self.skips(),
            request: self.tag().map(Box::new),
            events: self.event_terms(),
        };
        record.code = (otpmux_code && !id.is_delivery()).then(|| keys().sign(&record, &code(CODE)));
        let (edges, end) = ([resend_after, expires_at], record.kept_until());
        self.known.push(Known {
            id,
            recipient: number,
            purpose: purpose_name,
            external,
            edges,
            end,
        });
        let (limit_hits, repeat) = (self.limit_hits(number), self.dice.percent(15));
        Create { external: external_of(&record), record, limit_hits, repeat }
    }

    pub(super) fn begin(&mut self, one: &Known) -> StartAttempt {
        let terms = ResendTerms {
            max_resends: u32::try_from(self.dice.below(4)).expect("few resends"),
            next_after: self.soon(3_000),
        };
        let attempt = SendAttempt { state: AttemptState::Intended, ..self.attempt(true) };
        let lost = self.lost.clone().filter(|_| self.dice.percent(20));
        let attempt = lost.unwrap_or(attempt);
        StartAttempt {
            ends: self.ends(),
            skips: self.skips(),
            health_updates: self.health_updates(),
            attempt,
            resend: self.dice.percent(40).then_some(terms),
            escalation: self.dice.percent(30).then(|| EscalationTerms {
                step: self.few_steps(),
                next_due_at: self.due_time(6_000),
            }),
            limit_hits: self.limit_hits(one.recipient),
            facts: self.dice.percent(50).then(|| self.facts()),
        }
    }

    pub(super) fn record_outcome(&mut self, one: &Known) -> RecordOutcome {
        RecordOutcome {
            ends: self.ends(),
            skips: self.skips(),
            health_updates: self.health_updates(),
            close: self.dice.percent(25),
            refunds: self.refunds(one.recipient),
            lost: self.lose(),
            unconfirmed: self.unconfirmed(),
        }
    }

    pub(super) fn accepted(&mut self) -> Vec<AcceptedAttempt> {
        let accept = |world: &mut Self| AcceptedAttempt {
            id: world.one().id,
            attempt: world.dice.place(2),
            reference: world.reference(),
        };
        (0..self.dice.below(6)).map(|_| accept(self)).collect()
    }

    /// Rarely returns a lost step. A lost send attempt may be begun all the same.
    pub(super) fn lose(&mut self) -> Option<Lost> {
        match self.dice.below(20) {
            0 => Some(Lost::Creation(self.soon(100_000))),
            1 => {
                let attempt = self.attempt(true);
                self.lost = Some(SendAttempt { state: AttemptState::Intended, ..attempt.clone() });
                Some(Lost::SendAttempt(attempt))
            }
            2 => self.lost.clone().map(Lost::SendAttempt),
            _ => None,
        }
    }

    /// Returns refunds, most often of hits that were counted.
    pub(super) fn refunds(&mut self, number: u32) -> Vec<Refund> {
        let hits = self.counted.iter().rev().filter(|(it, _)| *it == number);
        let mut at = hits.map(|(_, at)| *at).nth(self.dice.place(3)).unwrap_or(self.now);
        if self.dice.percent(10) {
            at -= self.dice.pause();
        }
        let keys = self.limits(number).map(|(key, _)| key);
        self.dice.some(&keys, 30).into_iter().map(|key| Refund { key, at }).collect()
    }

    /// Returns windows of different lengths that never end at the same time, since a store may
    /// return either of two equal waits.
    pub(super) fn limits(&mut self, number: u32) -> [(LimitKey, [(u32, u64); 2]); 4] {
        let hash = keys().hash(&recipient(number));
        let provider = u32::try_from(self.dice.below(2)).expect("few providers");
        [
            (LimitKey::of_recipient(LimitScope::Recipient, &hash), [(2, 30_001), (6, 200_002)]),
            (limit(LimitScope::Ip, number % 2), [(4, 60_003), (2, 2_004)]),
            (limit(LimitScope::Purpose, 0), [(5, 30_005), (15, 600_006)]),
            (limit(LimitScope::Provider, provider), [(2, 10_007), (9, 120_008)]),
        ]
    }

    pub(super) fn limit_hits(&mut self, number: u32) -> Vec<LimitHit> {
        let limit_hit = |(key, windows): (LimitKey, [(u32, u64); 2])| {
            let window =
                |(count, length)| otpmux_core::RateLimit::new(count, Duration::from_millis(length));
            LimitHit { key, windows: windows.map(window).into() }
        };
        let limit_hits: Vec<_> = self.limits(number).into_iter().map(limit_hit).collect();
        let limit_hits = self.dice.some(&limit_hits, 45);
        if !limit_hits.is_empty() {
            self.counted.push((number, self.now));
        }
        limit_hits
    }

    pub(super) fn receive(&mut self, one: &Known) -> Step {
        let place = u8::try_from(self.dice.below(4)).expect("few send attempts");
        let attempt = if self.dice.percent(60) {
            ReceiptOf::Attempt { id: one.id, place }
        } else {
            ReceiptOf::Reference(self.reference_tag())
        };
        Step::Receive(attempt, self.mark())
    }

    pub(super) fn ends(&mut self) -> Vec<AttemptEnd> {
        (0..self.dice.below(3)).map(|_| self.end()).collect()
    }

    pub(super) fn end(&mut self) -> AttemptEnd {
        AttemptEnd {
            attempt: self.dice.place(4),
            state: self.state(),
            failure: self.dice.percent(50).then(|| *self.dice.pick(&KINDS)),
            reference: self.reference(),
            vendor: self.vendor_terms(),
            found_by: self.dice.percent(40).then(|| self.reference_tag()),
        }
    }
}
