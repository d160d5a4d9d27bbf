use std::collections::BTreeMap;

use async_trait::async_trait;
use otpmux_core::settings::ConfigError;
use otpmux_core::{
    Capabilities, Channel, ClientContext, Code, CodeSource, Context, Error, OtpProvider, Outcome,
    ProviderId, ReceiptRequest, Receipts, Recipient, ReportRequest, ResendRequest, Secret,
    SendRequest, Sent, Verdict, VerifyRequest,
};
use otpmux_http::signature::PublicKeys;
use otpmux_http::{Call, Transport};
use serde_json::Value;

use crate::wire::{Check, Create, Metadata, Options, Target};
use crate::{ADAPTER, PreludeBuilder, read, receipts};

/// Prelude's Verify API v2 as an [`OtpProvider`].
#[derive(Debug)]
pub struct Prelude {
    id: ProviderId,
    transport: Transport,
    capabilities: Capabilities,
    template_id: Option<String>,
    sender: Option<String>,
    webhook_keys: Option<PublicKeys>,
}

/// The signals that a caller may give in the extensions of a request.
const SIGNALS: [&str; 5] =
    ["app_version", "device_id", "device_model", "device_platform", "os_version"];

impl Prelude {
    /// Returns the settings of an account, to complete and build.
    pub fn builder(api_key: impl Into<Secret>) -> PreludeBuilder {
        PreludeBuilder::default().api_key(api_key)
    }

    pub(crate) fn new(id: ProviderId, settings: &PreludeBuilder) -> Result<Self, ConfigError> {
        let bearer = Secret::new(format!("Bearer {}", settings.key()?.expose()));
        let transport =
            Transport::new(id.clone(), settings.transport()?, &[("authorization", bearer)])
                .map_err(|error| ConfigError::new("", error.detail()))?;
        let transport = settings.receipts.hide_in(transport);
        Ok(Self {
            id,
            transport,
            capabilities: capabilities(settings),
            template_id: settings.template_id.clone(),
            sender: settings.sender.clone(),
            webhook_keys: settings.webhook_keys()?,
        })
    }

    fn options<'a>(&'a self, cx: &'a Context, request: &'a SendRequest) -> Options<'a> {
        let message = request.message.as_ref();
        let of_message = message.and_then(|message| message.template(&self.id, ADAPTER.kind));
        let template = request.template.as_deref().or(of_message).or(self.template_id.as_deref());
        let variables = message.map(|message| &message.variables);
        let (method, preferred_channel) = by(&request.channel);
        Options {
            method,
            preferred_channel,
            code_size: match request.code {
                CodeSource::Vendor { length } => length,
                _ => None,
            },
            custom_code: request.code.otpmux_code().map(Code::expose),
            locale: request.locale.as_deref(),
            sender_id: request.sender.as_deref().or(self.sender.as_deref()),
            template_id: template,
            // Without a template, there is nothing that they belong to.
            variables: variables.filter(|all| template.is_some() && !all.is_empty()),
            callback_url: cx.receipt.as_ref().map(|receipt| receipt.url.as_str()),
        }
    }
}

/// Returns method and preferred channel. Prelude may send by another channel than the preferred one.
fn by(channel: &Channel) -> (Option<&'static str>, Option<&'static str>) {
    match channel {
        Channel::Sms => (Some("message"), Some("sms")),
        Channel::WhatsApp => (Some("message"), Some("whatsapp")),
        Channel::Voice => (Some("voice"), None),
        _ => (None, None),
    }
}

/// Returns what Prelude's SDK knows about the device of the user: the address and browser of the
/// request, and what the caller gives in `extensions.prelude`.
fn signals(client: &ClientContext, extensions: Option<&Value>) -> BTreeMap<&'static str, String> {
    let mut signals = BTreeMap::new();
    if let Some(ip) = client.ip {
        signals.insert("ip", ip.to_string());
    }
    if let Some(agent) = &client.user_agent {
        signals.insert("user_agent", agent.clone());
    }
    for name in SIGNALS {
        if let Some(value) = extensions.and_then(|given| given[name].as_str()) {
            signals.insert(name, value.to_owned());
        }
    }
    signals
}

/// Returns what the vendor documents, narrowed to the settings.
pub(crate) fn capabilities(settings: &PreludeBuilder) -> Capabilities {
    let mut channels = vec![Channel::Sms, Channel::WhatsApp, Channel::Voice];
    if settings.email {
        channels.push(Channel::Email);
    }
    let mut capabilities = Capabilities::new(channels).with_vendor_codes(Some(4..=8));
    if settings.otpmux_codes() {
        capabilities = capabilities.with_otpmux_codes(4..=8);
        // The documentation of custom codes asks for a check of each.
        capabilities.report = true;
    }
    capabilities.template = true;
    capabilities.locale = true;
    capabilities.sender = true;
    capabilities.resend = true;
    capabilities.receipts = settings.receipts.trust();
    capabilities
}

fn hiding(call: Call, recipient: &Recipient) -> Call {
    call.hiding(recipient.expose())
}

#[async_trait]
impl OtpProvider for Prelude {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        self.capabilities.check_send(&self.id, request)?;
        let extensions = request.extensions.get(ADAPTER.kind);
        let body = Create {
            target: Target::new(&request.recipient),
            options: self.options(cx, request),
            metadata: cx.receipt.as_ref().map(|it| Metadata { correlation_id: &it.token }),
            signals: signals(&request.client, extensions),
            dispatch_id: extensions.and_then(|given| given["dispatch_id"].as_str()),
        };
        let mut call = hiding(Call::post("/v2/verification", &body), &request.recipient);
        for value in body.signals.values() {
            call = call.hiding(value);
        }
        for value in body.options.variables.into_iter().flat_map(BTreeMap::values) {
            call = call.hiding(value);
        }
        if let Some(code) = request.code.otpmux_code() {
            call = call.hiding(code.expose());
        }
        read::sent(&self.transport.call(cx, call).await?)
    }

    async fn verify(&self, cx: &Context, request: &VerifyRequest) -> Result<Verdict, Error> {
        let body = Check { target: Target::new(&request.recipient), code: request.code.expose() };
        let call = Call::post("/v2/verification/check", &body).hiding(request.code.expose());
        let answer = self.transport.call(cx, hiding(call, &request.recipient)).await?;
        read::verdict(&answer, request.reference.as_ref())
    }

    async fn resend(&self, cx: &Context, request: &ResendRequest) -> Result<Sent, Error> {
        let recipient = &request.target.recipient;
        let channel = request.channel.as_ref();
        if channel.is_some_and(|channel| !self.capabilities.channels.contains(channel)) {
            return Err(Error::unsupported(&self.id, "resend by this channel"));
        }
        // A second create within the time of the first is a retry. Template, sender and locale stay
        // those of the first.
        let (method, preferred_channel) = channel.map(by).unwrap_or_default();
        let body = Create {
            target: Target::new(recipient),
            options: Options { method, preferred_channel, ..Options::default() },
            metadata: None,
            signals: BTreeMap::new(),
            dispatch_id: None,
        };
        let call = Call::post("/v2/verification", &body);
        read::sent(&self.transport.call(cx, hiding(call, recipient)).await?)
    }

    async fn report(&self, cx: &Context, request: &ReportRequest) -> Result<(), Error> {
        if !self.capabilities.report {
            return Err(Error::unsupported(&self.id, "report: Prelude makes the codes"));
        }
        let (Outcome::Approved, Some(code)) = (request.outcome, &request.code) else {
            // Prelude learns from right codes only.
            return Ok(());
        };
        let recipient = &request.target.recipient;
        let body = Check { target: Target::new(recipient), code: code.expose() };
        let call = Call::post("/v2/verification/check", &body).hiding(code.expose());
        read::reported(&self.transport.call(cx, hiding(call, recipient)).await?)
    }

    async fn receipts(
        &self,
        _cx: &Context,
        request: &ReceiptRequest<'_>,
    ) -> Result<Receipts, Error> {
        if self.capabilities.receipts.is_none() {
            return Err(Error::unsupported(&self.id, "receipts: not switched on"));
        }
        receipts::read(&self.id, self.webhook_keys.as_ref(), request)
    }
}
