//! The parts of a message's text that a request may decide.

use serde_json::{Value, json};

use crate::world::{PHONE, count, emulator, environment, start, toml};
use otpmux_emulator::{Emulator, MessageFilter};

const MESSAGES: &str = "
[[server.api_keys]]
name = \"web\"
key = \"env:WEB_KEY\"
brands = [\"Acme Pay\"]

[messages]
app = \"Acme\"

[messages.variables]
name = { max = 10 }

[messages.texts.login.en]
text = \"{name}, {code} is your {app} code.\"

[messages.texts.login.de]
text = \"{name}, {code} ist Ihr Code von {app}.\"
";

/// The text of the newest message, without its code.
fn text(emulator: &Emulator) -> String {
    let message = emulator.messages(&MessageFilter::default()).pop().unwrap();
    message.text.replace(&message.code, "CODE")
}

fn login(more: &Value) -> Value {
    let mut body = json!({ "to": PHONE, "purpose": "login", "variables": { "name": "Ann" } });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

#[tokio::test]
async fn locale_variables_and_brand() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, MESSAGES), environment()).await.unwrap();
    let sent = gateway.post("/v1/verifications", &login(&json!({ "locale": "de-AT" }))).await;
    let sent = sent.expect(201);
    let german = "Ann, CODE ist Ihr Code von Acme. Geben Sie ihn nicht weiter.";
    assert_eq!(text(&emulator), german);
    let brand = login(&json!({ "brand": "Acme Pay" }));
    gateway.post("/v1/verifications", &brand).await.expect(201);
    assert_eq!(text(&emulator), "Ann, CODE is your Acme Pay code. Do not share it.");
    let other = json!({ "to": "+919876543211", "locale": "fr" });
    gateway.post("/v1/verifications", &other).await.expect(201);
    assert_eq!(text(&emulator), "CODE est votre code Acme. Ne le partagez pas.");
    assert!(!sent.to_string().contains("Ann"));
}

#[tokio::test]
async fn texts_that_an_api_key_may_not_give() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, MESSAGES), environment()).await.unwrap();
    for (more, field, code, says) in [
        (json!({ "brand": "Other" }), "brand", "not_allowed", "one of these brands: Acme Pay"),
        (json!({ "message": "{code}!" }), "message", "not_allowed", "free_text = true"),
        (json!({ "message": "no code" }), "message", "wrong_format", "must hold {code}"),
        (
            json!({ "variables": { "name": "x", "card-4711": "y" } }),
            "variables",
            "unknown_field",
            "declared are name",
        ),
        (
            json!({ "variables": { "name": "a.example" } }),
            "variables.name",
            "wrong_format",
            "must not be or contain a link",
        ),
        (json!({ "variables": { "name": 7 } }), "variables", "wrong_type", "an object of strings"),
    ] {
        let problem = gateway.post("/v1/verifications", &login(&more)).await;
        let problem = problem.problem(400, "invalid_request");
        let mistake = &problem["errors"][0];
        assert_eq!((&mistake["field"], &mistake["code"]), (&json!(field), &json!(code)));
        assert!(mistake["message"].as_str().unwrap().contains(says), "{mistake}");
        assert!(
            !problem.to_string().contains("4711") && !problem.to_string().contains("a.example")
        );
    }
    let missing = json!({ "to": PHONE, "purpose": "login" });
    let problem = gateway.post("/v1/verifications", &missing).await;
    let problem = problem.problem(400, "invalid_request");
    assert!(problem["detail"].as_str().unwrap().contains("needs the variable `name`"));
    assert_eq!(count(&emulator), 0);
}

#[tokio::test]
async fn a_key_that_may_give_a_text() {
    let emulator = emulator().await;
    let free = MESSAGES.replace("brands", "free_text = true\nbrands");
    let gateway = start(&toml(&emulator, &free), environment()).await.unwrap();
    let body = login(&json!({ "message": "{name}: {code}" }));
    gateway.post("/v1/verifications", &body).await.expect(201);
    assert_eq!(text(&emulator), "{name}: CODE");
}

#[tokio::test]
async fn the_capabilities_list_locales_and_variables() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, MESSAGES), environment()).await.unwrap();
    let messages = &gateway.get("/v1/capabilities").await.expect(200)["messages"];
    assert_eq!(messages["default_locale"], "en");
    assert_eq!(messages["locales"]["login"], json!(["de", "en"]));
    assert_eq!(messages["locales"]["default"].as_array().unwrap().len(), 21);
    assert_eq!(messages["variables"], json!({ "name": { "max": 10 } }));
    let plain = start(&toml(&emulator, ""), environment()).await.unwrap();
    assert_eq!(plain.get("/v1/capabilities").await.expect(200)["messages"], Value::Null);
}
