//! Every preset is a valid definition, and its folder has everything that belongs to it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use otpmux_generic_http::{Definition, PRESETS};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("presets")
}

#[test]
fn every_preset_is_a_valid_definition() {
    let read = |toml| Definition::from_toml(toml).map(drop);
    let wrong: Vec<_> = PRESETS
        .iter()
        .filter_map(|preset| Some(format!("{}.toml:\n{}", preset.kind, read(preset.toml()).err()?)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn every_preset_has_its_page_its_settings_and_its_golden_files() {
    for preset in PRESETS {
        let folder = folder().join(preset.kind);
        for name in ["README.md", "fixture.json", "wire"] {
            assert!(folder.join(name).exists(), "{} has no {name}", preset.kind);
        }
    }
}

#[test]
fn every_folder_has_its_preset() {
    let kinds: BTreeSet<_> = PRESETS.iter().map(|preset| preset.kind.to_owned()).collect();
    let entries = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap());
    let folders: BTreeSet<_> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(folders, kinds);
}

/// The answer of `otpmux vendor test` is a success for every preset that has one.
#[tokio::test]
async fn the_example_of_an_answer_is_read_as_a_success() {
    use otpmux_core::{Code, CodeSource, Context, IdempotencyKey, Message, OtpProvider as _};
    use otpmux_core::{Recipient, SendRequest, Text};
    use otpmux_generic_http::HttpProvider;
    use otpmux_testkit::faulty::{FaultyServer, Play, Reply};

    let definition = Definition::from_json(&serde_json::json!({
        "auth": { "bearer": "{setting.key}" },
        "limits": { "code_length": "4-10" },
        "channels": { "sms": {} },
        "send": { "path": "/m", "json": { "to": "{to}", "text": "{text}" } },
        "success": {
            "status": "201-202",
            "require": [
                { "pointer": "/data/0/state", "one_of": ["queued", "sent"] },
                { "pointer": "/data/0/id", "exists": true },
                { "header": "x-kind", "prefix": "mess" },
            ],
            "reference": { "pointer": "/data/0/id" },
        },
    }))
    .unwrap();
    let channel = definition.channels().next().unwrap().clone();
    let answer = definition.example_answer(&channel).unwrap();
    let reply = Reply::new(answer.status).with_body(answer.body.clone());
    let reply =
        answer.headers.iter().fold(reply, |reply, (name, value)| reply.with_header(name, value));
    let server = FaultyServer::start(Play::answer(&reply)).await;
    let mut http = otpmux_http::HttpSettings::default();
    http.base_url = Some(server.url());
    let provider =
        HttpProvider::builder(definition).secret("key", "made-up").http(http).build("p").unwrap();
    let code: Code = "004217".parse().unwrap();
    let to: Recipient = "+14155550123".parse().unwrap();
    let mut request = SendRequest::new(to, channel, CodeSource::Otpmux(code));
    request.message = Some(Message::new(Text::new("{code}")));
    let cx = Context::new(IdempotencyKey::from_random([7; 16]));
    let sent = provider.send(&cx, &request).await.unwrap();
    assert_eq!(sent.reference.unwrap().as_str(), "example-reference");
}
