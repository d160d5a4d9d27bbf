//! What a resend repeats, which every record has encrypted.

mod form;
mod steps;

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

/// The data that a resend needs, before encryption and after decryption.
pub(super) struct Payload {
    pub(super) recipient: Recipient,
    pub(super) code: Option<Code>,
    channel: Channel,
    rest: Rest,
    purpose: Purpose,
}

/// The parts of a request that a resend repeats and that most requests do not have. Names are short:
/// they are stored with a record.
#[derive(Default, PartialEq, Serialize, Deserialize)]
struct Rest {
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    length: Option<u8>,
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    brand: Option<String>,
    #[serde(rename = "v", default, skip_serializing_if = "BTreeMap::is_empty")]
    variables: BTreeMap<String, String>,
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    template: Option<String>,
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    sender: Option<String>,
    #[serde(rename = "x", default, skip_serializing_if = "BTreeMap::is_empty")]
    extensions: BTreeMap<String, Value>,
    #[serde(rename = "d", default, skip_serializing_if = "BTreeMap::is_empty")]
    metadata: BTreeMap<String, String>,
    #[serde(rename = "e", default, skip_serializing_if = "Vec::is_empty", with = "steps")]
    steps: Vec<EscalationStep>,
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

impl Payload {
    /// `code` is otpmux's, if any provider may carry it; `length` is requested of a vendor that
    /// generates its own.
    pub(super) fn of(
        request: &SendRequest,
        wording: &Wording,
        code: Option<&Code>,
        length: Option<u8>,
    ) -> Self {
        Self {
            recipient: request.recipient.clone(),
            code: code.cloned(),
            channel: request.channel.clone(),
            purpose: request.purpose.clone(),
            rest: Rest {
                length,
                message: wording.text.clone(),
                subject: wording.subject.clone(),
                brand: wording.brand.clone(),
                variables: wording.variables.clone(),
                template: request.template.clone(),
                locale: request.locale.clone(),
                sender: request.sender.clone(),
                extensions: request.extensions.clone(),
                metadata: BTreeMap::new(),
                steps: Vec::new(),
            },
        }
    }

    /// Adds the request's own steps of escalation.
    pub(super) fn with_steps(mut self, steps: &[EscalationStep]) -> Self {
        self.rest.steps = steps.to_vec();
        self
    }

    /// Adds the application's notes.
    pub(super) fn with_metadata(mut self, metadata: BTreeMap<String, String>) -> Self {
        self.rest.metadata = metadata;
        self
    }

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

    /// The content of a request, equal for every repeat of it.
    pub(super) fn content(asked: &Asked<'_>) -> Zeroizing<Vec<u8>> {
        let Asked { request, wording, given, terms } = asked;
        let payload = Self::of(request, wording, *given, terms.code_length)
            .with_metadata(terms.metadata.clone())
            .with_steps(&terms.steps);
        // Another spelling of the same recipient is the same request.
        let to = request.recipient.canonical();
        let code = given.map(Code::expose);
        let ttl = request.ttl.map(|ttl| ttl.as_millis());
        let external_id = terms.external_id.as_ref().map(ExternalId::expose);
        let parts = (&*to, &payload.channel, code, &payload.rest);
        let content = (parts, request.purpose.as_str(), ttl, external_id, terms.escalate);
        // Texts, numbers and JSON values always serialise.
        Zeroizing::new(serde_json::to_vec(&content).unwrap_or_default())
    }

    pub(super) fn seal(
        &self,
        id: VerificationId,
        keys: &ServerKeys,
        entropy: &dyn Entropy,
    ) -> Result<Sealed, EntropyError> {
        let rest = if self.rest == Rest::default() {
            Vec::new()
        } else {
            // Texts, numbers and JSON values always serialise.
            serde_json::to_vec(&self.rest).unwrap_or_default()
        };
        let (rest, code) = (Zeroizing::new(rest), self.code.as_ref().map(Code::expose));
        let text = form::write(&self.channel, self.recipient.expose(), code, &rest);
        keys.seal(id, &self.purpose, &text, entropy)
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
            let rest: Rest = match form.rest {
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
        request.template = self.rest.template;
        request.locale = self.rest.locale;
        request.sender = self.rest.sender;
        request.extensions = self.rest.extensions;
        let wording = Wording {
            text: self.rest.message,
            subject: self.rest.subject,
            brand: self.rest.brand,
            variables: self.rest.variables,
        };
        (request, wording)
    }
}
