use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use otpmux::Config;
use otpmux::config::Environment;
use otpmux_gateway::{Gateway, Options};

use crate::support::file;

/// The variables of the example file, in their order.
fn variables() -> Vec<String> {
    let example = file("deploy/otpmux.env.example");
    let lines = example.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.strip_suffix('=').expect("no value").to_owned()).collect()
}

/// Made-up values for all of them.
fn environment() -> Environment {
    variables().into_iter().fold(Environment::new(), |environment, name| {
        let value = match name.as_str() {
            "OTPMUX_REDIS_URL" => "redis://:sesame@127.0.0.1:1".to_owned(),
            "OTPMUX_SERVER_KEY" => "bWFkZS11cCBzZXJ2ZXIga2V5IG9mIDMyIGJ5dGVzISE=".to_owned(),
            _ => format!("{name}-0123456789abcdef0123456789abcdef"),
        };
        environment.with(name, value)
    })
}

fn config() -> Config {
    Config::from_toml(&file("deploy/otpmux.toml"), &environment()).expect("the configuration")
}

/// Everything that the file refers to is in the example, and a gateway starts with it.
#[tokio::test]
async fn the_configuration_is_right() {
    let mut options = Options::default();
    options.environment = environment();
    options.listen = Some(([127, 0, 0, 1], 0).into());
    let gateway = Gateway::bind(&config(), options).await;
    assert!(gateway.is_ok(), "{gateway:?}");
}

#[test]
fn no_variable_is_forgotten_or_left_over() {
    let text = file("deploy/otpmux.toml");
    let mut referred: BTreeSet<String> = text
        .split("\"env:")
        .skip(1)
        .map(|rest| rest.split_once('"').expect("the end of a text").0.to_owned())
        .collect();
    let compose = file("deploy/compose.yaml");
    for name in &referred {
        assert!(compose.contains(&format!("{name}: ${{{name}:?}}")), "compose.yaml lacks {name}");
    }
    // Redis' own, and not the gateway's.
    referred.insert("REDIS_PASSWORD".to_owned());
    assert_eq!(variables().into_iter().collect::<BTreeSet<_>>(), referred);
}

#[test]
fn kubernetes_has_the_same_configuration() {
    let manifest = file("deploy/kubernetes/config.yaml");
    let (_, block) = manifest.split_once("otpmux.toml: |\n").expect("the file");
    let lines: Vec<_> =
        block.lines().map(|line| line.strip_prefix("    ").unwrap_or(line)).collect();
    assert_eq!(lines.join("\n") + "\n", file("deploy/otpmux.toml"));
}

#[test]
fn no_manifest_is_left_out() {
    let listed = file("deploy/kubernetes/kustomization.yaml");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/kubernetes");
    let mut found = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name != "kustomization.yaml" {
            assert!(listed.contains(&format!("  - {name}\n")), "{name}");
            found += 1;
        }
    }
    assert_eq!(listed.lines().filter(|line| line.starts_with("  - ")).count(), found);
}

/// A supervisor that stops a gateway waits until its requests have ended.
#[test]
fn no_process_is_stopped_too_early() {
    let config = config();
    let server = config.server().expect("a gateway's section");
    let needed = server.drain_delay + server.drain_timeout;
    for (path, key) in [
        ("deploy/compose.yaml", "  stop_grace_period: "),
        ("deploy/kubernetes/gateway.yaml", "terminationGracePeriodSeconds: "),
        ("deploy/systemd/otpmux.service", "TimeoutStopSec="),
    ] {
        let text = file(path);
        let (_, rest) = text.split_once(key).expect(path);
        let seconds = rest.lines().next().expect("a value").trim_end_matches('s');
        let given = Duration::from_secs(seconds.parse().expect("seconds"));
        assert!(given > needed, "{path}: {given:?} is not longer than {needed:?}");
    }
    // And a load balancer has noticed by then: each asks every so often, and needs so many answers.
    let probes = file("deploy/kubernetes/gateway.yaml");
    let (_, readiness) = probes.split_once("readinessProbe:").expect("a probe");
    let number = |key: &str| -> u64 {
        let (_, rest) = readiness.split_once(key).expect("a key");
        rest.lines().next().expect("a value").trim().parse().expect("a number")
    };
    let noticed = number("periodSeconds:") * number("failureThreshold:");
    assert!(Duration::from_secs(noticed) < server.drain_delay, "noticed after {noticed} s");
}
