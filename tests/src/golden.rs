//! The golden wire files: one request and the answer to it, each with the source that it comes
//! from. An adapter is fed the answers, an emulator the requests, so that neither can prove the
//! other right.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// One golden wire file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// Where it is known from, and how well.
    pub source: String,
    /// Whether the vendor documents the answer literally.
    pub documented: bool,
    /// What is asked.
    pub request: Request,
    /// What is answered.
    pub response: Response,
}

/// The request of a golden file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The HTTP method.
    pub method: String,
    /// The path with the vendor's base path, and the query.
    pub path: String,
    /// The headers that matter.
    pub headers: BTreeMap<String, String>,
    /// The JSON body; `null` for none.
    pub body: Value,
}

/// The answer of a golden file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The headers that matter.
    pub headers: BTreeMap<String, String>,
    /// The JSON body, or text for a body that is not JSON.
    pub body: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    file: String,
    side: Side,
    #[serde(rename = "why")]
    _why: String,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Side {
    Adapter,
    Emulator,
    Both,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("wire")
}

/// Reads one golden file, by its name without `.json`.
pub fn load(name: &str) -> Golden {
    let text = std::fs::read_to_string(folder().join(format!("{name}.json")));
    // EasyOTP's documents write to a number that cannot exist: a digit too short for its country.
    let text = text.expect("the golden file exists").replace("+1234567890\"", "+12345678900\"");
    serde_json::from_str(&text).expect("it has the golden form")
}

/// Panics unless a test's source text names every golden file of a vendor, but for those that
/// `exceptions.json` excuses from the adapter's side, which it must not name.
pub fn assert_all_named(vendor: &str, source: &str) {
    let text = std::fs::read_to_string(folder().join("exceptions.json")).expect("it exists");
    let exceptions: Vec<Exception> = serde_json::from_str(&text).expect("it is a list");
    for entry in std::fs::read_dir(folder()).expect("the folder exists") {
        let file = entry.expect("it is readable").file_name().into_string().expect("it is UTF-8");
        let Some(name) = file.strip_suffix(".json").filter(|name| name.starts_with(vendor)) else {
            continue;
        };
        let named = source.contains(&format!("\"{name}\""));
        let excused = |e: &Exception| e.file == file && e.side != Side::Emulator;
        let excused = exceptions.iter().any(excused);
        assert!(named || excused, "{name} is neither replayed nor excused");
        assert!(!(named && excused), "{name} is excused and yet replayed");
    }
}

fn without(mut body: Value, fields: &[&str]) -> Value {
    if let Some(body) = body.as_object_mut() {
        body.retain(|field, _| !fields.contains(&field.as_str()));
    }
    body
}

/// A vendor that gives one golden answer to everything, and remembers what it was asked.
#[derive(Debug)]
pub struct Replay {
    server: MockServer,
    golden: Golden,
}

impl Replay {
    /// Starts giving the answer of a golden file.
    pub async fn start(name: &str) -> Self {
        let golden = load(name);
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(golden.response.status);
        let mut answer = match &golden.response.body {
            Value::Null => answer,
            Value::String(text) => answer.set_body_string(text.clone()),
            json => answer.set_body_json(json),
        };
        for (name, value) in &golden.response.headers {
            answer = answer.insert_header(name.as_str(), value.as_str());
        }
        Mock::given(any()).respond_with(answer).mount(&server).await;
        Self { server, golden }
    }

    /// The vendor's address, without any base path.
    pub fn uri(&self) -> String {
        self.server.uri()
    }

    /// Panics unless exactly one request came, and it was the golden one: method, path, query,
    /// every listed header and the whole body.
    pub async fn assert_asked_the_golden_request(&self) {
        self.assert_asked_the_golden_request_but_for(&[]).await;
    }

    /// The same, but for fields of the body that stand in one of the two only, or differ.
    pub async fn assert_asked_the_golden_request_but_for(&self, fields: &[&str]) {
        let asked = self.server.received_requests().await.expect("requests are recorded");
        let [asked] = &asked[..] else { panic!("{} requests instead of one", asked.len()) };
        let golden = &self.golden.request;
        assert_eq!(asked.method.as_str(), golden.method);
        let query = asked.url.query().map_or_else(String::new, |query| format!("?{query}"));
        assert_eq!(format!("{}{query}", asked.url.path()), golden.path);
        for (name, value) in &golden.headers {
            if name == "Content-Type" && golden.body.is_null() {
                continue;
            }
            let got = asked.headers.get(name.as_str()).and_then(|value| value.to_str().ok());
            assert_eq!(got, Some(value.as_str()), "header {name}");
        }
        let body = serde_json::from_slice(&asked.body).unwrap_or(Value::Null);
        assert_eq!(without(body, fields), without(golden.body.clone(), fields));
    }
}
