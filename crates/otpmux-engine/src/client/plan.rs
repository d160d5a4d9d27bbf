use std::sync::Arc;
use std::time::{Duration, SystemTime};

use otpmux_core::{
    Blame, Capabilities, Certainty, Channel, Code, CodeSource, Error, ErrorKind, OtpProvider,
    SendRequest, Target,
};

use super::kept::Kept;
use super::{Inner, NewVerification, gone, invalid, until};
use crate::{Policy, Record};

/// A send, thought through before anything is written or called: what is asked, and who may be
/// asked in which order. Never without a candidate.
pub(super) struct Plan {
    pub(super) request: SendRequest,
    pub(super) candidates: Vec<Candidate>,
}

impl Plan {
    /// Digits of the code, where all candidates agree: a form is built for it before it is known who
    /// will have sent it.
    pub(super) fn code_length(&self, ours: &Code) -> Option<u8> {
        let first = self.candidates.first()?.code_length(ours);
        let agree = |candidate: &Candidate| candidate.code_length(ours) == first;
        first.filter(|_| self.candidates.iter().all(agree))
    }
}

/// A provider that can take the send, by what it says of itself.
pub(super) struct Candidate {
    pub(super) provider: Arc<dyn OtpProvider>,
    pub(super) source: Source,
    lifetime: Option<Duration>,
}

/// Where a leg's code comes from.
pub(super) enum Source {
    /// It is the one of ours.
    Supplied,
    /// The vendor makes a new one.
    Vendor { length: Option<u8> },
    /// The vendor sends its own again.
    Again(Target),
}

impl Source {
    pub(super) fn is_supplied(&self) -> bool {
        matches!(self, Self::Supplied)
    }

    pub(super) fn wished_length(&self) -> Option<u8> {
        match self {
            Self::Vendor { length } => *length,
            Self::Supplied | Self::Again(_) => None,
        }
    }
}

impl Candidate {
    /// Digits of the code that it will send, where that is known.
    fn code_length(&self, ours: &Code) -> Option<u8> {
        if self.source.is_supplied() { Some(ours.length()) } else { self.source.wished_length() }
    }

    /// Turns the plan's request into this candidate's.
    pub(super) fn fit(&self, request: &mut SendRequest, ours: Option<&Code>) {
        request.lifetime = self.lifetime;
        request.code = match (&self.source, ours) {
            (Source::Supplied, Some(code)) => CodeSource::Supplied(code.clone()),
            (source, _) => CodeSource::Vendor { length: source.wished_length() },
        };
    }
}

/// What the order of candidates depends on, besides the routes.
struct Wanted<'a> {
    code: Option<&'a Code>,
    /// Digits that the caller insists on.
    exact_length: Option<u8>,
    /// Digits to ask of a vendor that can be asked.
    wished_length: Option<u8>,
    /// The verification that is sent again.
    again: Option<&'a Record>,
}

impl Inner {
    pub(super) fn plan_send(&self, new: NewVerification, code: &Code) -> Result<Plan, Error> {
        let recipient = new.recipient;
        let default = if recipient.email().is_some() { Channel::Email } else { Channel::Sms };
        let channel = new.channel.unwrap_or(default);
        let lifetime = new.lifetime.unwrap_or(self.policy.lifetime);
        Policy::check_lifetime(lifetime).map_err(invalid)?;
        if new.message.as_ref().is_some_and(|text| !text.contains("{code}")) {
            return Err(invalid("the message must hold {code} where the code belongs"));
        }
        let mut request = SendRequest::new(recipient, channel, CodeSource::Supplied(code.clone()));
        request.lifetime = Some(lifetime);
        request.purpose = new.purpose;
        request.message = new.message;
        request.subject = new.subject;
        request.template = new.template;
        request.locale = new.locale;
        request.sender = new.sender;
        request.client = new.client;
        request.extensions = new.extensions;
        let wanted = Wanted {
            code: Some(code),
            exact_length: new.code_length,
            wished_length: Some(code.length()),
            again: None,
        };
        self.plan(request, &wanted)
    }

    /// The plan for sending a verification again, and the code of ours if it has one.
    pub(super) fn plan_resend(
        &self,
        record: &Record,
        kept: Kept,
        channel: Option<Channel>,
        now: SystemTime,
    ) -> Result<(Plan, Option<Code>), Error> {
        if record.over(now).is_some() {
            return Err(gone());
        }
        let code = kept.code.clone();
        let wished_length = kept.wished_length();
        let mut request = kept.into_request();
        if let Some(channel) = channel {
            request.channel = channel;
        }
        request.lifetime = Some(until(record.expires_at, now));
        let wanted =
            Wanted { code: code.as_ref(), exact_length: None, wished_length, again: Some(record) };
        let mut plan = self.plan(request, &wanted)?;
        // While the user may hold the code of ours, nobody sends another one if somebody can repeat
        // it.
        let ours = |candidate: &Candidate| candidate.source.is_supplied();
        if record.code_is_out() && plan.candidates.iter().any(ours) {
            plan.candidates.retain(ours);
        }
        // Who has carried a message that did not reach the user comes last.
        let carried = |candidate: &Candidate| {
            let id = candidate.provider.id();
            record.legs.iter().any(|leg| leg.provider == *id && leg.state.may_have_sent())
        };
        plan.candidates.sort_by_key(carried);
        Ok((plan, code))
    }

    fn plan(&self, mut request: SendRequest, wanted: &Wanted<'_>) -> Result<Plan, Error> {
        let ids = self.routes.providers(&request.recipient, &request.channel, &request.purpose);
        let Some(ids) = ids else {
            return Err(Error::new(ErrorKind::Unsupported, Certainty::NotSent, Blame::Policy)
                .with_detail("no route takes this country, channel and purpose"));
        };
        let lifetime = request.lifetime;
        let mut candidates = Vec::with_capacity(ids.len());
        let mut refusal = None;
        for provider in ids.iter().filter_map(|id| self.providers.get(id)) {
            let capabilities = provider.capabilities();
            let candidate = Candidate {
                source: source(provider, &request, wanted),
                lifetime: match (&capabilities.lifetimes, wanted.again) {
                    // What is left of a lifetime may be less than a vendor lets us ask for. Our own
                    // expiry rules in any case.
                    (Some(range), Some(_)) => {
                        lifetime.map(|left| left.max(*range.start()).min(*range.end()))
                    }
                    _ => lifetime,
                },
                provider: Arc::clone(provider),
            };
            candidate.fit(&mut request, wanted.code);
            match capabilities.check_send(provider.id(), &request) {
                Ok(()) => candidates.push(candidate),
                // The first refusal is the preferred provider's: the one to tell about.
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        match (candidates.is_empty(), refusal) {
            (true, Some(error)) => Err(error),
            (true, None) => Err(invalid("the route has no provider")),
            (false, _) => Ok(Plan { request, candidates }),
        }
    }
}

/// Ours wherever the provider takes it, so that one code serves all legs. Test recipients get no
/// message, so a code of ours would never be known to anybody: their vendor verifies them.
fn source(provider: &Arc<dyn OtpProvider>, request: &SendRequest, wanted: &Wanted<'_>) -> Source {
    let capabilities = provider.capabilities();
    let test = capabilities.test_recipients.contains(&request.recipient.expose());
    if capabilities.supplied_codes.is_some() && wanted.code.is_some() && !test {
        return Source::Supplied;
    }
    if let Some(record) = wanted.again.filter(|_| capabilities.resend)
        && let Some(leg) =
            record.legs.iter().rev().find(|leg| {
                leg.provider == *provider.id() && !leg.supplied && leg.reference.is_some()
            })
    {
        return Source::Again(Target::new(request.recipient.clone(), leg.reference.clone()));
    }
    let wish =
        wanted.exact_length.or_else(|| wanted.wished_length.filter(|n| can_ask(capabilities, *n)));
    Source::Vendor { length: if test { None } else { wish } }
}

fn can_ask(capabilities: &Capabilities, length: u8) -> bool {
    let lengths = capabilities.vendor_codes.as_ref().and_then(|codes| codes.lengths.as_ref());
    lengths.is_some_and(|lengths| lengths.contains(&length))
}
