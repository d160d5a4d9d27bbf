//! An emulator and a client for it.

use std::time::{Duration, SystemTime};

use otpmux_emulator::{Emulator, EmulatorConfig, Vendor};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Far more than anything here takes, far less than for ever.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Rig {
    pub(crate) emulator: Emulator,
    pub(crate) client: reqwest::Client,
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        Some(self.headers.get(name)?.to_str().unwrap())
    }

    pub(crate) async fn read(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }
}

/// A configuration whose clock is stopped, so that waits come out to the second.
pub(crate) fn config() -> EmulatorConfig {
    EmulatorConfig::default()
        .with_frozen_clock(SystemTime::UNIX_EPOCH + Duration::from_secs(1_771_151_400))
}

impl Rig {
    pub(crate) async fn start(config: EmulatorConfig) -> Self {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { emulator: Emulator::start(config).await.unwrap(), client }
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.emulator.advance_clock(Duration::from_secs(seconds));
    }

    /// A request to a vendor with its right credentials.
    pub(crate) fn request(
        &self,
        method: Method,
        vendor: Vendor,
        path: &str,
    ) -> reqwest::RequestBuilder {
        let url = format!("{}{path}", self.emulator.base_url(vendor));
        let request = self.client.request(method, url);
        match vendor {
            Vendor::EasyOtp => request.bearer_auth(self.emulator.easyotp().api_key),
            Vendor::StartMessaging => {
                request.header("X-API-Key", self.emulator.startmessaging().api_key)
            }
            Vendor::TwilioVerify | Vendor::Twilio => {
                let account = self.emulator.twilioverify();
                request.basic_auth(account.account_sid, Some(account.auth_token))
            }
            Vendor::Msg91 => request.header("authkey", self.emulator.msg91().auth_key),
            Vendor::Infobip2fa => {
                let key = format!("App {}", self.emulator.infobip2fa().api_key);
                request.header("Authorization", key)
            }
            Vendor::VonageVerify => {
                let account = self.emulator.vonageverify();
                request.basic_auth(account.api_key, Some(account.api_secret))
            }
            _ => {
                let account = self.emulator.airtexts();
                request
                    .header("X-API-Key", account.api_key)
                    .header("X-API-Secret", account.api_secret)
            }
        }
    }

    pub(crate) async fn post(&self, vendor: Vendor, path: &str, body: Value) -> Answer {
        let request = self.request(Method::POST, vendor, path).json(&body);
        Answer::read(request.send().await.unwrap()).await
    }

    /// A `POST` of a form.
    pub(crate) async fn form(&self, vendor: Vendor, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = self.request(Method::POST, vendor, path).form(fields);
        Answer::read(request.send().await.unwrap()).await
    }

    pub(crate) async fn delete(&self, vendor: Vendor, path: &str) -> Answer {
        Answer::read(self.request(Method::DELETE, vendor, path).send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, vendor: Vendor, path: &str) -> Answer {
        Answer::read(self.request(Method::GET, vendor, path).send().await.unwrap()).await
    }

    /// A request to the admin API; null sends no body.
    pub(crate) async fn admin(&self, method: Method, path: &str, body: Value) -> Answer {
        let url = format!("http://{}/_emulator{path}", self.emulator.addr());
        let mut request = self.client.request(method, url);
        if !body.is_null() {
            request = request.json(&body);
        }
        Answer::read(request.send().await.unwrap()).await
    }

    /// A send through EasyOTP with a code of our own; answers the id.
    pub(crate) async fn easyotp_open(&self, to: &str, code: &str) -> String {
        let body = json!({ "channel": "sms", "recipient": to, "code": code });
        let answer = self.post(Vendor::EasyOtp, "/send", body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["verification_id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn easyotp_verify(&self, id: &str, code: &str) -> Answer {
        let body = json!({ "verification_id": id, "code": code });
        self.post(Vendor::EasyOtp, "/verify", body).await
    }

    pub(crate) async fn connect(&self, vendor: Vendor) -> std::io::Result<TcpStream> {
        TcpStream::connect(self.emulator.vendor_addr(vendor).unwrap()).await
    }

    /// A connection that has written a whole send through EasyOTP and read nothing.
    pub(crate) async fn raw_send(&self) -> TcpStream {
        let body = r#"{"channel":"sms","recipient":"+1234567890","code":"0042"}"#;
        let mut stream = self.connect(Vendor::EasyOtp).await.unwrap();
        let key = self.emulator.easyotp().api_key;
        let request = format!(
            "POST /api/v1/send HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             authorization: Bearer {key}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }
}

/// Reads to the end of the connection.
pub(crate) async fn read_all(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = stream.read_to_end(&mut bytes);
    timeout(PATIENCE, read).await.expect("the connection ends")?;
    Ok(bytes)
}
