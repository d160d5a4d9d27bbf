//! The values of one send.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use otpmux_core::{Code, CodeSource, Context, Message, PhoneNumber, ProviderId, SendRequest};
use zeroize::Zeroizing;

use crate::definition::{LocaleForm, NumberForm};
use crate::gsm::needs_ucs2;
use crate::var::Slot;

/// The values of a provider that hold where a send brings none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Defaults {
    pub(crate) sender: Option<String>,
    pub(crate) template: Option<String>,
}

/// The values that a send needs beside the request.
pub(crate) struct Surroundings<'a> {
    pub(crate) id: &'a ProviderId,
    pub(crate) kind: &'a str,
    pub(crate) defaults: &'a Defaults,
    pub(crate) now: SystemTime,
    pub(crate) number: NumberForm,
    pub(crate) locale: LocaleForm,
}

/// The values of one send, by slot. Those that cost something are made when a text asks for them.
#[derive(Default)]
pub(crate) struct Values<'a> {
    request: Option<&'a SendRequest>,
    code: Option<&'a Code>,
    message: Option<&'a Message>,
    phone: Option<Phone<'a>>,
    to: &'a str,
    template: Option<&'a str>,
    sender: Option<&'a str>,
    locale: Option<Cow<'a, str>>,
    receipt: Option<(&'a str, &'a str)>,
    now: Option<SystemTime>,
    key: Option<String>,
    made: Made,
}

/// A number in its forms.
struct Phone<'a> {
    e164: &'a str,
    digits: &'a str,
    /// The digits of the calling code; `None` for a number in no known range.
    calling: Option<usize>,
}

/// Values that are made once.
#[derive(Default)]
struct Made {
    text: OnceCell<Option<Zeroizing<String>>>,
    subject: OnceCell<Option<Zeroizing<String>>>,
    html: OnceCell<Option<Zeroizing<String>>>,
    speech: OnceCell<Option<Zeroizing<String>>>,
    minutes: OnceCell<Option<String>>,
    seconds: OnceCell<Option<String>>,
    millis: OnceCell<Option<String>>,
}

impl<'a> Values<'a> {
    /// Returns values of which none is there, to write what is constant.
    pub(super) fn none() -> Self {
        Self::default()
    }

    pub(crate) fn new(
        cx: &'a Context,
        request: &'a SendRequest,
        around: &Surroundings<'a>,
    ) -> Self {
        let code = match &request.code {
            CodeSource::Otpmux(code) => Some(code),
            _ => None,
        };
        let message = request.message.as_ref();
        let phone = request.recipient.phone().map(Phone::new);
        let to = match (&phone, around.number) {
            (None, _) => request.recipient.expose(),
            (Some(phone), NumberForm::E164) => phone.e164,
            (Some(phone), NumberForm::Digits) => phone.digits,
            // A number in no known range has no national form; its digits are the nearest.
            (Some(phone), NumberForm::National) => phone.national().unwrap_or(phone.digits),
        };
        let template = request.template.as_deref();
        let template = template.or_else(|| message?.template(around.id, around.kind));
        let shared = || Some(message?.templates.get(request.channel.as_str())?.as_str());
        let template = template.or_else(shared);
        let locale = message.and_then(|message| message.locale.as_deref());
        let locale = locale.or(request.locale.as_deref());
        let receipt = cx.receipt.as_ref();
        Self {
            request: Some(request),
            code,
            message,
            phone,
            to,
            template: template.or(around.defaults.template.as_deref()),
            sender: request.sender.as_deref().or(around.defaults.sender.as_deref()),
            locale: locale.map(|locale| written(locale, around.locale)),
            receipt: receipt.map(|target| (target.token.as_str(), target.url.as_str())),
            now: Some(around.now),
            key: Some(cx.idempotency_key.to_string()),
            made: Made::default(),
        }
    }

    /// Returns the value of a slot; `None` if it is absent.
    pub(super) fn get(&self, slot: &Slot) -> Option<&str> {
        let phone = self.phone.as_ref();
        let message = self.message;
        match slot {
            Slot::To => (!self.to.is_empty()).then_some(self.to),
            Slot::ToE164 => phone.map(|phone| phone.e164),
            Slot::ToDigits => phone.map(|phone| phone.digits),
            Slot::ToNational => phone.and_then(Phone::national),
            Slot::ToCallingCode => phone.and_then(Phone::calling_code),
            Slot::Code => self.code.map(Code::expose),
            Slot::Text => self.made_text(),
            Slot::Subject => {
                let make = || Some(message?.subject.as_ref()?.with_code(self.code?));
                made(&self.made.subject, make)
            }
            Slot::Html => {
                let make = || Some(message?.html.as_ref()?.with_code(self.code?));
                made(&self.made.html, make)
            }
            Slot::Speech => {
                let make = || Some(message?.speech.as_ref()?.with_spoken_code(self.code?));
                made(&self.made.speech, make).or_else(|| self.made_text())
            }
            Slot::Template => self.template,
            Slot::DltEntity => message?.dlt.as_ref().map(|dlt| dlt.entity_id.as_str()),
            Slot::DltTemplate => message?.dlt.as_ref().map(|dlt| dlt.template_id.as_str()),
            Slot::Sender => self.sender,
            Slot::Locale => self.locale.as_deref(),
            Slot::Minutes => {
                let make = || {
                    let ttl = || Some(self.request?.ttl?.as_secs().div_ceil(60).to_string());
                    message.and_then(|message| Some(message.minutes?.to_string())).or_else(ttl)
                };
                self.made.minutes.get_or_init(make).as_deref()
            }
            Slot::App => message?.app.as_deref(),
            Slot::Variable(name) => message?.variables.get(name).map(String::as_str),
            Slot::Token => self.receipt.map(|(token, _)| token),
            Slot::ReceiptUrl => self.receipt.map(|(_, url)| url),
            Slot::IdempotencyKey => self.key.as_deref(),
            Slot::Timestamp => self
                .made
                .seconds
                .get_or_init(|| Some(self.unix()?.as_secs().to_string()))
                .as_deref(),
            Slot::TimestampMs => self
                .made
                .millis
                .get_or_init(|| Some(self.unix()?.as_millis().to_string()))
                .as_deref(),
        }
    }

    fn made_text(&self) -> Option<&str> {
        made(&self.made.text, || Some(self.message?.text.with_code(self.code?)))
    }

    fn unix(&self) -> Option<std::time::Duration> {
        self.now?.duration_since(UNIX_EPOCH).ok()
    }

    /// Returns whether the text of the message needs UCS-2.
    pub(super) fn needs_ucs2(&self) -> bool {
        self.made_text().is_some_and(needs_ucs2)
    }

    /// Returns the values that the vendor may repeat and that must never be shown.
    pub(super) fn private(&self) -> impl Iterator<Item = &str> {
        let phone = self.phone.as_ref();
        let national = phone.and_then(Phone::national);
        let code = self.code.map(Code::expose);
        let receipt = self.receipt.map(|(token, _)| token);
        [Some(self.to), phone.map(|phone| phone.e164), national, code, receipt]
            .into_iter()
            .flatten()
            .filter(|text| !text.is_empty())
    }
}

fn made(
    cell: &OnceCell<Option<Zeroizing<String>>>,
    make: impl FnOnce() -> Option<Zeroizing<String>>,
) -> Option<&str> {
    cell.get_or_init(make).as_ref().map(|text| text.as_str())
}

fn written(locale: &str, form: LocaleForm) -> Cow<'_, str> {
    match form {
        LocaleForm::Bcp47 => locale.into(),
        LocaleForm::Underscore => locale.replace('-', "_").into(),
        LocaleForm::Language => locale.split(['-', '_']).next().unwrap_or(locale).into(),
    }
}

impl<'a> Phone<'a> {
    fn new(phone: &'a PhoneNumber) -> Self {
        let calling = phone.place().country.map(|country| match country.calling_code() {
            0..=9 => 1,
            10..=99 => 2,
            _ => 3,
        });
        Self { e164: phone.expose(), digits: phone.expose_digits(), calling }
    }

    fn national(&self) -> Option<&'a str> {
        self.digits.get(self.calling?..)
    }

    fn calling_code(&self) -> Option<&'a str> {
        self.digits.get(..self.calling?)
    }
}

impl fmt::Debug for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Values")
    }
}
