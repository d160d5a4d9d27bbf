use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use otpmux_core::settings::ConfigError;
use otpmux_core::{
    Capabilities, Channel, Clock, Code, Context, Delivery, Error, OtpProvider, ProviderId,
    RateLimit, ReceiptRequest, ReceiptTrust, Receipts, SendRequest, Sent, VendorReference,
};
use otpmux_http::{Answer, Call, Transport};

use crate::config::Service;
use crate::credentials::{Credentials, Environment};
use crate::error::error;
use crate::receipts::Inbox;
use crate::sigv4::{Keys, Request, Scope, sign};
use crate::{AwsBuilder, ses, sms, sns};

/// One service of AWS in one region as an [`OtpProvider`].
#[derive(Debug)]
pub struct Aws {
    id: ProviderId,
    service: Service,
    region: String,
    settings: AwsBuilder,
    transport: Transport,
    credentials: Credentials,
    inbox: Option<Inbox>,
    capabilities: Capabilities,
    clock: Arc<dyn Clock>,
}

impl Aws {
    /// Returns the settings of a service (`sms`, `sns` or `ses`) in a region, to complete and build.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use otpmux_aws::Aws;
    ///
    /// let provider = Aws::builder("sms", "eu-central-1")
    ///     .access_key_id("AKIAIOSFODNN7EXAMPLE")
    ///     .secret_access_key("the secret of the key")
    ///     .sender("Acme")
    ///     .build("primary")?;
    /// # let _ = provider;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(service: impl Into<String>, region: impl Into<String>) -> AwsBuilder {
        AwsBuilder::default().service(service).region(region)
    }

    pub(crate) fn new(
        id: ProviderId,
        settings: &AwsBuilder,
        environment: &Environment,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        let service = settings.chosen()?;
        let transport = Transport::new(id.clone(), settings.http_config(service)?, &[])
            .map_err(|error| ConfigError::new("", error.detail().to_owned()))?;
        let credentials = Credentials::new(&id, settings, environment, Arc::clone(&clock))?;
        let topic = settings.topic(service)?;
        let inbox = topic.map(|topic| Inbox::new(&id, topic, settings)).transpose()?;
        Ok(Self {
            capabilities: capabilities(service, inbox.is_some()),
            region: settings.region.clone().unwrap_or_default(),
            settings: settings.clone(),
            id,
            service,
            transport,
            credentials,
            inbox,
            clock,
        })
    }

    /// Returns the call with the headers of its signature.
    fn signed(&self, call: Call, content_type: &str, keys: &Keys) -> Result<Call, Error> {
        let url = self.transport.url(&call);
        let host = match (url.host_str(), url.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or_default().to_owned(),
        };
        let mut headers = vec![("host", host.as_str()), ("content-type", content_type)];
        if self.service == Service::Sms {
            headers.push(sms::TARGET);
        }
        let request = Request {
            method: call.method().as_str(),
            path: url.path(),
            query: url.query().unwrap_or_default(),
            headers: &headers,
            body: call.body(),
        };
        let scope = Scope { region: &self.region, service: self.service.signing_name() };
        let signed = sign(&request, scope, keys, self.clock.now());
        let mut added = vec![
            ("x-amz-date", signed.date.as_str()),
            ("authorization", signed.authorization.expose()),
        ];
        if self.service == Service::Sms {
            added.push(sms::TARGET);
        }
        if let Some(token) = &signed.security_token {
            added.push(("x-amz-security-token", token.expose()));
        }
        added.into_iter().try_fold(call, |call, (name, value)| {
            call.with_header(name, value).map_err(|_| {
                Error::new(
                    otpmux_core::ErrorKind::Configuration,
                    otpmux_core::Certainty::NotSent,
                    otpmux_core::Blame::Provider,
                )
                .with_provider(self.id.clone())
                .with_detail("the credentials hold characters that no header may hold")
            })
        })
    }

    fn read_sent(&self, answer: &Answer) -> Result<Sent, Error> {
        if answer.status() != 200 {
            return Err(if answer.is_success() {
                answer.protocol_error("an undocumented kind of success")
            } else {
                error(self.service, answer)
            });
        }
        let id = match self.service {
            Service::Sns => sns::message_id(answer),
            Service::Sms | Service::Ses => sms::message_id(answer),
        };
        let id = id.ok_or_else(|| answer.protocol_error("the answer has no MessageId"))?;
        let mut sent = Sent::new().with_reference(VendorReference::new(id));
        sent.delivery = Some(Delivery::Accepted);
        let request_id = answer.header("x-amzn-requestid");
        sent.request_id = request_id.and_then(|id| answer.public_id(id));
        Ok(sent)
    }
}

/// Returns what the service's model documents.
pub(crate) fn capabilities(service: Service, receipts: bool) -> Capabilities {
    let channel = if service == Service::Ses { Channel::Email } else { Channel::Sms };
    let mut capabilities =
        Capabilities::new([channel]).with_otpmux_codes(Code::MIN_LENGTH..=Code::MAX_LENGTH);
    capabilities.message = true;
    capabilities.needs_message = true;
    capabilities.letters_in_codes = true;
    capabilities.sender = service != Service::Ses;
    capabilities.receipts = receipts.then_some(ReceiptTrust::Signed);
    if service == Service::Sns {
        // The quota of transactional SMS, the same in every region that has no higher one.
        capabilities.limits.requests = vec![RateLimit::new(20, Duration::from_secs(1))];
    }
    capabilities
}

#[async_trait]
impl OtpProvider for Aws {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        self.capabilities.check_send(&self.id, request)?;
        let (Some(code), Some(message)) = (request.code.otpmux_code(), &request.message) else {
            return Err(Error::unsupported(&self.id, "a send without a message and a code"));
        };
        let keys = self.credentials.keys(cx).await?;
        let (call, content_type) = match self.service {
            Service::Sms => {
                (sms::call(&self.settings, cx, request, message, code), sms::CONTENT_TYPE)
            }
            Service::Sns => (sns::call(&self.settings, request, message, code), sns::CONTENT_TYPE),
            Service::Ses => {
                (ses::call(&self.settings, cx, request, message, code), ses::CONTENT_TYPE)
            }
        };
        let call = self
            .signed(call, content_type, &keys)?
            .hiding(request.recipient.expose())
            .hiding(code.expose())
            .hiding(&keys.access_key_id)
            .hiding(keys.secret_access_key.expose());
        self.read_sent(&self.transport.call(cx, call).await?)
    }

    async fn receipts(
        &self,
        cx: &Context,
        request: &ReceiptRequest<'_>,
    ) -> Result<Receipts, Error> {
        match &self.inbox {
            Some(inbox) => inbox.read(cx, request).await,
            None => Err(Error::unsupported(&self.id, "receipts without `topic_arn`")),
        }
    }
}
