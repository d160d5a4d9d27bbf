use async_trait::async_trait;
use otpmux_core::{
    Balance, Blame, Cancellation, Capabilities, Certainty, Channel, Context, Error, ErrorKind,
    OtpProvider, Outcome, ProviderId, ReceiptRequest, ReceiptTrust, Receipts, ReportRequest,
    ResendRequest, Secret, SendRequest, Sent, Target, VendorReference, Verdict, VerifyRequest,
};
use otpmux_http::{Answer, Call, Transport};

use crate::VonageVerifyBuilder;
use crate::config::Config;
use crate::error::{Endpoint, JWT_EXPIRED};
use crate::read;
use crate::receipts::Receiver;
use crate::start::{STEP_TIMES, start};
use crate::wire::{Check, Problem};

const START: &str = "/v2/verify";
const REQUEST: &str = "/v2/verify/{id}";
const NEXT: &str = "/v2/verify/{id}/next_workflow";
const BALANCE: &str = "/account/get-balance";

/// One account at Vonage Verify, as an [`OtpProvider`].
#[derive(Debug)]
pub struct VonageVerify {
    id: ProviderId,
    transport: Transport,
    /// The transport to the API of the account.
    account: Transport,
    capabilities: Capabilities,
    config: Config,
}

impl VonageVerify {
    /// Returns the settings of an account with its API key, to complete and build.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use otpmux_vonageverify::VonageVerify;
    ///
    /// let provider = VonageVerify::builder("Acme", "abcd1234", "the secret").build("primary")?;
    /// # let _ = provider;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(
        brand: impl Into<String>,
        api_key: impl Into<String>,
        api_secret: impl Into<Secret>,
    ) -> VonageVerifyBuilder {
        VonageVerifyBuilder::default().brand(brand).api_key(api_key).api_secret(api_secret)
    }

    pub(crate) fn new(id: ProviderId, config: Config) -> Result<Self, Error> {
        let transport = |http| {
            let transport = Transport::new(id.clone(), http, &[])?;
            let secrets = config.secrets.iter().chain(&config.basic).cloned();
            Ok::<_, Error>(secrets.fold(transport, Transport::with_secret))
        };
        Ok(Self {
            transport: transport(config.http.clone())?,
            account: transport(config.account_http.clone())?,
            capabilities: capabilities(&config),
            id,
            config,
        })
    }

    /// Makes a call with the credentials of the application, or else of the account.
    async fn call(&self, cx: &Context, call: Call) -> Result<Answer, Error> {
        let Some(signer) = &self.config.signer else {
            return self.transport.call(cx, self.with_basic(call)?).await;
        };
        let token = signer.bearer().ok_or_else(|| {
            Error::new(ErrorKind::Internal, Certainty::NotSent, Blame::Internal)
                .with_provider(self.id.clone())
                .with_detail("the token cannot be made: no randomness, or a clock before 1970")
        })?;
        let call = authorized(call, &self.id, &token)?.hiding(bare(&token));
        let answer = self.transport.call(cx, call).await?;
        if answer.status() == 401 {
            let problem: Option<Problem> = answer.parse();
            if problem.is_some_and(|problem| problem.name() == JWT_EXPIRED) {
                signer.forget();
            }
        }
        Ok(answer)
    }

    fn with_basic(&self, call: Call) -> Result<Call, Error> {
        match &self.config.basic {
            Some(basic) => authorized(call, &self.id, basic),
            None => Err(Error::unsupported(&self.id, "this call needs api_key and api_secret")),
        }
    }

    /// Sends a code to Vonage, which compares it with its own.
    async fn check(
        &self,
        cx: &Context,
        target: (&VendorReference, &str),
        code: &str,
    ) -> Result<Answer, Error> {
        let (reference, recipient) = target;
        let call = Call::post(REQUEST, &Check { code }).with_id(reference.as_str());
        self.call(cx, hiding_recipient(call.hiding(code), recipient)).await
    }

    async fn delete(&self, cx: &Context, target: &Target) -> Result<Answer, Error> {
        let reference = self.needed(target.reference.as_ref(), "cancel without an id")?;
        let call = Call::delete(REQUEST).with_id(reference.as_str());
        self.call(cx, hiding_recipient(call, target.recipient.expose())).await
    }

    /// Returns the reference, or the error for a call that needs it: Vonage finds nothing by number.
    fn needed<'a>(
        &self,
        reference: Option<&'a VendorReference>,
        call: &'static str,
    ) -> Result<&'a VendorReference, Error> {
        reference.ok_or_else(|| Error::unsupported(&self.id, call))
    }
}

/// Returns what Vonage documents, narrowed to the settings.
pub(crate) fn capabilities(config: &Config) -> Capabilities {
    let mut channels = vec![Channel::Sms, Channel::Voice, Channel::Email];
    if config.whatsapp_sender.is_some() {
        channels.push(Channel::WhatsApp);
    }
    let mut capabilities = Capabilities::new(channels);
    if config.vendor_codes {
        capabilities = capabilities.with_vendor_codes(Some(4..=10));
        capabilities.resend = !config.fallback.is_empty();
        capabilities.limits.guesses = Some(3);
    } else {
        capabilities = capabilities.with_otpmux_codes(4..=10);
        // "4 to 10 alphanumeric characters".
        capabilities.letters_in_codes = true;
        capabilities.report = true;
    }
    // The life of a code is the sum of its steps; an e-mail has one step, a number all of them.
    let steps = u32::try_from(1 + config.fallback.len()).unwrap_or(1);
    capabilities = capabilities.with_ttls(*STEP_TIMES.start() * steps..=*STEP_TIMES.end());
    capabilities.template = true;
    capabilities.locale = true;
    capabilities.sender = true;
    capabilities.cancel = true;
    capabilities.balance = config.basic.is_some();
    capabilities.receipts = config.receipts.as_ref().map(|_| ReceiptTrust::Signed);
    capabilities
}

fn authorized(call: Call, id: &ProviderId, secret: &Secret) -> Result<Call, Error> {
    call.with_header("authorization", secret.expose()).map_err(|_| {
        Error::new(ErrorKind::Configuration, Certainty::NotSent, Blame::Provider)
            .with_provider(id.clone())
            .with_detail("a credential holds characters that no header may hold")
    })
}

/// Returns a token without its scheme, as an answer would repeat it.
fn bare(token: &Secret) -> &str {
    let text = token.expose();
    text.rsplit_once(' ').map_or(text, |(_, token)| token)
}

fn hiding_recipient(call: Call, recipient: &str) -> Call {
    call.hiding(recipient)
}

#[async_trait]
impl OtpProvider for VonageVerify {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        self.capabilities.check_send(&self.id, request)?;
        let body = start(&self.id, &self.config, cx, request)?;
        let mut call = Call::post(START, &body).hiding(request.recipient.expose());
        for value in [body.code, body.client_ref].into_iter().flatten() {
            call = call.hiding(value);
        }
        read::started(&self.call(cx, call).await?)
    }

    async fn verify(&self, cx: &Context, request: &VerifyRequest) -> Result<Verdict, Error> {
        if self.capabilities.vendor_codes.is_none() {
            return Err(Error::unsupported(&self.id, "verify, because otpmux makes the codes"));
        }
        let reference = self.needed(request.reference.as_ref(), "verify without an id")?;
        let target = (reference, request.recipient.expose());
        let answer = self.check(cx, target, request.code.expose()).await?;
        read::checked(&answer, reference.as_str())
    }

    /// Moves to the next channel of the workflow at once.
    async fn resend(&self, cx: &Context, request: &ResendRequest) -> Result<Sent, Error> {
        if !self.capabilities.resend {
            return Err(Error::unsupported(&self.id, "resend without `fallback`"));
        }
        let target = &request.target;
        let reference = self.needed(target.reference.as_ref(), "resend without an id")?;
        // Vonage decides which step is next; only one that can be no other is promised.
        let is_next = |channel: &Channel| self.config.fallback.iter().all(|next| next == channel);
        if !request.channel.as_ref().is_none_or(is_next) {
            return Err(Error::unsupported(&self.id, "a resend by a channel not in `fallback`"));
        }
        let call = Call::request(http::Method::POST, NEXT).with_id(reference.as_str());
        let call = hiding_recipient(call, target.recipient.expose());
        read::moved(&self.call(cx, call).await?, reference)
    }

    async fn cancel(&self, cx: &Context, target: &Target) -> Result<Cancellation, Error> {
        let answer = self.delete(cx, target).await?;
        match answer.status() {
            204 => Ok(Cancellation::Cancelled),
            // It was verified, has ended, or never existed. Only with Vonage's own body.
            404 if answer.parse::<Problem>().is_some() => Ok(Cancellation::TooLate),
            _ => Err(read::not_as_documented(&answer, Endpoint::Cancel)),
        }
    }

    async fn balance(&self, cx: &Context) -> Result<Balance, Error> {
        if !self.capabilities.balance {
            return Err(Error::unsupported(&self.id, "balance without api_key and api_secret"));
        }
        let call = self.with_basic(Call::get(BALANCE))?;
        read::balance(&self.account.call(cx, call).await?)
    }

    async fn receipts(
        &self,
        _cx: &Context,
        request: &ReceiptRequest<'_>,
    ) -> Result<Receipts, Error> {
        let secrets = self.config.receipts.as_ref();
        let secrets = secrets.ok_or_else(|| Error::unsupported(&self.id, "receipts"))?;
        let receiver = Receiver {
            provider: &self.id,
            secrets,
            api_key: self.config.api_key.as_deref(),
            has_fallback: !self.config.fallback.is_empty(),
        };
        receiver.read(request)
    }

    /// Reports to Vonage how a code of otpmux ended: by the code itself, or by a cancel. Without it,
    /// Vonage's fraud rules count a failure, and the workflow sends again.
    async fn report(&self, cx: &Context, request: &ReportRequest) -> Result<(), Error> {
        if !self.capabilities.report {
            return Err(Error::unsupported(&self.id, "report, because Vonage makes the codes"));
        }
        let target = &request.target;
        match (request.outcome, &request.code) {
            (Outcome::Approved, Some(code)) => {
                let reference = self.needed(target.reference.as_ref(), "report without an id")?;
                let to = (reference, target.recipient.expose());
                let answer = self.check(cx, to, code.expose()).await?;
                match answer.status() {
                    200 => read::completed(&answer, reference.as_str()),
                    _ => Err(read::not_as_documented(&answer, Endpoint::Check)),
                }
            }
            (Outcome::Cancelled, _) => {
                let answer = self.delete(cx, target).await?;
                match answer.status() {
                    204 => Ok(()),
                    _ => Err(read::not_as_documented(&answer, Endpoint::Cancel)),
                }
            }
            _ => Err(Error::unsupported(&self.id, "a report of this outcome")),
        }
    }
}
