use std::time::Duration;

use async_trait::async_trait;
use otpmux_core::settings::ConfigError;
use otpmux_core::{
    Capabilities, Channel, Code, CodeSource, Context, Error, OtpProvider, ProviderId,
    ReceiptRequest, Receipts, ResendRequest, Secret, SendRequest, Sent, Verdict, VerifyRequest,
};
use otpmux_http::signature::ReceiptSecrets;
use otpmux_http::{Call, Transport};
use serde_json::{Map, Value};

use crate::{ADAPTER, Msg91Builder, read, receipts};

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

/// The names of the API's own parameters: a variable of the message must not replace one.
const RESERVED: &[&str] = &[
    "authkey",
    "template_id",
    "mobile",
    "otp",
    "otp_length",
    "otp_expiry",
    "sender",
    "email",
    "userip",
    "invisible",
    "unicode",
    "extra_param",
    "realTimeResponse",
    "DLT_TE_ID",
];

/// MSG91's OTP API as an [`OtpProvider`].
#[derive(Debug)]
pub struct Msg91 {
    id: ProviderId,
    transport: Transport,
    capabilities: Capabilities,
    template_id: Option<String>,
    receipt_secrets: Option<ReceiptSecrets>,
}

impl Msg91 {
    /// Returns the settings of an account, to complete and build.
    pub fn builder(auth_key: impl Into<Secret>) -> Msg91Builder {
        Msg91Builder::default().auth_key(auth_key)
    }

    pub(crate) fn new(id: ProviderId, settings: &Msg91Builder) -> Result<Self, ConfigError> {
        let credentials = [("authkey", settings.key()?)];
        let transport = Transport::new(id.clone(), settings.transport()?, &credentials)
            .map_err(|error| ConfigError::new("", error.detail()))?;
        let transport = settings.receipts.hide_in(transport);
        let template_id = settings.template_id.clone();
        let capabilities = capabilities(settings);
        let receipt_secrets = settings.receipt_secrets()?;
        Ok(Self { id, transport, capabilities, template_id, receipt_secrets })
    }

    /// Returns the template: the caller's, or that of the message, or the account's.
    fn template<'a>(&'a self, request: &'a SendRequest) -> Result<&'a str, Error> {
        let message = request.message.as_ref();
        request
            .template
            .as_deref()
            .or_else(|| message.and_then(|message| message.template(&self.id, ADAPTER.kind)))
            .or(self.template_id.as_deref())
            .ok_or_else(|| {
                Error::unsupported(&self.id, "a send without a template; set template_id")
            })
    }

    fn body(&self, request: &SendRequest) -> Result<Value, Error> {
        let mut body = Map::new();
        // The values of the message's variables have the names that the template gives them.
        for (name, value) in request.message.iter().flat_map(|message| &message.variables) {
            if !RESERVED.contains(&name.as_str()) {
                body.insert(name.clone(), value.as_str().into());
            }
        }
        body.insert("template_id".to_owned(), self.template(request)?.into());
        body.insert("mobile".to_owned(), request.recipient.expose_digits().into());
        match &request.code {
            CodeSource::Otpmux(code) => {
                body.insert("otp".to_owned(), Code::expose(code).into());
            }
            CodeSource::Vendor { length: Some(length) } => {
                body.insert("otp_length".to_owned(), (*length).into());
            }
            _ => {}
        }
        if let Some(ttl) = request.ttl {
            // Rounded down: the vendor's code must not be good for longer than otpmux says.
            body.insert("otp_expiry".to_owned(), (ttl.as_secs() / 60).into());
        }
        Ok(Value::Object(body))
    }
}

/// Returns what the vendor documents, narrowed to the settings.
pub(crate) fn capabilities(settings: &Msg91Builder) -> Capabilities {
    let mut capabilities =
        Capabilities::new([Channel::Sms]).with_vendor_codes(Some(4..=9)).with_ttls(MINUTE..=DAY);
    if !settings.vendor_codes() {
        capabilities = capabilities.with_otpmux_codes(4..=9);
    }
    capabilities.template = true;
    capabilities.resend = true;
    capabilities.receipts = settings.receipts.trust();
    capabilities.receipts_by_reference = true;
    capabilities
}

#[async_trait]
impl OtpProvider for Msg91 {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        self.capabilities.check_send(&self.id, request)?;
        let mut call = Call::post("/otp", &self.body(request)?).hiding(request.recipient.expose());
        if let Some(code) = request.code.otpmux_code() {
            call = call.hiding(code.expose());
        }
        for value in request.message.iter().flat_map(|message| message.variables.values()) {
            call = call.hiding(value);
        }
        read::sent(&self.transport.call(cx, call).await?)
    }

    async fn verify(&self, cx: &Context, request: &VerifyRequest) -> Result<Verdict, Error> {
        // The API finds the code by the number. Its own pages show both values in the URL, where
        // they would be in every access log on the way.
        let fields =
            [("mobile", request.recipient.expose_digits()), ("otp", request.code.expose())];
        let call = Call::post_form("/otp/verify", fields)
            .hiding(request.recipient.expose())
            .hiding(request.code.expose());
        read::verdict(&self.transport.call(cx, call).await?)
    }

    async fn resend(&self, cx: &Context, request: &ResendRequest) -> Result<Sent, Error> {
        let target = &request.target;
        let by = match &request.channel {
            None | Some(Channel::Sms) => "text",
            Some(Channel::Voice) => "voice",
            Some(_) => return Err(Error::unsupported(&self.id, "resend by this channel")),
        };
        let fields = [("mobile", target.recipient.expose_digits()), ("retrytype", by)];
        let call = Call::post_form("/otp/retry", fields).hiding(target.recipient.expose());
        read::resent(&self.transport.call(cx, call).await?, target.reference.as_ref())
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
