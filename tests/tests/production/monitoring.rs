//! What a gateway shows on /metrics, beside what is made of it: alert rules, dashboard, guide.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use otpmux_emulator::{Fault, Vendor};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::support::{API_KEY, Serving, file};

const RULES: &str = "deploy/monitoring/otpmux.rules.yml";
const DASHBOARD: &str = "deploy/monitoring/grafana.json";
const GUIDE: &str = "docs/production.md";
const CONNECTIONS: usize = 4;

/// What Prometheus itself adds to every series, and what a histogram has.
const ADDED: [&str; 4] = ["instance", "job", "le", "alertname"];

/// The labels of each metric, by its name; a histogram's without its endings.
type Metrics = BTreeMap<String, BTreeSet<String>>;

#[tokio::test]
async fn every_metric_is_watched_and_every_watched_one_is_there() {
    let shown = metrics_of_a_busy_gateway().await;

    let mut watched = Metrics::new();
    for expression in rule_chunks().into_iter().chain(panels()) {
        let mut together: BTreeSet<String> = ADDED.map(ToOwned::to_owned).into();
        for (name, labels) in used(&expression) {
            let known = shown.get(&name).unwrap_or_else(|| panic!("{name} is shown nowhere"));
            for label in labels {
                let there = known.contains(&label) || ADDED.contains(&label.as_str());
                assert!(there, "{name} has no label {label}: {expression}");
            }
            together.extend(known.iter().cloned());
            watched.entry(name).or_default();
        }
        let summed = summed(&expression);
        assert!(summed.is_subset(&together), "{summed:?} are not all there: {expression}");
    }
    let names = |metrics: &Metrics| metrics.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(names(&watched), names(&shown), "on the dashboard and in the rules");

    let documented: BTreeSet<_> = used(&file(GUIDE)).into_iter().map(|(name, _)| name).collect();
    assert_eq!(documented, names(&shown), "in the guide");
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
    let found = used(
        r#"sum by (le, x) (rate(otpmux_a_seconds_bucket{call="s",y!~"}"}[5m])) / otpmux_b_total"#,
    );
    let named = |name: &str, labels: &[&str]| {
        (name.to_owned(), labels.iter().map(|&label| label.to_owned()).collect())
    };
    let expected = [named("otpmux_a_seconds", &["call", "y"]), named("otpmux_b_total", &[])];
    assert_eq!(found, expected);
    assert_eq!(summed("sum by (le, x) (a) / sum by (y) (b)").len(), 3);
    let prose = "`otpmux_b_total` and otpmux.toml, urn:otpmux:problem";
    assert_eq!(used(prose), [named("otpmux_b_total", &[])]);
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

/// The metrics that a text names, each with the labels that it picks by.
fn used(text: &str) -> Vec<(String, BTreeSet<String>)> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (at, _) in text.match_indices("otpmux_") {
        if text[..at].ends_with(|c| word(c) || c == '-') {
            continue;
        }
        let rest = &text[at..];
        let (name, rest) = rest.split_at(rest.find(|c| !word(c)).unwrap_or(rest.len()));
        let mut labels = BTreeSet::new();
        // Values are texts, and may hold anything.
        let mut outside = rest.split('"').step_by(2);
        if let Some(mut part) = outside.next().and_then(|part| part.strip_prefix('{')) {
            loop {
                let (here, over) =
                    part.split_once('}').map_or((part, false), |(here, _)| (here, true));
                let names = here.split(|c: char| !word(c)).filter(|name| !name.is_empty());
                labels.extend(names.map(ToOwned::to_owned));
                match outside.next() {
                    Some(next) if !over => part = next,
                    _ => break,
                }
            }
        }
        found.push((base(name).to_owned(), labels));
    }
    found
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

/// Lets everything happen that is counted.
async fn metrics_of_a_busy_gateway() -> Metrics {
    let more = format!(
        r#"
        [[routes]]
        country = ["US"]
        providers = ["primary"]
        [[routes]]
        providers = ["primary", "backup"]
        [limits]
        recipient = ["2/1h"]
        [guards]
        retry_pause = "1ms"
        [server]
        max_connections = {CONNECTIONS}
        "#
    );
    let serving = Serving::start(&more, true).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = async |path: &str, body: String| {
        let request = http.post(format!("{}{path}", serving.url())).bearer_auth(API_KEY);
        let answer = request.header("Content-Type", "application/json").body(body).send().await;
        let answer = answer.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let send = async |to: &str| post("/v1/verifications", format!(r#"{{"to":"{to}"}}"#)).await;

    let (status, sent) = send("+919876543210").await;
    assert_eq!(status, 201, "{sent}");
    let sent: serde_json::Value = serde_json::from_str(&sent).unwrap();
    let path = format!("/v1/verifications/{}/verify", sent["id"].as_str().unwrap());
    let code = serving.emulator.last_code("+919876543210").expect("a message");
    assert_eq!(post(&path, format!(r#"{{"code":"{code}"}}"#)).await.0, 200);
    // A limit.
    assert_eq!(send("+919876543210").await.0, 201);
    assert_eq!(send("+919876543210").await.0, 429);
    // A further try, then a breaker.
    let busy = Fault::status(503).with_header("retry-after", "1").times(1);
    serving.emulator.set_fault(Vendor::EasyOtp, busy);
    assert_eq!(send("+12025550100").await.0, 201);
    serving.emulator.set_fault(Vendor::EasyOtp, Fault::status(500));
    for last in 1..=6 {
        send(&format!("+1202555011{last}")).await;
    }
    // More connections than there may be.
    let mut crowd = Vec::new();
    for _ in 0..=CONNECTIONS {
        crowd.push(TcpStream::connect(serving.address).await.unwrap());
    }
    let closed = crowd.last_mut().expect("a crowd").read(&mut [0]).await;
    assert!(!matches!(closed, Ok(1..)), "{closed:?}");
    drop(crowd);

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

fn shown(page: &str) -> Metrics {
    let mut metrics = Metrics::new();
    for line in page.lines().filter(|line| line.starts_with("otpmux_")) {
        let (series, _) = line.rsplit_once(' ').expect("a value");
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels = labels.split('"').step_by(2).map(|part| {
            part.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '_').to_owned()
        });
        let entry = metrics.entry(base(name).to_owned()).or_default();
        entry.extend(labels.filter(|label| !label.is_empty() && label != "le"));
    }
    metrics
}
