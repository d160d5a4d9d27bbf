use std::time::Duration;

use async_trait::async_trait;
use otpmux_core::settings::ConfigError;
use otpmux_core::{
    Balance, Capabilities, Channel, Code, Context, Error, OtpProvider, Outcome, ProviderId,
    ReceiptRequest, Receipts, ReportRequest, Secret, SendRequest, Sent, Status, Target,
    VendorReference, Verdict, VerifyRequest,
};
use otpmux_http::{Call, Transport};

use crate::config::Proof;
use crate::wire::{Create, Verify};
use crate::{TelnyxVerifyBuilder, read, receipts};

/// Telnyx Verify as an [`OtpProvider`].
#[derive(Debug)]
pub struct TelnyxVerify {
    id: ProviderId,
    transport: Transport,
    capabilities: Capabilities,
    profile: String,
    proof: Option<Proof>,
}

impl TelnyxVerify {
    /// Returns the settings of a Verify profile, to complete and build.
    pub fn builder(
        api_key: impl Into<Secret>,
        verify_profile_id: impl Into<String>,
    ) -> TelnyxVerifyBuilder {
        TelnyxVerifyBuilder::default().api_key(api_key).verify_profile_id(verify_profile_id)
    }

    pub(crate) fn new(id: ProviderId, settings: &TelnyxVerifyBuilder) -> Result<Self, ConfigError> {
        let bearer = Secret::new(format!("Bearer {}", settings.key()?.expose()));
        let transport =
            Transport::new(id.clone(), settings.transport()?, &[("authorization", bearer)])
                .map_err(|error| ConfigError::new("", error.detail()))?;
        let transport = settings.receipts.hide_in(transport);
        let capabilities = capabilities(settings);
        let (profile, proof) = (settings.profile()?, settings.proof()?);
        Ok(Self { id, transport, capabilities, profile, proof })
    }

    fn reference<'a>(
        &self,
        reference: Option<&'a VendorReference>,
    ) -> Result<&'a VendorReference, Error> {
        reference
            .ok_or_else(|| Error::unsupported(&self.id, "this call without the id of the send"))
    }
}

/// Returns what the vendor documents, narrowed to the settings. It names no range of times: this
/// one is otpmux's.
pub(crate) fn capabilities(settings: &TelnyxVerifyBuilder) -> Capabilities {
    let mut capabilities = Capabilities::new([Channel::Sms, Channel::Voice, Channel::WhatsApp])
        .with_vendor_codes(None)
        .with_ttls(Duration::from_mins(1)..=Duration::from_hours(1));
    if settings.otpmux_codes() {
        capabilities = capabilities.with_otpmux_codes(4..=10);
        capabilities.report = true;
    }
    capabilities.status = true;
    capabilities.balance = true;
    capabilities.receipts = settings.receipts.trust();
    capabilities.receipts_by_reference = true;
    capabilities
}

#[async_trait]
impl OtpProvider for TelnyxVerify {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        self.capabilities.check_send(&self.id, request)?;
        let code = request.code.otpmux_code();
        let body = Create {
            phone_number: request.recipient.expose(),
            verify_profile_id: &self.profile,
            custom_code: code.map(Code::expose),
            timeout_secs: request.ttl.map(|ttl| ttl.as_secs()),
        };
        let endpoint = match request.channel {
            Channel::Voice => "/verifications/call",
            Channel::WhatsApp => "/verifications/whatsapp",
            _ => "/verifications/sms",
        };
        let mut call = Call::post(endpoint, &body).hiding(request.recipient.expose());
        if let Some(code) = code {
            call = call.hiding(code.expose());
        }
        read::sent(&self.transport.call(cx, call).await?)
    }

    async fn verify(&self, cx: &Context, request: &VerifyRequest) -> Result<Verdict, Error> {
        let reference = self.reference(request.reference.as_ref())?;
        let call =
            Call::post("/verifications/{id}/actions/verify", &Verify::Code(request.code.expose()))
                .with_id(reference.as_str())
                .hiding(request.code.expose())
                .hiding(request.recipient.expose());
        read::verdict(&self.transport.call(cx, call).await?)
    }

    async fn status(&self, cx: &Context, target: &Target) -> Result<Status, Error> {
        let reference = self.reference(target.reference.as_ref())?;
        let call = Call::get("/verifications/{id}")
            .with_id(reference.as_str())
            .hiding(target.recipient.expose());
        read::status(&self.transport.call(cx, call).await?)
    }

    async fn balance(&self, cx: &Context) -> Result<Balance, Error> {
        read::balance(&self.transport.call(cx, Call::get("/balance")).await?)
    }

    async fn report(&self, cx: &Context, request: &ReportRequest) -> Result<(), Error> {
        if !self.capabilities.report {
            return Err(Error::unsupported(&self.id, "report: Telnyx makes the codes"));
        }
        let reference = self.reference(request.target.reference.as_ref())?;
        let status = if request.outcome == Outcome::Approved { "accepted" } else { "rejected" };
        let call = Call::post("/verifications/{id}/actions/verify", &Verify::Status(status))
            .with_id(reference.as_str())
            .hiding(request.target.recipient.expose());
        read::reported(&self.transport.call(cx, call).await?)
    }

    async fn receipts(
        &self,
        _cx: &Context,
        request: &ReceiptRequest<'_>,
    ) -> Result<Receipts, Error> {
        let Some(proof) = &self.proof else {
            return Err(Error::unsupported(&self.id, "receipts: not switched on"));
        };
        receipts::read(&self.id, proof, request)
    }
}
