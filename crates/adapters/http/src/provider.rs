use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use async_trait::async_trait;
use otpmux_core::{
    Blame, Capabilities, Certainty, Clock, Context, Error, ErrorKind, OtpProvider, ProviderId,
    ReceiptRequest, Receipts, SendRequest, Sent, SystemClock,
};
use otpmux_http::{HttpConfig, Transport};

use crate::plan::{ChannelPlan, Plan, Refused, Surroundings, Values, read_sent};
use crate::receipts::ReceiptReader;

/// A vendor that a [`Definition`](crate::Definition) describes, as an [`OtpProvider`].
pub struct HttpProvider {
    id: ProviderId,
    kind: &'static str,
    transport: Transport,
    plan: Plan,
    receipts: Option<ReceiptReader>,
    capabilities: Capabilities,
    clock: Arc<dyn Clock>,
}

impl HttpProvider {
    pub(crate) fn new(
        id: ProviderId,
        kind: &'static str,
        plan: Plan,
        receipts: Option<ReceiptReader>,
        capabilities: Capabilities,
        http: HttpConfig,
    ) -> Result<Self, Error> {
        let mut credentials = Vec::new();
        if let Some((name, value)) = &plan.credential
            && name == AUTHORIZATION
        {
            credentials.push((AUTHORIZATION, value.clone()));
        }
        let transport = Transport::new(id.clone(), http, &credentials)?;
        let transport = plan.secrets.iter().cloned().fold(transport, Transport::with_secret);
        let clock = Arc::new(SystemClock);
        Ok(Self { id, kind, transport, plan, receipts, capabilities, clock })
    }

    /// Sets the clock for `{timestamp}` and for `Retry-After` dates.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.transport = self.transport.with_clock(Arc::clone(&clock));
        self.clock = clock;
        self
    }

    fn values<'a>(
        &'a self,
        channel: &ChannelPlan,
        cx: &'a Context,
        request: &'a SendRequest,
        now: SystemTime,
    ) -> Values<'a> {
        let around = Surroundings {
            id: &self.id,
            kind: self.kind,
            defaults: &self.plan.defaults,
            now,
            number: channel.number,
            locale: channel.locale,
        };
        Values::new(cx, request, &around)
    }

    /// Returns the error for a request that cannot be made. Another provider may need less.
    fn refused(&self, refused: Refused) -> Error {
        let error = |kind, blame, detail: String| {
            Error::new(kind, Certainty::NotSent, blame)
                .with_provider(self.id.clone())
                .with_detail(detail)
        };
        match refused {
            Refused::Absent(name) => {
                let detail = format!("this provider needs a value for {name}");
                error(ErrorKind::Unsupported, Blame::Provider, detail)
            }
            Refused::Header => {
                let detail = "a value holds characters that no header may hold".to_owned();
                error(ErrorKind::InvalidRequest, Blame::Caller, detail)
            }
        }
    }
}

const AUTHORIZATION: &str = "authorization";

#[async_trait]
impl OtpProvider for HttpProvider {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        self.capabilities.check_send(&self.id, request)?;
        let Some(channel) = self.plan.channel(&request.channel) else {
            return Err(Error::unsupported(&self.id, "this channel"));
        };
        let call = {
            let values = self.values(channel, cx, request, self.clock.now());
            // The transport adds the common header by itself.
            let credential =
                self.plan.credential.as_ref().filter(|(name, _)| name != AUTHORIZATION);
            channel.call(&values, credential, self.plan.sign.as_ref())
        };
        let call = call.map_err(|error| self.refused(error))?;
        let answer = self.transport.call(cx, call).await?;
        read_sent(channel, &self.plan.failure, &answer)
    }

    async fn receipts(
        &self,
        _cx: &Context,
        request: &ReceiptRequest<'_>,
    ) -> Result<Receipts, Error> {
        match &self.receipts {
            Some(reader) => reader.read(&self.id, request),
            None => Err(Error::unsupported(&self.id, "receipts")),
        }
    }
}

impl fmt::Debug for HttpProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpProvider")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("transport", &self.transport)
            .finish_non_exhaustive()
    }
}
