//! What only some callers do.

use otpmux::config::HookKind;
use otpmux_emulator::{Emulator, MessageFilter};
use serde_json::{Value, json};

use super::callers::{CODE, Caller, SECRET, config, secrets};
use super::fresh;
use crate::world::{Answer, Running, emulator, environment, number, start, toml};

fn texts(emulator: &Emulator, to: &str) -> Vec<(String, String)> {
    let mut filter = MessageFilter::default();
    filter.to = Some(to.to_owned());
    let messages = emulator.messages(&filter).into_iter();
    messages.map(|message| (message.code, message.text)).collect()
}

/// A gateway with one hook, `h`, with these keys.
async fn with_hook(emulator: &Emulator, keys: &str) -> Running {
    let hook = format!("[[doors.hooks]]\nname = \"h\"\nsecret = \"env:HOOK\"\n{keys}\n");
    let environment = environment().with("HOOK", SECRET);
    start(&toml(emulator, &hook), environment).await.unwrap()
}

async fn post(gateway: &Running, body: &Value) -> Answer {
    let request = gateway.http.post(format!("{}/hooks/h", gateway.url)).bearer_auth(SECRET);
    Answer::of(request.json(body)).await
}

/// Older servers of Supabase name neither the request nor the number beside the user.
#[tokio::test]
async fn an_older_payload_of_supabase() {
    let emulator = emulator().await;
    let gateway = start(&config(&emulator, "", ""), secrets(&emulator)).await.unwrap();
    let caller = Caller::of(HookKind::SupabaseSms);
    for plus in ["", "+"] {
        let to = number();
        let phone = format!("{plus}{}", &to[1..]);
        let body = json!({ "user": { "id": "u", "phone": phone }, "sms": { "otp": CODE } });
        for _ in 0..2 {
            let answer = caller.call(&gateway, &body.to_string()).await;
            assert!(caller.accepts(&answer), "{answer:?}");
        }
        assert_eq!(texts(&emulator, &to).len(), 1);
    }
}

#[tokio::test]
async fn supabase_tells_its_user_what_it_can_and_repeats_what_may_help() {
    let emulator = emulator().await;
    let text = config(&emulator, "requests = [\"4/1s\"]", "");
    let gateway = start(&text, secrets(&emulator)).await.unwrap();
    let caller = Caller::of(HookKind::SupabaseSms);
    let bad = caller.call(&gateway, &caller.body("+911", CODE, &fresh())).await;
    assert_eq!((bad.status, &bad.body["error"]["http_code"]), (200, &json!(422)));
    assert_eq!(bad.header("content-type"), "application/json");
    // Its operator's mistakes are none of its user's business.
    let empty = caller.call(&gateway, "{}").await;
    assert_eq!((empty.status, empty.headers.get("retry-after")), (422, None));
    // Beyond the limit of the hook, another try at once may have room.
    let mut last = empty;
    for _ in 0..50 {
        last = caller.call(&gateway, "{}").await;
        if last.status == 429 {
            break;
        }
    }
    assert_eq!((last.status, last.header("retry-after")), (429, "1"));
}

#[tokio::test]
async fn a_changed_address_is_confirmed_by_both() {
    let emulator = emulator().await;
    let gateway = start(&config(&emulator, "", ""), secrets(&emulator)).await.unwrap();
    let caller = Caller::of(HookKind::SupabaseEmail);
    let name = fresh();
    let (old, new) = (format!("old-{name}@example.com"), format!("new-{name}@example.com"));
    let mut body: Value = serde_json::from_str(&caller.body(&old, CODE, &name)).unwrap();
    body["user"]["new_email"] = new.as_str().into();
    body["email_data"]["email_action_type"] = "email_change".into();
    body["email_data"]["token_new"] = "704218".into();
    for _ in 0..2 {
        let answer = caller.call(&gateway, &body.to_string()).await;
        assert!(caller.accepts(&answer), "{answer:?}");
    }
    let of = |to: &str| texts(&emulator, to).into_iter().map(|(code, _)| code).collect::<Vec<_>>();
    assert_eq!((of(&old), of(&new)), (vec![CODE.to_owned()], vec!["704218".to_owned()]));
    // A notification holds no code.
    body["email_data"] =
        json!({ "email_action_type": "password_changed_notification", "token": "" });
    body["metadata"]["uuid"] = fresh().into();
    let answer = caller.call(&gateway, &body.to_string()).await;
    caller.refused(&answer, 422, "invalid_request");
}

#[tokio::test]
async fn places_and_checks_of_other_software() {
    let emulator = emulator().await;
    let keys = "kind = \"hook\"\ncheck = \"header\"\nheader = \"X-Token\"\nrecipient = \
                \"/customer/phone\"\ncode = \"/otp~1value\"\nrequest = \"/n\"\n";
    let gateway = with_hook(&emulator, keys).await;
    let to = number();
    let body = json!({ "customer": { "phone": to }, "otp/value": CODE, "n": "1" });
    let url = format!("{}/hooks/h", gateway.url);
    let call = |token: &'static str| {
        Answer::of(gateway.http.post(&url).header("x-token", token).json(&body))
    };
    call("wrong").await.expect(401);
    let answer = call(SECRET).await.expect(200);
    assert_eq!(answer["confirmed"], true);
    assert_eq!(call(SECRET).await.expect(200)["id"], answer["id"], "a repeat");
    assert_eq!(texts(&emulator, &to).len(), 1);
}

#[tokio::test]
async fn a_form_with_a_user_and_a_password() {
    let emulator = emulator().await;
    let keys = "kind = \"keycloak\"\ncheck = \"basic\"\nuser = \"keycloak\"\n";
    let gateway = with_hook(&emulator, keys).await;
    let to = number();
    let call = |user: &'static str| {
        let form = format!("to=%2B{}&text=Ihr+Code%3A+482913&from=Acme&id=1", &to[1..]);
        let request = gateway.http.post(format!("{}/hooks/h", gateway.url));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        Answer::of(request.basic_auth(user, Some(SECRET)).body(form))
    };
    call("other").await.expect(401);
    call("keycloak").await.expect(200);
    assert_eq!(texts(&emulator, &to)[0].0, CODE);
}

#[tokio::test]
async fn a_code_in_a_text() {
    let emulator = emulator().await;
    let gateway = with_hook(&emulator, "kind = \"hook\"\n").await;
    let doubtful = json!({ "to": number(), "text": "Since 2026: 482913" });
    let told = post(&gateway, &doubtful).await.expect(422)["message"].to_string();
    assert!(told.contains("code_length") && !told.contains("482913"), "{told}");
    let gateway = with_hook(&emulator, "kind = \"hook\"\ncode_length = 6\n").await;
    let to = number();
    post(&gateway, &json!({ "to": to, "text": "Since 2026: 482913" })).await.expect(200);
    let (code, text) = texts(&emulator, &to).remove(0);
    assert_eq!(code, CODE);
    assert!(!text.contains("Since"), "the text is that of the configuration: {text}");
}

#[tokio::test]
async fn a_limit_of_requests() {
    let emulator = emulator().await;
    let gateway = with_hook(&emulator, "kind = \"hook\"\nrequests = [\"2/1h\"]\n").await;
    // A stranger uses nothing of it up.
    for _ in 0..5 {
        let url = format!("{}/hooks/h", gateway.url);
        Answer::of(gateway.http.post(url).json(&json!({}))).await.expect(401);
    }
    for _ in 0..2 {
        post(&gateway, &json!({})).await.expect(422);
    }
    let answer = post(&gateway, &json!({})).await;
    assert!(answer.header("retry-after").parse::<u64>().unwrap() > 1_000);
    assert_eq!(answer.expect(429)["error"], "too_many_requests");
}

#[tokio::test]
async fn requests_count_under_one_label() {
    let emulator = emulator().await;
    let gateway = with_hook(&emulator, "kind = \"hook\"\npath = \"/in/sms\"\n").await;
    let request = gateway.http.post(format!("{}/in/sms", gateway.url)).bearer_auth(SECRET);
    Answer::of(request.json(&json!({ "to": number(), "code": CODE }))).await.expect(200);
    // Not at its default path.
    post(&gateway, &json!({})).await.problem(404, "not_found");
}

#[test]
fn a_secret_that_is_missing_is_a_mistake_of_the_gateway() {
    let text = "[providers.first]\nkind = \"easyotp\"\napi_key = \"env:EASYOTP_KEY\"\n\
                [[server.api_keys]]\nname = \"web\"\nkey = \"env:WEB_KEY\"\n\
                [[doors.hooks]]\nname = \"h\"\nkind = \"hook\"\nsecret = \"env:HOOK\"\n";
    let config = crate::world::read(text, &environment()).unwrap();
    let check = |environment: &otpmux::config::Environment| {
        otpmux_gateway::Gateway::check(&config, environment).map_err(|errors| errors.to_string())
    };
    let errors = check(&environment()).unwrap_err();
    assert!(errors.contains("doors.hooks[0].secret: the environment variable `HOOK`"), "{errors}");
    assert_eq!(check(&environment().with("HOOK", SECRET)), Ok(()));
}
