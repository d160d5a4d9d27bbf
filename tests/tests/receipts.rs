//! Receipts of every vendor in the list, through a gateway: valid ones change what callers see, and
//! forged, stale and repeated ones do not.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up must fail")]

use std::collections::BTreeSet;
use std::sync::Arc;

use otpmux::admin::Delivery;
use otpmux::config::Environment;
use otpmux::provider::{OtpProvider, ReceiptTrust};
use otpmux::{Config, Recipient, VerificationId};
use otpmux_engine::{MessageLimits, MessageSettings, Messages, NewVerification, OtpClient, Policy};
use otpmux_gateway::{Gateway, Options};
use otpmux_golden::{Call, Case, Golden, Request, Wire};
use otpmux_testkit::faulty::{FaultyServer, Play, Reply};
use otpmux_testkit::golden::build;
use otpmux_tests::vendors::{self, Listed};
use reqwest::{Client, Method, Url};
use serde_json::Value;
use tokio::sync::oneshot;

/// The address of the gateway in the golden files.
const PUBLIC_URL: &str = "https://otp.example.com";
/// A token has so many characters.
const TOKEN: usize = 39;

/// A file with a receipt of a vendor, and the case that reads it.
struct Shown<'a> {
    name: &'a str,
    golden: &'a Golden,
    case: &'a Case,
}

impl Shown<'_> {
    /// Whether the adapter reads deliveries from it.
    fn is_taken(&self) -> bool {
        let receipts = self.case.expect.get("receipts").and_then(Value::as_array);
        receipts.is_some_and(|receipts| !receipts.is_empty())
    }

    fn status(&self) -> u16 {
        match self.case.expect["error"]["kind"].as_str() {
            None => self.golden.response.status,
            Some("unauthenticated") => 401,
            Some(_) => 400,
        }
    }

    fn fact(&self, name: &str) -> Option<&str> {
        self.case.expect["receipts"][0][name].as_str()
    }
}

fn receipts(listed: &Listed) -> Vec<Shown<'_>> {
    let files = listed.folder.files().iter();
    let cases = files.flat_map(|file| {
        let shown = |case| Shown { name: &file.name, golden: &file.golden, case };
        file.golden.cases.iter().map(shown)
    });
    cases.filter(|shown| shown.case.call == Call::Receipts).collect()
}

/// A gateway in front of one adapter, whose vendor gives one answer to everything.
struct Running {
    url: String,
    http: Client,
    client: OtpClient,
    vendor: FaultyServer,
    trust: Option<ReceiptTrust>,
    by_reference: bool,
    _stop: oneshot::Sender<()>,
}

impl Running {
    async fn start(listed: &Listed, case: &Case, answer: &Reply) -> Self {
        let vendor = FaultyServer::start(Play::answer(answer)).await;
        let settings = listed.folder.golden_settings(&case.settings, &vendor.url());
        let provider = build(&listed.adapter, listed.adapter.kind, &settings).unwrap();
        let trust = provider.capabilities().receipts;
        let by_reference = provider.capabilities().receipts_by_reference;
        let client = client(provider);
        let environment = Environment::new()
            .with("KEY", "made-up-key-of-easyotp")
            .with("WEB", "0123456789abcdef0123456789abcdef");
        let text = format!(
            "[providers.x]\nkind = \"easyotp\"\nbase_url = \"http://127.0.0.1:1\"\n\
             api_key = \"env:KEY\"\n[server]\npublic_url = \"{PUBLIC_URL}\"\n\
             [[server.api_keys]]\nname = \"web\"\nkey = \"env:WEB\"\n"
        );
        let config = Config::from_toml(&text, &environment).unwrap();
        let mut options = Options::default();
        options.listen = Some(([127, 0, 0, 1], 0).into());
        options.environment = environment;
        let gateway = Gateway::bind_with(&config, client.clone(), options).await.unwrap();
        let url = gateway.url();
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(gateway.run_until(async {
            let _ = stopped.await;
        }));
        let http = Client::builder().no_proxy().build().unwrap();
        Self { url, http, client, vendor, trust, by_reference, _stop: stop }
    }

    /// Has the vendor report; returns the status of the answer.
    async fn report(&self, receipt: &Received) -> u16 {
        let method = Method::from_bytes(receipt.method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("{}{}", self.url, receipt.path));
        for (name, value) in &receipt.headers {
            request = request.header(name, value);
        }
        request.body(receipt.body.clone()).send().await.unwrap().status().as_u16()
    }

    /// The delivery of the only message as callers see it.
    async fn delivery(&self, id: VerificationId) -> Option<&'static str> {
        let shown = self.client.status(id).await.unwrap();
        shown.send_attempts[0].delivery.map(Delivery::as_str)
    }
}

fn client(provider: Arc<dyn OtpProvider>) -> OtpClient {
    let mut policy = Policy::default();
    policy.limits = MessageLimits::none();
    let messages = Messages::new(&MessageSettings::new("Acme")).unwrap();
    let builder = OtpClient::builder().policy(policy).messages(messages);
    builder.receipt_url(format!("{PUBLIC_URL}/v1/receipts")).provider(provider).build().unwrap()
}

/// A request of a vendor.
#[derive(Clone)]
struct Received {
    method: String,
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Received {
    /// To the provider of this name.
    fn of(asked: &Request, kind: &str) -> Self {
        let headers = asked.headers.iter();
        let rest = asked.path.strip_prefix("/v1/receipts/").unwrap_or_default();
        let query = rest.find('?').map_or("", |place| &rest[place..]);
        Self {
            method: asked.method.clone(),
            path: format!("/v1/receipts/{kind}{query}"),
            headers: headers.map(|(name, value)| (name.clone(), value.clone())).collect(),
            body: text(asked),
        }
    }

    /// Without anything that could be a signature or a secret.
    fn bare(&self) -> Self {
        let path = self.path.split('?').next().unwrap().to_owned();
        let is_kind = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("content-type");
        let headers = self.headers.iter().filter(is_kind).cloned().collect();
        Self { path, headers, ..self.clone() }
    }

    /// With one other character in each value of a header or of the query, one at a time.
    fn altered(&self) -> Vec<Self> {
        let mut all = Vec::new();
        for (place, (name, value)) in self.headers.iter().enumerate() {
            if !name.eq_ignore_ascii_case("content-type") {
                let mut other = self.clone();
                other.headers[place].1 = altered(value);
                all.push(other);
            }
        }
        if let Some((path, query)) = self.path.split_once('?') {
            for part in query.split('&') {
                let Some((name, value)) = part.split_once('=') else { continue };
                let other = query.replace(part, &format!("{name}={}", altered(value)));
                all.push(Self { path: format!("{path}?{other}"), ..self.clone() });
            }
        }
        all
    }

    fn replaced(&self, old: &str, new: &str) -> Self {
        let headers = self.headers.iter();
        Self {
            method: self.method.clone(),
            path: self.path.replace(old, new),
            headers: headers.map(|(name, value)| (name.clone(), value.replace(old, new))).collect(),
            body: self.body.replace(old, new),
        }
    }
}

/// The body as it goes over the wire.
fn text(asked: &Request) -> String {
    match &asked.body {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Object(fields) if asked.is_form() => {
            let mut url = Url::parse(PUBLIC_URL).unwrap();
            let fields = fields.iter();
            let pairs = fields.map(|(name, value)| (name, value.as_str().unwrap_or_default()));
            url.query_pairs_mut().extend_pairs(pairs);
            url.query().unwrap_or_default().to_owned()
        }
        json => json.to_string(),
    }
}

/// The text with another letter or digit in its middle.
fn altered(text: &str) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    let middle = chars.len() / 2;
    let place =
        (middle..chars.len()).chain(0..middle).find(|at| chars[*at].is_ascii_alphanumeric());
    if let Some(place) = place {
        chars[place] = if chars[place] == '7' { '8' } else { '7' };
    }
    chars.into_iter().collect()
}

/// Returns the first text of the form of a token.
fn token_in(text: &str) -> Option<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let runs = text.split(|c: char| !is_part(c));
    runs.into_iter().find(|run| run.len() == TOKEN).map(str::to_owned)
}

/// Forged and stale receipts are refused with 401 or change nothing; the others are answered as the
/// files say, however often they come.
#[tokio::test]
async fn forged_and_stale_receipts_of_every_vendor_are_refused() {
    let (mut vendors, mut forged) = (BTreeSet::new(), 0);
    for listed in vendors::all() {
        let kind = listed.adapter.kind;
        let shown = receipts(listed);
        let mut settings: Vec<&Case> = Vec::new();
        for one in &shown {
            if settings.iter().all(|known| known.settings != one.case.settings) {
                settings.push(one.case);
            }
        }
        for case in settings {
            let gateway = Running::start(listed, case, &Reply::new(500)).await;
            let of_case = shown.iter().filter(|one| one.case.settings == case.settings);
            for one in of_case {
                let place = format!("{kind} {}", one.name);
                let receipt = Received::of(&one.golden.request, kind);
                // The request of a file was signed years ago, where its signature has a time.
                let is_old = one.case.input.received_at.is_some();
                let (first, again) =
                    (gateway.report(&receipt).await, gateway.report(&receipt).await);
                assert!(first == one.status() || (is_old && first == 401), "{place}: {first}");
                assert_eq!(again, first, "{place}: the repeat");
                if !one.is_taken() || first == 401 {
                    continue;
                }
                vendors.insert(kind);
                let bare = gateway.report(&receipt.bare()).await;
                // A token in the body is a secret as well.
                let is_secret = gateway.trust == Some(ReceiptTrust::SecretInUrl)
                    && token_in(&receipt.body).is_some();
                assert!(bare == 401 || is_secret, "{place}: without its proof: {bare}");
                for other in receipt.altered() {
                    let status = gateway.report(&other).await;
                    assert!([first, 400, 401].contains(&status), "{place}: altered: {status}");
                    forged += usize::from(status == 401);
                }
                let elsewhere = receipt.replaced(&format!("/receipts/{kind}"), "/receipts/nobody");
                assert_eq!(gateway.report(&elsewhere).await, 404, "{place}");
            }
        }
    }
    assert!(vendors.len() >= 12, "only {vendors:?}");
    assert!(forged >= 40, "only {forged} forged ones were refused");
}

/// A send through the adapter, and the receipt of a file for its message.
struct Live {
    gateway: Running,
    id: VerificationId,
    receipt: Received,
    /// The token of the message, if the receipt names it by that.
    token: Option<String>,
}

async fn live(listed: &Listed, one: &Shown<'_>) -> Option<Live> {
    let files = listed.folder.files().iter();
    let mut sends = files.flat_map(|file| file.golden.cases.iter().map(move |case| (file, case)));
    let names = |case: &Case| case.expect["sent"]["reference"].as_str() == one.fact("reference");
    let (file, send) = sends.find(|(_, case)| {
        case.call == Call::Send
            && case.expect.get("sent").is_some()
            && case.wire != Wire::Other
            && (one.fact("token").is_some() || names(case))
            && case.settings.iter().all(|(name, value)| one.case.settings.get(name) == Some(value))
    })?;
    let answer = &file.golden.response;
    let reply = Reply::new(answer.status).with_body(answer.text());
    let headers = answer.headers.iter();
    let reply = headers.fold(reply, |reply, (name, value)| reply.with_header(name, value));
    let gateway = Running::start(listed, one.case, &reply).await;
    let channel = send.input.channel.as_deref()?.parse().ok()?;
    let to: Recipient = send.input.to.as_deref()?.parse().ok()?;
    let mut new = NewVerification::to(to).by(channel);
    new.options.template.clone_from(&send.input.template);
    let sent = gateway.client.send(new).await.ok()?;
    let receipt = Received::of(&one.golden.request, listed.adapter.kind);
    let id = sent.id;
    let Some(token) = one.fact("token") else {
        // References are kept only where a vendor's receipts have nothing else.
        return gateway.by_reference.then_some(Live { gateway, id, receipt, token: None });
    };
    let asked = gateway.vendor.requests();
    let asked = asked.first()?;
    let mine = token_in(&asked.target).or_else(|| token_in(&asked.text()))?;
    let receipt = receipt.replaced(token, &mine);
    Some(Live { gateway, id, receipt, token: Some(mine) })
}

/// Where nothing but a secret or a signature without the body proves a receipt, a file's receipt can
/// be made one of a message that was sent.
#[tokio::test]
async fn a_receipt_changes_its_message_once_and_a_forged_one_never() {
    let mut vendors = BTreeSet::new();
    for listed in vendors::all() {
        let kind = listed.adapter.kind;
        for one in receipts(listed).iter().filter(|one| one.is_taken()) {
            let final_ones = ["delivered", "failed", "expired"];
            let Some(expected) = one.fact("delivery").filter(|word| final_ones.contains(word))
            else {
                continue;
            };
            // Signed ones of long ago are refused: the other test.
            if one.case.input.received_at.is_some() {
                continue;
            }
            let Some(live) = live(listed, one).await else { continue };
            let Live { gateway, id, receipt, token } = live;
            let place = format!("{kind} {}", one.name);
            let before = gateway.delivery(id).await;
            if gateway.trust == Some(ReceiptTrust::Signed) && one.fact("token").is_some() {
                // The body or the URL is another one than what was signed.
                assert_eq!(gateway.report(&receipt).await, 401, "{place}");
                assert_eq!(gateway.delivery(id).await, before, "{place}");
                continue;
            }
            let mut forged = receipt.altered();
            forged.push(receipt.bare());
            if let Some(token) = &token {
                forged.push(receipt.replaced(token, &altered(token)));
            }
            // One that still has the token is no forgery.
            let has_token = |other: &Received| {
                token
                    .as_ref()
                    .is_some_and(|token| other.path.contains(token) || other.body.contains(token))
            };
            for other in &forged {
                let known = gateway.delivery(id).await;
                let status = gateway.report(other).await;
                assert!([200, 204, 400, 401].contains(&status), "{place}: {status}");
                if status == 401 || !has_token(other) {
                    assert_eq!(gateway.delivery(id).await, known, "{place}");
                }
            }
            for _ in 0..2 {
                assert!([200, 204].contains(&gateway.report(&receipt).await), "{place}");
                assert_eq!(gateway.delivery(id).await, Some(expected), "{place}");
            }
            vendors.insert(kind);
        }
    }
    assert!(vendors.len() >= 6, "only {vendors:?}");
}
