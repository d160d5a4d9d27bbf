use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use axum::extract::State;
use axum::response::Response;
use otpmux::provider::{Clock as _, SystemClock};
use otpmux::{Code, NewDelivery, NewVerification, OtpClient, Recipient, Repeat, SendOptions};

use super::channel;
use super::failure::Failure;
use super::form::Form;
use super::session::Session;
use super::views::{self, Shown, VerificationView, notes};
use crate::app::App;
use crate::doors::recipient::{self, WithoutPlus};

/// Starts a verification, or sends the live one again.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    session: Session,
    mut form: Form,
) -> Result<Response, Failure> {
    let asked = Asked::read(&mut form, &session, &app.client)?;
    form.ignore_others(&session.door);
    let now = SystemClock.now();
    if let Some(code) = asked.code.clone() {
        return deliver(&app, &session, asked, code, now).await;
    }
    let to = shown(&asked.to);
    let new = asked.verification(notes(&to, now));
    let client = session.client.clone();
    let sent = app.to_the_end(async move { client.send(new).await }).await?;
    let created = (!sent.repeated).then_some(now);
    let view = VerificationView::of(&session, &sent, Some(&to), created).sent_at(now);
    Ok(views::created(&view))
}

/// Sends a code that the caller made, and will compare itself.
async fn deliver(
    app: &App,
    session: &Session,
    asked: Asked,
    code: Code,
    now: SystemTime,
) -> Result<Response, Failure> {
    let to = shown(&asked.to);
    let mut new = NewDelivery::of(code, asked.to).with_options(asked.options);
    new.options.metadata = notes(&to, now);
    let client = session.client.clone();
    let sent = app.to_the_end(async move { client.deliver(new).await }).await?;
    let shown = Shown::delivery(&sent, "pending");
    let view = VerificationView::of(session, shown, Some(&to), Some(now)).sent_at(now);
    Ok(views::created(&view))
}

/// What a request asks for.
struct Asked {
    to: Recipient,
    /// The caller's own code.
    code: Option<Code>,
    options: SendOptions,
}

impl Asked {
    fn read(form: &mut Form, session: &Session, reader: &OtpClient) -> Result<Self, Failure> {
        let to = recipient(&form.required("To")?, reader)?;
        let channel = channel::read(&form.required("Channel")?)?;
        // With these, a code would confirm one payment; without, it would confirm any.
        let payment = "this gateway cannot bind a code to a payment";
        form.refuse("Amount", payment)?;
        form.refuse("Payee", payment)?;
        form.refuse("CustomMessage", "the texts are in the configuration of this gateway")?;
        let locale = form.take("Locale")?;
        if locale.as_ref().is_some_and(|locale| !(2..=35).contains(&locale.len())) {
            return Err(Failure::invalid("Locale", "must be a language, such as pt-BR"));
        }
        let template = form.take("TemplateSid")?;
        if template.as_ref().is_some_and(|template| template.len() > 128) {
            return Err(Failure::invalid("TemplateSid", "must be at most 128 characters"));
        }
        let brand = form.take("CustomFriendlyName")?;
        if brand.as_ref().is_some_and(|brand| !session.caller.texts.brands.contains(brand)) {
            let why = "is not among the `brands` of this API key";
            return Err(Failure::invalid("CustomFriendlyName", why));
        }
        let mut options = SendOptions::default();
        if let Some(address) = form.take("DeviceIp")? {
            let why = "must be an IPv4 or IPv6 address";
            let ip = address.parse().map_err(|_| Failure::invalid("DeviceIp", why))?;
            options.client.ip = Some(ip);
        }
        let code = form.take("CustomCode")?.map(|code| Code::given(&code)).transpose();
        let code = code.map_err(|error| Failure::invalid("CustomCode", error))?;
        options.purpose = session.purpose.clone();
        (options.channel, options.locale) = (channel, locale);
        (options.template, options.brand) = (template, brand);
        Ok(Self { to, code, options })
    }

    fn verification(self, notes: BTreeMap<String, String>) -> NewVerification {
        let mut new = NewVerification::to(self.to).with_options(self.options);
        new.options.metadata = notes;
        // At Twilio, a second request for a number sends the same code again, under the same SID.
        new.repeat = Some(Repeat::SameCode);
        new
    }
}

/// A recipient as the answer to its caller has it: a number in its one form, an address as given.
pub(super) fn shown(to: &Recipient) -> String {
    if to.email().is_some() { to.expose().to_owned() } else { to.canonical().into_owned() }
}

/// Reads a number or an address. A plus that a client has not encoded arrives as a space; some
/// leave it out.
pub(super) fn recipient(text: &str, reader: &OtpClient) -> Result<Recipient, Failure> {
    let rest = text.strip_prefix(' ').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let to = match rest {
        Some(rest) => reader.read_recipient(&format!("+{rest}"), None),
        None => recipient::read(text, WithoutPlus::NationalElseInternational, reader),
    };
    to.map_err(|error| Failure::invalid("To", error))
}
