use std::collections::BTreeMap;

use otpmux_core::{
    Blame, Certainty, Channel, Code, CodeSource, Entropy, EntropyError, Error, ErrorKind, Purpose,
    Recipient, SendRequest,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::wording::Wording;
use crate::{ExternalId, Record, Sealed, ServerKeys, VerificationId};

/// The data that a resend needs, before encryption and after decryption.
pub(super) struct Payload {
    pub(super) recipient: Recipient,
    pub(super) code: Option<Code>,
    request: PayloadFields,
    purpose: Purpose,
}

/// The parts of a request that a resend repeats. Names are short: they are stored with every
/// record.
#[derive(Serialize, Deserialize)]
struct PayloadFields {
    #[serde(rename = "t")]
    to: String,
    #[serde(rename = "h")]
    channel: Channel,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
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
            purpose: request.purpose.clone(),
            request: PayloadFields {
                to: request.recipient.expose().to_owned(),
                channel: request.channel.clone(),
                code: code.map(|code| code.expose().to_owned()),
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
            },
        }
    }

    /// Adds the application's notes.
    pub(super) fn with_metadata(mut self, metadata: BTreeMap<String, String>) -> Self {
        self.request.metadata = metadata;
        self
    }

    /// The channel of the first message.
    pub(super) fn channel(&self) -> &Channel {
        &self.request.channel
    }

    pub(super) fn metadata(&self) -> &BTreeMap<String, String> {
        &self.request.metadata
    }

    /// The content of a request, equal for every repeat of it: `asked` is the caller's request,
    /// before any code was generated, and `given` is the code that the caller made, if it did.
    pub(super) fn content(
        asked: &SendRequest,
        wording: &Wording,
        given: Option<&Code>,
        length: Option<u8>,
        metadata: &BTreeMap<String, String>,
        external_id: Option<&ExternalId>,
    ) -> Zeroizing<Vec<u8>> {
        let mut payload = Self::of(asked, wording, given, length).with_metadata(metadata.clone());
        // Another spelling of the same recipient is the same request.
        payload.request.to = asked.recipient.canonical().into_owned();
        let ttl = asked.ttl.map(|ttl| ttl.as_millis());
        let external_id = external_id.map(ExternalId::expose);
        let content = (&payload.request, asked.purpose.as_str(), ttl, external_id);
        // Texts, numbers and JSON values always serialise.
        Zeroizing::new(serde_json::to_vec(&content).unwrap_or_default())
    }

    pub(super) fn seal(
        &self,
        id: VerificationId,
        keys: &ServerKeys,
        entropy: &dyn Entropy,
    ) -> Result<Sealed, EntropyError> {
        // Texts, numbers and JSON values always serialise.
        let text = Zeroizing::new(serde_json::to_vec(&self.request).unwrap_or_default());
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
            let request: PayloadFields = serde_json::from_slice(&text).ok()?;
            let recipient = request.to.parse().ok()?;
            let code = match &request.code {
                Some(code) => Some(Code::given(code).ok()?),
                None => None,
            };
            Some(Self { recipient, code, request, purpose: record.purpose.clone() })
        };
        read().ok_or_else(|| {
            Error::new(ErrorKind::Store, Certainty::NotSent, Blame::Internal).with_detail(
                "the record cannot be decrypted; is the server key that it names still configured?",
            )
        })
    }

    /// Digits that were requested of a vendor.
    pub(super) fn requested_length(&self) -> Option<u8> {
        self.request.length
    }

    /// The request of the payload, with otpmux's code or a request for the vendor's, and what its
    /// caller decided about the text.
    pub(super) fn into_request(self) -> (SendRequest, Wording) {
        let code = match self.code {
            Some(code) => CodeSource::Otpmux(code),
            None => CodeSource::Vendor { length: self.request.length },
        };
        let mut request = SendRequest::new(self.recipient, self.request.channel, code);
        request.purpose = self.purpose;
        request.template = self.request.template;
        request.locale = self.request.locale;
        request.sender = self.request.sender;
        request.extensions = self.request.extensions;
        let wording = Wording {
            text: self.request.message,
            subject: self.request.subject,
            brand: self.request.brand,
            variables: self.request.variables,
        };
        (request, wording)
    }
}
