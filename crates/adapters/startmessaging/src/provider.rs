use async_trait::async_trait;
use otpmux_core::{
    Balance, Capabilities, Channel, Context, Error, OtpProvider, ProviderId, ResendRequest, Secret,
    SendRequest, Sent, Status, Target, Verdict, VerifyRequest,
};
use otpmux_http::{Call, Transport};

use crate::dialect::Reference;
use crate::wire::Resend;
use crate::{Dialect, Mode, StartMessagingBuilder, StartMessagingConfig, read};

/// The length of `+91` and ten digits.
const INDIAN_MOBILE_LENGTH: usize = 13;

/// StartMessaging as an [`OtpProvider`].
#[derive(Debug)]
pub struct StartMessaging {
    id: ProviderId,
    transport: Transport,
    capabilities: Capabilities,
    mode: Mode,
    template_id: Option<String>,
    app_name: Option<String>,
    any_number: bool,
}

impl StartMessaging {
    /// Returns the settings of an account, to complete and build.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use otpmux_startmessaging::StartMessaging;
    ///
    /// let provider = StartMessaging::builder("the key from the dashboard")
    ///     .app_name("Acme")
    ///     .build("backup")?;
    /// # let _ = provider;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(api_key: impl Into<Secret>) -> StartMessagingBuilder {
        StartMessagingBuilder::default().api_key(api_key)
    }

    /// Creates a provider; opens no connection.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](otpmux_core::ErrorKind::Configuration) for a key that is not
    /// valid in a header, and the errors of [`Transport::new`].
    pub fn new(id: ProviderId, config: StartMessagingConfig) -> Result<Self, Error> {
        let capabilities = capabilities(&config);
        // Only this header: at the server a token in `Authorization` would take precedence.
        let credentials = [("x-api-key", config.api_key)];
        let transport = Transport::new(id.clone(), config.http, &credentials)?;
        Ok(Self {
            id,
            transport,
            capabilities,
            mode: config.mode,
            template_id: config.template_id,
            app_name: config.app_name,
            any_number: config.any_number,
        })
    }

    fn unsupported(&self, what: &'static str) -> Error {
        Error::unsupported(&self.id, what)
    }
}

/// Returns what the vendor documents for the mode, narrowed to the settings.
pub(crate) fn capabilities(config: &StartMessagingConfig) -> Capabilities {
    let mut capabilities = config.mode.capabilities();
    if config.any_number {
        capabilities.phone_prefixes = &[];
    }
    capabilities.idempotent = config.trust_idempotency_key;
    capabilities
}

#[async_trait]
impl OtpProvider for StartMessaging {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// # Errors
    ///
    /// Not sent: capabilities that are not claimed, and a number that is no Indian mobile.
    /// Rejected: the vendor's codes and statuses; the limit per number is blamed on policy.
    /// Unknown: 5xx, a success that cannot be read, and a 409 that does not say whether an earlier
    /// send with the same key was accepted.
    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        self.capabilities.check_send(&self.id, request)?;
        // The prefixes have been checked; the server also requires the exact length.
        if !self.any_number && request.recipient.expose().len() != INDIAN_MOBILE_LENGTH {
            return Err(self.unsupported("this provider reaches Indian mobiles only"));
        }
        let template = request.template.as_deref().or(self.template_id.as_deref());
        let app_name = self.app_name.as_deref();
        let body = self.mode.send(cx, request, template, app_name);
        let mut call = Call::post("/otp/send", &body).hiding(request.recipient.expose());
        if let Some(code) = request.code.otpmux_code() {
            call = call.hiding(code.expose());
        }
        read::sent(&self.transport.call(cx, call).await?, self.mode)
    }

    /// Uses the dialect of the send, which the reference contains, whatever is configured now.
    ///
    /// # Errors
    ///
    /// Not sent: a reference that is missing or not of a managed send. Otherwise as for a send; a
    /// deployment without this call answers 404, which is
    /// [`Unsupported`](otpmux_core::ErrorKind::Unsupported) and no verdict.
    async fn verify(&self, cx: &Context, request: &VerifyRequest) -> Result<Verdict, Error> {
        let Some((dialect, id)) = Reference::managed(request.reference.as_ref()) else {
            return Err(self.unsupported("verify without the id of a managed send"));
        };
        let call = Call::post("/otp/verify", &dialect.verify(&id, &request.code))
            .hiding(request.code.expose())
            .hiding(request.recipient.expose());
        read::verdict(&self.transport.call(cx, call).await?, &id)
    }

    /// # Errors
    ///
    /// Not sent: any dialect except b, which alone has this call, and any channel except sms.
    /// Otherwise as for a send.
    async fn resend(&self, cx: &Context, request: &ResendRequest) -> Result<Sent, Error> {
        if !matches!(request.channel, None | Some(Channel::Sms)) {
            return Err(self.unsupported("resend by another channel"));
        }
        let reference = request.target.reference.as_ref();
        let Some((Dialect::B, id)) = Reference::managed(reference) else {
            return Err(self.unsupported("resend: only dialect b has one, send again"));
        };
        let body = Resend { otp_request_id: &id };
        let call = Call::post("/otp/resend", &body).hiding(request.target.recipient.expose());
        let answer = self.transport.call(cx, call).await?;
        let mut sent = read::resent(&answer, Mode::Managed(Dialect::B))?;
        sent.reference = sent.reference.or_else(|| reference.cloned());
        Ok(sent)
    }

    /// # Errors
    ///
    /// Not sent: a reference without a message id, such as all of dialect a. Rejected:
    /// [`NotFound`](otpmux_core::ErrorKind::NotFound), and the vendor's codes and statuses.
    async fn status(&self, cx: &Context, target: &Target) -> Result<Status, Error> {
        let reference = Reference::read(target.reference.as_ref());
        let Some(message) = reference.and_then(|reference| reference.message) else {
            return Err(self.unsupported("status without the id of the message"));
        };
        let call = Call::get("/messages/{id}").with_id(&message).hiding(target.recipient.expose());
        read::status(&self.transport.call(cx, call).await?)
    }

    async fn balance(&self, cx: &Context) -> Result<Balance, Error> {
        read::balance(&self.transport.call(cx, Call::get("/wallet")).await?)
    }
}
