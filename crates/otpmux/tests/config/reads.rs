use std::time::Duration;

use otpmux::config::{ApiKeySecret, Environment, StoreConfig};
use otpmux::{Channel, OtpClient, Purpose, RateLimit};

use crate::{read, with};

const FULL: &str = r#"
[providers.zulu]
kind = "easyotp"
api_key = "env:KEY"
message = "Your Acme code is {code}"

[providers.alpha]
kind = "startmessaging"
api_key = "env:KEY"
timeout = "5s"

[providers.mike]
kind = "easyotp"
api_key = "env:KEY"

[[routes]]
countries = ["IN"]
channels = ["sms"]
prefixes = ["+9198"]
purposes = ["login"]
providers = ["alpha", "zulu"]

[[routes]]
providers = ["zulu", "mike"]

[store]
url = "memory:"
capacity = 10

[[server_keys]]
id = "2026-11"
key = "env:SERVER_KEY"

[[server_keys]]
id = "2026-10"
key = "env:SERVER_KEY"

[policy]
code_length = 8
ttl = "4m"
max_guesses = 3
resend_delay = "0s"

[server]
listen = "[::1]:9000"
tls_certificate = "cert.pem"
tls_private_key = "key.pem"
trusted_proxies = ["10.0.0.0/8", "::1"]
metrics_listen = "127.0.0.1:9090"
max_connections = 500
max_connections_per_address = 50
drain_delay = "5s"
drain_timeout = "1m"

[[server.api_keys]]
name = "web"
key = "env:NOT_SET_HERE"
old_key = "env:NOT_SET_EITHER"
requests = ["50/1s"]
purposes = ["login", "signup"]
admin = true

[[server.api_keys]]
name = "batch"
key_sha256 = "00000000000000000000000000000000000000000000000000000000000000ff"
"#;

#[test]
fn every_section() {
    let config = read(FULL).unwrap();
    let names: Vec<_> = config
        .providers()
        .iter()
        .map(|configured| (configured.id.as_str(), configured.kind))
        .collect();
    let order = [("zulu", "easyotp"), ("alpha", "startmessaging"), ("mike", "easyotp")];
    assert_eq!(names, order, "the order of the file counts");
    let routes = config.routes().unwrap().as_slice();
    assert_eq!(routes.len(), 2);
    assert_eq!(routes[0].countries, ["IN"]);
    assert_eq!(routes[0].channels, [Channel::Sms]);
    assert_eq!(routes[0].prefixes, ["+9198"]);
    assert_eq!(routes[0].purposes[0].as_str(), "login");
    assert_eq!(routes[0].providers[0].as_str(), "alpha");
    assert_eq!(config.store(), &StoreConfig::Memory { capacity: 10 });
    assert_eq!(config.server_key_ids(), ["2026-11", "2026-10"]);
    assert_eq!(config.policy().code_length, 8);
    assert_eq!(config.policy().ttl, Duration::from_mins(4));
    assert_eq!(config.policy().resend_delay, Duration::ZERO);
    assert_eq!(config.policy().max_resends, 4, "left out: the default");
    let server = config.server().unwrap();
    assert_eq!(server.listen.to_string(), "[::1]:9000");
    let tls = server.tls().unwrap();
    assert_eq!(
        (tls.certificate.to_str(), tls.private_key.to_str()),
        (Some("cert.pem"), Some("key.pem"))
    );
    assert!(server.trusted_proxies[0].holds([10, 1, 1, 1].into()));
    assert_eq!((server.trusted_proxies.len(), server.max_connections), (2, 500));
    assert_eq!(server.max_connections_per_address, Some(50));
    assert_eq!(server.metrics_listen.unwrap().to_string(), "127.0.0.1:9090");
    assert_eq!((server.drain_delay.as_secs(), server.drain_timeout.as_secs()), (5, 60));
    let web = &server.api_keys[0];
    assert!(matches!(&web.secret, ApiKeySecret::Reference(_)));
    assert!(matches!(&web.old_secret, Some(ApiKeySecret::Reference(_))));
    assert_eq!(web.requests, [RateLimit::new(50, Duration::from_secs(1))]);
    assert!(web.admin && !server.api_keys[1].admin);
    assert!(web.scope.contains(&Purpose::new("signup").unwrap()));
    assert!(!web.scope.contains(&Purpose::new("payout").unwrap()));
    // A key is looked up by the program that serves, which reports a missing one.
    let wrong = web.hashes("server.api_keys[0]", &Environment::new()).unwrap_err();
    assert_eq!(wrong.len(), 2);
    assert_eq!(wrong[0].path(), "server.api_keys[0].key");
    let set =
        Environment::new().with("NOT_SET_HERE", "0123456789abcdef").with("NOT_SET_EITHER", "short");
    let wrong = web.hashes("server.api_keys[0]", &set).unwrap_err();
    assert!(wrong[0].message().contains("shorter than 16"), "{}", wrong[0]);
    let set = set.with("NOT_SET_EITHER", "fedcba9876543210");
    assert_eq!(web.hashes("k", &set).unwrap().len(), 2);
    let ApiKeySecret::Sha256(hash) = &server.api_keys[1].secret else {
        panic!("{:?}", server.api_keys[1]);
    };
    assert_eq!((hash[0], hash[31]), (0, 255));
    OtpClient::from_config(&config).unwrap();
}

#[test]
fn one_provider_is_enough() {
    let config = read(&with("")).unwrap();
    assert_eq!(config.store(), &StoreConfig::default());
    assert!(config.routes().is_none() && config.server().is_none());
    assert!(config.server_key_ids().is_empty());
    OtpClient::from_config(&config).unwrap();
}

#[test]
fn debug_shows_no_secret() {
    let shown = format!("{:#?}", read(FULL).unwrap());
    assert!(!shown.contains("made-up") && !shown.contains(crate::SERVER_KEY));
    assert!(!shown.contains("255"), "the hash of a key neither: {shown}");
}

#[test]
fn no_trusted_proxy_may_be_said_aloud() {
    let config = read(&with("[server]\ntrusted_proxies = []")).unwrap();
    assert!(config.server().unwrap().trusted_proxies.is_empty());
}

/// The forms of TOML that few files use.
#[test]
fn unusual_forms_are_read_and_written_back() {
    let text = "\u{feff}[providers]\r\np = { kind = 'easyotp', \"api_\\u006bey\" = \"\"\"env:KEY\"\"\" }\r\n\
                [policy]\r\nmax_guesses = 0x3\r\nmax_resends = 0b1_0\r\n";
    let config = read(text).unwrap();
    assert_eq!((config.policy().max_guesses, config.policy().max_resends), (3, 2));
    let again = read(&config.to_toml()).unwrap();
    assert_eq!(again.to_toml(), config.to_toml());
    for number in
        ["3.0", "1e300", "1e999", "-0.0", "inf", "-nan", "99999999999999999999", "-1", "1979-05-27"]
    {
        let errors = read(&with(&format!("[policy]\nmax_guesses = {number}"))).unwrap_err();
        assert_eq!(errors, ["policy.max_guesses: must be a whole number from 1 to 10"], "{number}");
    }
}
