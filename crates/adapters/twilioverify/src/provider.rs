use std::time::Duration;

use async_trait::async_trait;
use otpmux_core::{
    Balance, Cancellation, Capabilities, Channel, Context, Error, OtpProvider, Outcome, ProviderId,
    RateLimit, Recipient, ReportRequest, ResendRequest, Secret, SendRequest, Sent, Status, Target,
    Verdict, VerifyRequest,
};
use otpmux_http::{Answer, Call, Transport};

use crate::TwilioVerifyBuilder;
use crate::config::{Config, check_template};
use crate::error::{Endpoint, code, error};
use crate::read;
use crate::reference::Reference;

/// Twilio's kind, under which messages name its templates.
const KIND: &str = "twilioverify";

/// The life of a verification, which only Twilio's support can change.
const LIFE: Duration = Duration::from_mins(10);

const VERIFICATIONS: &str = "/v2/Services/{service}/Verifications";
const VERIFICATION: &str = "/v2/Services/{service}/Verifications/{id}";
const CHECK: &str = "/v2/Services/{service}/VerificationCheck";
const BALANCE: &str = "/2010-04-01/Accounts/{account}/Balance.json";

/// One Verify service at Twilio, as an [`OtpProvider`].
#[derive(Debug)]
pub struct TwilioVerify {
    id: ProviderId,
    transport: Transport,
    /// The transport to the API of the account.
    account: Transport,
    capabilities: Capabilities,
    account_sid: String,
    service_sid: String,
    template: Option<String>,
    friendly_name: Option<String>,
    app_hash: Option<String>,
    risk_check: bool,
}

impl TwilioVerify {
    /// Returns the settings of a service, to complete and build.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use otpmux_twilioverify::TwilioVerify;
    ///
    /// let provider = TwilioVerify::builder(
    ///     "AC00000000000000000000000000000000",
    ///     "the auth token",
    ///     "VA00000000000000000000000000000000",
    /// )
    /// .build("primary")?;
    /// # let _ = provider;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(
        account_sid: impl Into<String>,
        auth_token: impl Into<Secret>,
        service_sid: impl Into<String>,
    ) -> TwilioVerifyBuilder {
        TwilioVerifyBuilder::default()
            .account_sid(account_sid)
            .auth_token(auth_token)
            .service_sid(service_sid)
    }

    pub(crate) fn new(id: ProviderId, config: Config) -> Result<Self, Error> {
        let capabilities = capabilities(&config);
        let transport = |http| {
            let credentials = [("authorization", config.authorization.clone())];
            let transport = Transport::new(id.clone(), http, &credentials)?;
            Ok::<_, Error>(transport.with_secret(config.password.clone()))
        };
        Ok(Self {
            transport: transport(config.http)?,
            account: transport(config.account_http)?,
            id,
            capabilities,
            account_sid: config.account_sid,
            service_sid: config.service_sid,
            template: config.template,
            friendly_name: config.friendly_name,
            app_hash: config.app_hash,
            risk_check: config.risk_check,
        })
    }

    /// Makes a call about the service.
    async fn call(&self, cx: &Context, call: Call) -> Result<Answer, Error> {
        self.transport.call(cx, call.with_segment("service", &self.service_sid)).await
    }

    /// Returns the template: the request's, the message's, or the configured one.
    fn template<'a>(&'a self, request: &'a SendRequest) -> Result<Option<&'a str>, Error> {
        let of_message = || request.message.as_ref()?.template(&self.id, KIND);
        let template = request.template.as_deref().or_else(of_message).or(self.template.as_deref());
        match template.map(check_template) {
            Some(Err(_)) => Err(Error::unsupported(
                &self.id,
                "the template is no SID of Twilio Verify: HJ and 32 hexadecimal digits",
            )),
            _ => Ok(template),
        }
    }

    /// Returns the reference, or the error for a call that needs it.
    fn needed(&self, target: &Target, call: &'static str) -> Result<Reference, Error> {
        let reference = target.reference.as_ref().map(Reference::parse);
        reference.ok_or_else(|| Error::unsupported(&self.id, call))
    }

    /// Ends a verification at Twilio.
    async fn update(&self, cx: &Context, target: &Target, status: &str) -> Result<Answer, Error> {
        let reference = self.needed(target, "an update without the SID of the send")?;
        let call = Call::post_form(VERIFICATION, [("Status", status)]).with_id(&reference.sid);
        self.call(cx, call.hiding(target.recipient.expose())).await
    }
}

/// Returns what Twilio documents, narrowed to the settings.
pub(crate) fn capabilities(config: &Config) -> Capabilities {
    let channels = [Channel::Sms, Channel::Voice, Channel::WhatsApp, Channel::Email];
    let mut capabilities = Capabilities::new(channels);
    if config.vendor_codes {
        capabilities = capabilities.with_vendor_codes(None);
        capabilities.resend = true;
        capabilities.limits.guesses = Some(5);
    } else {
        capabilities = capabilities.with_otpmux_codes(4..=10);
        capabilities.report = true;
    }
    capabilities.template = true;
    capabilities.locale = true;
    capabilities.cancel = true;
    capabilities.status = true;
    capabilities.balance = true;
    capabilities.limits.sends_per_recipient = vec![RateLimit::new(5, LIFE)];
    capabilities
}

/// Returns Twilio's word for a channel.
fn word(channel: &Channel) -> &str {
    match channel {
        Channel::Voice => "call",
        other => other.as_str(),
    }
}

#[async_trait]
impl OtpProvider for TwilioVerify {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        self.capabilities.check_send(&self.id, request)?;
        let template = self.template(request)?;
        let message = request.message.as_ref();
        let variables = message.map(|message| &message.variables);
        // JSON inside a form field.
        let substitutions = variables
            .filter(|variables| template.is_some() && !variables.is_empty())
            .and_then(|variables| serde_json::to_string(variables).ok());
        let ip = request.client.ip.map(|ip| ip.to_string());
        let code = request.code.otpmux_code();
        let locale = request.locale.as_deref();
        let locale = locale.or_else(|| message.and_then(|message| message.locale.as_deref()));
        let mut form =
            vec![("To", request.recipient.expose()), ("Channel", word(&request.channel))];
        let app_hash = self.app_hash.as_deref().filter(|_| request.channel == Channel::Sms);
        let optional = [
            ("CustomCode", code.map(otpmux_core::Code::expose)),
            ("Locale", locale),
            ("TemplateSid", template),
            ("TemplateCustomSubstitutions", substitutions.as_deref()),
            ("CustomFriendlyName", self.friendly_name.as_deref()),
            ("AppHash", app_hash),
            ("DeviceIp", ip.as_deref()),
            ("RiskCheck", (!self.risk_check).then_some("disable")),
        ];
        form.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
        let mut call = Call::post_form(VERIFICATIONS, form).hiding(request.recipient.expose());
        for value in [code.map(otpmux_core::Code::expose), ip.as_deref()].into_iter().flatten() {
            call = call.hiding(value);
        }
        for value in variables.into_iter().flat_map(|variables| variables.values()) {
            call = call.hiding(value);
        }
        read::started(&self.call(cx, call).await?, &request.channel)
    }

    async fn verify(&self, cx: &Context, request: &VerifyRequest) -> Result<Verdict, Error> {
        if self.capabilities.vendor_codes.is_none() {
            return Err(Error::unsupported(&self.id, "verify, because otpmux makes the codes"));
        }
        let reference = request.reference.as_ref().map(Reference::parse);
        // By the number, if the answer with the SID was lost: Twilio finds its pending verification.
        let (name, value) = match &reference {
            Some(reference) => ("VerificationSid", reference.sid.as_str()),
            None => ("To", request.recipient.expose()),
        };
        let call = Call::post_form(CHECK, [(name, value), ("Code", request.code.expose())])
            .hiding(request.code.expose())
            .hiding(request.recipient.expose());
        let sid = reference.as_ref().map(|reference| reference.sid.as_str());
        read::checked(&self.call(cx, call).await?, sid)
    }

    /// Starts the same verification again: while it is pending, Twilio keeps its code.
    async fn resend(&self, cx: &Context, request: &ResendRequest) -> Result<Sent, Error> {
        if !self.capabilities.resend {
            return Err(Error::unsupported(&self.id, "resend, because otpmux makes the codes"));
        }
        let recipient = &request.target.recipient;
        let before = request.target.reference.as_ref().map(Reference::parse);
        let before = before.and_then(|reference| reference.channel);
        let usual = match recipient {
            Recipient::Email(_) => Channel::Email,
            _ => Channel::Sms,
        };
        let channel = request.channel.clone().or(before).unwrap_or(usual);
        if !self.capabilities.channels.contains(&channel) {
            return Err(Error::unsupported(&self.id, "this channel"));
        }
        let form = [("To", recipient.expose()), ("Channel", word(&channel))];
        let call = Call::post_form(VERIFICATIONS, form).hiding(recipient.expose());
        read::started(&self.call(cx, call).await?, &channel)
    }

    async fn cancel(&self, cx: &Context, target: &Target) -> Result<Cancellation, Error> {
        let answer = self.update(cx, target, "canceled").await?;
        match answer.status() {
            200 => read::has_status(&answer, "canceled").map(|()| Cancellation::Cancelled),
            // It was approved or has expired; or it never existed.
            404 if code(&answer) == Some(20404) => Ok(Cancellation::TooLate),
            _ => Err(error(&answer, Endpoint::Other)),
        }
    }

    /// Returns the state of the verification, which says little about the message: `Delivered` only
    /// after an approval.
    async fn status(&self, cx: &Context, target: &Target) -> Result<Status, Error> {
        let reference = self.needed(target, "status without the SID of the send")?;
        let call = Call::get(VERIFICATION).with_id(&reference.sid);
        let answer = self.call(cx, call.hiding(target.recipient.expose())).await?;
        match answer.status() {
            200 => read::delivery(&answer).map(Status::new),
            _ => Err(error(&answer, Endpoint::Other)),
        }
    }

    async fn balance(&self, cx: &Context) -> Result<Balance, Error> {
        let call = Call::get(BALANCE).with_segment("account", &self.account_sid);
        let answer = self.account.call(cx, call).await?;
        match answer.status() {
            200 => read::balance(&answer),
            _ => Err(error(&answer, Endpoint::Other)),
        }
    }

    /// Reports to Twilio how a code of otpmux ended. Twilio needs it for its fraud rules and ends the
    /// verification, so that its limit of five sends starts anew.
    async fn report(&self, cx: &Context, request: &ReportRequest) -> Result<(), Error> {
        if !self.capabilities.report {
            return Err(Error::unsupported(&self.id, "report, because Twilio makes the codes"));
        }
        let status = match request.outcome {
            Outcome::Approved => "approved",
            Outcome::Cancelled => "canceled",
            _ => return Err(Error::unsupported(&self.id, "a report of this outcome")),
        };
        let answer = self.update(cx, &request.target, status).await?;
        match answer.status() {
            200 => read::has_status(&answer, status),
            _ => Err(error(&answer, Endpoint::Other)),
        }
    }
}
