//! Random steps on a few verifications, so that the steps meet in every way.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use otpmux_core::{Channel, Delivery, IdempotencyKey, ProviderId, VendorReference};
use otpmux_engine::{
    AcceptedAttempt, AttemptEnd, AttemptState, Create, DeliveryMark, EndpointState,
    EscalationTerms, EventEnd, EventId, EventTerms, EventType, ExternalId, Guess, GuessEnd,
    HealthUpdate, IdempotencyRecord, LimitHit, LimitKey, LimitScope, Lost, NewEvent, Once,
    OpenCircuit, ReceiptOf, Record, RecordOutcome, Refund, Reschedule, ResendTerms, Sealed,
    SendAttempt, Skip, StartAttempt, State, Unconfirmed, VendorTerms, VerificationId, Wanted,
    Witness,
};

use super::dice::Dice;
use super::events::{endpoint, terms};
use super::model::Step;
use super::records::{CODE, WRONG, code, external_of, keys, limit, purpose, recipient, window};
use super::whole::{CHOICES, KINDS, STATES, skip_reasons};

const PROVIDERS: [&str; 4] = ["primary-eu", "primary-us", "backup", "last_resort"];
const DELIVERIES: [Delivery; 6] = [
    Delivery::Accepted,
    Delivery::Sent,
    Delivery::Delivered,
    Delivery::Failed,
    Delivery::Expired,
    Delivery::Unknown,
];
const PURPOSES: [&str; 2] = ["login", "payment"];

pub(super) struct World {
    pub(super) now: SystemTime,
    dice: Dice,
    known: Vec<Known>,
    /// Recipients, and times at which a message to them may have been counted.
    counted: Vec<(u32, SystemTime)>,
    /// The newest lost send attempt.
    lost: Option<SendAttempt>,
    events: bool,
    /// Verifications, and times at which a guess was made, perhaps without an answer.
    guessed: Vec<(VerificationId, SystemTime)>,
    /// Times of updates. A store may choose between two of the same time.
    marked: HashSet<SystemTime>,
}

/// A verification that was requested, perhaps without an answer.
#[derive(Clone)]
struct Known {
    id: VerificationId,
    recipient: u32,
    purpose: &'static str,
    external: Option<u64>,
    /// The earliest time of a resend, and the expiry.
    edges: [SystemTime; 2],
    /// The end of its retention.
    end: SystemTime,
}

fn external_id(number: u64) -> ExternalId {
    ExternalId::new(format!("order-{number}")).expect("an id")
}

fn external_tag(number: u64, purpose_name: &str) -> [u8; 16] {
    keys().external_tags(&external_id(number), &purpose(purpose_name))[0]
}

impl World {
    /// `events`: whether the store has an outbox.
    pub(super) fn new(dice: Dice, now: SystemTime, events: bool) -> Self {
        Self {
            events,
            now,
            dice,
            known: Vec::new(),
            counted: Vec::new(),
            lost: None,
            guessed: Vec::new(),
            marked: HashSet::new(),
        }
    }

    /// Lets time pass, and returns a step.
    pub(super) fn step(&mut self) -> Step {
        self.pass();
        if self.events && !self.known.is_empty() && self.dice.percent(12) {
            return self.of_events();
        }
        let kind = self.dice.below(100);
        if self.known.is_empty() || kind < 14 {
            return Step::Create(Box::new(self.create()));
        }
        let one = self.one();
        if self.dice.percent(8) {
            return self.due(&one);
        }
        match kind {
            14..38 => Step::Begin(one.id, Box::new(self.begin(&one))),
            38..50 => Step::RecordOutcome(one.id, self.record_outcome(&one)),
            50..54 => Step::RecordAccepted(self.accepted()),
            54..62 => self.receive(&one),
            62..87 => Step::CheckGuess(self.guess(&one)),
            87..90 => Step::Approve(one.id, self.guess(&one)),
            90..93 => Step::Cancel(one.id),
            93..95 => Step::Load(one.id),
            95..98 => Step::EndGuess(one.id, self.guess(&one), self.guess_end()),
            _ => Step::Health,
        }
    }

    fn of_events(&mut self) -> Step {
        let name = *self.dice.pick(&["all", "few", "none"]);
        let endpoint = endpoint(name);
        match self.dice.below(10) {
            0..3 => {
                let most = self.dice.place(6);
                let all = [endpoint, super::events::endpoint("few")];
                Step::EventsDue(all.map(|endpoint| Wanted { endpoint, most }).into())
            }
            3..6 => {
                let event = *self.dice.pick(&EventType::ALL);
                let one = self.one();
                let end = match self.dice.below(4) {
                    0 => EventEnd::Delivered,
                    1 => EventEnd::Dropped,
                    2 => EventEnd::Failed(self.soon(20_000)),
                    _ => EventEnd::Again(self.soon(20_000)),
                };
                Step::EndEvent(endpoint, EventId::of(one.id, event, None), end)
            }
            6 => {
                let states = [EndpointState::On, EndpointState::Paused, EndpointState::Off];
                let state = *self.dice.pick(&states);
                let state = if self.dice.percent(60) { EndpointState::On } else { state };
                Step::SetEndpoint(endpoint, state)
            }
            7 => Step::EventsWaiting(endpoint),
            8 => Step::Endpoints,
            _ => Step::PutEvent(self.new_event()),
        }
    }

    fn new_event(&mut self) -> NewEvent {
        let key = [u8::try_from(self.dice.below(2)).expect("few keys"); 16];
        let releases = self.dice.percent(50).then_some([1 - key[0]; 16]);
        let once = Once { key, until: self.soon(3_000), releases };
        NewEvent {
            endpoints: [endpoint("all"), endpoint("few")].into(),
            id: EventId::of_hash(self.dice.bytes(), EventType::ProviderDown),
            facts: self.facts(),
            reason: self.dice.percent(50).then(|| "timeout".into()),
            once: self.dice.percent(80).then_some(once),
        }
    }

    fn facts(&mut self) -> Arc<str> {
        format!("{{\"u\":\"text \\\" {}\"}}", self.dice.below(9)).into()
    }

    fn event_terms(&mut self) -> Option<Box<EventTerms>> {
        let facts = self.facts();
        (self.events && self.dice.percent(60)).then(|| Box::new(terms(&facts)))
    }

    fn unconfirmed(&mut self) -> Option<Unconfirmed> {
        let place = u8::try_from(self.dice.below(4)).expect("few send attempts");
        let reason = *self.dice.pick(&KINDS);
        self.dice.percent(20).then_some(Unconfirmed { place, reason })
    }

    /// Returns steps that read this many of the newest verifications, and the updates.
    pub(super) fn looks(&self, most: usize) -> Vec<Step> {
        let newest = self.known.iter().rev().take(most);
        let mut looks: Vec<_> = newest.map(|known| Step::Load(known.id)).collect();
        looks.push(Step::Health);
        if self.events {
            looks.extend([Step::EventsWaiting(endpoint("all")), Step::Endpoints]);
        }
        looks
    }

    /// Lets time pass in steps of ten milliseconds, or exactly to an edge.
    fn pass(&mut self) {
        let edge = self.known.last().filter(|_| self.dice.percent(4));
        if edge.is_some() {
            let one = self.one();
            let gone = self.dice.percent(10);
            let edge = if gone { one.end } else { *self.dice.pick(&one.edges) };
            let before = edge - Duration::from_millis(10 * self.dice.below(2));
            self.now = self.now.max(before);
        } else {
            let most = *self.dice.pick(&[1, 1, 20, 100, 400, 2_000]);
            self.now += Duration::from_millis(self.dice.below(most) * 10);
        }
    }

    /// Returns the newest of some recipient, most often; sometimes one that was never requested.
    fn one(&mut self) -> Known {
        let newest = self.known.len().min(8);
        let place = self.known.len() - 1 - self.dice.place(newest);
        let mut one = self.known[place].clone();
        if self.dice.percent(80) {
            let same =
                |known: &&Known| (known.recipient, known.purpose) == (one.recipient, one.purpose);
            one = self.known.iter().rev().find(same).cloned().unwrap_or(one);
        }
        if self.dice.percent(2) {
            one.id = VerificationId::from_bytes(self.dice.bytes());
        }
        one
    }

    /// The newest was requested without an answer: no more can be learnt about it.
    pub(super) fn in_vain(&mut self) {
        self.known.pop();
    }

    fn create(&mut self) -> Create {
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

    /// Asks what is due, or changes when one is.
    fn due(&mut self, one: &Known) -> Step {
        if self.dice.percent(50) {
            return Step::Due(Duration::from_secs(self.dice.below(12)), self.dice.place(4));
        }
        let step = self.few_steps();
        Step::Reschedule(
            one.id,
            Reschedule {
                step,
                next_step: step + self.few_steps(),
                due_at: self.due_time(6_000),
                skips: self.skips(),
            },
        )
    }

    fn few_steps(&mut self) -> u8 {
        u8::from(self.dice.percent(30))
    }

    /// Returns a time within this many hundredths of a second, sometimes.
    fn due_time(&mut self, hundredths: u64) -> Option<SystemTime> {
        let at = self.soon(hundredths);
        (self.dice.percent(60)).then_some(at)
    }

    /// Returns a time within this many hundredths of a second.
    fn soon(&mut self, hundredths: u64) -> SystemTime {
        self.now + Duration::from_millis(10 * self.dice.below(hundredths))
    }

    fn tag(&mut self) -> Option<IdempotencyRecord> {
        let name = [u8::try_from(self.dice.below(5)).expect("few names"); 16];
        let tag = IdempotencyRecord { name, content: [u8::from(self.dice.percent(20)); 16] };
        self.dice.percent(30).then_some(tag)
    }

    fn provider(&mut self) -> ProviderId {
        ProviderId::new(self.dice.pick(&PROVIDERS)).expect("a name")
    }

    /// Returns a state in which a message may have been sent, most often.
    fn state(&mut self) -> AttemptState {
        let out = self.dice.percent(60);
        *self.dice.pick(if out { &[AttemptState::Accepted] } else { &STATES[..] })
    }

    fn attempt(&mut self, otpmux_code: bool) -> SendAttempt {
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

    fn vendor_terms(&mut self) -> Option<Box<VendorTerms>> {
        let terms = VendorTerms {
            code_length: self.dice.percent(50).then_some(6),
            repeats: self.dice.percent(50),
            expires_at: self.dice.percent(50).then(|| self.soon(60_000)),
            max_guesses: self.dice.percent(50).then_some(3),
        };
        self.dice.percent(30).then(|| Box::new(terms))
    }

    fn reference(&mut self) -> Option<VendorReference> {
        let text = format!("message-{}", self.dice.below(1_000));
        self.dice.percent(50).then(|| VendorReference::new(text))
    }

    fn skips(&mut self) -> Vec<Skip> {
        let mut reasons = skip_reasons();
        reasons.truncate(self.dice.place(3));
        let skip = |reason| {
            let before = u8::try_from(self.dice.below(4)).expect("few send_attempts");
            Skip { before, provider: self.provider(), reason }
        };
        reasons.into_iter().map(skip).collect()
    }

    /// Returns windows of different lengths that never end at the same time, since a store may
    /// return either of two equal waits.
    fn limits(&mut self, number: u32) -> [(LimitKey, [(u32, u64); 2]); 4] {
        let hash = keys().hash(&recipient(number));
        let provider = u32::try_from(self.dice.below(2)).expect("few providers");
        [
            (LimitKey::of_recipient(LimitScope::Recipient, &hash), [(2, 30_001), (6, 200_002)]),
            (limit(LimitScope::Ip, number % 2), [(4, 60_003), (2, 2_004)]),
            (limit(LimitScope::Purpose, 0), [(5, 30_005), (15, 600_006)]),
            (limit(LimitScope::Provider, provider), [(2, 10_007), (9, 120_008)]),
        ]
    }

    fn limit_hits(&mut self, number: u32) -> Vec<LimitHit> {
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

    /// Few enough that some occur twice.
    fn reference_tag(&mut self) -> [u8; 16] {
        keys().tag("reference", &self.dice.below(40).to_be_bytes())
    }

    fn mark(&mut self) -> DeliveryMark {
        let delivery = *self.dice.pick(&DELIVERIES);
        let at = self.now - Duration::from_millis(self.dice.below(3));
        DeliveryMark::new(delivery, at, self.dice.percent(50))
    }

    fn receive(&mut self, one: &Known) -> Step {
        let place = u8::try_from(self.dice.below(4)).expect("few send attempts");
        let attempt = if self.dice.percent(60) {
            ReceiptOf::Attempt { id: one.id, place }
        } else {
            ReceiptOf::Reference(self.reference_tag())
        };
        Step::Receive(attempt, self.mark())
    }

    fn ends(&mut self) -> Vec<AttemptEnd> {
        (0..self.dice.below(3)).map(|_| self.end()).collect()
    }

    fn end(&mut self) -> AttemptEnd {
        AttemptEnd {
            attempt: self.dice.place(4),
            state: self.state(),
            failure: self.dice.percent(50).then(|| *self.dice.pick(&KINDS)),
            reference: self.reference(),
            vendor: self.vendor_terms(),
            found_by: self.dice.percent(40).then(|| self.reference_tag()),
        }
    }

    fn health_updates(&mut self) -> Vec<HealthUpdate> {
        let count = self.dice.below(3);
        (0..count).map(|_| self.update()).collect()
    }

    fn update(&mut self) -> HealthUpdate {
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

    fn begin(&mut self, one: &Known) -> StartAttempt {
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

    fn record_outcome(&mut self, one: &Known) -> RecordOutcome {
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

    fn accepted(&mut self) -> Vec<AcceptedAttempt> {
        let accept = |world: &mut Self| AcceptedAttempt {
            id: world.one().id,
            attempt: world.dice.place(2),
            reference: world.reference(),
        };
        (0..self.dice.below(6)).map(|_| accept(self)).collect()
    }

    /// Rarely returns a lost step. A lost send attempt may be begun all the same.
    fn lose(&mut self) -> Option<Lost> {
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
    fn refunds(&mut self, number: u32) -> Vec<Refund> {
        let hits = self.counted.iter().rev().filter(|(it, _)| *it == number);
        let mut at = hits.map(|(_, at)| *at).nth(self.dice.place(3)).unwrap_or(self.now);
        if self.dice.percent(10) {
            at -= self.dice.pause();
        }
        let keys = self.limits(number).map(|(key, _)| key);
        self.dice.some(&keys, 30).into_iter().map(|key| Refund { key, at }).collect()
    }

    fn guess_end(&mut self) -> GuessEnd {
        let left = u32::try_from(self.dice.below(5)).expect("few guesses");
        if self.dice.percent(60) { GuessEnd::NotCompared } else { GuessEnd::Wrong(left) }
    }

    fn guess(&mut self, one: &Known) -> Guess {
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
