use async_trait::async_trait;
use otpmux_core::settings::ConfigError;
use otpmux_core::{
    Capabilities, Channel, Code, CodeSource, Context, Error, OtpProvider, Outcome, ProviderId,
    ReceiptRequest, Receipts, Recipient, ReportRequest, ResendRequest, Secret, SendRequest, Sent,
    Status, Target, VendorReference, Verdict, VerifyRequest,
};
use otpmux_http::{Call, Transport, basic};

use crate::wire::{Create, Validate};
use crate::{PlivoVerifyBuilder, read, receipts};

const SESSIONS: &str = "/Account/{account}/Verify/Session/";
const SESSION: &str = "/Account/{account}/Verify/Session/{id}/";

/// "No more than 10 validations per session" (Plivo's page on sessions).
const GUESSES: u32 = 10;

/// Plivo Verify as an [`OtpProvider`].
#[derive(Debug)]
pub struct PlivoVerify {
    id: ProviderId,
    transport: Transport,
    capabilities: Capabilities,
    account: String,
    app_uuid: Option<String>,
    brand_name: Option<String>,
    callbacks: bool,
}

impl PlivoVerify {
    /// Returns the settings of an account, to complete and build.
    pub fn builder(
        auth_id: impl Into<String>,
        auth_token: impl Into<Secret>,
    ) -> PlivoVerifyBuilder {
        PlivoVerifyBuilder::default().auth_id(auth_id).auth_token(auth_token)
    }

    pub(crate) fn new(id: ProviderId, settings: &PlivoVerifyBuilder) -> Result<Self, ConfigError> {
        let account = settings.id()?;
        let credentials = basic(&account, &settings.token()?);
        let transport =
            Transport::new(id.clone(), settings.transport()?, &[("authorization", credentials)])
                .map_err(|error| ConfigError::new("", error.detail()))?
                .with_secret(settings.token()?);
        let transport = settings.receipts.hide_in(transport);
        Ok(Self {
            id,
            transport,
            capabilities: capabilities(settings),
            account,
            app_uuid: settings.app_uuid.clone(),
            brand_name: settings.brand_name.clone(),
            callbacks: settings.callbacks()?,
        })
    }

    fn create<'a>(&'a self, recipient: &'a Recipient, channel: &Channel) -> Create<'a> {
        Create {
            recipient: recipient.expose(),
            channel: if *channel == Channel::Voice { "voice" } else { "sms" },
            app_uuid: self.app_uuid.as_deref(),
            otp: None,
            code_length: None,
            locale: None,
            brand_name: self.brand_name.as_deref(),
            url: None,
            method: None,
        }
    }

    /// Returns the call for a session.
    fn at(
        &self,
        call: Call,
        recipient: &Recipient,
        reference: Option<&VendorReference>,
    ) -> Result<Call, Error> {
        let Some(reference) = reference else {
            return Err(Error::unsupported(&self.id, "this call without the id of the send"));
        };
        let call = call.with_segment("account", &self.account).with_id(reference.as_str());
        Ok(call.hiding(recipient.expose()))
    }
}

/// Returns what the vendor documents, narrowed to the settings.
pub(crate) fn capabilities(settings: &PlivoVerifyBuilder) -> Capabilities {
    let mut capabilities =
        Capabilities::new([Channel::Sms, Channel::Voice]).with_vendor_codes(Some(4..=8));
    if settings.otpmux_codes() {
        capabilities = capabilities.with_otpmux_codes(4..=8);
        capabilities.report = true;
    }
    capabilities.locale = true;
    capabilities.resend = true;
    capabilities.status = true;
    capabilities.receipts = settings.receipts.trust();
    capabilities.limits.guesses = Some(GUESSES);
    capabilities
}

#[async_trait]
impl OtpProvider for PlivoVerify {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        self.capabilities.check_send(&self.id, request)?;
        let code = request.code.otpmux_code();
        let app = request.message.as_ref().and_then(|message| message.app.as_deref());
        let callback = cx.receipt.as_ref().filter(|_| self.callbacks);
        let body = Create {
            otp: code.map(Code::expose),
            code_length: match request.code {
                CodeSource::Vendor { length } => length,
                _ => None,
            },
            // Plivo writes `pt_BR`.
            locale: request.locale.as_deref().map(|locale| locale.replace('-', "_")),
            brand_name: self.brand_name.as_deref().or(app),
            url: callback.map(|callback| callback.url.as_str()),
            method: callback.map(|_| "POST"),
            ..self.create(&request.recipient, &request.channel)
        };
        let mut call = Call::post(SESSIONS, &body)
            .with_segment("account", &self.account)
            .hiding(request.recipient.expose());
        if let Some(code) = code {
            call = call.hiding(code.expose());
        }
        read::sent(&self.transport.call(cx, call).await?)
    }

    async fn verify(&self, cx: &Context, request: &VerifyRequest) -> Result<Verdict, Error> {
        let body = Validate { otp: request.code.expose() };
        let call = Call::post(SESSION, &body).hiding(request.code.expose());
        let call = self.at(call, &request.recipient, request.reference.as_ref())?;
        read::verdict(&self.transport.call(cx, call).await?)
    }

    async fn resend(&self, cx: &Context, request: &ResendRequest) -> Result<Sent, Error> {
        let channel = request.channel.clone().unwrap_or(Channel::Sms);
        if !self.capabilities.channels.contains(&channel) {
            return Err(Error::unsupported(&self.id, "resend by this channel"));
        }
        // A recipient has one session at a time: a second create is one more attempt of it.
        let recipient = &request.target.recipient;
        let call = Call::post(SESSIONS, &self.create(recipient, &channel))
            .with_segment("account", &self.account)
            .hiding(recipient.expose());
        read::sent(&self.transport.call(cx, call).await?)
    }

    async fn status(&self, cx: &Context, target: &Target) -> Result<Status, Error> {
        let call = self.at(Call::get(SESSION), &target.recipient, target.reference.as_ref())?;
        read::status(&self.transport.call(cx, call).await?)
    }

    async fn report(&self, cx: &Context, request: &ReportRequest) -> Result<(), Error> {
        if !self.capabilities.report {
            return Err(Error::unsupported(&self.id, "report: Plivo makes the codes"));
        }
        let (Outcome::Approved, Some(code)) = (request.outcome, &request.code) else {
            // A session that is not validated expires.
            return Ok(());
        };
        let call = Call::post(SESSION, &Validate { otp: code.expose() }).hiding(code.expose());
        let target = &request.target;
        let call = self.at(call, &target.recipient, target.reference.as_ref())?;
        read::reported(&self.transport.call(cx, call).await?)
    }

    async fn receipts(
        &self,
        _cx: &Context,
        request: &ReceiptRequest<'_>,
    ) -> Result<Receipts, Error> {
        if !self.callbacks {
            return Err(Error::unsupported(&self.id, "receipts: not switched on"));
        }
        receipts::read(&self.id, request)
    }
}
