use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use otpmux_core::{
    Blame, Capabilities, Certainty, Channel, Clock, CodeSource, Context, Error, ErrorKind,
    OtpProvider, PhoneNumber, ProviderId, Recipient, ResendRequest, Secret, SendRequest, Sent,
    Status, SystemClock, Target, VendorReference, Verdict, VerifyRequest,
};
use otpmux_http::{Answer, Call, Transport, basic};
use serde::Serialize;

use crate::config::is_path;
use crate::wire::{Resend, Send, Verify};
use crate::{AirTextsBuilder, AirTextsConfig, Approval, Credentials, Endpoint, read};

/// AirTexts as an [`OtpProvider`], and its management calls.
#[derive(Debug)]
pub struct AirTexts {
    id: ProviderId,
    transport: Transport,
    capabilities: Capabilities,
    clock: Arc<dyn Clock>,
    appid: String,
    from: Option<String>,
    template_id: Option<u64>,
    lang: Option<String>,
    otp_length: Option<u8>,
    paths: BTreeMap<Endpoint, String>,
    approval: Option<Approval>,
}

impl AirTexts {
    /// Returns the settings of an application. Add its credentials, then build: `api_key` and
    /// `api_secret`, or `username` and `password`, or `bearer`.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use otpmux_airtexts::AirTexts;
    ///
    /// let provider = AirTexts::builder("acme-login")
    ///     .api_key("the key")
    ///     .api_secret("the secret")
    ///     .from("Acme")
    ///     .build("third")?;
    /// # let _ = provider;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(appid: impl Into<String>) -> AirTextsBuilder {
        AirTextsBuilder::default().appid(appid)
    }

    /// Creates a provider; opens no connection.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`], not sent, for credentials that are not valid in a header, a
    /// user name with a colon, an invalid path, a length of codes outside 4 to 8, and the errors of
    /// [`Transport::new`].
    pub fn new(id: ProviderId, config: AirTextsConfig) -> Result<Self, Error> {
        let wrong = |detail: &'static str| {
            let (kind, blame) = (ErrorKind::Configuration, Blame::Provider);
            Err(Error::new(kind, Certainty::NotSent, blame)
                .with_provider(id.clone())
                .with_detail(detail))
        };
        if matches!(&config.credentials, Credentials::Basic { username, .. } if username.contains(':'))
        {
            return wrong("a user name of Basic authentication holds no colon");
        }
        if !config.paths.values().all(|path| is_path(path)) {
            return wrong("a path begins with / and holds no ?, # or space");
        }
        if config.otp_length.is_some_and(|length| !(4..=8).contains(&length)) {
            return wrong("the length of codes is 4 to 8");
        }
        let (headers, secrets) = headers(&config.credentials);
        let transport = Transport::new(id.clone(), config.http.clone(), &headers)?;
        Ok(Self {
            capabilities: capabilities(&config),
            transport: secrets.into_iter().fold(transport, Transport::with_secret),
            id,
            clock: Arc::new(SystemClock),
            appid: config.appid,
            from: config.from,
            template_id: config.template_id,
            lang: config.lang,
            otp_length: config.otp_length,
            paths: config.paths,
            approval: config.approval,
        })
    }

    /// Sets the clock; an expiry in seconds is counted from its time.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.transport = self.transport.with_clock(Arc::clone(&clock));
        self.clock = clock;
        self
    }

    /// Returns a `GET` with the application's id.
    pub(crate) fn get(&self, endpoint: Endpoint) -> Call {
        self.at(endpoint, Call::get(endpoint.path())).with_query("appid", &self.appid)
    }

    fn post(&self, endpoint: Endpoint, body: &impl Serialize) -> Call {
        self.at(endpoint, Call::post(endpoint.path(), body))
    }

    fn at(&self, endpoint: Endpoint, call: Call) -> Call {
        match self.paths.get(&endpoint) {
            Some(path) => call.with_path(path),
            None => call,
        }
    }

    pub(crate) async fn call(&self, cx: &Context, call: Call) -> Result<Answer, Error> {
        self.transport.call(cx, call).await
    }

    /// Returns the number of the template.
    fn template(&self, request: &SendRequest) -> Result<Option<u64>, Error> {
        match &request.template {
            None => Ok(self.template_id),
            Some(template) => match template.parse() {
                Ok(id) => Ok(Some(id)),
                Err(_) => Err(self.invalid("a template is a whole number here")),
            },
        }
    }

    /// Returns the number and the id from the answer to the send, which verify, resend and status
    /// need.
    fn known<'a>(
        &self,
        recipient: &'a Recipient,
        reference: Option<&'a VendorReference>,
    ) -> Result<(&'a str, &'a VendorReference), Error> {
        let phone = recipient.phone().map(PhoneNumber::expose);
        let phone = phone.ok_or_else(|| self.invalid("the recipient is no telephone number"))?;
        let without = || Error::unsupported(&self.id, "without the id of the send");
        Ok((phone, reference.ok_or_else(without)?))
    }

    fn invalid(&self, detail: &'static str) -> Error {
        Error::new(ErrorKind::InvalidRequest, Certainty::NotSent, Blame::Caller)
            .with_provider(self.id.clone())
            .with_detail(detail)
    }
}

/// Returns the headers of the credentials, and the secrets that they hold in another form.
fn headers(credentials: &Credentials) -> (Vec<(&'static str, Secret)>, Vec<Secret>) {
    match credentials {
        Credentials::KeyPair { key, secret } => {
            (vec![("x-api-key", key.clone()), ("x-api-secret", secret.clone())], Vec::new())
        }
        Credentials::Basic { username, password } => {
            (vec![("authorization", basic(username, password))], vec![password.clone()])
        }
        Credentials::Bearer { token } => {
            let header = Secret::new(format!("Bearer {}", token.expose()));
            (vec![("authorization", header)], vec![token.clone()])
        }
    }
}

/// Returns what the overview and the send page document, narrowed to the configuration. They
/// mention rate limits, without figures.
pub(crate) fn capabilities(config: &AirTextsConfig) -> Capabilities {
    let lengths = config.otp_length.map_or(4..=8, |length| length..=length);
    let mut capabilities =
        Capabilities::new([Channel::Sms, Channel::WhatsApp]).with_vendor_codes(Some(lengths));
    capabilities.template = true;
    capabilities.locale = true;
    capabilities.sender = true;
    capabilities.resend = config.resend;
    capabilities.status = config.status;
    capabilities
}

/// Returns the language of a locale: the vendor shows only languages (`en`, `pt`), so the country
/// is removed.
fn language(locale: &str) -> &str {
    locale.split(['-', '_']).next().unwrap_or(locale)
}

#[async_trait]
impl OtpProvider for AirTexts {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        self.capabilities.check_send(&self.id, request)?;
        let length = match request.code {
            CodeSource::Vendor { length } => length,
            _ => None,
        };
        let locale = request.locale.as_deref().map(language);
        let body = Send {
            appid: &self.appid,
            recipient: request.recipient.expose(),
            channel: request.channel.as_str(),
            from: request.sender.as_deref().or(self.from.as_deref()),
            otp_length: length.or(self.otp_length),
            template_id: self.template(request)?,
            lang: locale.or(self.lang.as_deref()),
        };
        let call = self.post(Endpoint::Send, &body).hiding(request.recipient.expose());
        read::sent(&self.call(cx, call).await?, self.clock.now())
    }

    async fn verify(&self, cx: &Context, request: &VerifyRequest) -> Result<Verdict, Error> {
        let (phone, reference) = self.known(&request.recipient, request.reference.as_ref())?;
        let body = Verify {
            appid: &self.appid,
            recipient: phone,
            otp_code: request.code.expose(),
            verification_id: reference.as_str(),
        };
        let call = self.post(Endpoint::Verify, &body).hiding(request.code.expose()).hiding(phone);
        read::verdict(&self.call(cx, call).await?, self.approval.as_ref())
    }

    async fn resend(&self, cx: &Context, request: &ResendRequest) -> Result<Sent, Error> {
        if !self.capabilities.resend {
            return Err(Error::unsupported(&self.id, "resend: not switched on"));
        }
        let target = &request.target;
        let (phone, reference) = self.known(&target.recipient, target.reference.as_ref())?;
        let channel = request.channel.as_ref();
        if channel.is_some_and(|channel| !self.capabilities.channels.contains(channel)) {
            return Err(Error::unsupported(&self.id, "resend by this channel"));
        }
        let body = Resend {
            appid: &self.appid,
            recipient: phone,
            verification_id: reference.as_str(),
            channel: channel.map(Channel::as_str),
        };
        let call = self.post(Endpoint::Resend, &body).hiding(phone);
        read::resent(&self.call(cx, call).await?, reference, self.clock.now())
    }

    async fn status(&self, cx: &Context, target: &Target) -> Result<Status, Error> {
        if !self.capabilities.status {
            return Err(Error::unsupported(&self.id, "status: not switched on"));
        }
        let (phone, reference) = self.known(&target.recipient, target.reference.as_ref())?;
        self.delivery(cx, phone, reference.as_str()).await
    }
}
