//! How a send would be routed, without sending.

use std::collections::BTreeMap;

use otpmux_core::{
    Channel, Code, Dlt, Entropy, EntropyError, Error, Message, NumberKind, ProviderId, RateLimit,
    Text,
};

use super::NewVerification;
use super::inner::Inner;
use super::send::check_metadata;
use super::send::plan::{Candidate, RoutePlan, is_test};
use crate::numbers::country_of;
use crate::{Choice, LimitScope, Route, Skip, SmsSize};

/// How a send would be routed, and by which rules. Returned by
/// [`OtpClient::explain`](crate::OtpClient::explain).
#[derive(Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// The recipient, masked.
    pub to: String,
    /// The channel of the message.
    pub channel: Channel,
    /// The country of the number, as an ISO 3166-1 code of two letters; `None` for an e-mail
    /// address and for numbers of no country.
    pub country: Option<&'static str>,
    /// The kind of the number; `None` for an e-mail address.
    pub kind: Option<NumberKind>,
    /// Whether the policy allows messages to this recipient.
    pub served: bool,
    /// The route that applies: its index among all routes, from 0, and its content.
    pub route: Option<(usize, Route)>,
    /// The providers that would be called, in this order: the next one only where
    /// [`next_step`](otpmux_core::next_step()) allows it after a failure. Where the route has
    /// weights, this is their order in the route; each send draws a new order.
    pub candidates: Vec<CandidateView>,
    /// The providers that would be skipped, with reasons. A provider whose circuit is open is also
    /// at the end of the candidates.
    pub skipped: Vec<Skip>,
    /// The limits that would count the message with any provider. All must have room.
    pub limits: Vec<LimitView>,
    /// The message, for providers that are given a text; `None` if none of the candidates is.
    pub message: Option<MessageView>,
    /// Why nothing would be sent; `None` when there is a candidate. A limit without room is not
    /// among the reasons, because nothing is counted here.
    pub refusal: Option<Error>,
}

/// A provider that could take a send.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CandidateView {
    /// The provider.
    pub provider: ProviderId,
    /// Why it is a candidate at this position.
    pub reason: Choice,
    /// Its weight, where the route draws the order.
    pub weight: Option<u32>,
    /// Whether it would carry otpmux's code. If not, its vendor generates a code that only the
    /// vendor can verify, and it is not called once a message with otpmux's code may have been
    /// sent.
    pub otpmux_code: bool,
    /// Digits of the code, if known.
    pub code_length: Option<u8>,
    /// The limits of its messages, counted over all processes.
    pub requests: Vec<RateLimit>,
}

/// A message as a provider would be given it, with zeros for the code.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MessageView {
    /// The locale of the text; `None` for a text of the caller's.
    pub locale: Option<String>,
    /// The text.
    pub text: String,
    /// The size of an SMS; `None` for other channels.
    pub sms: Option<SmsSize>,
    /// The subject of an e-mail.
    pub subject: Option<String>,
    /// The HTML of an e-mail.
    pub html: Option<String>,
    /// The text of a voice call, with the digits apart.
    pub speech: Option<String>,
    /// Vendors' names of templates, by provider, kind of provider, or a shared word.
    pub templates: BTreeMap<String, String>,
    /// The ids that India's networks require.
    pub dlt: Option<Dlt>,
}

impl MessageView {
    fn of(message: &Message, channel: &Channel, code: &Code) -> Self {
        let said = |text: &Text| text.with_code(code).to_string();
        let text = said(&message.text);
        Self {
            locale: message.locale.clone(),
            sms: (*channel == Channel::Sms).then(|| SmsSize::of(&text)),
            text,
            subject: message.subject.as_ref().map(said),
            html: message.html.as_ref().map(said),
            speech: message.speech.as_ref().map(|speech| speech.with_spoken_code(code).to_string()),
            templates: message.templates.clone(),
            dlt: message.dlt.clone(),
        }
    }
}

/// A limit that counts a message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LimitView {
    /// What it counts.
    pub scope: LimitScope,
    /// The windows, which must all have room.
    pub windows: Vec<RateLimit>,
}

impl Inner {
    pub(super) fn explain(&self, new: NewVerification) -> Explanation {
        let recipient = new.recipient.clone();
        let mut explanation = Explanation {
            to: recipient.masked(),
            channel: new.channel_or_default(),
            country: recipient.phone().and_then(country_of),
            kind: recipient.phone().map(|phone| phone.place().kind),
            served: self.check_recipient(&recipient).is_ok(),
            route: None,
            candidates: Vec::new(),
            skipped: Vec::new(),
            limits: Vec::new(),
            message: None,
            refusal: None,
        };
        if let Err(error) = self.fill(new, &mut explanation) {
            explanation.refusal = Some(error);
        }
        explanation
    }

    fn fill(&self, new: NewVerification, into: &mut Explanation) -> Result<(), Error> {
        check_metadata(&new.options.metadata)?;
        let code = self.new_code(&new, &Zeros)?;
        let (request, _, route_plan) =
            self.route_send(Box::new(new), &code, false, &Zeros, self.clock.now())?;
        let RoutePlan { route: place, candidates, skips, refusal } = route_plan;
        let route = self.routes.as_slice()[place].clone();
        let view = |(turn, candidate): (usize, &Candidate)| {
            let id = candidate.provider().id();
            let at = route.providers.iter().position(|other| other == id);
            let limit_hit = candidate.entry.limit_hit.as_ref();
            CandidateView {
                provider: id.clone(),
                reason: match candidate.reason {
                    Choice::LastResort => Choice::LastResort,
                    _ if turn > 0 => Choice::Failover,
                    reason => reason,
                },
                weight: at.and_then(|at| route.weights.get(at)).copied(),
                otpmux_code: candidate.source.is_otpmux(),
                code_length: candidate.code_length(&code),
                requests: limit_hit.map_or_else(Vec::new, |limit_hit| limit_hit.windows.to_vec()),
            }
        };
        into.candidates = candidates.iter().enumerate().map(view).collect();
        into.route = Some((place, route));
        into.skipped = skips;
        let hash = self.keys.hash(&request.recipient);
        let limit_hits = self.limit_hits.of(&request, &hash, &self.keys);
        let limit = |limit_hit: crate::LimitHit| LimitView {
            scope: limit_hit.key.scope,
            windows: limit_hit.windows.to_vec(),
        };
        if !is_test(&candidates, &request.recipient) {
            into.limits = limit_hits.into_iter().map(limit).collect();
        }
        let message = request.message.as_ref();
        into.message = message.map(|message| MessageView::of(message, &request.channel, &code));
        into.refusal = refusal.filter(|_| candidates.is_empty());
        Ok(())
    }
}

/// No randomness: an explanation is the same each time. The code that it produces is used for its
/// length only and never sent.
#[derive(Debug)]
struct Zeros;

impl Entropy for Zeros {
    fn fill(&self, dest: &mut [u8]) -> Result<(), EntropyError> {
        dest.fill(0);
        Ok(())
    }
}
