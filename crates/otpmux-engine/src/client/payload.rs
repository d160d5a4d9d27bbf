//! What a resend repeats, which every record has encrypted.

mod form;
mod steps;

use std::borrow::Cow;
use std::collections::BTreeMap;

use otpmux_core::{
    Blame, Certainty, Channel, Code, CodeSource, Entropy, EntropyError, Error, ErrorKind, Purpose,
    Recipient, SendRequest,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::NewVerification;
use super::wording::Wording;
use crate::{EscalationStep, ExternalId, Record, Sealed, ServerKeys, VerificationId};

/// The data that a resend needs, after decryption.
pub(super) struct Payload {
    pub(super) recipient: Recipient,
    pub(super) code: Option<Code>,
    channel: Channel,
    rest: Rest<'static>,
    purpose: Purpose,
}

/// The same before encryption, borrowed from the request.
pub(super) struct NewPayload<'a> {
    request: &'a SendRequest,
    code: Option<&'a Code>,
    rest: Rest<'a>,
}

/// The parts of a request that a resend repeats and that most requests do not have. Names are short:
/// they are stored with a record.
#[derive(Default, Serialize, Deserialize)]
struct Rest<'a> {
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    length: Option<u8>,
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    message: Option<Cow<'a, str>>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    subject: Option<Cow<'a, str>>,
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    brand: Option<Cow<'a, str>>,
    #[serde(rename = "v", default, skip_serializing_if = "BTreeMap::is_empty")]
    variables: Cow<'a, BTreeMap<String, String>>,
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    template: Option<Cow<'a, str>>,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    locale: Option<Cow<'a, str>>,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    sender: Option<Cow<'a, str>>,
    #[serde(rename = "x", default, skip_serializing_if = "BTreeMap::is_empty")]
    extensions: Cow<'a, BTreeMap<String, Value>>,
    #[serde(rename = "d", default, skip_serializing_if = "BTreeMap::is_empty")]
    metadata: Cow<'a, BTreeMap<String, String>>,
    #[serde(rename = "e", default, skip_serializing_if = "<[_]>::is_empty", with = "steps")]
    steps: Cow<'a, [EscalationStep]>,
}

impl Rest<'_> {
    fn is_empty(&self) -> bool {
        // Every field is named, so that none is forgotten.
        let Self {
            length,
            message,
            subject,
            brand,
            variables,
            template,
            locale,
            sender,
            extensions,
            metadata,
            steps,
        } = self;
        let texts = [message, subject, brand, template, locale, sender];
        length.is_none()
            && texts.iter().all(|text| text.is_none())
            && variables.is_empty()
            && extensions.is_empty()
            && metadata.is_empty()
            && steps.is_empty()
    }
}

/// The parts of a caller's request that concern its verification and none of its messages.
pub(super) struct Terms {
    /// The idempotency key.
    pub(super) name: Option<String>,
    pub(super) code_length: Option<u8>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) external_id: Option<ExternalId>,
    pub(super) escalate: bool,
    pub(super) steps: Vec<EscalationStep>,
}

impl Terms {
    pub(super) fn take(new: &mut NewVerification) -> Self {
        Self {
            name: new.options.idempotency_key.take(),
            code_length: new.code_length,
            metadata: std::mem::take(&mut new.options.metadata),
            external_id: new.external_id.take(),
            escalate: new.escalate,
            steps: std::mem::take(&mut new.steps),
        }
    }
}

/// The parts of a caller's request that a repeat under the same idempotency key must have too.
pub(super) struct Asked<'a> {
    /// The request before any code was generated.
    pub(super) request: &'a SendRequest,
    pub(super) wording: &'a Wording,
    /// The code that the caller made, if it did.
    pub(super) given: Option<&'a Code>,
    pub(super) terms: &'a Terms,
}

impl Asked<'_> {
    /// The content of a request, equal for every repeat of it.
    pub(super) fn content(&self) -> Zeroizing<Vec<u8>> {
        let Asked { request, wording, given, terms } = self;
        let payload = NewPayload::of(request, wording, terms, *given, terms.code_length);
        // Another spelling of the same recipient is the same request.
        let to = request.recipient.canonical();
        let code = given.map(Code::expose);
        let ttl = request.ttl.map(|ttl| ttl.as_millis());
        let external_id = terms.external_id.as_ref().map(ExternalId::expose);
        let parts = (&*to, &request.channel, code, &payload.rest);
        let content = (parts, request.purpose.as_str(), ttl, external_id, terms.escalate);
        // Texts, numbers and JSON values always serialise.
        Zeroizing::new(serde_json::to_vec(&content).unwrap_or_default())
    }
}

impl<'a> NewPayload<'a> {
    /// `code` is otpmux's, if any provider may carry it; `length` is requested of a vendor that
    /// generates its own.
    pub(super) fn of(
        request: &'a SendRequest,
        wording: &'a Wording,
        terms: &'a Terms,
        code: Option<&'a Code>,
        length: Option<u8>,
    ) -> Self {
        let rest = Rest {
            length,
            message: wording.text.as_deref().map(Cow::Borrowed),
            subject: wording.subject.as_deref().map(Cow::Borrowed),
            brand: wording.brand.as_deref().map(Cow::Borrowed),
            variables: Cow::Borrowed(&wording.variables),
            template: request.template.as_deref().map(Cow::Borrowed),
            locale: request.locale.as_deref().map(Cow::Borrowed),
            sender: request.sender.as_deref().map(Cow::Borrowed),
            extensions: Cow::Borrowed(&request.extensions),
            metadata: Cow::Borrowed(&terms.metadata),
            steps: Cow::Borrowed(&terms.steps),
        };
        Self { request, code, rest }
    }

    /// Encrypts it for the record of this id.
    pub(super) fn seal(
        &self,
        id: VerificationId,
        keys: &ServerKeys,
        entropy: &dyn Entropy,
    ) -> Result<Sealed, EntropyError> {
        let rest = if self.rest.is_empty() {
            Vec::new()
        } else {
            // Texts, numbers and JSON values always serialise.
            serde_json::to_vec(&self.rest).unwrap_or_default()
        };
        let (rest, code) = (Zeroizing::new(rest), self.code.map(Code::expose));
        let (channel, to) = (&self.request.channel, self.request.recipient.expose());
        let write = |place: &mut Vec<u8>| form::write(place, channel, to, code, &rest);
        let most = form::most(channel, to, code, &rest);
        keys.seal_written(id, &self.request.purpose, most, write, entropy)
    }
}

impl Payload {
    /// The channel of the first message.
    pub(super) fn channel(&self) -> &Channel {
        &self.channel
    }

    /// The request's own steps of escalation.
    pub(super) fn steps(&self) -> &[EscalationStep] {
        &self.rest.steps
    }

    pub(super) fn metadata(&self) -> &BTreeMap<String, String> {
        &self.rest.metadata
    }

    /// Decrypts the payload of a record, and the references of its send attempts in place.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Store`]: the server key is gone, or the record was tampered with.
    pub(super) fn open(record: &mut Record, keys: &ServerKeys) -> Result<Self, Error> {
        let mut read = || {
            for reference in
                record.send_attempts.iter_mut().filter_map(|attempt| attempt.reference.as_mut())
            {
                *reference = keys.reveal_reference(record.id, reference)?;
            }
            let text = Zeroizing::new(keys.open(record.id, &record.purpose, &record.sealed)?);
            let form = form::read(&text)?;
            let recipient = form.to.parse().ok()?;
            let code = match &form.code {
                Some(code) => Some(Code::given(code).ok()?),
                None => None,
            };
            let rest: Rest<'_> = match form.rest {
                [] => Rest::default(),
                rest => serde_json::from_slice(rest).ok()?,
            };
            let (channel, purpose) = (form.channel, record.purpose.clone());
            Some(Self { recipient, code, channel, rest, purpose })
        };
        read().ok_or_else(|| {
            Error::new(ErrorKind::Store, Certainty::NotSent, Blame::Internal).with_detail(
                "the record cannot be decrypted; is the server key that it names still configured?",
            )
        })
    }

    /// Digits that were requested of a vendor.
    pub(super) fn requested_length(&self) -> Option<u8> {
        self.rest.length
    }

    /// The request of the payload, with otpmux's code or a request for the vendor's, and what its
    /// caller decided about the text.
    pub(super) fn into_request(self) -> (SendRequest, Wording) {
        let code = match self.code {
            Some(code) => CodeSource::Otpmux(code),
            None => CodeSource::Vendor { length: self.rest.length },
        };
        let mut request = SendRequest::new(self.recipient, self.channel, code);
        request.purpose = self.purpose;
        request.template = self.rest.template.map(Cow::into_owned);
        request.locale = self.rest.locale.map(Cow::into_owned);
        request.sender = self.rest.sender.map(Cow::into_owned);
        request.extensions = self.rest.extensions.into_owned();
        let wording = Wording {
            text: self.rest.message.map(Cow::into_owned),
            subject: self.rest.subject.map(Cow::into_owned),
            brand: self.rest.brand.map(Cow::into_owned),
            variables: self.rest.variables.into_owned(),
        };
        (request, wording)
    }
}
