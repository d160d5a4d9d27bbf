//! Parts of records and of steps.

use std::time::Duration;

use otpmux_core::{Channel, Delivery, IdempotencyKey, ProviderId, VendorReference};
use otpmux_engine::{
    AttemptState, DeliveryMark, HealthUpdate, IdempotencyRecord, OpenCircuit, SendAttempt, Skip,
    VendorTerms, Witness,
};

use super::World;
use crate::stores::records::keys;
use crate::stores::whole::{CHOICES, KINDS, STATES, skip_reasons};

const PROVIDERS: [&str; 4] = ["primary-eu", "primary-us", "backup", "last_resort"];
const DELIVERIES: [Delivery; 6] = [
    Delivery::Accepted,
    Delivery::Sent,
    Delivery::Delivered,
    Delivery::Failed,
    Delivery::Expired,
    Delivery::Unknown,
];

impl World {
    pub(super) fn tag(&mut self) -> Option<IdempotencyRecord> {
        let name = [u8::try_from(self.dice.below(5)).expect("few names"); 16];
        let tag = IdempotencyRecord { name, content: [u8::from(self.dice.percent(20)); 16] };
        self.dice.percent(30).then_some(tag)
    }

    pub(super) fn provider(&mut self) -> ProviderId {
        ProviderId::new(self.dice.pick(&PROVIDERS)).expect("a name")
    }

    /// Returns a state in which a message may have been sent, most often.
    pub(super) fn state(&mut self) -> AttemptState {
        let out = self.dice.percent(60);
        *self.dice.pick(if out { &[AttemptState::Accepted] } else { &STATES[..] })
    }

    pub(super) fn attempt(&mut self, otpmux_code: bool) -> SendAttempt {
        SendAttempt {
            provider: self.provider(),
            reason: *self.dice.pick(&CHOICES),
            channel: self.dice.pick(&[Channel::Sms, Channel::Voice, Channel::WhatsApp]).clone(),
            otpmux_code: otpmux_code && self.dice.percent(80),
            key: IdempotencyKey::from_random(self.dice.bytes()),
            ends_at: self.soon(2_000),
            state: self.state(),
            failure: self.dice.percent(30).then(|| *self.dice.pick(&KINDS)),
            reference: self.reference(),
            vendor: self.vendor_terms(),
            delivery: self.dice.percent(10).then(|| self.mark()),
        }
    }

    pub(super) fn vendor_terms(&mut self) -> Option<Box<VendorTerms>> {
        let terms = VendorTerms {
            code_length: self.dice.percent(50).then_some(6),
            repeats: self.dice.percent(50),
            expires_at: self.dice.percent(50).then(|| self.soon(60_000)),
            max_guesses: self.dice.percent(50).then_some(3),
        };
        self.dice.percent(30).then(|| Box::new(terms))
    }

    pub(super) fn reference(&mut self) -> Option<VendorReference> {
        let text = format!("message-{}", self.dice.below(1_000));
        self.dice.percent(50).then(|| VendorReference::new(text))
    }

    pub(super) fn skips(&mut self) -> Vec<Skip> {
        let mut reasons = skip_reasons();
        reasons.truncate(self.dice.place(3));
        let skip = |reason| {
            let before = u8::try_from(self.dice.below(4)).expect("few send_attempts");
            Skip { before, provider: self.provider(), reason }
        };
        reasons.into_iter().map(skip).collect()
    }

    /// Few enough that some occur twice.
    pub(super) fn reference_tag(&mut self) -> [u8; 16] {
        keys().tag("reference", &self.dice.below(40).to_be_bytes())
    }

    pub(super) fn mark(&mut self) -> DeliveryMark {
        let delivery = *self.dice.pick(&DELIVERIES);
        let at = self.now - Duration::from_millis(self.dice.below(3));
        DeliveryMark::new(delivery, at, self.dice.percent(50))
    }

    pub(super) fn health_updates(&mut self) -> Vec<HealthUpdate> {
        let count = self.dice.below(3);
        (0..count).map(|_| self.update()).collect()
    }

    pub(super) fn update(&mut self) -> HealthUpdate {
        let mut at = self.now - Duration::from_millis(self.dice.below(60_000));
        while !self.marked.insert(at) {
            at -= Duration::from_millis(1);
        }
        let open =
            OpenCircuit { since: at, until: self.soon(10_000), why: *self.dice.pick(&KINDS) };
        let state = self.dice.percent(60).then_some(open);
        // More processes than there is room for.
        let settings = self.dice.percent(50).then_some(7);
        let witness = Witness { process: self.dice.below(12), settings };
        HealthUpdate { provider: self.provider(), witness, at, state }
    }
}
