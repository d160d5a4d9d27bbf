use std::sync::Arc;
use std::time::{Duration, SystemTime};

use otpmux_core::{
    Blame, Capabilities, Certainty, Channel, Code, CodeSource, Entropy, Error, ErrorKind,
    IdempotencyKey, Incompatibility, OtpProvider, Recipient, SendRequest,
};

use super::candidate::has_for_tests;
pub(in crate::client) use super::candidate::{Candidate, Requested, Source, is_test};
use super::limits::PolicyLimits;
use crate::client::NewVerification;
use crate::client::deliver::NewDelivery;
use crate::client::inner::{Inner, gone, invalid, no_entropy, until};
use crate::client::payload::Payload;
use crate::client::wording::Wording;
use crate::store::health::Health;
use crate::{
    AttemptState, Choice, LimitHit, Policy, RecipientHash, Record, ResendBy, SendAttempt,
    ServerKeys, Skip, SkipReason, VerificationId,
};

/// A planned send, before anything is written or called: the request, the candidates in order, and
/// the skipped providers. There is always at least one candidate.
pub(in crate::client) struct Plan {
    /// Boxed: it is large, and moves with the plan.
    pub(in crate::client) request: Box<SendRequest>,
    pub(in crate::client) wording: Wording,
    /// Index of the route that applies.
    pub(in crate::client) route: usize,
    pub(in crate::client) candidates: Vec<Candidate>,
    pub(in crate::client) skips: Vec<Skip>,
}

impl Plan {
    /// Digits of the code, if all candidates agree: a form is built for it before it is known which
    /// provider sends it.
    pub(in crate::client) fn code_length(&self, ours: &Code) -> Option<u8> {
        let first = self.candidates.first()?.code_length(ours);
        let agree = |candidate: &Candidate| candidate.code_length(ours) == first;
        first.filter(|_| self.candidates.iter().all(agree))
    }

    /// Whether no message is sent: the recipient is a test recipient of each of these vendors.
    pub(in crate::client) fn is_test(&self) -> bool {
        is_test(&self.candidates, &self.request.recipient)
    }

    /// The hits for its message by the first candidate: none of the policy's limits if no message
    /// is sent. The vendor's own request limit is counted in any case.
    pub(in crate::client) fn limit_hits(
        &self,
        limits: &PolicyLimits,
        recipient: &RecipientHash,
        keys: &ServerKeys,
    ) -> Vec<LimitHit> {
        let mut limit_hits =
            if self.is_test() { Vec::new() } else { limits.of(&self.request, recipient, keys) };
        limit_hits.extend(self.candidates[0].entry.limit_hit.clone());
        limit_hits
    }

    /// Skips the first candidate, whose limit is reached. Returns false, and keeps it, if there is
    /// no other.
    pub(in crate::client) fn pass_over_first(&mut self, send_attempts: usize) -> bool {
        if self.candidates.len() < 2 {
            return false;
        }
        self.skip_first(send_attempts);
        true
    }

    /// Skips the first candidate, whose limit is reached.
    pub(in crate::client) fn skip_first(&mut self, send_attempts: usize) {
        let first = self.candidates.remove(0);
        self.skips.push(skip(first.provider(), send_attempts, SkipReason::Limit));
    }
}

/// The candidates of a request in their order, and the skipped providers: all that is known before
/// anything is written or called.
pub(in crate::client) struct RoutePlan {
    /// Index of the route that applies.
    pub(in crate::client) route: usize,
    pub(in crate::client) candidates: Vec<Candidate>,
    pub(in crate::client) skips: Vec<Skip>,
    /// The error when there is no candidate.
    pub(in crate::client) refusal: Option<Error>,
}

impl RoutePlan {
    fn into_plan(self, request: Box<SendRequest>, wording: Wording) -> Result<Plan, Error> {
        let Self { route, candidates, skips, refusal } = self;
        match (candidates.is_empty(), refusal) {
            (true, Some(error)) => Err(error),
            (true, None) => Err(invalid("the route has no provider")),
            (false, _) => Ok(Plan { request, wording, route, candidates, skips }),
        }
    }
}

impl Inner {
    /// Builds a send attempt as it is recorded before its vendor is called.
    pub(in crate::client) fn new_attempt(
        &self,
        id: VerificationId,
        candidate: &Candidate,
        reason: Choice,
        channel: &Channel,
        ends_at: SystemTime,
        entropy: &dyn Entropy,
    ) -> Result<SendAttempt, Error> {
        let key = IdempotencyKey::generate(entropy).map_err(no_entropy)?;
        Ok(SendAttempt {
            provider: candidate.provider().id().clone(),
            reason,
            channel: channel.clone(),
            otpmux_code: candidate.source.is_otpmux(),
            key,
            ends_at,
            state: AttemptState::Intended,
            failure: None,
            reference: match &candidate.source {
                Source::Again { target, .. } => target.reference.clone().and_then(|reference| {
                    self.keys.keep_reference(id, &target.recipient, reference)
                }),
                Source::Otpmux | Source::Vendor { .. } => None,
            },
            vendor: candidate.source.terms(),
            delivery: None,
        })
    }

    pub(in crate::client) fn plan_send(
        &self,
        new: Box<NewVerification>,
        code: &Code,
        given: bool,
        entropy: &dyn Entropy,
        now: SystemTime,
    ) -> Result<Plan, Error> {
        let (request, wording, route_plan) = self.route_send(new, code, given, entropy, now)?;
        route_plan.into_plan(request, wording)
    }

    /// Returns the request for providers, what its caller decided about the text, and the
    /// candidates. `given`: the caller made the code.
    pub(in crate::client) fn route_send(
        &self,
        new: Box<NewVerification>,
        code: &Code,
        given: bool,
        entropy: &dyn Entropy,
        now: SystemTime,
    ) -> Result<(Box<SendRequest>, Wording, RoutePlan), Error> {
        let channel = new.channel_or_default();
        let NewVerification { recipient, options, code_length, .. } = *new;
        let ttl = options.ttl.unwrap_or_else(|| self.policy.ttl_by(&channel));
        if given {
            NewDelivery::check_ttl(ttl)?;
        } else {
            Policy::check_ttl(ttl).map_err(invalid)?;
        }
        let wording = Wording {
            text: options.message,
            subject: options.subject,
            brand: options.brand,
            variables: options.variables,
        };
        self.check_wording(&wording)?;
        let code_source = CodeSource::Otpmux(code.clone());
        let mut request = Box::new(SendRequest::new(recipient, channel, code_source));
        request.ttl = Some(ttl);
        request.purpose = options.purpose;
        request.template = options.template;
        request.locale = options.locale;
        request.sender = options.sender;
        request.client = options.client;
        request.extensions = options.extensions;
        let requested = Requested {
            code: Some(code),
            exact_length: code_length,
            length: Some(code.length()),
            again: None,
            given,
        };
        let route_plan = self.route_plan(&mut request, &wording, &requested, entropy, now)?;
        Ok((request, wording, route_plan))
    }

    /// The plan for sending a verification again, and otpmux's code if it has one.
    pub(in crate::client) fn plan_resend(
        &self,
        record: &Record,
        payload: Payload,
        channel: Option<Channel>,
        locale: Option<String>,
        now: SystemTime,
    ) -> Result<(Plan, Option<Code>), Error> {
        if record.over(now).is_some() {
            return Err(gone());
        }
        let code = payload.code.clone();
        // A vendor that was no candidate of the send is asked for a code as long as otpmux's.
        let length = payload.requested_length().or(code.as_ref().map(Code::length));
        let (request, wording) = payload.into_request();
        let mut request = Box::new(request);
        request.locale = locale.or(request.locale);
        request.ttl = Some(until(record.expires_at, now));
        let requested = Requested {
            code: code.as_ref(),
            exact_length: None,
            length,
            again: Some(record),
            given: record.id.is_delivery(),
        };
        let mut plan = match channel {
            None if self.policy.resend_by == ResendBy::NextChannel => {
                self.plan_next_channel(request, wording, &requested, now)?
            }
            channel => {
                request.channel = channel.unwrap_or(request.channel);
                self.plan(request, wording, &requested, &*self.entropy, now)?
            }
        };
        let (by, channel) = (self.policy.resend_by, &plan.request.channel);
        plan.candidates.sort_by_key(|candidate| turn(candidate, record, by, channel));
        for candidate in &mut plan.candidates {
            if !candidate.is_last_resort() {
                candidate.reason = Choice::Resend;
            }
        }
        Ok((plan, code))
    }

    /// A plan for the first channel after that of the newest send attempt that has a candidate; for
    /// the same channel if none has.
    fn plan_next_channel(
        &self,
        request: Box<SendRequest>,
        wording: Wording,
        requested: &Requested<'_>,
        now: SystemTime,
    ) -> Result<Plan, Error> {
        let newest = requested.again.and_then(|record| record.send_attempts.last());
        let last = newest.map_or(&request.channel, |attempt| &attempt.channel).clone();
        let order = &self.policy.channels;
        let start = order.iter().position(|channel| *channel == last).map_or(0, |at| at + 1);
        let (before, after) = order.split_at(start.min(order.len()));
        let others = after.iter().chain(before).filter(|channel| **channel != last);
        for channel in others {
            let mut request = request.clone();
            request.channel = channel.clone();
            let wording = wording.clone();
            if let Ok(plan) = self.plan(request, wording, requested, &*self.entropy, now) {
                return Ok(plan);
            }
        }
        let mut request = request;
        request.channel = last;
        self.plan(request, wording, requested, &*self.entropy, now)
    }

    fn plan(
        &self,
        mut request: Box<SendRequest>,
        wording: Wording,
        requested: &Requested<'_>,
        entropy: &dyn Entropy,
        now: SystemTime,
    ) -> Result<Plan, Error> {
        let route_plan = self.route_plan(&mut request, &wording, requested, entropy, now)?;
        route_plan.into_plan(request, wording)
    }

    fn route_plan(
        &self,
        request: &mut SendRequest,
        wording: &Wording,
        requested: &Requested<'_>,
        entropy: &dyn Entropy,
        now: SystemTime,
    ) -> Result<RoutePlan, Error> {
        let place = self.routes.place(&request.recipient, &request.channel, &request.purpose);
        let Some(place) = place else {
            return Err(Error::new(ErrorKind::Unsupported, Certainty::NotSent, Blame::Policy)
                .with_detail("no route takes this country, channel and purpose"));
        };
        self.route_plan_in(place, request, wording, requested, entropy, now)
    }

    /// The plan by the route at this place.
    pub(in crate::client) fn route_plan_in(
        &self,
        place: usize,
        request: &mut SendRequest,
        wording: &Wording,
        requested: &Requested<'_>,
        entropy: &dyn Entropy,
        now: SystemTime,
    ) -> Result<RoutePlan, Error> {
        self.check_recipient(&request.recipient)?;
        let route = &self.routes.as_slice()[place];
        let mut random = [0; 8];
        let draw = || entropy.fill(&mut random).map(|()| u64::from_le_bytes(random));
        let order = route.order(draw).map_err(no_entropy)?;
        let send_attempts = requested.again.map_or(0, |record| record.send_attempts.len());
        let drawn = !route.weights.is_empty();
        let mut candidates = Vec::with_capacity(route.providers.len());
        let (mut skips, mut last_resorts) = (Vec::new(), Vec::new());
        let mut refusal = None;
        // A vendor's test recipient belongs to that vendor only: no other vendor may send there.
        let mut members = route.providers.iter().filter_map(|id| self.providers.active.get(id));
        let test = members.any(|entry| has_for_tests(entry.port(), request.recipient.expose()));
        for turn in 0..route.providers.len() {
            let id = &route.providers[order.get(turn).copied().unwrap_or(turn)];
            let Some(entry) = self.providers.active.get(id) else { continue };
            let mut candidate = Candidate::new(entry, request, requested);
            candidate.fit(request, requested.code);
            let provider = entry.port();
            let capabilities = provider.capabilities();
            if test && !has_for_tests(provider, request.recipient.expose()) {
                skips.push(skip(
                    provider,
                    send_attempts,
                    SkipReason::Unable(Incompatibility::Recipient),
                ));
                continue;
            }
            // Rendered for the first provider that is given a text, and for no other reason.
            if request.message.is_none() && takes_message(capabilities, &request.channel) {
                request.message = self.message(request, wording)?;
            }
            if let Err(error) = capabilities.check_send(provider.id(), request) {
                // The first refusal is the preferred provider's, which is the one to report.
                refusal = refusal.or(Some(error));
                if let Some(what) = capabilities.incompatibility(request) {
                    skips.push(skip(provider, send_attempts, SkipReason::Unable(what)));
                }
                continue;
            }
            let health = entry.guarded.health();
            if let Some(since) = open_since(&health, now) {
                skips.push(skip(provider, send_attempts, SkipReason::CircuitOpen(since)));
                // A probe usually costs one refusal. This one would be a message with a code that
                // cannot be verified.
                if health.why() == Some(ErrorKind::Configuration) {
                    refusal = refusal.or_else(|| Some(wrongly_set_up(provider, &health, now)));
                } else {
                    candidate.reason = Choice::LastResort;
                    last_resorts.push(candidate);
                }
            } else {
                let first = candidates.is_empty();
                candidate.reason = match (drawn, first) {
                    (true, _) => Choice::Drawn,
                    (false, _) => Choice::Preferred,
                };
                candidates.push(candidate);
            }
        }
        // A requested language is honoured if a provider can; it never prevents the send.
        if request.locale.is_some() {
            candidates.sort_by_key(|it| !it.provider().capabilities().locale);
        }
        candidates.extend(last_resorts);
        Ok(RoutePlan { route: place, candidates, skips, refusal })
    }

    /// Checks that the policy allows messages to this recipient.
    pub(in crate::client) fn check_recipient(&self, recipient: &Recipient) -> Result<(), Error> {
        recipient.phone().map_or(Ok(()), |phone| self.policy.check_number(phone))
    }
}

/// Order of a candidate for a resend, the least first. While the user may hold otpmux's code, a
/// provider with another code comes after those that can repeat it, and before those that have just
/// failed this user or whose circuit is open. Of equals, the one called longest ago comes first.
fn turn(
    candidate: &Candidate,
    record: &Record,
    by: ResendBy,
    channel: &Channel,
) -> (u8, bool, usize) {
    let id = candidate.provider().id();
    let last = record.send_attempts.iter().rposition(|attempt| attempt.provider == *id);
    let failed = last.is_some_and(|last| {
        let attempt = &record.send_attempts[last];
        match (attempt.state, by) {
            (AttemptState::Accepted, ResendBy::Same) => false,
            // The user asks again, so it has not arrived; another channel may work.
            (AttemptState::Accepted, _) => attempt.channel == *channel,
            _ => true,
        }
    });
    let class = match candidate.source {
        _ if candidate.is_last_resort() => 3,
        _ if failed => 2,
        Source::Vendor { .. } | Source::Again { .. } if record.code_is_out() => 1,
        _ => 0,
    };
    let carried = record
        .send_attempts
        .iter()
        .any(|attempt| attempt.provider == *id && attempt.state.may_have_sent());
    let turns = if class == 2 { last.map_or(0, |last| last + 1) } else { 0 };
    (class, carried != (by == ResendBy::Same), turns)
}

/// The error of a provider that sent another code than otpmux's, until its pause is over.
fn wrongly_set_up(provider: &Arc<dyn OtpProvider>, health: &Health, now: SystemTime) -> Error {
    let pause = match health {
        Health::Open { until, .. } => crate::client::inner::until(*until, now),
        _ => Duration::from_secs(1),
    };
    Error::new(ErrorKind::CircuitOpen, Certainty::NotSent, Blame::Provider)
        .with_provider(provider.id().clone())
        .with_detail(
            "circuit open since it sent another code than otpmux generated (wrong configuration); its log \
             line names the setting",
        )
        .with_retry_after(pause)
}

/// Since when the provider's circuit has been open, if it is.
fn open_since(health: &Health, now: SystemTime) -> Option<SystemTime> {
    if health.is_available(now) { None } else { health.since() }
}

pub(in crate::client) fn skip(
    provider: &Arc<dyn OtpProvider>,
    send_attempts: usize,
    reason: SkipReason,
) -> Skip {
    let before = u8::try_from(send_attempts).unwrap_or(u8::MAX);
    Skip { before, provider: provider.id().clone(), reason }
}

/// Whether a provider is given the message: for its text, or for a template with the same content.
fn takes_message(capabilities: &Capabilities, channel: &Channel) -> bool {
    (capabilities.message || capabilities.needs_message || capabilities.template)
        && capabilities.channels.contains(channel)
}
