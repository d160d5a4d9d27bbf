use std::time::Duration;

use otpmux::{ApiKeySecret, Channel, OtpClient, StoreConfig};

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
kind = "airtexts"
appid = "app"
bearer = "env:KEY"

[[routes]]
country = ["IN"]
channel = ["sms"]
prefix = ["+9198"]
purpose = ["login"]
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
lifetime = "4m"
attempts = 3
resend_delay = "0s"

[server]
listen = "[::1]:9000"

[[server.api_keys]]
name = "web"
key = "env:NOT_SET_HERE"

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
        .map(|configured| (configured.provider.id().as_str(), configured.kind))
        .collect();
    let order = [("zulu", "easyotp"), ("alpha", "startmessaging"), ("mike", "airtexts")];
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
    assert_eq!(config.policy().lifetime, Duration::from_mins(4));
    assert_eq!(config.policy().resend_delay, Duration::ZERO);
    assert_eq!(config.policy().resends, 4, "left out: the default");
    let server = config.server().unwrap();
    assert_eq!(server.listen.to_string(), "[::1]:9000");
    assert!(matches!(&server.api_keys[0].secret, ApiKeySecret::Reference(_)));
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
