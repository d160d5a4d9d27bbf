//! The adapter of the vendor in memory, honest or not.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use otpmux_core::{
    Balance, Blame, Cancellation, Capabilities, Certainty, Channel, Code, CodeSource, Context,
    Delivery, Error, ErrorKind, OsEntropy, OtpProvider, ProviderId, ReceiptRequest, Receipts,
    Recipient, ReportRequest, ResendRequest, SendRequest, Sent, Status, Target, VendorReference,
    Verdict, VerifyRequest,
};
use otpmux_testkit::conformance::{DeliveredMessage, VendorFault};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

use crate::lie::Lie;
use crate::model::{KEY, TEST_RECIPIENT, Vendor, VendorCode};

/// How long the provider waits for an answer.
const TIMEOUT: Duration = Duration::from_millis(120);

pub(crate) struct ModelProvider {
    id: ProviderId,
    capabilities: Capabilities,
    lie: Lie,
    key: String,
    vendor: Arc<Vendor>,
}

impl ModelProvider {
    pub(crate) fn new(
        capabilities: Capabilities,
        lie: Lie,
        key: &str,
        vendor: Arc<Vendor>,
    ) -> Self {
        let id = if lie == Lie::ChangesItsName {
            format!("model-{}", vendor.lock().instances)
        } else {
            "model".to_owned()
        };
        vendor.lock().instances += 1;
        let (id, key) = (ProviderId::new(id).unwrap(), key.to_owned());
        Self { id, capabilities, lie, key, vendor }
    }

    fn error(&self, kind: ErrorKind, certainty: Certainty, blame: Blame) -> Error {
        let lied = self.lie == Lie::BlamesTheCaller;
        let blame = if lied { Blame::Caller } else { blame };
        let error = Error::new(kind, certainty, blame).with_provider(self.id.clone());
        if self.lie == Lie::LeaksTheKey {
            return error.with_detail(format!("with key {}", self.key));
        }
        error
    }

    /// One request: `Ok` when the vendor does its work, `Err` for what it does instead.
    async fn request(&self, cx: &Context) -> Result<(), Error> {
        let ends = self.ends(cx)?;
        let fault = {
            let mut vendor = self.vendor.lock();
            vendor.requests += 1;
            vendor.fault.clone()
        };
        let broken = |kind| {
            let not_sent = self.lie == Lie::CallsBreaksNotSent;
            let certainty = if not_sent { Certainty::NotSent } else { Certainty::Unknown };
            self.error(kind, certainty, Blame::Provider)
        };
        match fault {
            None if self.key != KEY => Err(self.answer(401)),
            None if self.lie == Lie::BreaksWhenDropped && self.vendor.lock().stuck => {
                Err(broken(ErrorKind::Transport))
            }
            None => Ok(()),
            Some(VendorFault::Answer(200..300, body)) => {
                let success = body.contains("success");
                match self.lie {
                    Lie::ApprovesAnySuccess if success => Ok(()),
                    Lie::ApprovesByStatus => Ok(()),
                    _ => self.garbage(),
                }
            }
            Some(VendorFault::Status(status) | VendorFault::Answer(status, _)) => {
                Err(self.answer(status))
            }
            Some(VendorFault::Redirect(url)) => {
                if self.lie == Lie::FollowsRedirects {
                    let host = url.trim_start_matches("http://").split('/').next();
                    let _ = TcpStream::connect(host.unwrap_or_default()).await;
                }
                Err(self.answer(307))
            }
            Some(VendorFault::Refuse) => {
                Err(self.error(ErrorKind::Transport, Certainty::NotSent, Blame::Provider))
            }
            Some(VendorFault::Hang) => {
                self.vendor.lock().stuck = true;
                sleep_until(ends).await;
                self.vendor.lock().stuck = false;
                Err(broken(ErrorKind::Timeout))
            }
            Some(VendorFault::GarbageJson) => self.garbage(),
            Some(VendorFault::GarbageHttp) => Err(broken(ErrorKind::Transport)),
            Some(_) => {
                if self.lie == Lie::RetriesAfterBreak {
                    self.vendor.lock().requests += 1;
                }
                Err(broken(ErrorKind::Transport))
            }
        }
    }

    fn ends(&self, cx: &Context) -> Result<Instant, Error> {
        let now = Instant::now();
        if self.lie == Lie::IgnoresDeadlines {
            return Ok(now + Duration::from_millis(700));
        }
        let deadline = cx.deadline.map_or(now + TIMEOUT, Instant::from_std);
        if deadline <= now {
            return Err(self.error(ErrorKind::Timeout, Certainty::NotSent, Blame::Provider));
        }
        Ok(deadline.min(now + TIMEOUT))
    }

    fn garbage(&self) -> Result<(), Error> {
        match self.lie {
            // As a panic, but without a report on stderr.
            Lie::PanicsOnGarbage => std::panic::resume_unwind(Box::new("no such field")),
            Lie::AcceptsGarbage => Ok(()),
            _ => Err(self.error(ErrorKind::Protocol, Certainty::Unknown, Blame::Provider)),
        }
    }

    fn answer(&self, status: u16) -> Error {
        let (kind, certainty, blame) = match status {
            401 => (ErrorKind::Unauthenticated, Certainty::Rejected, Blame::Provider),
            300..=399 | 402 | 403 => (ErrorKind::Unavailable, Certainty::Rejected, Blame::Provider),
            408 => (ErrorKind::Timeout, Certainty::Unknown, Blame::Provider),
            500.. if self.lie == Lie::CallsServerErrorsRefused => {
                (ErrorKind::Unavailable, Certainty::Rejected, Blame::Provider)
            }
            500.. => (ErrorKind::Unavailable, Certainty::Unknown, Blame::Provider),
            400..=499 if self.lie == Lie::CallsRefusalsNotSent => {
                (ErrorKind::Unavailable, Certainty::NotSent, Blame::Provider)
            }
            400..=499 if self.lie == Lie::CallsRefusalsUnknown => {
                (ErrorKind::Unavailable, Certainty::Unknown, Blame::Provider)
            }
            200..=299 => (ErrorKind::Protocol, Certainty::Unknown, Blame::Provider),
            _ => (ErrorKind::InvalidRequest, Certainty::Rejected, Blame::Caller),
        };
        self.error(kind, certainty, blame).with_status(status)
    }

    fn unless(&self, claimed: bool, operation: &'static str) -> Result<(), Error> {
        if claimed || self.lie == Lie::AsksUnclaimed {
            return Ok(());
        }
        Err(Error::unsupported(&self.id, operation))
    }

    fn deliver(&self, channel: &Channel, to: &Recipient, code: &str, text: Option<&str>) {
        if to.expose() == TEST_RECIPIENT && self.lie != Lie::SendsToTestRecipients {
            return;
        }
        if self.lie == Lie::NeverSendsAgain && !self.vendor.lock().messages.is_empty() {
            return;
        }
        let text = text.filter(|_| self.lie != Lie::IgnoresMessage);
        let text = text.unwrap_or("Your code is {code}").replace("{code}", code);
        let to = to.expose().trim_start_matches('+');
        let message = DeliveredMessage::new(channel.clone(), to, code, text);
        self.vendor.lock().messages.push(message);
    }

    fn new_code(&self, length: u8) -> (String, Sent) {
        let length = if self.lie == Lie::IgnoresVendorLengths { 7 } else { length };
        let code = Code::generate(length, &OsEntropy).unwrap().expose().to_owned();
        let mut vendor = self.vendor.lock();
        let reference = VendorReference::new(vendor.codes.len().to_string());
        let made = vendor.now;
        vendor.codes.push(VendorCode { code: code.clone(), made, wrong: 0, over: false });
        (code, Sent::new().with_reference(reference))
    }
}

fn place(reference: Option<&VendorReference>) -> Option<usize> {
    reference?.as_str().parse().ok()
}

#[async_trait]
impl OtpProvider for ModelProvider {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, cx: &Context, request: &SendRequest) -> Result<Sent, Error> {
        if self.lie != Lie::ChecksNothing {
            self.capabilities.check_send(&self.id, request)?;
        }
        let wishes = [&request.template, &request.locale, &request.sender];
        if self.lie == Lie::RefusesWishes && wishes.iter().any(|wish| wish.is_some())
            || self.lie == Lie::RefusesLifetimes && request.ttl.is_some()
        {
            return Err(self.answer(400));
        }
        if self.lie == Lie::LeaksInLogs {
            tracing::trace!(to = request.recipient.expose(), "sending");
        }
        self.request(cx).await.map_err(|error| {
            if self.lie == Lie::LeaksInErrors {
                return error.with_detail(format!("to {}", request.recipient.expose()));
            }
            error
        })?;
        if self.lie == Lie::SendsTwice {
            self.request(cx).await?;
        }
        if !self.vendor.lock().keys.insert(cx.idempotency_key)
            && self.capabilities.idempotent
            && self.lie != Lie::NotIdempotent
        {
            return Ok(Sent::new());
        }
        let (code, sent) = match &request.code {
            CodeSource::Otpmux(code) if self.lie == Lie::DropsLeadingZeros => {
                (code.expose().trim_start_matches('0').to_owned(), Sent::new())
            }
            CodeSource::Otpmux(code) => (code.expose().to_owned(), Sent::new()),
            CodeSource::Vendor { length } => self.new_code(length.unwrap_or(6)),
            _ => return Err(Error::unsupported(&self.id, "this source of codes")),
        };
        let text = request.message.as_ref().and_then(|it| it.text.with_placeholder("{code}"));
        self.deliver(&request.channel, &request.recipient, &code, text.as_deref());
        Ok(sent)
    }

    async fn verify(&self, cx: &Context, request: &VerifyRequest) -> Result<Verdict, Error> {
        self.unless(self.capabilities.vendor_codes.is_some(), "verify")?;
        if self.lie == Lie::ApprovesEverything {
            return Ok(Verdict::Approved);
        }
        self.request(cx).await?;
        let gullible = matches!(self.lie, Lie::ApprovesAnySuccess | Lie::ApprovesByStatus);
        if gullible && self.vendor.lock().fault.is_some() {
            return Ok(Verdict::Approved);
        }
        let mut vendor = self.vendor.lock();
        let now = vendor.now;
        let code = place(request.reference.as_ref()).and_then(|place| vendor.codes.get_mut(place));
        let Some(code) = code else {
            return Ok(Verdict::NotFound);
        };
        if code.over {
            return Ok(Verdict::AlreadyUsed);
        }
        if now > code.made + Duration::from_mins(10) {
            return Ok(Verdict::Expired);
        }
        if code.wrong >= 3 {
            return Ok(Verdict::TooManyGuesses { retry_after: None });
        }
        if code.code == request.code.expose() {
            code.over = true;
            return Ok(Verdict::Approved);
        }
        if self.lie != Lie::CountsNoAttempts {
            code.wrong += 1;
        }
        if self.lie == Lie::WrongCodeIsAnError {
            return Err(self.answer(400));
        }
        Ok(Verdict::WrongCode { guesses_left: None })
    }

    async fn resend(&self, cx: &Context, request: &ResendRequest) -> Result<Sent, Error> {
        self.unless(self.capabilities.resend, "resend")?;
        self.request(cx).await?;
        let (code, sent) = self.new_code(6);
        let channel = request.channel.clone().unwrap_or(self.capabilities.channels[0].clone());
        self.deliver(&channel, &request.target.recipient, &code, None);
        Ok(sent)
    }

    async fn cancel(&self, cx: &Context, target: &Target) -> Result<Cancellation, Error> {
        self.unless(self.capabilities.cancel, "cancel")?;
        self.request(cx).await?;
        let mut vendor = self.vendor.lock();
        let code = place(target.reference.as_ref()).and_then(|place| vendor.codes.get_mut(place));
        if let Some(code) = code {
            code.over = self.lie != Lie::CancelsNothing;
        }
        Ok(Cancellation::Cancelled)
    }

    async fn status(&self, cx: &Context, _: &Target) -> Result<Status, Error> {
        let claimed = self.capabilities.status && self.lie != Lie::StatusUnsupported;
        self.unless(claimed, "status")?;
        self.request(cx).await?;
        Ok(Status::new(Delivery::Delivered))
    }

    async fn balance(&self, cx: &Context) -> Result<Balance, Error> {
        self.unless(self.capabilities.balance, "balance")?;
        self.request(cx).await?;
        let lied = self.lie == Lie::WritesBalanceInWords;
        let amount = if lied { "USD 12.50" } else { "12.50" };
        Ok(Balance::new(amount, Some("USD".to_owned())))
    }

    async fn report(&self, cx: &Context, _: &ReportRequest) -> Result<(), Error> {
        self.unless(self.capabilities.report, "report")?;
        self.request(cx).await?;
        if self.lie == Lie::RefusesReports { Err(self.answer(400)) } else { Ok(()) }
    }

    async fn receipts(&self, cx: &Context, _: &ReceiptRequest<'_>) -> Result<Receipts, Error> {
        if self.capabilities.receipts.is_none() {
            self.unless(false, "receipts")?;
            self.request(cx).await?;
        }
        if self.lie == Lie::BelievesForgedReceipts {
            return Ok(Receipts::default());
        }
        Err(self.error(ErrorKind::Unauthenticated, Certainty::NotSent, Blame::Caller))
    }
}

impl fmt::Debug for ModelProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("ModelProvider");
        if self.lie == Lie::LeaksInDebug {
            shown.field("key", &self.key);
        }
        shown.field("id", &self.id).finish_non_exhaustive()
    }
}
