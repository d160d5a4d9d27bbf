use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lettre::Address;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error as SmtpError;
use otpmux_core::settings::ConfigError;
use otpmux_core::{
    Blame, Capabilities, Certainty, Channel, Clock, Code, Context, Delivery, Error, ErrorKind,
    Message, OtpProvider, ProviderId, SendRequest, Sent, SystemClock, VendorReference,
};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::SmtpBuilder;
use crate::connection::{Server, Trouble};
use crate::error::{broken, refused};
use crate::mail::{Letter, one_line};
use crate::stage::Progress;

/// A mail server as an [`OtpProvider`].
#[derive(Debug)]
pub struct Smtp {
    id: ProviderId,
    server: Server,
    capabilities: Capabilities,
    from: Mailbox,
    reply_to: Option<Mailbox>,
    subject: String,
    code_in_subject: bool,
    username: Option<String>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

impl Smtp {
    /// Returns the settings of a mail server, to complete and build.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use otpmux_smtp::Smtp;
    ///
    /// let provider = Smtp::builder("smtp.example.com", "Acme <otp@example.com>")
    ///     .username("otp@example.com")
    ///     .password("the password of the mailbox")
    ///     .build("mail")?;
    /// # let _ = provider;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(host: impl Into<String>, from: impl Into<String>) -> SmtpBuilder {
        SmtpBuilder::default().host(host).from(from)
    }

    pub(crate) fn new(id: ProviderId, settings: &SmtpBuilder) -> Result<Self, ConfigError> {
        let checked = settings.checked()?;
        Ok(Self {
            id,
            server: Server::new(settings, &checked)?,
            capabilities: capabilities(),
            from: checked.from,
            reply_to: checked.reply_to,
            subject: settings.subject.clone(),
            code_in_subject: settings.code_in_subject,
            username: settings.username.clone(),
            timeout: settings.timeout,
            clock: Arc::new(SystemClock),
        })
    }

    /// Sets the clock for the `Date` of mails.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Writes the mail of a message.
    fn write(
        &self,
        message: &Message,
        code: &Code,
        to: &Address,
        id: &str,
    ) -> Result<Zeroizing<Vec<u8>>, Error> {
        let subject = message.subject.as_ref();
        let subject = subject.filter(|subject| self.code_in_subject || !subject.has_code());
        let subject = subject.map(|subject| subject.with_code(code));
        let text = message.text.with_code(code);
        let html = message.html.as_ref().map(|html| html.with_code(code));
        let mut from = self.from.clone();
        if from.name.is_none() {
            from.name = message.app.as_deref().map(one_line).filter(|name| !name.trim().is_empty());
        }
        let letter = Letter {
            from,
            reply_to: self.reply_to.clone(),
            to: to.clone(),
            subject: subject.as_ref().map_or(&self.subject, |subject| subject.as_str()),
            text: &text,
            html: html.as_ref().map(|html| html.as_str()),
            id,
            date: self.clock.now(),
        };
        letter.write().map(Zeroizing::new).map_err(|_| {
            Error::new(ErrorKind::InvalidRequest, Certainty::NotSent, Blame::Caller)
                .with_provider(self.id.clone())
                .with_detail("the message cannot be written as a mail")
        })
    }

    fn error(&self, progress: &Progress, trouble: Trouble, hidden: &[&str]) -> Error {
        let stage = progress.stage();
        let error = match trouble {
            Trouble::Said(kind, detail) => return broken(&self.id, kind, stage, detail),
            Trouble::Smtp(error) => error,
        };
        if let Some(code) = error.status() {
            return refused(&self.id, stage, code.into(), &text_of(&error), hidden);
        }
        let (kind, detail) = if error.is_response() {
            (ErrorKind::Protocol, "the answer is not SMTP, or the connection ended within it")
        } else if error.is_timeout() {
            (ErrorKind::Timeout, "no connection to the mail server")
        } else {
            (ErrorKind::Transport, "the connection failed or broke; check host, port and tls")
        };
        broken(&self.id, kind, stage, detail)
    }
}

/// Returns the text of a refusal.
fn text_of(error: &SmtpError) -> String {
    std::error::Error::source(error).map(ToString::to_string).unwrap_or_default()
}

pub(crate) fn capabilities() -> Capabilities {
    let mut capabilities =
        Capabilities::new([Channel::Email]).with_otpmux_codes(Code::MIN_LENGTH..=Code::MAX_LENGTH);
    capabilities.message = true;
    capabilities.letters_in_codes = true;
    capabilities.needs_message = true;
    capabilities
}

#[async_trait]
impl OtpProvider for Smtp {
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
        let recipient = request.recipient.expose();
        let to: Address = recipient.parse().map_err(|_| {
            Error::new(ErrorKind::InvalidRecipient, Certainty::NotSent, Blame::Recipient)
                .with_provider(self.id.clone())
                .with_detail("SMTP cannot carry this address")
        })?;
        let id = format!("{}@{}", cx.idempotency_key, self.from.email.domain());
        let mail = self.write(message, code, &to, &id)?;
        let now = Instant::now();
        let ends = cx.deadline.map_or(now + self.timeout, |deadline| {
            (now + self.timeout).min(Instant::from_std(deadline))
        });
        if ends <= now {
            return Err(Error::new(ErrorKind::Timeout, Certainty::NotSent, Blame::Provider)
                .with_provider(self.id.clone())
                .with_detail("the deadline had passed before the call"));
        }
        let progress = Progress::default();
        let delivery = self.server.deliver(&progress, &self.from.email, &to, &mail);
        match tokio::time::timeout_at(ends, delivery).await {
            // 250 means that the server has queued the mail, not that anybody has it.
            Ok(Ok(())) => {
                let mut sent = Sent::new().with_reference(VendorReference::new(id));
                sent.delivery = Some(Delivery::Accepted);
                Ok(sent)
            }
            Ok(Err(trouble)) => {
                let username = self.username.as_deref().unwrap_or_default();
                let hidden = [recipient, to.user(), code.expose(), username];
                Err(self.error(&progress, trouble, &hidden))
            }
            Err(_) => {
                let stage = progress.stage();
                let detail = if stage.may_have_sent() {
                    "no answer to the message in time"
                } else {
                    "no answer in time, before the message was complete"
                };
                Err(broken(&self.id, ErrorKind::Timeout, stage, detail))
            }
        }
    }

    // A mail server has no other call: a mail cannot be called back, and delivery is not reported.
}
