//! A gateway, the vendors that it calls, and the words to talk to it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otpmux::Config;
use otpmux::config::{ClientConfig as _, ConfigErrors, Environment};
use otpmux_emulator::{Emulator, EmulatorConfig, MessageFilter, Vendor};
use otpmux_gateway::{Gateway, Options, Reloader, StartError};
use otpmux_testkit::ManualClock;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const KEY: &str = "the-key-of-the-web-application";
pub(crate) const PHONE: &str = "+919876543210";

/// The environment that references point to.
pub(crate) fn environment() -> Environment {
    Environment::new()
        .with("EASYOTP_KEY", "easyotp_emulator_key")
        .with("SM_KEY", "sm_live_0123456789abcdef0123456789abcdef01234567")
        .with("SERVER_KEY", "k".repeat(43))
        .with("WEB_KEY", KEY)
}

pub(crate) async fn emulator() -> Emulator {
    Emulator::start(EmulatorConfig::default()).await.unwrap()
}

/// A configuration with both vendors, and these lines besides.
pub(crate) fn toml(emulator: &Emulator, more: &str) -> String {
    let (easyotp, startmessaging) =
        (emulator.base_url(Vendor::EasyOtp), emulator.base_url(Vendor::StartMessaging));
    let server = if more.contains("[[server.api_keys]]") {
        ""
    } else {
        "[[server.api_keys]]\nname = \"web\"\nkey = \"env:WEB_KEY\"\n"
    };
    format!(
        "[providers.first]\nkind = \"easyotp\"\nbase_url = \"{easyotp}\"\napi_key = \
         \"env:EASYOTP_KEY\"\n[providers.second]\nkind = \"startmessaging\"\nbase_url = \
         \"{startmessaging}\"\napi_key = \"env:SM_KEY\"\n[[server_keys]]\nid = \"a\"\nkey = \
         \"env:SERVER_KEY\"\n{server}{more}"
    )
}

pub(crate) fn read(text: &str, environment: &Environment) -> Result<Config, ConfigErrors> {
    Config::from_toml(text, environment)
}

/// A gateway that serves until it is stopped or dropped.
pub(crate) struct Running {
    pub(crate) url: String,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) reloader: Reloader,
    /// The file that a reload reads.
    pub(crate) file: Arc<Mutex<String>>,
    pub(crate) http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    ended: Option<JoinHandle<()>>,
}

pub(crate) async fn start(text: &str, environment: Environment) -> Result<Running, StartError> {
    start_with(text, environment, || {}).await
}

/// As [`start`]; `meanwhile` runs in each reload that has read the file and goes on with it.
pub(crate) async fn start_with(
    text: &str,
    environment: Environment,
    meanwhile: impl Fn() + Send + Sync + 'static,
) -> Result<Running, StartError> {
    let file = Arc::new(Mutex::new(text.to_owned()));
    let mut options = Options::default();
    options.listen = Some("127.0.0.1:0".parse().unwrap());
    options.environment = environment.clone();
    let source = (Arc::clone(&file), environment.clone());
    options.source = Some(Box::new(move || {
        let text = source.0.lock().unwrap().clone();
        meanwhile();
        read(&text, &source.1)
    }));
    let gateway = Gateway::bind(&read(text, &environment)?, options).await?;
    Ok(run(gateway, file))
}

/// As [`start`], by a clock of the test.
pub(crate) async fn start_by(
    text: &str,
    environment: Environment,
    clock: &Arc<ManualClock>,
) -> Running {
    let config = read(text, &environment).unwrap();
    let client = config.client_builder().unwrap().clock(Arc::<ManualClock>::clone(clock));
    let mut options = Options::default();
    options.listen = Some("127.0.0.1:0".parse().unwrap());
    options.environment = environment;
    let gateway = Gateway::bind_with(&config, client.build().unwrap(), options).await.unwrap();
    run(gateway, Arc::default())
}

fn run(gateway: Gateway, file: Arc<Mutex<String>>) -> Running {
    let (url, address, reloader) = (gateway.url(), gateway.local_addr(), gateway.reloader());
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(gateway.run_until(async move {
        let _ = stopped.await;
    }));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    Running { url, address, reloader, file, http, stop: Some(stop), ended: Some(ended) }
}

impl Running {
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(KEY)
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(body)).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path)).await
    }

    /// Sends a code to this number and gives the verification.
    pub(crate) async fn send(&self, to: &str) -> Value {
        self.post("/v1/verifications", &json!({ "to": to })).await.expect(201)
    }

    pub(crate) async fn verify(&self, sent: &Value, code: &str) -> Value {
        let path = format!("/v1/verifications/{}/verify", sent["id"].as_str().unwrap());
        self.post(&path, &json!({ "code": code })).await.expect(200)
    }

    /// Signals it to stop.
    pub(crate) fn tell_to_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(&mut self) {
        let ended = self.ended.take().unwrap();
        tokio::time::timeout(Duration::from_secs(20), ended).await.unwrap().unwrap();
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self { status, headers, body }
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.body
    }

    /// Expects a problem of this status and kind.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, kind: &str) -> Value {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        assert_eq!(
            self.body["type"],
            format!("https://otpmux.github.io/otpmux/problems/{kind}"),
            "{self:?}"
        );
        assert_eq!(self.body["status"], status);
        if let Some(seconds) = self.body["retry_after"].as_u64() {
            assert_eq!(self.headers["retry-after"], seconds.to_string().as_str());
        }
        self.expect(status)
    }

    #[track_caller]
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

pub(crate) fn code_of(emulator: &Emulator, to: &str) -> String {
    emulator.last_code(to).unwrap()
}

pub(crate) fn count(emulator: &Emulator) -> usize {
    emulator.messages(&MessageFilter::default()).len()
}

/// Another code of the same length.
pub(crate) fn wrong(code: &str) -> String {
    let last = if code.ends_with('0') { "1" } else { "0" };
    format!("{}{last}", &code[..code.len() - 1])
}

/// An unused number.
pub(crate) fn number() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // Far enough apart not to be of one block.
    format!("+9198{:08}", NEXT.fetch_add(1, Ordering::Relaxed) * 10_007 % 100_000_000)
}

/// A directory that goes with the test.
pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}
