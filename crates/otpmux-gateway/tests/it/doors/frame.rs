//! What holds for every door: where it is mounted, and when.

use reqwest::Method;
use serde_json::json;

use crate::world::{Answer, KEY, emulator, environment, read, start, toml};

#[tokio::test]
async fn a_door_that_is_not_configured_does_not_exist() {
    let emulator = emulator().await;
    let gateway = start(&toml(&emulator, ""), environment()).await.unwrap();
    gateway.get("/twilio/v2/Services").await.problem(404, "not_found");
}

#[tokio::test]
async fn a_door_answers_in_its_own_form_and_the_api_in_its() {
    let emulator = emulator().await;
    let text = toml(&emulator, "[doors.twilio]\npath = \"/a/door\"\n");
    let gateway = start(&text, environment()).await.unwrap();
    let ask = |method, path: &str, password: &str| {
        let url = format!("{}{path}", gateway.url);
        Answer::of(gateway.http.request(method, url).basic_auth("AC1", Some(password)))
    };
    let answer = ask(Method::GET, "/a/door/v2/nothing", KEY).await;
    assert_eq!(answer.header("content-type"), "application/json");
    let more = "https://otpmux.github.io/otpmux/doors/twilio-verify/#errors";
    let message = "The requested resource was not found";
    let expected = json!({ "code": 20404, "message": message, "more_info": more, "status": 404 });
    assert_eq!(answer.expect(404), expected);
    let answer = ask(Method::GET, "/a/door/v2/nothing", "a wrong key").await;
    assert!(answer.header("www-authenticate").starts_with("Basic "));
    assert_eq!(answer.expect(401)["code"], 20003);
    gateway.get("/a/doors").await.problem(404, "not_found");
    gateway.get("/twilio/v2").await.problem(404, "not_found");
    gateway.get("/v1/nothing").await.problem(404, "not_found");
}

#[test]
fn mistakes_of_the_configuration_have_their_places() {
    let text = r#"
        [providers.first]
        kind = "easyotp"
        api_key = "env:EASYOTP_KEY"
        [doors]
        telnyx = {}
        [doors.twilio]
        path = "/v1/twilio"
        account_sid = "AC12"
        purpose = "login"
        [doors.twilio.services]
        VA12 = "login"
        VA00000000000000000000000000000000 = "no purpose"
        [doors.vonage]
        path = "/v1/twilio/x"
        [[doors.vonage.applications]]
        id = "one"
        public_keys = ["key.pem"]
        caller = "web"
        "#;
    let errors = read(text, &environment()).unwrap_err();
    let paths: Vec<_> = errors.iter().map(otpmux::config::settings::ConfigError::path).collect();
    let service = "doors.twilio.services.VA00000000000000000000000000000000";
    let expected = [
        "doors.telnyx",
        "doors.twilio.path",
        "doors.twilio.account_sid",
        service,
        "doors.twilio.services.VA12",
        "doors.twilio.purpose",
        "doors.vonage.path",
        "doors.vonage.applications[0].caller",
    ];
    assert_eq!(paths, expected, "{errors}");
    let twice = "[doors.twilio]\npath = \"/x\"\n[doors.vonage]\npath = \"/x/y\"\n";
    let provider = "[providers.first]\nkind = \"easyotp\"\napi_key = \"env:EASYOTP_KEY\"\n";
    let errors = read(&format!("{provider}{twice}"), &environment()).unwrap_err();
    let message = "is at or below the path of another door, `doors.twilio.path`";
    assert!(errors.to_string().contains(message), "{errors}");
}
