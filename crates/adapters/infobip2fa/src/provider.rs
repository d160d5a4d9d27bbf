use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use otpmux_core::settings::ConfigError;
use otpmux_core::{
    Balance, Capabilities, Channel, Context, Error, OtpProvider, ProviderId, RateLimit,
    ReceiptRequest, Receipts, Recipient, ResendRequest, Secret, SendRequest, Sent, Verdict,
    VerifyRequest,
};
use otpmux_http::signature::ReceiptSecrets;
use otpmux_http::{Call, Transport};

use crate::error::Endpoint;
use crate::wire::{Resend, Send, Verify};
use crate::{ADAPTER, Infobip2faBuilder, read, receipts};

/// The defaults of a 2FA application; it may have others.
const SENDS_PER_DAY: u32 = 3;
const GUESSES: u32 = 10;

/// Infobip's 2FA API as an [`OtpProvider`].
#[derive(Debug)]
pub struct Infobip2fa {
    id: ProviderId,
    transport: Transport,
    capabilities: Capabilities,
    application_id: String,
    message_id: Option<String>,
    email_message_id: Option<String>,
    sender: Option<String>,
    number_lookup: bool,
    receipt_secrets: Option<ReceiptSecrets>,
}

impl Infobip2fa {
    /// Returns the settings of a 2FA application, to complete and build.
    pub fn builder(
        base_url: impl Into<String>,
        api_key: impl Into<Secret>,
        application_id: impl Into<String>,
    ) -> Infobip2faBuilder {
        let mut builder =
            Infobip2faBuilder::default().api_key(api_key).application_id(application_id);
        builder.http.base_url = Some(base_url.into());
        builder
    }

    pub(crate) fn new(id: ProviderId, settings: &Infobip2faBuilder) -> Result<Self, ConfigError> {
        let key = Secret::new(format!("App {}", settings.key()?.expose()));
        let transport =
            Transport::new(id.clone(), settings.transport()?, &[("authorization", key)])
                .map_err(|error| ConfigError::new("", error.detail()))?;
        let transport = settings.receipts.hide_in(transport);
        Ok(Self {
            id,
            transport,
            capabilities: capabilities(settings),
            application_id: settings.application()?,
            message_id: settings.message_id.clone(),
            email_message_id: settings.email_message_id.clone(),
            sender: settings.sender.clone(),
            number_lookup: settings.number_lookup,
            receipt_secrets: settings.receipt_secrets()?,
        })
    }

    /// Returns the template: the caller's, or that of the message, or the account's for the channel.
    fn template<'a>(&'a self, request: &'a SendRequest) -> Result<&'a str, Error> {
        let own =
            if request.channel.wants_email() { &self.email_message_id } else { &self.message_id };
        let message = request.message.as_ref();
        request
            .template
            .as_deref()
            .or_else(|| message.and_then(|message| message.template(&self.id, ADAPTER.kind)))
            .or(own.as_deref())
            .ok_or_else(|| {
                Error::unsupported(&self.id, "a send without a template; set message_id")
            })
    }

    fn call(&self, request: &SendRequest) -> Result<Call, Error> {
        let email = request.channel.wants_email();
        let message = request.message.as_ref();
        let variables = message.map(|message| &message.variables);
        // `pin` is the place of the code in the template.
        let placeholders: BTreeMap<&str, &str> = variables
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| *name != "pin")
            .collect();
        let sender = request.sender.as_deref().or(self.sender.as_deref());
        let body = Send {
            application_id: &self.application_id,
            message_id: self.template(request)?,
            from: sender.filter(|_| !email),
            to: request.recipient.expose_digits(),
            placeholders,
            track_delivery: self.capabilities.receipts.is_some() && !email,
        };
        let mut call = match &request.channel {
            Channel::Voice => Call::post("/2fa/2/pin/voice", &body),
            Channel::Email => Call::post("/2fa/2/pin/email", &body),
            // The vendor's default is a look-up.
            _ => Call::post("/2fa/2/pin", &body)
                .with_query("ncNeeded", if self.number_lookup { "true" } else { "false" }),
        };
        for value in variables.into_iter().flat_map(BTreeMap::values) {
            call = call.hiding(value);
        }
        Ok(call.hiding(request.recipient.expose()))
    }
}

/// Returns what the vendor documents, narrowed to the settings.
pub(crate) fn capabilities(settings: &Infobip2faBuilder) -> Capabilities {
    let mut channels = vec![Channel::Sms, Channel::Voice];
    if settings.email_message_id.is_some() {
        channels.push(Channel::Email);
    }
    let mut capabilities = Capabilities::new(channels).with_vendor_codes(None);
    capabilities.template = true;
    capabilities.sender = true;
    capabilities.resend = true;
    capabilities.balance = true;
    capabilities.receipts = settings.receipts.trust();
    capabilities.receipts_by_reference = true;
    let day = Duration::from_hours(24);
    capabilities.limits.sends_per_recipient = vec![RateLimit::new(SENDS_PER_DAY, day)];
    capabilities.limits.guesses = Some(GUESSES);
    capabilities
}

#[async_trait]
impl OtpProvider for Infobip2fa {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        self.capabilities.check_send(&self.id, request)?;
        let call = self.call(request)?;
        read::sent(&self.transport.call(cx, call).await?, Endpoint::Send)
    }

    async fn verify(&self, cx: &Context, request: &VerifyRequest) -> Result<Verdict, Error> {
        let Some(reference) = &request.reference else {
            return Err(Error::unsupported(&self.id, "verify without the id of the send"));
        };
        let body = Verify { pin: request.code.expose() };
        let call = Call::post("/2fa/2/pin/{id}/verify", &body)
            .with_id(reference.as_str())
            .hiding(request.code.expose())
            .hiding(request.recipient.expose());
        read::verdict(&self.transport.call(cx, call).await?)
    }

    async fn resend(&self, cx: &Context, request: &ResendRequest) -> Result<Sent, Error> {
        let target = &request.target;
        let Some(reference) = &target.reference else {
            return Err(Error::unsupported(&self.id, "resend without the id of the send"));
        };
        let channel =
            request.channel.clone().unwrap_or(if matches!(target.recipient, Recipient::Email(_)) {
                Channel::Email
            } else {
                Channel::Sms
            });
        if !self.capabilities.channels.contains(&channel) {
            return Err(Error::unsupported(&self.id, "resend by this channel"));
        }
        let track_delivery = self.capabilities.receipts.is_some() && channel != Channel::Email;
        let endpoint = match channel {
            Channel::Voice => "/2fa/2/pin/{id}/resend/voice",
            Channel::Email => "/2fa/2/pin/{id}/resend/email",
            _ => "/2fa/2/pin/{id}/resend",
        };
        let call = Call::post(endpoint, &Resend { track_delivery })
            .with_id(reference.as_str())
            .hiding(target.recipient.expose());
        read::sent(&self.transport.call(cx, call).await?, Endpoint::Resend)
    }

    async fn balance(&self, cx: &Context) -> Result<Balance, Error> {
        read::balance(&self.transport.call(cx, Call::get("/account/1/balance")).await?)
    }

    async fn receipts(
        &self,
        _cx: &Context,
        request: &ReceiptRequest<'_>,
    ) -> Result<Receipts, Error> {
        let Some(secrets) = &self.receipt_secrets else {
            return Err(Error::unsupported(&self.id, "receipts: not switched on"));
        };
        receipts::read(&self.id, secrets, request)
    }
}
