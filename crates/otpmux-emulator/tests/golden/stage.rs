//! An emulator on which one golden file is played.

use std::time::{Duration, SystemTime};

use otpmux_emulator::vendors::airtexts::AirTextsAccount;
use otpmux_emulator::vendors::easyotp::EasyOtpAccount;
use otpmux_emulator::vendors::infobip2fa::Infobip2faAccount;
use otpmux_emulator::vendors::msg91::Msg91Account;
use otpmux_emulator::vendors::startmessaging::StartMessagingAccount;
use otpmux_emulator::vendors::twilioverify::TwilioVerifyAccount;
use otpmux_emulator::vendors::vonageverify::VonageVerifyAccount;
use otpmux_emulator::{Emulator, EmulatorConfig, Fault, Vendor};
use otpmux_golden::Request;
use reqwest::header::HeaderMap;
use serde_json::Value;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Something that happens before the file's request is played.
#[derive(Clone)]
pub(crate) enum Step {
    EasyOtp(fn(&mut EasyOtpAccount)),
    StartMessaging(fn(&mut StartMessagingAccount)),
    AirTexts(fn(&mut AirTextsAccount)),
    TwilioVerify(fn(&mut TwilioVerifyAccount)),
    VonageVerify(fn(&mut VonageVerifyAccount)),
    Msg91(fn(&mut Msg91Account)),
    Infobip2fa(fn(&mut Infobip2faAccount)),
    /// The file's own request, so many times.
    Same(usize),
    /// A successful POST with the file's own headers.
    Post(&'static str, Value),
    /// As `Post`; the id at the pointer of the answer replaces the placeholder.
    Open {
        path: &'static str,
        body: Value,
        id: &'static str,
        placeholder: &'static str,
    },
    /// A successful POST of a form with the file's own credentials.
    PostForm(&'static str, Value),
    /// As `Open`, with a form.
    OpenForm {
        path: &'static str,
        body: Value,
        id: &'static str,
        placeholder: &'static str,
    },
    Advance(u64),
    Fault(Fault),
    /// Some files show an error against a request that does not deserve it, because no error
    /// of that vendor is documented. Then the request gets the flaw that the answer speaks of.
    Flaw(&'static str, Value),
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

pub(crate) struct Stage {
    name: String,
    vendor: Vendor,
    emulator: Emulator,
    client: reqwest::Client,
    request: Request,
}

impl Stage {
    pub(crate) async fn new(
        vendor: Vendor,
        name: &str,
        request: Request,
        client: reqwest::Client,
    ) -> Self {
        let config = EmulatorConfig::default()
            .with_frozen_clock(SystemTime::UNIX_EPOCH + Duration::from_secs(1_771_151_400))
            .with_easyotp(|account| account.api_key = "YOUR_API_KEY".to_owned())
            .with_startmessaging(|account| {
                account.api_key = "sm_live_your_api_key_here".to_owned();
            })
            .with_airtexts(|account| {
                account.appid = "your_app_id".to_owned();
                account.api_key = "your_api_key".to_owned();
                account.api_secret = "your_api_secret".to_owned();
                account.username = "username".to_owned();
                account.password = "password".to_owned();
            })
            .with_twilioverify(|account| {
                account.account_sid = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned();
                account.auth_token = "your_auth_token".to_owned();
                account.service_sid = "VAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned();
            })
            .with_vonageverify(|account| {
                account.api_secret = "your_api_secret".to_owned();
            })
            .with_msg91(|account| account.auth_key = "YOUR_AUTH_KEY".to_owned())
            .with_infobip2fa(|account| {
                account.api_key = "YOUR_API_KEY".to_owned();
                account.application_id = "1234567".to_owned();
                account.templates = vec!["7654321".to_owned(), "9C815F8AF3328".to_owned()];
            });
        Self {
            name: name.to_owned(),
            vendor,
            emulator: Emulator::start(config).await.unwrap(),
            client,
            request,
        }
    }

    pub(crate) async fn play(&mut self, step: Step) {
        match step {
            Step::EasyOtp(change) => self.emulator.update_easyotp(change),
            Step::StartMessaging(change) => self.emulator.update_startmessaging(change),
            Step::AirTexts(change) => self.emulator.update_airtexts(change),
            Step::TwilioVerify(change) => self.emulator.update_twilioverify(change),
            Step::VonageVerify(change) => self.emulator.update_vonageverify(change),
            Step::Msg91(change) => self.emulator.update_msg91(change),
            Step::Infobip2fa(change) => self.emulator.update_infobip2fa(change),
            Step::Same(times) => {
                for _ in 0..times {
                    self.send(&self.request).await;
                }
            }
            Step::Post(path, body) => {
                self.post(path, body, JSON).await;
            }
            Step::PostForm(path, body) => {
                self.post(path, body, FORM).await;
            }
            Step::Open { path, body, id, placeholder } => {
                let answer = self.post(path, body, JSON).await;
                self.substitute_id(&answer, id, placeholder);
            }
            Step::OpenForm { path, body, id, placeholder } => {
                let answer = self.post(path, body, FORM).await;
                self.substitute_id(&answer, id, placeholder);
            }
            Step::Advance(seconds) => self.emulator.advance_clock(Duration::from_secs(seconds)),
            Step::Fault(fault) => self.emulator.set_fault(self.vendor, fault),
            Step::Flaw(pointer, value) => {
                *self.request.body.pointer_mut(pointer).expect("a field") = value;
            }
        }
    }

    pub(crate) async fn finish(self) -> Answer {
        let answer = self.send(&self.request).await;
        self.emulator.shutdown().await;
        answer
    }

    fn substitute_id(&mut self, answer: &Answer, pointer: &str, placeholder: &str) {
        let body: Value = serde_json::from_str(&answer.body).unwrap();
        let id = body.pointer(pointer).and_then(Value::as_str).expect("an id").to_owned();
        self.substitute(placeholder, &id);
    }

    fn substitute(&mut self, placeholder: &str, id: &str) {
        let body = self.request.body.to_string();
        let found = self.request.path.contains(placeholder) || body.contains(placeholder);
        assert!(
            found || self.request.path.contains("appid"),
            "{}: {placeholder} is nowhere in the request",
            self.name
        );
        self.request.path = self.request.path.replace(placeholder, id);
        self.request.body = serde_json::from_str(&body.replace(placeholder, id)).unwrap();
    }

    async fn post(&self, path: &str, body: Value, media: &str) -> Answer {
        let mut headers = self.request.headers.clone();
        headers.insert("Content-Type".to_owned(), media.to_owned());
        let mut request = self.request.clone();
        request.method = "POST".to_owned();
        request.path = path.to_owned();
        request.headers = headers;
        request.body = body;
        self.send(&request).await
    }

    async fn send(&self, request: &Request) -> Answer {
        // A step's path is below the vendor's own; that of a file begins with it.
        let path = request.path.trim_start_matches(self.vendor.base_path());
        let url = format!("{}{path}", self.emulator.base_url(self.vendor));
        let mut builder = self.client.request(request.method.parse().unwrap(), url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        if request.is_form()
            && let Some(fields) = request.body.as_object()
        {
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| (name, value.as_str().unwrap())).collect();
            builder = builder.form(&fields);
        } else if !request.body.is_null() {
            builder = builder.body(request.body.to_string());
        }
        let response = builder.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: response.text().await.unwrap() }
    }
}
