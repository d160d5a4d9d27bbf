use async_trait::async_trait;
use otpmux_core::settings::ConfigError;
use otpmux_core::{
    Capabilities, Channel, Code, Context, Delivery, Error, OtpProvider, ProviderId, Secret,
    SendRequest, Sent, Status, Target, VendorReference,
};
use otpmux_http::{Answer, Call, Transport};

use crate::AcmeBuilder;
use crate::error::error;
use crate::wire::{Message, Send};

/// Acme as an [`OtpProvider`].
#[derive(Debug)]
pub struct Acme {
    id: ProviderId,
    transport: Transport,
    capabilities: Capabilities,
    sender: Option<String>,
}

impl Acme {
    /// The settings of an account, for [`AcmeBuilder::build`].
    pub fn builder(api_key: impl Into<Secret>) -> AcmeBuilder {
        AcmeBuilder { api_key: Some(api_key.into()), ..AcmeBuilder::default() }
    }

    pub(crate) fn new(id: ProviderId, settings: &AcmeBuilder) -> Result<Self, ConfigError> {
        let bearer = Secret::new(format!("Bearer {}", settings.key()?.expose()));
        let transport =
            Transport::new(id.clone(), settings.transport()?, &[("authorization", bearer)])
                .map_err(|error| ConfigError::new("", error.detail()))?;
        let sender = settings.sender.clone();
        Ok(Self { id, transport, capabilities: capabilities(), sender })
    }

    fn read_sent(answer: &Answer) -> Result<Sent, Error> {
        let message = read_message(answer)?;
        let id = message.id.filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| answer.protocol_error("the field id is missing"))?;
        let mut sent = Sent::new().with_reference(VendorReference::new(id));
        sent.delivery = message.status.as_ref().and_then(|status| Some(delivery(status.as_str()?)));
        Ok(sent)
    }

    fn read_status(answer: &Answer) -> Result<Status, Error> {
        let message = read_message(answer)?;
        let status = message.status.as_ref().and_then(|status| status.as_str());
        let status = status.ok_or_else(|| answer.protocol_error("the field status is missing"))?;
        Ok(Status::new(delivery(status)))
    }
}

/// The vendor's documented capabilities. Claim only what is proven: the engine asks for nothing
/// else.
pub(crate) fn capabilities() -> Capabilities {
    let mut capabilities = Capabilities::new([Channel::Sms]).with_otpmux_codes(4..=10);
    capabilities.status = true;
    capabilities
}

fn read_message(answer: &Answer) -> Result<Message, Error> {
    match answer.status() {
        200 | 201 => answer.parse().ok_or_else(|| answer.protocol_error("not the documented JSON")),
        _ if answer.is_success() => Err(answer.protocol_error("an undocumented kind of success")),
        _ => Err(error(answer)),
    }
}

fn delivery(status: &str) -> Delivery {
    match status {
        "queued" => Delivery::Accepted,
        "sent" => Delivery::Sent,
        "delivered" => Delivery::Delivered,
        "failed" => Delivery::Failed,
        _ => Delivery::Unknown,
    }
}

#[async_trait]
impl OtpProvider for Acme {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        // Refuses what was not claimed, before any I/O.
        self.capabilities.check_send(&self.id, request)?;
        let code = request.code.otpmux_code();
        let code = code.ok_or_else(|| Error::unsupported(&self.id, "codes of the vendor"))?;
        let body = Send {
            to: request.recipient.expose(),
            code: Code::expose(code),
            sender: request.sender.as_deref().or(self.sender.as_deref()),
        };
        let call =
            Call::post("/messages", &body).hiding(request.recipient.expose()).hiding(code.expose());
        Self::read_sent(&self.transport.call(cx, call).await?)
    }

    async fn status(&self, cx: &Context, target: &Target) -> Result<Status, Error> {
        let Some(reference) = &target.reference else {
            return Err(Error::unsupported(&self.id, "status without the id of the message"));
        };
        let call = Call::get("/messages/{id}")
            .with_id(reference.as_str())
            .hiding(target.recipient.expose());
        Self::read_status(&self.transport.call(cx, call).await?)
    }

    // Calls that the vendor does not have are not written: they are `unsupported`.
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// No panic on any bytes that the vendor may answer, and no success without a success.
        #[test]
        fn bytes_of_any_kind_are_classified(
            status in 0u16..1000, body in prop::collection::vec(any::<u8>(), 0..64)
        ) {
            let id = ProviderId::new("acme").unwrap();
            let answer = Answer::new(id, status, None, body);
            prop_assert!(Acme::read_sent(&answer).is_err() || matches!(status, 200 | 201));
            prop_assert!(Acme::read_status(&answer).is_err() || matches!(status, 200 | 201));
        }
    }
}
