//! Requests of the HTTP API.

use std::cell::RefCell;

use async_trait::async_trait;
use otpmux::Config;
use otpmux::config::settings::{Adapter, Setting};
use otpmux::config::{Environment, Registry};
use otpmux_core::{
    Capabilities, Channel, Context, Error, OtpProvider, ProviderId, SendRequest, Sent,
};
use otpmux_gateway::{Gateway, Options};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

use crate::raw_http::{Message, RawClient, request as raw};

const KEY: &str = "the-key-of-the-fuzzed-application";
/// The same key as a password.
const BASIC: &str = "Basic YTp0aGUta2V5LW9mLXRoZS1mdXp6ZWQtYXBwbGljYXRpb24=";
const CONFIG: &str = r#"
[providers.accepts]
kind = "accepts"
[policy]
countries = "any"
default_country = "IN"
[limits]
recipient = []
ip = []
number_range = []
guesses = []
guesses_total = []
[store]
capacity = 2000
[[server_keys]]
id = "a"
key = "env:SERVER_KEY"
[server]
trusted_proxies = ["127.0.0.0/8"]
[[server.api_keys]]
name = "fuzz"
key = "env:API_KEY"
admin = true
[doors.twilio]
[doors.vonage]
[[doors.hooks]]
name = "fuzz"
kind = "hook"
secret = "env:API_KEY"
"#;

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

struct World {
    runtime: Runtime,
    client: RawClient,
    /// A verification that is there.
    id: String,
}

/// The first byte chooses the call, the second what goes with it; the first line is a header value, an
/// id or a path, and the rest is the body.
pub(crate) fn request(data: &[u8]) {
    let [call, with, rest @ ..] = data else { return };
    let at = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let line = String::from_utf8_lossy(&rest[..at]).into_owned();
    let body = rest.get(at + 1..).unwrap_or_default();
    WORLD.with_borrow_mut(|world| {
        let world = world.get_or_insert_with(World::new);
        let (form, bytes) = written(&world.id, *call, *with, &line, body);
        let World { runtime, client, id } = world;
        let Some(answer) = runtime.block_on(client.exchange(&bytes)) else { return };
        check(&answer, form);
        if let Some(made) = answer.header("location").and_then(|path| path.rsplit('/').next()) {
            made.clone_into(id);
        }
    });
}

/// The form of an answer's errors.
#[derive(Clone, Copy)]
enum Form {
    Api,
    Twilio,
    Vonage,
    Hook,
    /// Whichever the path leads to.
    Any,
}

fn written(id: &str, call: u8, with: u8, line: &str, body: &[u8]) -> (Form, Vec<u8>) {
    let id = if with & 1 == 0 { id } else { line };
    let path = format!("/v1/verifications/{id}");
    let service = "/twilio/v2/Services/VA00000000000000000000000000000000";
    let vonage = format!("/vonage/v2/verify/{id}");
    let (form, method, path) = match call % 16 {
        1 if with & 64 != 0 => (Form::Hook, "POST", "/hooks/fuzz".to_owned()),
        0 | 1 => (Form::Api, "POST", "/v1/verifications".to_owned()),
        2 => (Form::Api, "POST", path + "/verify"),
        3 => (Form::Api, "POST", "/v1/verifications/verify".to_owned()),
        4 => (Form::Api, "POST", path + "/resend"),
        5 => (Form::Api, "GET", path),
        6 => (Form::Api, "DELETE", path),
        7 => (Form::Any, "POST", format!("/{line}")),
        8 => (Form::Any, "GET", format!("/{line}")),
        9 => (Form::Twilio, "POST", format!("{service}/Verifications")),
        10 => (Form::Twilio, "POST", format!("{service}/VerificationCheck")),
        11 => (Form::Twilio, "POST", format!("{service}/Verifications/VE{id}")),
        12 => (Form::Vonage, "POST", "/vonage/v2/verify".to_owned()),
        13 => (Form::Vonage, "POST", vonage),
        14 => (Form::Vonage, "POST", vonage + "/next_workflow"),
        _ => (Form::Api, "GET", "/v1/capabilities".to_owned()),
    };
    let bearer = format!("Bearer {KEY}");
    let (kind, authorization) = match form {
        Form::Twilio => ("application/x-www-form-urlencoded", BASIC),
        Form::Vonage => ("application/json", BASIC),
        Form::Api | Form::Hook | Form::Any => ("application/json", &*bearer),
    };
    let mut headers = vec![("content-type", kind)];
    headers.push(("authorization", if with & 2 == 0 { authorization } else { line }));
    for (bit, name) in [(4, "idempotency-key"), (8, "x-forwarded-for"), (16, "traceparent")] {
        if with & bit != 0 {
            headers.push((name, line));
        }
    }
    if with & 32 != 0 {
        headers[0].1 = line;
    }
    (form, raw(method, &path, &headers, body))
}

fn check(answer: &Message, form: Form) {
    let status = answer.status();
    assert!((200..500).contains(&status) || status == 503, "{status}: {answer:?}");
    let body = String::from_utf8_lossy(&answer.body);
    assert!(!body.contains(KEY) && !answer.head.contains(KEY), "the API key is shown");
    let kind = answer.header("content-type").unwrap_or_default();
    if answer.header("content-length").is_none() || !kind.contains("json") {
        return;
    }
    let json: Value = serde_json::from_str(&body).expect("an answer of type JSON is JSON");
    match form {
        Form::Twilio if status >= 400 => {
            assert_eq!(
                (kind, &json["status"]),
                ("application/json", &Value::from(status)),
                "{json}"
            );
            assert!(json["code"].is_u64() && json["message"].is_string(), "{json}");
        }
        Form::Vonage if status >= 400 => {
            assert_eq!(kind, "application/problem+json", "{status} {body}");
            assert!(json["type"].is_string() && json["instance"].is_string(), "{json}");
        }
        Form::Hook if status >= 400 => {
            assert_eq!(kind, "application/json", "{status} {body}");
            assert!(json["error"].is_string() && json["message"].is_string(), "{json}");
        }
        Form::Any => {}
        _ if kind == "application/problem+json" => {
            assert_eq!(json["status"], status);
            assert!(json["type"].is_string() && json["title"].is_string(), "{json}");
        }
        _ => assert!(status < 400 || status == 503, "an error that is no problem: {status} {body}"),
    }
}

impl World {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let environment =
            Environment::new().with("SERVER_KEY", "k".repeat(43)).with("API_KEY", KEY);
        let registry = Registry::new().register(ADAPTER);
        let config = Config::from_toml_with(CONFIG, &environment, &registry).expect("it is right");
        let mut options = Options::default();
        options.environment = environment;
        options.listen = Some("127.0.0.1:0".parse().expect("an address"));
        let gateway = runtime.block_on(Gateway::bind(&config, options)).expect("a gateway");
        let client = RawClient::new(gateway.local_addr());
        runtime.spawn(gateway.run_until(std::future::pending()));
        Self { runtime, client, id: "none".to_owned() }
    }
}

const SETTINGS: &[Setting] = &[];
const ADAPTER: Adapter = Adapter::new("accepts", &[SETTINGS], |id, _| {
    let mut capabilities = Capabilities::new([Channel::Sms, Channel::Email, Channel::Voice]);
    capabilities.otpmux_codes = Some(4..=10);
    Ok(std::sync::Arc::new(Accepts { id, capabilities }))
});

/// A provider that accepts every message and sends none.
#[derive(Debug)]
struct Accepts {
    id: ProviderId,
    capabilities: Capabilities,
}

#[async_trait]
impl OtpProvider for Accepts {
    fn id(&self) -> &ProviderId {
        &self.id
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    async fn send(&self, _: &Context, _: &SendRequest) -> Result<Sent, Error> {
        Ok(Sent::new())
    }
}
