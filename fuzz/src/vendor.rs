//! Vendors' answers, read by every adapter that is compiled in, over a real connection.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otpmux::config::Registry;
use otpmux_core::settings::{Adapter, Setting, SettingKind, SettingsReader};
use otpmux_core::{
    Certainty, Channel, Code, CodeSource, Context, Error, IdempotencyKey, OtpProvider, ProviderId,
    Recipient, ResendRequest, Secret, SendRequest, Target, VendorReference, VerifyRequest,
};
use serde_json::{Map, Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use crate::raw_http::read_message;

/// Has the form of a key at every vendor that checks it.
const KEY: &str = "sm_live_0123456789abcdef0123456789abcdef01234567";
const WEBHOOK_KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const CODE: &str = "4821673905";
const PHONE: &str = "+919876543210";
const EMAIL: &str = "quentin.fuzz@example.com";

pub(crate) const STATUSES: [u16; 20] = [
    200, 201, 202, 203, 204, 301, 400, 401, 402, 403, 404, 409, 410, 415, 422, 429, 500, 502, 503,
    504,
];
/// The calls of the port.
pub(crate) const CALLS: u8 = 6;

pub(crate) const DICTIONARY: &[&str] = &[
    "true",
    "false",
    "null",
    "\"success\":",
    "\"verified\":",
    "\"valid\":",
    "\"status\":",
    "\"error\":",
    "\"data\":",
    "\"code\":",
    "\"message\":",
    "\"id\":",
    "\"expiresAt\":",
    "\"retry_after\":",
    "1e308",
    "-1",
    "\"2026-01-22T12:10:00Z\"",
    "approved",
    "pending",
    CODE,
    PHONE,
    KEY,
    EMAIL,
    "{",
    "}",
    "[",
    "]",
];

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

struct World {
    runtime: Runtime,
    providers: Vec<Arc<dyn OtpProvider>>,
    vendor: Vendor,
}

/// A server that gives one answer to everything.
#[derive(Clone, Default)]
struct Vendor {
    answer: Arc<Mutex<Vec<u8>>>,
    requests: Arc<AtomicUsize>,
}

/// Four bytes choose the provider, the call, the status and the header fields; the rest is the body.
pub(crate) fn answer(data: &[u8]) {
    let [provider, call, status, fields, body @ ..] = data else { return };
    WORLD.with_borrow_mut(|world| {
        let world = world.get_or_insert_with(World::new);
        let provider = Arc::clone(&world.providers[usize::from(*provider) % world.providers.len()]);
        let status = STATUSES[usize::from(*status) % STATUSES.len()];
        world.vendor.will_answer(status, *fields, body);
        let before = world.vendor.requests.load(Ordering::SeqCst);
        let outcome = world.runtime.block_on(play(provider.as_ref(), *call % CALLS));
        let asked = world.vendor.requests.load(Ordering::SeqCst) - before;
        assert!(asked <= 1, "{asked} requests for one call");
        match outcome {
            Outcome::Approved => {
                assert!(asked == 1 && (200..300).contains(&status) && !body.is_empty());
            }
            Outcome::Other => {}
            Outcome::Failed(error) => {
                let certain = asked == 0 || error.certainty() != Certainty::NotSent;
                assert!(certain, "the vendor has read the request: {error:?}");
                let said = format!("{error} {error:?}");
                for secret in [KEY, WEBHOOK_KEY, CODE, PHONE, &PHONE[1..], EMAIL] {
                    assert!(!said.contains(secret), "shown: {said}");
                }
            }
        }
    });
}

enum Outcome {
    Approved,
    Other,
    Failed(Error),
}

async fn play(provider: &dyn OtpProvider, call: u8) -> Outcome {
    let key = IdempotencyKey::from_random([7; 16]);
    let cx = Context::new(key).with_deadline((Instant::now() + Duration::from_secs(5)).into_std());
    let code: Code = CODE[..6].parse().expect("a code");
    let reference = Some(VendorReference::new("7b4d6022-7260-4568-b6b7-29c366c47bbc"));
    let capabilities = provider.capabilities();
    let channel = capabilities.channels.first().cloned().unwrap_or(Channel::Sms);
    let to: Recipient =
        if channel == Channel::Email { EMAIL } else { PHONE }.parse().expect("valid");
    let target = Target::new(to.clone(), reference.clone());
    let outcome = |result: Result<(), Error>| match result {
        Ok(()) => Outcome::Other,
        Err(error) => Outcome::Failed(error),
    };
    match call {
        0 => {
            let code = match &capabilities.otpmux_codes {
                Some(_) => CodeSource::Otpmux(code),
                None => CodeSource::Vendor { length: None },
            };
            outcome(provider.send(&cx, &SendRequest::new(to, channel, code)).await.map(drop))
        }
        1 => match provider.verify(&cx, &VerifyRequest::new(to, reference, code)).await {
            Ok(verdict) if verdict.is_approved() => Outcome::Approved,
            Ok(_) => Outcome::Other,
            Err(error) => Outcome::Failed(error),
        },
        2 => outcome(provider.resend(&cx, &ResendRequest::new(target)).await.map(drop)),
        3 => outcome(provider.cancel(&cx, &target).await.map(drop)),
        4 => outcome(provider.status(&cx, &target).await.map(drop)),
        _ => outcome(provider.balance(&cx).await.map(drop)),
    }
}

impl World {
    fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let vendor = Vendor::default();
        runtime.spawn(vendor.clone().serve(listener));
        let registry = Registry::default();
        let providers =
            registry.adapters().iter().flat_map(|adapter| built(adapter, &url)).collect();
        Self { runtime, providers, vendor }
    }
}

impl Vendor {
    fn will_answer(&self, status: u16, fields: u8, body: &[u8]) {
        let kind = if fields & 1 == 0 { "application/json" } else { "text/html" };
        let mut head = vec![format!("HTTP/1.1 {status} Status"), format!("content-type: {kind}")];
        if fields & 2 != 0 {
            // In every form, also in those that no vendor writes.
            let line = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let graphic = line.iter().filter(|byte| byte.is_ascii_graphic());
            let value: String = graphic.map(|byte| char::from(*byte)).collect();
            head.push(format!("retry-after: {value}"));
        }
        if fields & 4 != 0 {
            head.push("retry-after: Wed, 21 Oct 2026 07:28:00 GMT".to_owned());
        }
        if status == 301 {
            head.push("location: http://127.0.0.1:9/".to_owned());
        }
        let body = if status == 204 { &[] } else { body };
        if status != 204 {
            head.push(format!("content-length: {}", body.len()));
        }
        let head = head.join("\r\n") + "\r\n\r\n";
        *self.answer.lock().expect("not poisoned") = [head.as_bytes(), body].concat();
    }

    async fn serve(self, listener: TcpListener) {
        while let Ok((mut stream, _)) = listener.accept().await {
            let vendor = self.clone();
            tokio::spawn(async move {
                while read_message(&mut stream).await.is_some() {
                    vendor.requests.fetch_add(1, Ordering::SeqCst);
                    let answer = vendor.answer.lock().expect("not poisoned").clone();
                    if stream.write_all(&answer).await.is_err() {
                        break;
                    }
                }
            });
        }
    }
}

/// The providers of one adapter: with its required keys alone, and once more for each word of a
/// choice and each flag.
fn built(adapter: &Adapter, url: &str) -> Vec<Arc<dyn OtpProvider>> {
    let settings = || adapter.settings.iter().copied().flatten();
    let required = settings().filter(|setting| setting.required || setting.name == "base_url");
    let required: Map<String, Value> =
        required.map(|setting| (setting.name.to_owned(), value(setting, url))).collect();
    let build = |table: &Map<String, Value>| {
        let id = ProviderId::new("p").expect("a name");
        // The second form is that of Standard Webhooks.
        let mut built = Err(String::new());
        for key in [KEY, WEBHOOK_KEY] {
            let resolve = |_: &str| Ok(Secret::new(key));
            let settings =
                SettingsReader::new(&resolve).read("providers.p", adapter.settings, table);
            let settings = settings.map_err(|errors| format!("{errors:?}"))?;
            built = (adapter.build)(id.clone(), &settings).map_err(|error| error.to_string());
            if built.is_ok() {
                break;
            }
        }
        built
    };
    // Where credentials or senders are a choice: none, one, or two that belong together.
    let choices: Vec<_> = settings()
        .filter(|setting| matches!(setting.kind, SettingKind::Secret | SettingKind::Text))
        .filter(|setting| !setting.required && setting.name != "base_url")
        .map(|setting| setting.name)
        .collect();
    let credentials = [&[][..]].into_iter().chain(choices.windows(1)).chain(choices.windows(2));
    let with = |names: &[&str]| {
        let mut table = required.clone();
        table.extend(names.iter().map(|name| ((*name).to_owned(), json!("env:KEY"))));
        table
    };
    let base = credentials.map(with).find(|table| build(table).is_ok()).unwrap_or_else(|| {
        panic!("{} cannot be built with its required keys: {:?}", adapter.kind, build(&required))
    });
    let mut tables = vec![base.clone()];
    for setting in settings() {
        let values = match &setting.kind {
            SettingKind::Choice(words) => words.iter().map(|word| json!(word)).collect(),
            SettingKind::Flag => vec![json!(true)],
            _ => Vec::new(),
        };
        for value in values {
            let mut table = base.clone();
            table.insert(setting.name.to_owned(), value);
            tables.push(table);
        }
    }
    tables.iter().filter_map(|table| build(table).ok()).collect()
}

/// A value that a required key takes.
fn value(setting: &Setting, url: &str) -> Value {
    match &setting.kind {
        SettingKind::Text if setting.name.ends_with("url") => json!(url),
        // An id must have the form that the vendor gives it.
        SettingKind::Text if setting.check.is_some() => {
            setting.example.map_or(Value::Null, |example| example())
        }
        SettingKind::Flag => json!(true),
        SettingKind::Integer(range) => json!(range.start()),
        SettingKind::Duration(_) => json!("10s"),
        SettingKind::Choice(words) => json!(words[0]),
        SettingKind::Texts => json!({}),
        SettingKind::Tree => json!({
            "auth": { "none": true },
            "limits": { "code_length": "4-10" },
            "channels": { "sms": {}, "email": {} },
            "send": { "json": { "to": "{to}", "text": "{text}" } },
            "success": { "status": 200, "reference": { "pointer": "/id" } },
            "failure": { "code": "/code", "detail": "/message" },
        }),
        SettingKind::List { .. } | SettingKind::ListOr(_) => json!(["sms"]),
        SettingKind::Limits { .. } => json!(["1/1m"]),
        _ => json!("fuzz"),
    }
}
