//! The metrics of a gateway, beside the files that use them: alert rules, dashboard, guide.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use otpmux::provider::{Correlation, Delivery, Receipt, Receipts};
use otpmux_emulator::{Fault, Vendor};
use otpmux_testkit::ScriptedProvider;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::support::{API_KEY, REPORTER, Serving, file, wrong};

const RULES: &str = "deploy/monitoring/otpmux.rules.yml";
const DASHBOARD: &str = "deploy/monitoring/grafana.json";
const GUIDE: &str = "docs/operating/monitoring.md";
const CONNECTIONS: usize = 4;

/// The labels that Prometheus adds to every series, and those of a histogram.
const ADDED: [&str; 4] = ["instance", "job", "le", "alertname"];

/// The labels of each metric with their values, by its name; a histogram's without its endings.
type Metrics = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// One of the conditions between braces.
#[derive(Debug, PartialEq)]
struct Matcher<'a> {
    label: &'a str,
    /// The one value that fits, where it is one.
    exactly: Option<&'a str>,
}

#[tokio::test]
async fn every_metric_is_watched_and_every_watched_one_is_there() {
    let shown = metrics_of_a_busy_gateway().await;

    let mut watched = BTreeSet::new();
    for expression in rule_chunks().into_iter().chain(panels()) {
        let mut together: BTreeSet<String> = ADDED.map(ToOwned::to_owned).into();
        for (name, matchers) in used(&expression) {
            let known = shown.get(&name).unwrap_or_else(|| panic!("{name} is shown nowhere"));
            for Matcher { label, exactly } in matchers {
                if ADDED.contains(&label) {
                    continue;
                }
                let values = known.get(label);
                let values = values.unwrap_or_else(|| panic!("{name} has no label {label}"));
                if let Some(value) = exactly {
                    assert!(values.contains(value), "{name} never has {label} {value}: {values:?}");
                }
            }
            together.extend(known.keys().cloned());
            watched.insert(name);
        }
        let summed = summed(&expression);
        assert!(summed.is_subset(&together), "{summed:?} are not all there: {expression}");
    }
    let names: BTreeSet<_> = shown.keys().cloned().collect();
    assert_eq!(watched, names, "on the dashboard and in the rules");

    let documented: BTreeSet<_> = used(&file(GUIDE)).into_iter().map(|(name, _)| name).collect();
    assert_eq!(documented, names, "in the guide");
}

#[test]
fn every_alert_is_in_the_guide() {
    let guide = file(GUIDE);
    let rules = file(RULES);
    let alerts: Vec<_> = rules.lines().filter_map(|l| l.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 10);
    let tests = file("deploy/monitoring/otpmux.rules.test.yml");
    for alert in alerts {
        assert!(guide.contains(&format!("`{alert}`")), "{alert} is not explained");
        let fires = format!("alertname: {alert}\n        exp_alerts:\n          - ");
        assert!(tests.contains(&fires), "no test has {alert} fire");
    }
}

/// The scanner below must not be blind.
#[test]
fn names_and_labels_are_found() {
    let found = used(r#"rate(otpmux_a_seconds_bucket{call="s",y!~"}"}[5m]) / otpmux_b_total"#);
    let call = Matcher { label: "call", exactly: Some("s") };
    let other = Matcher { label: "y", exactly: None };
    let expected =
        [("otpmux_a_seconds".to_owned(), vec![call, other]), ("otpmux_b_total".to_owned(), vec![])];
    assert_eq!(found, expected);
    assert_eq!(summed("sum by (le, x) (a) / sum by (y) (b)").len(), 3);
    let prose = "`otpmux_b_total` and otpmux.toml, otpmux.github.io";
    assert_eq!(used(prose), [("otpmux_b_total".to_owned(), vec![])]);
}

/// Each alert with all that it says.
fn rule_chunks() -> Vec<String> {
    file(RULES).split("- alert: ").skip(1).map(ToOwned::to_owned).collect()
}

fn panels() -> Vec<String> {
    let dashboard: serde_json::Value = serde_json::from_str(&file(DASHBOARD)).unwrap();
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    targets.map(|target| target["expr"].as_str().expect("an expression").to_owned()).collect()
}

/// The metrics that a text names, each with what it picks by.
fn used(text: &str) -> Vec<(String, Vec<Matcher<'_>>)> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (at, _) in text.match_indices("otpmux_") {
        if text[..at].ends_with(|c| word(c) || c == '-') {
            continue;
        }
        let (name, rest) = split_word(&text[at..]);
        let mut matchers = Vec::new();
        let mut rest = rest.strip_prefix('{').unwrap_or("");
        while let Some((before, after)) = rest.split_once('"') {
            let (label, operator) = split_word(before);
            let (value, after) = after.split_once('"').expect("the end of a value");
            matchers.push(Matcher { label, exactly: (operator == "=").then_some(value) });
            rest = after.strip_prefix(',').unwrap_or("");
        }
        found.push((base(name).to_owned(), matchers));
    }
    found
}

fn split_word(text: &str) -> (&str, &str) {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.split_at(text.find(|c| !word(c)).unwrap_or(text.len()))
}

/// The labels that a text sums by.
fn summed(text: &str) -> BTreeSet<String> {
    text.split(" by (")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .flat_map(|(labels, _)| labels.split(',').map(|label| label.trim().to_owned()))
        .collect()
}

/// A histogram's name without what Prometheus appends.
fn base(name: &str) -> &str {
    let parts = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
    parts.filter(|base| base.ends_with("_seconds")).unwrap_or(name)
}

/// A gateway where everything can happen that is counted.
fn configuration(audit: &Path) -> String {
    format!(
        r#"
        [[routes]]
        countries = ["US"]
        providers = ["primary"]
        [[routes]]
        countries = ["GB"]
        providers = ["reporter"]
        [[routes]]
        providers = ["primary", "backup"]
        [providers.reporter]
        kind = "reporter"
        [limits]
        recipient = ["2/1h"]
        global = ["15/1h"]
        [policy]
        max_guesses = 1
        [resilience]
        retry_pause = "1ms"
        [server]
        max_connections = {CONNECTIONS}
        max_connections_per_address = {CONNECTIONS}
        balance_interval = "10s"
        public_url = "https://otp.example.com"
        [audit]
        file = "{audit}"
        [[events]]
        name = "nobody"
        url = "http://127.0.0.1:9/"
        secret = "env:EVENTS_SECRET"
        types = ["verification.approved"]
        allow_loopback = true
        "#,
        audit = audit.display()
    )
}

/// Lets everything happen that is counted.
async fn metrics_of_a_busy_gateway() -> Metrics {
    let folder = tempfile::tempdir().unwrap();
    let more = configuration(&folder.path().join("audit.log"));
    let serving = Serving::start(&more, true).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = async |path: &str, body: String| {
        let request = http.post(format!("{}{path}", serving.url())).bearer_auth(API_KEY);
        let answer = request.header("Content-Type", "application/json").body(body).send().await;
        let answer = answer.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let send = async |to: &str| post("/v1/verifications", format!(r#"{{"to":"{to}"}}"#)).await;

    // Vendors are asked for their balance soon after the start, before anything goes wrong here.
    let begun = Instant::now();
    loop {
        let page = http.get(format!("{}/metrics", serving.url())).send().await.unwrap();
        if page.text().await.unwrap().contains("otpmux_provider_balance{") {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "no balance");
    }
    let (status, sent) = send("+919876543210").await;
    assert_eq!(status, 201, "{sent}");
    let path = verify_path(&sent);
    let code = serving.emulator.last_code("+919876543210").expect("a message");
    assert_eq!(post(&path, format!(r#"{{"code":"{code}"}}"#)).await.0, 200);
    // A receipt, and a report to its vendor.
    let (status, sent) = send("+447700900123").await;
    assert_eq!(status, 201, "{sent}");
    let (reporter, code) = has_delivered();
    assert_eq!(post("/v1/receipts/reporter", String::new()).await.0, 204);
    let path = verify_path(&sent);
    assert_eq!(post(&path, format!(r#"{{"code":"{code}"}}"#)).await.0, 200);
    reporter.reports.called(1).await;
    // Too many wrong codes, and a limit.
    let (status, sent) = send("+919876543210").await;
    assert_eq!(status, 201, "{sent}");
    let path = verify_path(&sent);
    let code = serving.emulator.last_code("+919876543210").expect("a message");
    for _ in 0..2 {
        post(&path, format!(r#"{{"code":"{}"}}"#, wrong(&code))).await;
    }
    assert_eq!(send("+919876543210").await.0, 429);
    // A vendor that is not to be asked again for long, and no other: an answer of the 500s.
    let later = Fault::status(429).with_header("retry-after", "600").times(1);
    serving.emulator.set_fault(Vendor::EasyOtp, later);
    assert_eq!(send("+12025550199").await.0, 503);
    // A further try, then a breaker.
    let busy = Fault::status(503).with_header("retry-after", "1").times(1);
    serving.emulator.set_fault(Vendor::EasyOtp, busy);
    assert_eq!(send("+12025550100").await.0, 201);
    serving.emulator.set_fault(Vendor::EasyOtp, Fault::status(500));
    for last in 1..=6 {
        send(&format!("+1202555011{last}")).await;
    }
    // The other vendor's too: what is out can be verified all the same. And the limit over all.
    serving.emulator.set_fault(Vendor::StartMessaging, Fault::status(500));
    for last in 1..=5 {
        send(&format!("+91987654322{last}")).await;
    }
    assert_eq!(send("+919876543230").await.0, 429);
    let ready = http.get(format!("{}/readyz", serving.url())).send().await.unwrap();
    assert_eq!(ready.status(), 200);
    crowd(&serving).await;

    let begun = Instant::now();
    let page = loop {
        // Places come free one after the other.
        match http.get(format!("{}/metrics", serving.url())).send().await {
            Ok(answer) => break answer.text().await.unwrap(),
            Err(error) => assert!(begun.elapsed() < Duration::from_secs(30), "{error}"),
        }
        tokio::task::yield_now().await;
    };
    serving.end().await;
    shown(&page)
}

/// Opens more connections than there may be.
async fn crowd(serving: &Serving) {
    let mut crowd = Vec::new();
    for _ in 0..=CONNECTIONS {
        crowd.push(TcpStream::connect(serving.address).await.unwrap());
    }
    let closed = crowd.last_mut().expect("a crowd").read(&mut [0]).await;
    assert!(!matches!(closed, Ok(1..)), "{closed:?}");
}

/// The path of a verify, by the answer to a send.
fn verify_path(sent: &str) -> String {
    let sent: serde_json::Value = serde_json::from_str(sent).unwrap();
    format!("/v1/verifications/{}/verify", sent["id"].as_str().unwrap())
}

/// Lets the vendor of `reporter` report that its first message was delivered; returns its code.
fn has_delivered() -> (&'static ScriptedProvider, String) {
    let reporter = REPORTER.get().expect("a provider");
    let target = reporter.sends.contexts()[0].receipt.clone().expect("a target");
    let receipt = Receipt::new(Correlation::Token(target.token), Delivery::Delivered);
    reporter.receipts.answer(Ok(Receipts::new([receipt])));
    (reporter, reporter.otpmux_codes().remove(0))
}

fn shown(page: &str) -> Metrics {
    let mut metrics = Metrics::new();
    for line in page.lines().filter(|line| line.starts_with("otpmux_")) {
        let (series, _) = line.rsplit_once(' ').expect("a value");
        let (name, mut rest) = split_word(series);
        let labels = metrics.entry(base(name).to_owned()).or_default();
        rest = rest.trim_start_matches('{');
        while let Some((label, after)) = rest.split_once("=\"") {
            let (value, after) = after.split_once('"').expect("the end of a value");
            labels.entry(label.to_owned()).or_default().insert(value.to_owned());
            rest = after.trim_start_matches(',');
        }
    }
    metrics
}
