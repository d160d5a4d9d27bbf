use std::sync::Arc;
use std::time::{Duration, SystemTime};

use otpmux_core::{
    Blame, Capabilities, Certainty, Channel, Code, CodeSource, Entropy, Error, ErrorKind,
    Incompatibility, OtpProvider, Recipient, SendRequest, Target,
};

use crate::client::NewVerification;
use crate::client::inner::{Inner, gone, invalid, no_entropy, until};
use crate::client::payload::Payload;
use crate::client::providers::ProviderEntry;
use crate::store::health::Health;
use crate::{AttemptState, Choice, Policy, Record, ResendBy, Skip, SkipReason, VendorTerms};

/// A send, thought through before anything is written or called: what is asked, who may be asked in
/// which order, and who may not. Never without a candidate.
pub(in crate::client) struct Plan {
    pub(in crate::client) request: SendRequest,
    /// The place of the rule that decides.
    pub(in crate::client) route: usize,
    pub(in crate::client) candidates: Vec<Candidate>,
    pub(in crate::client) skips: Vec<Skip>,
}

impl Plan {
    /// Digits of the code, where all candidates agree: a form is built for it before it is known who
    /// will have sent it.
    pub(in crate::client) fn code_length(&self, ours: &Code) -> Option<u8> {
        let first = self.candidates.first()?.code_length(ours);
        let agree = |candidate: &Candidate| candidate.code_length(ours) == first;
        first.filter(|_| self.candidates.iter().all(agree))
    }

    /// Whether no message goes out for it: its recipient is one that each of these vendors has for
    /// tests.
    pub(in crate::client) fn is_test(&self) -> bool {
        is_test(&self.candidates, &self.request.recipient)
    }

    /// Takes the first candidate out: it has had as many messages as it may. Gives it back when
    /// there is no other.
    pub(in crate::client) fn pass_over_first(&mut self, send_attempts: usize) -> bool {
        if self.candidates.len() < 2 {
            return false;
        }
        let first = self.candidates.remove(0);
        self.skips.push(skip(first.provider(), send_attempts, SkipReason::Limit));
        true
    }
}

/// A provider that can take the send, by what it says of itself.
pub(in crate::client) struct Candidate {
    pub(in crate::client) entry: Arc<ProviderEntry>,
    pub(in crate::client) source: Source,
    pub(in crate::client) reason: Choice,
    ttl: Option<Duration>,
}

/// Where a send attempt's code comes from.
pub(in crate::client) enum Source {
    /// It is the one of ours.
    Otpmux,
    /// The vendor makes a new one.
    Vendor { length: Option<u8> },
    /// The vendor sends its own again, of which this is known.
    Again { target: Target, terms: Box<VendorTerms> },
}

impl Source {
    pub(in crate::client) fn is_otpmux(&self) -> bool {
        matches!(self, Self::Otpmux)
    }

    pub(in crate::client) fn requested_length(&self) -> Option<u8> {
        match self {
            Self::Vendor { length } => *length,
            Self::Otpmux | Self::Again { .. } => None,
        }
    }

    /// What is known of the vendor's code before the call.
    pub(in crate::client) fn terms(&self) -> Option<Box<VendorTerms>> {
        match self {
            Self::Otpmux => None,
            Self::Vendor { length } => {
                Some(Box::new(VendorTerms { code_length: *length, ..VendorTerms::default() }))
            }
            Self::Again { terms, .. } => Some(terms.clone()),
        }
    }
}

impl Candidate {
    fn new(entry: &Arc<ProviderEntry>, request: &SendRequest, requested: &Requested<'_>) -> Self {
        let capabilities = entry.port().capabilities();
        let ttl = match (&capabilities.ttls, requested.again) {
            // What is left of a TTL may be less than a vendor lets us ask for. Our own expiry
            // rules in any case.
            (Some(range), Some(_)) => {
                request.ttl.map(|left| left.max(*range.start()).min(*range.end()))
            }
            _ => request.ttl,
        };
        Self {
            source: source(entry.port(), request, requested),
            reason: Choice::Preferred,
            ttl,
            entry: Arc::clone(entry),
        }
    }

    pub(in crate::client) fn provider(&self) -> &Arc<dyn OtpProvider> {
        self.entry.port()
    }

    /// Whether it is being left alone, and called only because nobody else is left.
    pub(in crate::client) fn is_last_resort(&self) -> bool {
        self.reason == Choice::LastResort
    }

    /// Digits of the code that it will send, where that is known.
    pub(in crate::client) fn code_length(&self, ours: &Code) -> Option<u8> {
        if self.source.is_otpmux() { Some(ours.length()) } else { self.source.requested_length() }
    }

    /// Turns the plan's request into this candidate's.
    pub(in crate::client) fn fit(&self, request: &mut SendRequest, ours: Option<&Code>) {
        request.ttl = self.ttl;
        request.code = match (&self.source, ours) {
            (Source::Otpmux, Some(code)) => CodeSource::Otpmux(code.clone()),
            (source, _) => CodeSource::Vendor { length: source.requested_length() },
        };
    }
}

/// What the order of candidates depends on, besides the routes.
struct Requested<'a> {
    code: Option<&'a Code>,
    /// Digits that the caller insists on.
    exact_length: Option<u8>,
    /// Digits to ask of a vendor that can be asked.
    length: Option<u8>,
    /// The verification that is sent again.
    again: Option<&'a Record>,
}

/// Who may take a request, in which order, and who may not: all that is known before anything is
/// written or called.
pub(in crate::client) struct RoutePlan {
    /// The place of the rule that decides.
    pub(in crate::client) route: usize,
    pub(in crate::client) candidates: Vec<Candidate>,
    pub(in crate::client) skips: Vec<Skip>,
    /// What to answer when nobody can take it.
    pub(in crate::client) refusal: Option<Error>,
}

impl RoutePlan {
    fn into_plan(self, request: SendRequest) -> Result<Plan, Error> {
        let Self { route, candidates, skips, refusal } = self;
        match (candidates.is_empty(), refusal) {
            (true, Some(error)) => Err(error),
            (true, None) => Err(invalid("the route has no provider")),
            (false, _) => Ok(Plan { request, route, candidates, skips }),
        }
    }
}

impl Inner {
    pub(in crate::client) fn plan_send(
        &self,
        new: NewVerification,
        code: &Code,
        entropy: &dyn Entropy,
        now: SystemTime,
    ) -> Result<Plan, Error> {
        let (request, route_plan) = self.route_send(new, code, entropy, now)?;
        route_plan.into_plan(request)
    }

    /// What is asked of providers, and who may be asked.
    pub(in crate::client) fn route_send(
        &self,
        new: NewVerification,
        code: &Code,
        entropy: &dyn Entropy,
        now: SystemTime,
    ) -> Result<(SendRequest, RoutePlan), Error> {
        let channel = new.channel_or_default();
        let ttl = new.ttl.unwrap_or_else(|| self.policy.ttl_by(&channel));
        Policy::check_ttl(ttl).map_err(invalid)?;
        if new.message.as_ref().is_some_and(|text| !text.contains("{code}")) {
            return Err(invalid("the message must hold {code} where the code belongs"));
        }
        let code_source = CodeSource::Otpmux(code.clone());
        let mut request = SendRequest::new(new.recipient, channel, code_source);
        request.ttl = Some(ttl);
        request.purpose = new.purpose;
        request.message = new.message;
        request.subject = new.subject;
        request.template = new.template;
        request.locale = new.locale;
        request.sender = new.sender;
        request.client = new.client;
        request.extensions = new.extensions;
        let requested = Requested {
            code: Some(code),
            exact_length: new.code_length,
            length: Some(code.length()),
            again: None,
        };
        let route_plan = self.route_plan(&mut request, &requested, entropy, now)?;
        Ok((request, route_plan))
    }

    /// The plan for sending a verification again, and otpmux's code if it has one.
    pub(in crate::client) fn plan_resend(
        &self,
        record: &Record,
        payload: Payload,
        channel: Option<Channel>,
        now: SystemTime,
    ) -> Result<(Plan, Option<Code>), Error> {
        if record.over(now).is_some() {
            return Err(gone());
        }
        let code = payload.code.clone();
        // A vendor that was not in sight of the send is asked for a code as long as ours.
        let length = payload.requested_length().or(code.as_ref().map(Code::length));
        let mut request = payload.into_request();
        request.ttl = Some(until(record.expires_at, now));
        let requested =
            Requested { code: code.as_ref(), exact_length: None, length, again: Some(record) };
        let mut plan = match channel {
            None if self.policy.resend_by == ResendBy::NextChannel => {
                self.plan_next_channel(request, &requested, now)?
            }
            channel => {
                request.channel = channel.unwrap_or(request.channel);
                self.plan(request, &requested, &*self.entropy, now)?
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

    /// A plan for the first channel after that of the newest send attempt that somebody can send by; for that
    /// channel again when there is none.
    fn plan_next_channel(
        &self,
        request: SendRequest,
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
            if let Ok(plan) = self.plan(request, requested, &*self.entropy, now) {
                return Ok(plan);
            }
        }
        let mut request = request;
        request.channel = last;
        self.plan(request, requested, &*self.entropy, now)
    }

    fn plan(
        &self,
        mut request: SendRequest,
        requested: &Requested<'_>,
        entropy: &dyn Entropy,
        now: SystemTime,
    ) -> Result<Plan, Error> {
        self.route_plan(&mut request, requested, entropy, now)?.into_plan(request)
    }

    fn route_plan(
        &self,
        request: &mut SendRequest,
        requested: &Requested<'_>,
        entropy: &dyn Entropy,
        now: SystemTime,
    ) -> Result<RoutePlan, Error> {
        self.check_recipient(&request.recipient)?;
        let place = self.routes.place(&request.recipient, &request.channel, &request.purpose);
        let Some(place) = place else {
            return Err(Error::new(ErrorKind::Unsupported, Certainty::NotSent, Blame::Policy)
                .with_detail("no route takes this country, channel and purpose"));
        };
        let route = &self.routes.as_slice()[place];
        let mut random = [0; 8];
        let draw = || entropy.fill(&mut random).map(|()| u64::from_le_bytes(random));
        let order = route.order(draw).map_err(no_entropy)?;
        let send_attempts = requested.again.map_or(0, |record| record.send_attempts.len());
        let drawn = !route.weights.is_empty();
        let mut candidates = Vec::with_capacity(order.len());
        let (mut skips, mut last_resorts) = (Vec::new(), Vec::new());
        let mut refusal = None;
        // Nobody is behind a vendor's test recipient but that vendor: no other one is to send there.
        let to = request.recipient.expose().to_owned();
        let members = || route.providers.iter().filter_map(|id| self.providers.active.get(id));
        let test = members().any(|entry| has_for_tests(entry.port(), &to));
        for at in order {
            let Some(entry) = self.providers.active.get(&route.providers[at]) else { continue };
            let mut candidate = Candidate::new(entry, request, requested);
            candidate.fit(request, requested.code);
            let provider = entry.port();
            let capabilities = provider.capabilities();
            if test && !has_for_tests(provider, &to) {
                skips.push(skip(
                    provider,
                    send_attempts,
                    SkipReason::Unable(Incompatibility::Recipient),
                ));
                continue;
            }
            if let Err(error) = capabilities.check_send(provider.id(), request) {
                // The first refusal is the preferred provider's: the one to tell about.
                refusal = refusal.or(Some(error));
                if let Some(what) = capabilities.incompatibility(request) {
                    skips.push(skip(provider, send_attempts, SkipReason::Unable(what)));
                }
                continue;
            }
            let health = entry.guarded.health();
            if let Some(since) = left_alone(&health, now) {
                skips.push(skip(provider, send_attempts, SkipReason::CircuitOpen(since)));
                // A probe costs a refusal, but for this: it would be a message with a code that
                // nobody can verify.
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
        // A wish for a language is honoured where somebody can; it is no reason to send nothing.
        if request.locale.is_some() {
            candidates.sort_by_key(|it| !it.provider().capabilities().locale);
        }
        candidates.extend(last_resorts);
        Ok(RoutePlan { route: place, candidates, skips, refusal })
    }

    /// Whether the policy lets this recipient have messages.
    pub(in crate::client) fn check_recipient(&self, recipient: &Recipient) -> Result<(), Error> {
        recipient.phone().map_or(Ok(()), |phone| self.policy.check_number(phone))
    }
}

/// Whose turn it is when a verification is sent again, the least first. While the user may hold a
/// code of ours, another one is second best: after who can repeat ours, and before who has just
/// failed this user or is being left alone. Of those, who was asked longest ago comes first.
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
            // The user asks again, so it has not arrived; it may by another channel.
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

/// The refusal of a provider that has sent another code than ours, until its pause is over.
fn wrongly_set_up(provider: &Arc<dyn OtpProvider>, health: &Health, now: SystemTime) -> Error {
    let pause = match health {
        Health::Open { until, .. } => crate::client::inner::until(*until, now),
        _ => Duration::from_secs(1),
    };
    Error::new(ErrorKind::CircuitOpen, Certainty::NotSent, Blame::Provider)
        .with_provider(provider.id().clone())
        .with_detail(
            "left alone since it has sent another code than ours (wrong configuration); its log \
             line names the setting",
        )
        .with_retry_after(pause)
}

/// Since when a provider is being left alone, if it is.
fn left_alone(health: &Health, now: SystemTime) -> Option<SystemTime> {
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

/// Whether this recipient is one that each of these vendors has for tests.
pub(in crate::client) fn is_test(candidates: &[Candidate], recipient: &Recipient) -> bool {
    let to = recipient.expose();
    !candidates.is_empty()
        && candidates.iter().all(|candidate| has_for_tests(candidate.provider(), to))
}

fn has_for_tests(provider: &Arc<dyn OtpProvider>, to: &str) -> bool {
    provider.capabilities().test_recipients.contains(&to)
}

/// Ours wherever the provider takes it, so that one code serves all send attempts. Test recipients get no
/// message, so a code that otpmux generated would never be known to anybody: their vendor verifies them.
fn source(
    provider: &Arc<dyn OtpProvider>,
    request: &SendRequest,
    requested: &Requested<'_>,
) -> Source {
    let capabilities = provider.capabilities();
    let test = has_for_tests(provider, request.recipient.expose());
    if capabilities.otpmux_codes.is_some() && requested.code.is_some() && !test {
        return Source::Otpmux;
    }
    if let Some(record) = requested.again.filter(|_| capabilities.resend)
        && let Some(attempt) = record.send_attempts.iter().rev().find(|attempt| {
            attempt.provider == *provider.id()
                && !attempt.otpmux_code
                && attempt.reference.is_some()
        })
    {
        let known = attempt.vendor.as_deref().copied().unwrap_or_default();
        return Source::Again {
            target: Target::new(request.recipient.clone(), attempt.reference.clone()),
            terms: Box::new(VendorTerms { repeats: true, ..known }),
        };
    }
    let wish =
        requested.exact_length.or_else(|| requested.length.filter(|n| can_ask(capabilities, *n)));
    Source::Vendor { length: if test { None } else { wish } }
}

fn can_ask(capabilities: &Capabilities, length: u8) -> bool {
    let lengths = capabilities.vendor_codes.as_ref().and_then(|codes| codes.lengths.as_ref());
    lengths.is_some_and(|lengths| lengths.contains(&length))
}
