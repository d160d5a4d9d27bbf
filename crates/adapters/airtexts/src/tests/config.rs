//! The settings, as a registry reads them.

use otpmux_core::settings::SettingsReader;
use otpmux_core::{ProviderId, Secret};
use serde_json::{Value, json};

use crate::{ADAPTER, AirTextsConfig, Credentials, Endpoint};

fn build(extra: &Value) -> Result<(), String> {
    let mut table = json!({"appid": "app"});
    let given = extra.as_object().unwrap().clone();
    table.as_object_mut().unwrap().extend(given);
    table.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let resolve = |name: &str| Ok(Secret::new(name.replace("env:", "")));
    let settings = SettingsReader::new(&resolve)
        .read("providers.p", ADAPTER.settings, table.as_object().unwrap())
        .map_err(|errors| errors[0].to_string())?;
    let id = ProviderId::new("p").unwrap();
    (ADAPTER.build)(id, &settings).map(|_| ()).map_err(|error| error.to_string())
}

#[test]
fn builds_with_each_kind_of_credentials() {
    for table in [
        json!({"api_key": "env:K", "api_secret": "env:S"}),
        json!({"username": "user", "password": "env:P"}),
        json!({"bearer": "env:T"}),
        json!({
            "bearer": "env:T", "from": "Acme", "template_id": 123, "lang": "pt", "otp_length": 8,
            "paths": {"send": "/v2/otp", "rate_limits": "/x"}, "resend": true, "status": true,
            "approved_field": "data.result", "approved_value": "true", "timeout": "5s",
        }),
    ] {
        assert_eq!(build(&table), Ok(()), "{table}");
    }
}

#[test]
fn names_what_is_wrong() {
    let bearer = |key: &str, value: Value| json!({"bearer": "env:T", key: value});
    for (table, expected) in [
        (json!({"appid": null}), "appid: missing"),
        (
            json!({}),
            "api_key: no credentials; give api_key and api_secret, or username and password, or bearer",
        ),
        (
            json!({"bearer": "env:T", "api_key": "env:K"}),
            "bearer: more than one kind of credentials; give api_key and api_secret, or",
        ),
        (
            json!({"api_key": "env:K", "api_secret": "env:S", "username": "u"}),
            "username: more than one kind",
        ),
        (json!({"api_key": "env:K"}), "api_secret: missing; it goes with `api_key`"),
        (json!({"api_secret": "env:S"}), "api_key: missing; it goes"),
        (json!({"username": "u"}), "password: missing; it goes"),
        (json!({"password": "env:P"}), "username: missing; it goes"),
        (
            json!({"username": "u:v", "password": "env:P"}),
            "username: a user name of Basic authentication holds no colon",
        ),
        (json!({"bearer": "env:two\nlines"}), "bearer: a credential holds characters"),
        (bearer("otp_length", json!(9)), "otp_length: must be"),
        (bearer("template_id", json!("x")), "template_id: must be"),
        (
            bearer("paths", json!({"sendd": "/x"})),
            "paths.sendd: unknown path; did you mean `send`?",
        ),
        (
            bearer("paths", json!({"something": "/x"})),
            "paths.something: unknown path; the known ones are: send, verify,",
        ),
        (bearer("paths", json!({"verify": "x"})), "paths.verify: must begin with /"),
        (bearer("paths", json!({"verify": "/x?key=1"})), "paths.verify: must begin with /"),
        (
            bearer("approved_field", json!("message")),
            "approved_value: missing; it goes with `approved_field`",
        ),
        (
            bearer("approved_value", json!("OK")),
            "approved_field: missing; it goes with `approved_value`",
        ),
        (
            json!({"bearer": "env:T", "approved_field": "a..b", "approved_value": "x"}),
            "approved_field: must be names joined by single dots",
        ),
        (bearer("base_url", json!("http://a.example")), "base_url: must"),
        (bearer("form", json!("Acme")), "form: unknown key; did you mean `from`?"),
    ] {
        let error = build(&table).unwrap_err();
        let expected = format!("providers.p.{expected}");
        assert!(error.starts_with(&expected), "{error}, not {expected}");
    }
}

#[test]
fn a_config_built_in_code_is_checked_too() {
    let config = || {
        let credentials = Credentials::Bearer { token: "t".into() };
        let url = "https://api.airtexts.com".parse().unwrap();
        AirTextsConfig::new(url, "app", credentials)
    };
    let mut path = config();
    path.paths.insert(Endpoint::Send, "otp".to_owned());
    let mut length = config();
    length.otp_length = Some(3);
    for (config, word) in [(path, "path"), (length, "length")] {
        let error = crate::AirTexts::new(ProviderId::new("p").unwrap(), config).unwrap_err();
        assert_eq!(error.kind(), otpmux_core::ErrorKind::Configuration);
        assert!(error.detail().contains(word), "{error}");
    }
}
